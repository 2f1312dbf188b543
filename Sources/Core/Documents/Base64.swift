/// Base64 with padding; line ends are ignored.
///
/// Standard: RFC 4648, section 4; section 5 where ``Tolerance/url`` is given.
package enum Base64 {
    /// What a reader overlooks besides.
    package struct Tolerance: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Blanks and tabs between the characters.
        package static let blanks = Tolerance(rawValue: 1)
        /// `-` and `_` for `+` and `/`.
        package static let url = Tolerance(rawValue: 2)
        /// Padding that is missing, or more than the group wants.
        package static let padding = Tolerance(rawValue: 4)
        package static let all: Tolerance = [.blanks, .url, .padding]
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each byte; 64 for a line end, 65 for a blank, 66 for `-` and 67 for `_`, 255 for the rest.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        for byte in "\r\n".utf8 { table[Int(byte)] = 64 }
        for byte in " \t".utf8 { table[Int(byte)] = 65 }
        table[Int(UInt8(ascii: "-"))] = 66
        table[Int(UInt8(ascii: "_"))] = 67
        return table
    }()

    /// The bytes; nil where the text is no base64.
    package static func decoded(_ text: Span<UInt8>, _ tolerance: Tolerance = []) -> [UInt8]? {
        decoded(text, 0..<text.count, tolerance)
    }

    /// The bytes; nil where the text is no base64.
    package static func decoded(_ text: String, _ tolerance: Tolerance = []) -> [UInt8]? {
        let stored = Array(text.utf8)
        return decoded(stored.span, 0..<stored.count, tolerance)
    }

    /// The bytes that a part of a text stands for; nil where it is no base64.
    package static func decoded(
        _ text: Span<UInt8>, _ range: Range<Int>, _ tolerance: Tolerance = []
    ) -> [UInt8]? {
        let table = values.span
        var out: [UInt8] = []
        out.reserveCapacity(range.count / 4 * 3 + 3)
        var bits: UInt32 = 0
        var held = 0
        var count = 0
        var padding = 0
        for i in range {
            let byte = text[i]
            var value = table[Int(byte)]
            if value >= 64 {
                switch value {
                case 64: continue
                case 65 where tolerance.contains(.blanks): continue
                case 66 where tolerance.contains(.url): value = 62
                case 67 where tolerance.contains(.url): value = 63
                default:
                    guard byte == UInt8(ascii: "="), padding < 2 else { return nil }
                    padding += 1
                    continue
                }
            }
            guard padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            held += 6
            count += 1
            if held >= 8 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        // One character alone in its group holds no byte.
        guard held < 6 else { return nil }
        guard tolerance.contains(.padding) || (count + padding) % 4 == 0 && (padding == 0 || count % 4 != 0) else {
            return nil
        }
        return out
    }

    /// With padding.
    package static func encoded(_ bytes: some Collection<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var word: UInt32 = 0
        var held = 0
        for byte in bytes {
            word = word << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                for shift in [UInt32(18), 12, 6, 0] { out.append(alphabet[Int(word >> shift & 63)]) }
                (word, held) = (0, 0)
            }
        }
        if held > 0 {
            word <<= UInt32(8 * (3 - held))
            for place in 0..<4 {
                out.append(place <= held ? alphabet[Int(word >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Whether a byte can stand in base64 of either alphabet, padding aside.
    @inline(__always)
    package static func isDigit(_ byte: UInt8) -> Bool { values[Int(byte)] < 64 || values[Int(byte)] & 0xFE == 66 }
}
