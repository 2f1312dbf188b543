/// Base64 and base64url (RFC 4648), with or without padding, with line ends inside.
package enum Base64 {
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        for byte in " \t\r\n".utf8 { table[Int(byte)] = 0xFE }
        return table
    }()

    /// The bytes; nil where the text is no base64.
    package static func decode(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        let table = values.span
        var out: [UInt8] = []
        out.reserveCapacity(range.count / 4 * 3 + 3)
        var bits: UInt32 = 0
        var held = 0
        var padding = 0
        for i in range {
            let byte = text[i]
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = table[Int(byte)]
            if value == 0xFE { continue }
            guard value < 64, padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        guard padding <= 2, held < 6 else { return nil }
        return out
    }

    package static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        let stored = bytes
        return decode(stored.span, 0..<stored.count)
    }

    /// Whether every byte can stand in base64, line ends between.
    static func isAlphabet(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for i in range where values[Int(text[i])] == 0xFF && text[i] != UInt8(ascii: "=") { return false }
        return true
    }

    /// Length of the run of base64 characters and padding that begins at `start`.
    static func run(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> Int {
        var i = start
        while i < limit, values[Int(text[i])] < 64 { i += 1 }
        while i < limit, i - start < 1 << 26, text[i] == UInt8(ascii: "=") { i += 1 }
        return i - start
    }
}
