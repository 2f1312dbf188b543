/// Characters of bytes that need not be text.
enum UTF8Scan {
    /// Length of the well-formed scalar at `offset`; 0 where there is none.
    static func scalarLength(_ bytes: [UInt8], at offset: Int) -> Int { scalar(bytes, at: offset)?.length ?? 0 }

    /// The well-formed scalar at `offset`; nil where the bytes are none (overlong, surrogate, cut off).
    static func scalar(_ bytes: [UInt8], at offset: Int) -> (value: UInt32, length: Int)? {
        let first = bytes[offset]
        if first < 0x80 { return (UInt32(first), 1) }
        let length: Int
        var value: UInt32
        switch first {
        case 0xC2...0xDF: (length, value) = (2, UInt32(first & 0x1F))
        case 0xE0...0xEF: (length, value) = (3, UInt32(first & 0x0F))
        case 0xF0...0xF4: (length, value) = (4, UInt32(first & 0x07))
        default: return nil
        }
        guard offset + length <= bytes.count else { return nil }
        for i in offset + 1..<offset + length {
            guard bytes[i] & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(bytes[i] & 0x3F)
        }
        switch length {
        case 3: guard value >= 0x800, !(0xD800...0xDFFF).contains(value) else { return nil }
        case 4: guard (0x10000...0x10FFFF).contains(value) else { return nil }
        default: break
        }
        return (value, length)
    }
}
