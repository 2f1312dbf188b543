import Encodings

/// The tokens of a condition.
///
/// The language has no separate lexer: what a word is depends on what the parser wants next (`in` is an operator after
/// a field and a value behind `=`), so each method tries one kind of token at the cursor and moves on when it is there.
struct ConditionLexer {
    let bytes: [UInt8]
    private(set) var position = ConditionPosition()
    /// The text of the last token.
    private(set) var token: [UInt8] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    struct Mark {
        fileprivate var position: ConditionPosition
        fileprivate var token: [UInt8]
    }

    var mark: Mark { Mark(position: position, token: token) }

    mutating func rewind(to mark: Mark) {
        position = mark.position
        token = mark.token
    }

    var isAtEnd: Bool { position.offset == bytes.count }
    var tokenText: String { String(decoding: token, as: UTF8.self) }

    /// The byte at the cursor; 0 at the end, as in a C string.
    var current: UInt8 { byte(at: position.offset) }

    private func byte(at offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private mutating func advance(over count: Int) {
        for i in position.offset..<position.offset + count {
            position.column += 1
            if bytes[i] == UInt8(ascii: "\r") || bytes[i] == UInt8(ascii: "\n") {
                position.column = 1
                position.line += 1
            }
        }
        position.offset += count
    }

    private mutating func take(_ count: Int) -> Bool {
        guard count > 0 else { return false }
        token = Array(bytes[position.offset..<position.offset + count])
        advance(over: count)
        return true
    }

    // MARK: Tokens

    /// Space, tab, backspace, carriage return, line feed; leaves the last token alone.
    @discardableResult
    mutating func blank() -> Bool {
        var end = position.offset
        while Self.isBlank(byte(at: end)) { end += 1 }
        guard end > position.offset else { return false }
        advance(over: end - position.offset)
        return true
    }

    mutating func literal(_ text: String) -> Bool {
        var offset = position.offset
        for byte in text.utf8 {
            guard self.byte(at: offset) == byte else { return false }
            offset += 1
        }
        return take(offset - position.offset)
    }

    mutating func identifier() -> Bool { take(identifierEnd(from: position.offset) - position.offset) }

    /// Two or more identifiers joined by dots.
    mutating func fieldName() -> Bool {
        var end = identifierEnd(from: position.offset)
        guard end > position.offset, byte(at: end) == UInt8(ascii: ".") else { return false }
        var parts = 0
        while byte(at: end) == UInt8(ascii: ".") {
            let next = identifierEnd(from: end + 1)
            guard next > end + 1 else { break }
            end = next
            parts += 1
        }
        return parts > 0 && take(end - position.offset)
    }

    mutating func hexNumber() -> Bool {
        guard current == UInt8(ascii: "0"), byte(at: position.offset + 1) | 0x20 == UInt8(ascii: "x") else {
            return false
        }
        var end = position.offset + 2
        while Self.isHexDigit(byte(at: end)) { end += 1 }
        guard end > position.offset + 2 else { return false }
        return take(end - position.offset)
    }

    /// Digits with a sign, a fraction and an exponent; an exponent needs its sign.
    mutating func number() -> Bool {
        var end = position.offset
        if byte(at: end) == UInt8(ascii: "+") || byte(at: end) == UInt8(ascii: "-") { end += 1 }
        let digits = end
        while Self.isDigit(byte(at: end)) { end += 1 }
        guard end > digits else { return false }
        if byte(at: end) == UInt8(ascii: ".") { end += 1 }
        while Self.isDigit(byte(at: end)) { end += 1 }
        if byte(at: end) | 0x20 == UInt8(ascii: "e"),
            byte(at: end + 1) == UInt8(ascii: "+") || byte(at: end + 1) == UInt8(ascii: "-"),
            Self.isDigit(byte(at: end + 2))
        {
            end += 3
            while Self.isDigit(byte(at: end)) { end += 1 }
        }
        return take(end - position.offset)
    }

    /// A value without quotes.
    mutating func bareString() -> Bool {
        take(bareEnd(Self.belongsToValue) - position.offset)
    }

    /// A field argument without quotes.
    mutating func bareArgument() -> Bool {
        take(bareEnd(Self.belongsToArgument) - position.offset)
    }

    /// A string in single or double quotes; the token is what it stands for.
    mutating func quotedString() throws(ConditionError) -> Bool {
        let delimiter = current
        guard delimiter == UInt8(ascii: "'") || delimiter == UInt8(ascii: "\"") else { return false }
        // A backslash before the closing quote keeps it open, whatever stands before the backslash: that is how
        // Falco reads, and `"\\"` is therefore no whole string.
        var previous = UInt8(ascii: "\\")
        var end = position.offset
        while byte(at: end) != 0 {
            if byte(at: end) == delimiter, previous != UInt8(ascii: "\\") {
                let body = Array(bytes[position.offset + 1..<end])
                advance(over: end + 1 - position.offset)
                token = try unescaped(body, delimiter)
                return true
            }
            previous = byte(at: end)
            end += 1
        }
        return false
    }

    /// One of several operators; those made of letters need a blank behind them, except the list operators.
    mutating func oneOf<T: RawRepresentable<String>>(_ words: [T], blankAfterWords: Bool) -> T? {
        for word in words {
            let mark = mark
            guard literal(word.rawValue) else { continue }
            let isWord = word.rawValue.utf8.first.map(Self.isLetter) ?? false
            if !blankAfterWords || !isWord || blank() { return word }
            rewind(to: mark)
        }
        return nil
    }

    /// Whether `and`, `or` or `not` stands here as a word of its own.
    var keywordFollows: Bool {
        ["and", "or", "not"].contains { word in
            var offset = position.offset
            for letter in word.utf8 {
                guard byte(at: offset) == letter else { return false }
                offset += 1
            }
            let next = byte(at: offset)
            return !(Self.isLetter(next) || Self.isDigit(next))
        }
    }

    /// `not` and the blanks it needs; ends at the last of any kind of space, as the pattern does.
    mutating func notWithBlank() -> Bool {
        guard byte(at: position.offset) == UInt8(ascii: "n"), byte(at: position.offset + 1) == UInt8(ascii: "o"),
            byte(at: position.offset + 2) == UInt8(ascii: "t")
        else { return false }
        var end = position.offset + 3
        while end < bytes.count, Self.isSpace(bytes[end]) { end += 1 }
        guard end > position.offset + 3 else { return false }
        return take(end - position.offset)
    }

    // MARK: Characters

    private func identifierEnd(from start: Int) -> Int {
        guard Self.isLetter(byte(at: start)) else { return start }
        var end = start
        while Self.isLetter(byte(at: end)) || Self.isDigit(byte(at: end)) || byte(at: end) == UInt8(ascii: "_") {
            end += 1
        }
        return end
    }

    /// The end of a run of characters; a byte that is no UTF-8 ends it, for it is no character of any class.
    private func bareEnd(_ belongs: (UInt8) -> Bool) -> Int {
        var end = position.offset
        while end < bytes.count {
            let byte = bytes[end]
            if byte < 0x80 {
                guard belongs(byte) else { break }
                end += 1
            } else {
                let length = UTF8Scan.scalarLength(bytes, at: end)
                guard length > 0 else { break }
                end += length
            }
        }
        return end
    }

    static func belongsToValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "="),
            UInt8(ascii: ","):
            false
        default: !isSpace(byte)
        }
    }

    static func belongsToArgument(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: "'"): false
        default: !isSpace(byte)
        }
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x08 || byte == 0x0D || byte == 0x0A
    }
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
    static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
    }

    /// Resolves the escapes of a quoted string.
    private func unescaped(_ body: [UInt8], _ delimiter: UInt8) throws(ConditionError) -> [UInt8] {
        guard body.contains(UInt8(ascii: "\\")) else { return body }
        var out: [UInt8] = []
        var i = 0
        while i < body.count {
            guard body[i] == UInt8(ascii: "\\") else {
                out.append(body[i])
                i += 1
                continue
            }
            i += 1
            guard i < body.count else { break }
            let escape = body[i]
            i += 1
            switch escape {
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            // Old rule files write "\ " for a backslash.
            case UInt8(ascii: " "), UInt8(ascii: "\\"): out.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "/"): out.append(UInt8(ascii: "/"))
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard escape == delimiter else {
                    throw ConditionError("invalid escape of a quote that is not the string's own", at: position)
                }
                out.append(escape)
            case UInt8(ascii: "x"):
                guard i + 2 <= body.count else {
                    throw ConditionError("truncated hex char escape sequence", at: position)
                }
                guard let high = Hexadecimal.value(body[i]), let low = Hexadecimal.value(body[i + 1]) else {
                    throw ConditionError("invalid hex char escape sequence", at: position)
                }
                out.append(high << 4 | low)
                i += 2
            default:
                throw ConditionError(
                    "unsupported string escape sequence: \\\(Character(UnicodeScalar(escape)))", at: position)
            }
        }
        return out
    }
}
