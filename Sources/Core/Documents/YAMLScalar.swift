/// What a plain scalar means to Kubernetes, which reads YAML 1.1 by the rules of go-yaml 2 (the parser inside
/// `sigs.k8s.io/yaml`).
package enum YAMLScalar {
    /// The kind of an untagged plain scalar.
    static func kind(of text: Span<UInt8>) -> NodeKind {
        guard text.count > 0 else { return .null }
        switch text[0] {
        case UInt8(ascii: "~"): return text.count == 1 ? .null : .string
        case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "t"),
            UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"):
            guard text.count <= 5 else { return .string }
            return word(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return isNumber(text) ? .number : .string
        default: return .string
        }
    }

    private static func word(_ text: Span<UInt8>) -> NodeKind {
        switch String(copying: text) {
        case "null", "Null", "NULL": .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
            "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
            .bool
        default: .string
        }
    }

    /// Whether a scalar of kind `bool` is true.
    static func truth(_ text: Span<UInt8>) -> Bool {
        guard text.count > 0 else { return false }
        switch text[0] | 0x20 {
        case UInt8(ascii: "t"), UInt8(ascii: "y"): return true
        case UInt8(ascii: "o"): return text.count == 2
        default: return false
        }
    }

    /// Whether go-yaml 2 reads this as an integer or a float.
    static func isNumber(_ text: Span<UInt8>) -> Bool {
        if integer(text) != nil || isWideInteger(text) { return true }
        if isFloat(text) { return true }
        switch String(copying: text) {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            return true
        default: return false
        }
    }

    /// The value of an integer: decimal, `0x`, `0o`, `0b`, a leading 0 for octal, underscores between digits.
    static func integer(_ text: Span<UInt8>) -> Int? {
        var i = 0
        var negative = false
        guard text.count > 0, text.count < 70 else { return nil }
        if text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
            negative = text[0] == UInt8(ascii: "-")
            i = 1
        }
        guard i < text.count, 0x30...0x39 ~= text[i] else { return nil }
        var radix = 10
        if text[i] == UInt8(ascii: "0"), i + 1 < text.count {
            switch text[i + 1] {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, i) = (16, i + 2)
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, i) = (8, i + 2)
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, i) = (2, i + 2)
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): (radix, i) = (8, i + 1)
            default: break
            }
            guard i < text.count else { return nil }
        }
        var value = 0
        var digits = 0
        while i < text.count {
            if text[i] == UInt8(ascii: "_") {
                i += 1
                continue
            }
            guard let digit = JSONText.hexDigit(text[i]), digit < radix else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { return nil }
            value = sum
            digits += 1
            i += 1
        }
        return digits > 0 ? (negative ? -value : value) : nil
    }

    /// Digits alone, too many for 64 bits.
    private static func isWideInteger(_ text: Span<UInt8>) -> Bool {
        guard text.count > 18 else { return false }
        for i in text.indices where !(0x30...0x39 ~= text[i]) && !(i == 0 && text[i] == UInt8(ascii: "-")) {
            return false
        }
        return true
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the float of go-yaml 2, underscores taken out first.
    private static func isFloat(_ text: Span<UInt8>) -> Bool {
        var i = 0
        func digits(_ i: inout Int) -> Int {
            let start = i
            while i < text.count, 0x30...0x39 ~= text[i] || text[i] == UInt8(ascii: "_") { i += 1 }
            return i - start
        }
        if i < text.count, text[i] == UInt8(ascii: "-") || text[i] == UInt8(ascii: "+") { i += 1 }
        let whole = digits(&i)
        if i < text.count, text[i] == UInt8(ascii: ".") {
            i += 1
            let fraction = digits(&i)
            guard whole + fraction > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if i < text.count, text[i] == UInt8(ascii: "e") || text[i] == UInt8(ascii: "E") {
            i += 1
            if i < text.count, text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-") { i += 1 }
            guard digits(&i) > 0 else { return false }
        }
        return i == text.count
    }

    static func double(_ text: Span<UInt8>) -> Double? {
        if let whole = integer(text) { return Double(whole) }
        let plain = String(copying: text).filter { $0 != "_" }
        switch plain.lowercased() {
        case ".inf", "+.inf": return .infinity
        case "-.inf": return -.infinity
        case ".nan": return .nan
        default: return Double(plain)
        }
    }

    /// Whether `text`, written plain in a block mapping, reads back as the same string.
    package static func isSafePlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        guard kind(of: text.utf8.span) == .string, last != 0x20, last != UInt8(ascii: ":") else { return false }
        if " \t-?:,[]{}#&*!|>'\"%@`".utf8.contains(first) {
            // A dash before a letter is only a dash.
            guard first == UInt8(ascii: "-"), text.utf8.count > 1, text.utf8.dropFirst().first != 0x20 else {
                return false
            }
        }
        if text == "<<" || text == "=" || text.hasPrefix("---") || text.hasPrefix("...") { return false }
        if looksLikeTimestamp(text) { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F { return false }
            if byte == UInt8(ascii: "#"), previous == 0x20 { return false }
            if previous == UInt8(ascii: ":"), byte == 0x20 { return false }
            previous = byte
        }
        return text.utf8.allSatisfy { !",[]{}".utf8.contains($0) }
    }

    private static func looksLikeTimestamp(_ text: String) -> Bool {
        let bytes = Array(text.utf8.prefix(5))
        return bytes.count == 5 && bytes[4] == UInt8(ascii: "-") && bytes[..<4].allSatisfy { 0x30...0x39 ~= $0 }
    }
}
