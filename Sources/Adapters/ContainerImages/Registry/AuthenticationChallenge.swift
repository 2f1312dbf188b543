/// What a registry asks for, out of `WWW-Authenticate`.
///
/// Source: RFC 9110, 11.6.1; the distribution project's token specification for `realm`, `service` and `scope`.
struct AuthenticationChallenge: Hashable {
    /// In lower case.
    var scheme: String
    /// Names in lower case.
    var parameters: [String: String]

    /// One header may hold several challenges.
    static func parse(_ header: String) -> [AuthenticationChallenge] {
        var out: [AuthenticationChallenge] = []
        var cursor = Cursor(Array(header.utf8))
        while true {
            cursor.skipSeparators()
            let word = cursor.token()
            guard !word.isEmpty else { return out }
            if cursor.peek == UInt8(ascii: "="), !out.isEmpty {
                cursor.advance()
                out[out.count - 1].parameters[word.lowercased()] = cursor.value()
            } else {
                out.append(AuthenticationChallenge(scheme: word.lowercased(), parameters: [:]))
            }
        }
    }

    private struct Cursor {
        let bytes: [UInt8]
        var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var peek: UInt8? { position < bytes.count ? bytes[position] : nil }
        mutating func advance() { position += 1 }

        mutating func skipSeparators() {
            while let byte = peek, byte == 0x20 || byte == 0x09 || byte == UInt8(ascii: ",") { position += 1 }
        }

        mutating func token() -> String {
            let start = position
            while let byte = peek, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "="),
                byte != UInt8(ascii: "\"")
            {
                position += 1
            }
            // A stray sign must not keep the reader where it is.
            if position == start, position < bytes.count, bytes[position] != UInt8(ascii: "=") {
                position = bytes.count
            }
            return String(decoding: bytes[start..<min(position, bytes.count)], as: UTF8.self)
        }

        mutating func value() -> String {
            guard peek == UInt8(ascii: "\"") else { return token() }
            position += 1
            var out: [UInt8] = []
            while let byte = peek {
                position += 1
                if byte == UInt8(ascii: "\"") { break }
                if byte == UInt8(ascii: "\\"), let next = peek {
                    out.append(next)
                    position += 1
                } else {
                    out.append(byte)
                }
            }
            return String(decoding: out, as: UTF8.self)
        }
    }
}
