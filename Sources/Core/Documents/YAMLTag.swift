/// Scalars with a tag, as go-yaml 2 resolves them: a tag of the language must fit the text, others are ignored.
enum YAMLTag {
    static let prefix = "tag:yaml.org,2002:"
    static let merge = prefix + "merge"

    enum Resolved {
        case kind(NodeKind)
        /// `!!binary`: the bytes the text stands for.
        case decoded([UInt8])
        /// What Kubernetes refuses, for people.
        case refused(String)
    }

    static func resolve(_ tag: String, _ text: Span<UInt8>) -> Resolved {
        guard tag.hasPrefix(prefix) else { return .kind(.string) }
        let name = tag.dropFirst(prefix.utf8.count)
        let kind = YAMLScalar.kind(of: text)
        var fits = true
        switch name {
        case "null": fits = kind == .null
        case "bool": fits = kind == .bool
        case "int":
            switch kind == .number ? YAMLScalar.number(text) : nil {
            case .int, .unsigned: fits = true
            default: fits = false
            }
        case "float":
            switch kind == .number ? YAMLScalar.number(text) : nil {
            case .int, .double: fits = true
            default: fits = false
            }
        case "timestamp":
            return isTimestamp(text) ? .kind(.string) : .refused("no point in time, as its tag !!timestamp says")
        case "binary":
            guard let bytes = Base64.decoded(text) else { return .refused("no base64, as its tag !!binary says") }
            return .decoded(Array(String(decoding: bytes, as: UTF8.self).utf8))
        default: return .kind(.string)
        }
        return fits ? .kind(kind) : .refused("not what its tag !!\(name) says")
    }

    /// `2001-1-2`, `2001-12-14 21:59:43.1`, `2001-12-14T21:59:43.1-05:00`.
    private static func isTimestamp(_ text: Span<UInt8>) -> Bool {
        var i = 0
        func number(_ least: Int, _ most: Int, _ range: ClosedRange<Int>) -> Bool {
            var value = 0
            let start = i
            while i < text.count, i - start < most, 0x30...0x39 ~= text[i] {
                value = value * 10 + Int(text[i] - 0x30)
                i += 1
            }
            return i - start >= least && range ~= value
        }
        func take(_ byte: UInt8) -> Bool {
            guard i < text.count, text[i] == byte else { return false }
            i += 1
            return true
        }
        let (dash, colon) = (UInt8(ascii: "-"), UInt8(ascii: ":"))
        guard number(4, 4, 0...9999), take(dash), number(1, 2, 1...12), take(dash), number(1, 2, 1...31) else {
            return false
        }
        guard i < text.count else { return true }
        let separator = text[i]
        guard separator == 0x20 || separator | 0x20 == UInt8(ascii: "t") else { return false }
        i += 1
        guard number(1, 2, 0...23), take(colon), number(1, 2, 0...59), take(colon), number(1, 2, 0...59) else {
            return false
        }
        if take(UInt8(ascii: ".")) { while i < text.count, 0x30...0x39 ~= text[i] { i += 1 } }
        if separator == 0x20 { return i == text.count }
        if take(UInt8(ascii: "Z")) { return i == text.count }
        guard take(dash) || take(UInt8(ascii: "+")) else { return false }
        return number(2, 2, 0...24) && take(colon) && number(2, 2, 0...60) && i == text.count
    }
}
