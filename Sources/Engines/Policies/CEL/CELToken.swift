/// What the lexer makes of the text of an expression.
enum CELToken: Equatable {
    case identifier(String)
    /// A name in backticks, for fields whose name is no identifier.
    case quoted(String)
    case int(UInt64, isTooLarge: Bool)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// Operators and punctuation, `in`, `true`, `false` and `null`.
    case symbol(String)
    case end
}

/// What is wrong with the text of an expression, and where.
package struct CELIssue: Error, Sendable, Equatable {
    /// Offset in the text, in bytes.
    package var offset: Int
    package var message: String
}

/// Cuts an expression into tokens.
///
/// Standard: CEL language definition, "Lexis".
struct CELLexer {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// Words that may not be names of variables or functions.
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    private func byte(_ ahead: Int = 0) -> UInt8? {
        offset + ahead < bytes.count ? bytes[offset + ahead] : nil
    }

    /// Skips white space and comments.
    private mutating func skipBlank() {
        while let next = byte() {
            if next == 0x20 || (0x09...0x0d).contains(next) {
                offset += 1
            } else if next == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "/") {
                while let next = byte(), next != 0x0a { offset += 1 }
            } else {
                return
            }
        }
    }

    mutating func next() throws(CELIssue) -> (token: CELToken, start: Int) {
        skipBlank()
        let start = offset
        guard let first = byte() else { return (.end, start) }
        if Self.isDigit(first) || (first == UInt8(ascii: ".") && byte(1).map(Self.isDigit) ?? false) {
            return (try number(), start)
        }
        if Self.isLetter(first) {
            if let literal = try prefixedLiteral() { return (literal, start) }
            while let next = byte(), Self.isLetter(next) || Self.isDigit(next) { offset += 1 }
            let word = String(decoding: bytes[start..<offset], as: UTF8.self)
            switch word {
            case "in", "true", "false", "null": return (.symbol(word), start)
            default: return (.identifier(word), start)
            }
        }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            return (.string(try Self.text(of: quoted(isRaw: false, isBytes: false), at: start)), start)
        }
        if first == UInt8(ascii: "`") {
            offset += 1
            while let next = byte(), next != UInt8(ascii: "`"), next != 0x0a { offset += 1 }
            guard byte() == UInt8(ascii: "`") else { throw CELIssue(offset: start, message: "unterminated name") }
            offset += 1
            return (.quoted(String(decoding: bytes[start + 1..<offset - 1], as: UTF8.self)), start)
        }
        for symbol in ["==", "!=", "<=", ">=", "&&", "||"] where bytes[offset...].starts(with: symbol.utf8) {
            offset += 2
            return (.symbol(symbol), start)
        }
        if "<>!-+*/%?:.,()[]{}".utf8.contains(first) {
            offset += 1
            return (.symbol(String(decoding: [first], as: UTF8.self)), start)
        }
        throw CELIssue(offset: start, message: "token recognition error")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    // MARK: Numbers

    private mutating func number() throws(CELIssue) -> CELToken {
        let start = offset
        if byte() == UInt8(ascii: "0"), byte(1) == UInt8(ascii: "x") {
            offset += 2
            var value: UInt64 = 0
            var isTooLarge = false
            let digits = offset
            while let next = byte(), let digit = Character(Unicode.Scalar(next)).hexDigitValue {
                let (product, over) = value.multipliedReportingOverflow(by: 16)
                value = product | UInt64(digit)
                isTooLarge = isTooLarge || over
                offset += 1
            }
            guard offset > digits else { throw CELIssue(offset: start, message: "invalid number") }
            return try whole(value, isTooLarge: isTooLarge, start: start)
        }
        while let next = byte(), Self.isDigit(next) { offset += 1 }
        var isDouble = false
        if byte() == UInt8(ascii: "."), let next = byte(1), Self.isDigit(next) {
            isDouble = true
            offset += 1
            while let next = byte(), Self.isDigit(next) { offset += 1 }
        }
        if let mark = byte(), mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
            if let digit = byte(1 + sign), Self.isDigit(digit) {
                isDouble = true
                offset += 1 + sign
                while let next = byte(), Self.isDigit(next) { offset += 1 }
            }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isDouble {
            guard let value = Double(text) else { throw CELIssue(offset: start, message: "invalid double literal") }
            return .double(value)
        }
        return try whole(UInt64(text) ?? 0, isTooLarge: UInt64(text) == nil, start: start)
    }

    private mutating func whole(_ value: UInt64, isTooLarge: Bool, start: Int) throws(CELIssue) -> CELToken {
        if byte() == UInt8(ascii: "u") || byte() == UInt8(ascii: "U") {
            offset += 1
            guard !isTooLarge else { throw CELIssue(offset: start, message: "invalid uint literal") }
            return .uint(value)
        }
        return .int(value, isTooLarge: isTooLarge)
    }

    // MARK: Text

    /// `r"…"`, `b"…"`, `rb"…"` in any case and order.
    private mutating func prefixedLiteral() throws(CELIssue) -> CELToken? {
        var isRaw = false
        var isBytes = false
        var ahead = 0
        while ahead < 2, let next = byte(ahead) {
            switch next {
            case UInt8(ascii: "r"), UInt8(ascii: "R"):
                if isRaw { return nil }
                isRaw = true
            case UInt8(ascii: "b"), UInt8(ascii: "B"):
                if isBytes { return nil }
                isBytes = true
            case UInt8(ascii: "\""), UInt8(ascii: "'"): ahead = -1 - ahead
            default: return nil
            }
            if ahead < 0 { break }
            ahead += 1
        }
        let length = ahead < 0 ? -1 - ahead : ahead
        guard length > 0, byte(length) == UInt8(ascii: "\"") || byte(length) == UInt8(ascii: "'") else { return nil }
        let start = offset
        offset += length
        let content = try quoted(isRaw: isRaw, isBytes: isBytes)
        return isBytes ? .bytes(content) : .string(try Self.text(of: content, at: start))
    }

    private static func text(of bytes: [UInt8], at start: Int) throws(CELIssue) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CELIssue(offset: start, message: "invalid UTF-8 in a string")
        }
        return text
    }

    /// The content between quotes, escapes resolved; the offset stands on the first quote.
    private mutating func quoted(isRaw: Bool, isBytes: Bool) throws(CELIssue) -> [UInt8] {
        let start = offset
        let quote = bytes[offset]
        let isTriple = byte(1) == quote && byte(2) == quote
        offset += isTriple ? 3 : 1
        var content: [UInt8] = []
        while let next = byte() {
            if next == quote, !isTriple || (byte(1) == quote && byte(2) == quote) {
                offset += isTriple ? 3 : 1
                return content
            }
            if !isTriple, next == 0x0a || next == 0x0d { break }
            if next == 0x0d {
                // Line ends read as one character, as the reference does.
                content.append(0x0a)
                offset += byte(1) == 0x0a ? 2 : 1
            } else if next == UInt8(ascii: "\\") {
                if isRaw {
                    content.append(next)
                    offset += 1
                    if let escaped = byte(), escaped == quote || escaped == UInt8(ascii: "\\") {
                        content.append(escaped)
                        offset += 1
                    }
                } else {
                    try escape(into: &content, isBytes: isBytes)
                }
            } else {
                content.append(next)
                offset += 1
            }
        }
        throw CELIssue(offset: start, message: "unterminated string")
    }

    private mutating func escape(into content: inout [UInt8], isBytes: Bool) throws(CELIssue) {
        let start = offset
        guard let kind = byte(1) else { throw CELIssue(offset: start, message: "unterminated escape") }
        offset += 2
        func value(_ digits: Int, radix: Int) throws(CELIssue) -> UInt32 {
            guard offset + digits <= bytes.count,
                let value = UInt32(String(decoding: bytes[offset..<offset + digits], as: UTF8.self), radix: radix),
                bytes[offset] != UInt8(ascii: "+")
            else { throw CELIssue(offset: start, message: "invalid escape") }
            return value
        }
        switch kind {
        case UInt8(ascii: "a"): content.append(0x07)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0c)
        case UInt8(ascii: "n"): content.append(0x0a)
        case UInt8(ascii: "r"): content.append(0x0d)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "v"): content.append(0x0b)
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "?"):
            content.append(kind)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            try append(value(2, radix: 16), 2, into: &content, isBytes: isBytes, at: start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            offset -= 1
            try append(value(3, radix: 8), 3, into: &content, isBytes: isBytes, at: start)
        case UInt8(ascii: "u") where !isBytes:
            try append(value(4, radix: 16), 4, into: &content, isBytes: false, at: start)
        case UInt8(ascii: "U") where !isBytes:
            try append(value(8, radix: 16), 8, into: &content, isBytes: false, at: start)
        default: throw CELIssue(offset: start, message: "invalid escape")
        }
    }

    private mutating func append(
        _ value: UInt32, _ digits: Int, into content: inout [UInt8], isBytes: Bool, at start: Int
    ) throws(CELIssue) {
        offset += digits
        if isBytes {
            content.append(UInt8(truncatingIfNeeded: value))
        } else if let scalar = Unicode.Scalar(value) {
            content += Array(String(Character(scalar)).utf8)
        } else {
            throw CELIssue(offset: start, message: "not a character")
        }
    }
}
