package import Documents

/// Base64 as it stands in texts: of either alphabet, with or without padding, with line ends inside.
extension Base64 {
    package static func decode(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? { decoded(text, range, .all) }

    package static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        let stored = bytes
        return decode(stored.span, 0..<stored.count)
    }

    /// Whether every byte can stand in base64, line ends between.
    static func isAlphabet(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for i in range {
            let byte = text[i]
            guard isDigit(byte) || byte == UInt8(ascii: "=") || ByteClass.space.contains(byte) else { return false }
        }
        return true
    }

    /// Length of the run of base64 characters and padding that begins at `start`.
    static func run(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> Int {
        var i = start
        while i < limit, isDigit(text[i]) { i += 1 }
        while i < limit, i - start < 1 << 26, text[i] == UInt8(ascii: "=") { i += 1 }
        return i - start
    }
}
