/// How the bytes of a text stand for its letters.
package enum TextEncoding {
    /// A text of UTF-16 that begins with its mark, in UTF-8; nil for any other.
    ///
    /// Source: Unicode 16, section 23.8, "Byte Order Mark".
    package static func utf8(ofUTF16 bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= 4, bytes.count < 1 << 28 else { return nil }
        let isLittle: Bool
        switch (bytes[0], bytes[1]) {
        case (0xFF, 0xFE): isLittle = true
        case (0xFE, 0xFF): isLittle = false
        default: return nil
        }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var i = 2
        while i + 1 < bytes.count {
            let (first, second) = (UInt16(bytes[i]), UInt16(bytes[i + 1]))
            units.append(isLittle ? second << 8 | first : first << 8 | second)
            i += 2
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }
}
