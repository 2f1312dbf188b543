/// Numbers and stretches at places of a file that may be cut or lie: nothing outside of it is ever read.
struct BinaryFile {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var count: Int { bytes.count }

    /// An unsigned number, least byte first; nil behind the end or beyond what an `Int` holds.
    func little(_ width: Int, at position: Int) -> Int? {
        guard position >= 0, width <= bytes.count, position <= bytes.count - width else { return nil }
        var out: UInt64 = 0
        for index in stride(from: width - 1, through: 0, by: -1) { out = out << 8 | UInt64(bytes[position + index]) }
        return out <= UInt64(Int.max) ? Int(out) : nil
    }

    /// The same, greatest byte first.
    func big(_ width: Int, at position: Int) -> Int? {
        guard position >= 0, width <= bytes.count, position <= bytes.count - width else { return nil }
        var out: UInt64 = 0
        for index in 0..<width { out = out << 8 | UInt64(bytes[position + index]) }
        return out <= UInt64(Int.max) ? Int(out) : nil
    }

    func number(_ width: Int, at position: Int, isBig: Bool) -> Int? {
        isBig ? big(width, at: position) : little(width, at: position)
    }

    func slice(_ start: Int, _ length: Int) -> ArraySlice<UInt8>? {
        guard start >= 0, length >= 0, start <= bytes.count, length <= bytes.count - start else { return nil }
        return bytes[start..<start + length]
    }

    func starts(_ position: Int, with text: StaticString) -> Bool {
        guard let own = slice(position, text.utf8CodeUnitCount) else { return false }
        return own.elementsEqual("\(text)".utf8)
    }

    /// Text up to the next zero byte.
    func text(at position: Int, atMost limit: Int = 4096) -> String? {
        guard position >= 0, position < bytes.count else { return nil }
        let rest = bytes[position..<min(bytes.count, position + limit)]
        return String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
    }
}
