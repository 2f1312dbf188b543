/// What a plain scalar means to Kubernetes, which reads YAML 1.1 by the rules of go-yaml 2 (the parser inside
/// `sigs.k8s.io/yaml`).
///
/// The tables of `ScalarTests` were compared with that parser.
package enum YAMLScalar {
    /// The kind of an untagged plain scalar.
    static func kind(of text: Span<UInt8>) -> NodeKind {
        guard text.count > 0 else { return .null }
        switch text[0] {
        case UInt8(ascii: "~"): return text.count == 1 ? .null : .string
        case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "t"),
            UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"):
            return text.count <= 5 ? word(text) : .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return isNumber(text) ? .number : .string
        default: return .string
        }
    }

    /// `yes`, `Yes` and `YES` are words, `yES` is none.
    private static func word(_ text: Span<UInt8>) -> NodeKind {
        let capital: UInt8 = 0x20
        let last = text.count - 1
        for i in text.indices where text[i] & capital != text[last] & capital {
            guard i == 0, text[0] & capital == 0 else { return .string }
        }
        func letter(_ i: Int) -> UInt8 { text[i] | capital }
        func spells(_ word: StaticString) -> Bool {
            let wanted = "\(word)".utf8.span
            for i in text.indices where letter(i) != wanted[i] { return false }
            return true
        }
        switch (text.count, letter(0)) {
        case (1, UInt8(ascii: "y")), (1, UInt8(ascii: "n")): return .bool
        case (2, UInt8(ascii: "n")): return letter(1) == UInt8(ascii: "o") ? .bool : .string
        case (2, UInt8(ascii: "o")): return letter(1) == UInt8(ascii: "n") ? .bool : .string
        case (3, UInt8(ascii: "y")): return spells("yes") ? .bool : .string
        case (3, UInt8(ascii: "o")): return spells("off") ? .bool : .string
        case (4, UInt8(ascii: "t")): return letter(1) == UInt8(ascii: "r") && spells("true") ? .bool : .string
        case (4, UInt8(ascii: "n")): return letter(1) == UInt8(ascii: "u") && spells("null") ? .null : .string
        case (5, UInt8(ascii: "f")): return spells("false") ? .bool : .string
        default: return .string
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

    // MARK: Numbers

    enum Number: Equatable {
        case int(Int)
        /// Above the signed range.
        case unsigned(UInt64)
        case double(Double)
    }

    /// Whether go-yaml 2 reads this as an integer or a float.
    static func isNumber(_ text: Span<UInt8>) -> Bool {
        // Nearly every number: a few decimal digits.
        if text.count < 18, text[0] != UInt8(ascii: "0") || text.count == 1 {
            var i = 0
            while i < text.count, isDigit(text[i]) { i += 1 }
            if i == text.count { return true }
        }
        return number(text) != nil
    }

    /// The value of a number: decimal, `0x`, `0o`, `0b`, a leading 0 for octal, underscores anywhere, floats.
    static func number(_ text: Span<UInt8>) -> Number? {
        guard text.count > 0 else { return nil }
        if text.count <= 5, let special = notFinite(text) { return .double(special) }
        guard hasUnderscore(text) else { return digits(text) }
        // A text with a leading dot goes to Go's float parser as it stands, which has underscores between digits only.
        if text[0] == UInt8(ascii: "."), !separatesDigits(text) { return nil }
        var plain: [UInt8] = []
        for i in text.indices where text[i] != UInt8(ascii: "_") { plain.append(text[i]) }
        return plain.isEmpty ? nil : digits(plain.span)
    }

    private static func digits(_ text: Span<UInt8>) -> Number? {
        if let integer = signedInteger(text) { return integer }
        return float(text).map(Number.double)
    }

    private static func signedInteger(_ text: Span<UInt8>) -> Number? {
        let sign = text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+")
        let negative = text[0] == UInt8(ascii: "-")
        var start = sign ? 1 : 0
        var radix: UInt64 = 10
        guard start < text.count, isDigit(text[start]) else { return nil }
        if text[start] == UInt8(ascii: "0"), start + 1 < text.count {
            switch text[start + 1] {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, start) = (16, start + 2)
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, start) = (8, start + 2)
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, start) = (2, start + 2)
            default: (radix, start) = (8, start + 1)
            }
        }
        if radix == 2, !sign, start < text.count, text[1] == UInt8(ascii: "b") {
            // go-yaml tries the digits of "0b" alone too, and those may have a sign of their own.
            let inner = text[start] == UInt8(ascii: "-") || text[start] == UInt8(ascii: "+")
            if inner { return bounded(text, start + 1, radix, text[start] == UInt8(ascii: "-"), signed: true) }
        }
        return bounded(text, start, radix, negative, signed: sign)
    }

    private static func bounded(
        _ text: Span<UInt8>, _ start: Int, _ radix: UInt64, _ negative: Bool, signed: Bool
    ) -> Number? {
        guard start < text.count else { return nil }
        var value: UInt64 = 0
        for i in start..<text.count {
            guard let digit = JSONText.hexDigit(text[i]), digit < radix else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        if negative {
            guard value <= UInt64(Int.max) + 1 else { return nil }
            return .int(value == UInt64(Int.max) + 1 ? Int.min : -Int(value))
        }
        if value <= UInt64(Int.max) { return .int(Int(value)) }
        // Go's unsigned parser takes no sign.
        return signed ? nil : .unsigned(value)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the float of go-yaml 2; what does not fit in a double is
    /// none.
    private static func float(_ text: Span<UInt8>) -> Double? {
        var i = 0
        func digits(_ i: inout Int) -> Int {
            let start = i
            while i < text.count, isDigit(text[i]) { i += 1 }
            return i - start
        }
        if i < text.count, text[i] == UInt8(ascii: "-") || text[i] == UInt8(ascii: "+") { i += 1 }
        let whole = digits(&i)
        if i < text.count, text[i] == UInt8(ascii: ".") {
            i += 1
            guard whole + digits(&i) > 0 else { return nil }
        } else if whole == 0 {
            return nil
        }
        if i < text.count, text[i] == UInt8(ascii: "e") || text[i] == UInt8(ascii: "E") {
            i += 1
            if i < text.count, text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-") { i += 1 }
            guard digits(&i) > 0 else { return nil }
        }
        guard i == text.count, let value = Double(String(copying: text)), value.isFinite else { return nil }
        return value
    }

    /// `.inf`, `-.Inf`, `.NaN` and the like, which JSON has no words for.
    static func notFinite(_ text: Span<UInt8>) -> Double? {
        switch String(copying: text) {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .infinity
        case "-.inf", "-.Inf", "-.INF": -.infinity
        case ".nan", ".NaN", ".NAN": .nan
        default: nil
        }
    }

    /// The value of a whole number that fits; `1e3` and `8080.0` are whole, as they are in the JSON Kubernetes makes.
    static func integer(_ text: Span<UInt8>) -> Int? {
        switch number(text) {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    static func double(_ text: Span<UInt8>) -> Double? {
        switch number(text) {
        case .int(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        // JSON allows numbers beyond the range.
        case nil: Double(String(copying: text))
        }
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    private static func hasUnderscore(_ text: Span<UInt8>) -> Bool {
        for i in text.indices where text[i] == UInt8(ascii: "_") { return true }
        return false
    }

    private static func separatesDigits(_ text: Span<UInt8>) -> Bool {
        for i in text.indices where text[i] == UInt8(ascii: "_") {
            guard i > 0, i + 1 < text.count, isDigit(text[i - 1]), isDigit(text[i + 1]) else { return false }
        }
        return true
    }

    // MARK: Writing

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
        if looksLikeTimestamp(text.utf8.span) { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F { return false }
            if byte == UInt8(ascii: "#"), previous == 0x20 { return false }
            if previous == UInt8(ascii: ":"), byte == 0x20 { return false }
            if ",[]{}".utf8.contains(byte) { return false }
            previous = byte
        }
        // Other line breaks of YAML 1.1, the byte order mark and what YAML does not allow.
        return text.unicodeScalars.allSatisfy {
            !(0x80...0x9F ~= $0.value || 0x2028...0x2029 ~= $0.value || $0.value == 0xFEFF
                || $0.value & 0xFFFE == 0xFFFE)
        }
    }

    static func looksLikeTimestamp(_ text: Span<UInt8>) -> Bool {
        guard text.count > 5, text[4] == UInt8(ascii: "-") else { return false }
        for i in 0..<4 where !isDigit(text[i]) { return false }
        return true
    }
}
