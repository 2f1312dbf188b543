/// A reading position in a short text such as a version.
struct ByteCursor {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }
    var current: UInt8? { position < bytes.count ? bytes[position] : nil }
    var rest: ArraySlice<UInt8> { bytes[min(position, bytes.count)...] }

    func peek(_ distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func take(_ text: StaticString) -> Bool {
        let wanted = Array("\(text)".utf8)
        guard rest.starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, condition(bytes[position]) { position += 1 }
        return bytes[start..<position]
    }

    /// A run of digits; nil where none stands.
    mutating func takeNumber() -> DecimalNumber? {
        let digits = take { $0.isDigit }
        return digits.isEmpty ? nil : DecimalNumber(digits)
    }
}

extension UInt8 {
    var isDigit: Bool { self &- 0x30 < 10 }
    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    var isLowercaseLetter: Bool { self &- 0x61 < 26 }
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
    var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension Array where Element == UInt8 {
    init(_ span: Span<UInt8>) {
        self.init()
        reserveCapacity(span.count)
        for index in span.indices { append(span[index]) }
    }

    /// ASCII capitals made small, blanks at both ends dropped.
    static func folded(_ span: Span<UInt8>) -> [UInt8] {
        var start = 0
        var end = span.count
        while start < end, span[start].isBlank { start += 1 }
        while end > start, span[end - 1].isBlank { end -= 1 }
        var out: [UInt8] = []
        out.reserveCapacity(end - start)
        for index in start..<end { out.append(span[index].lowercased) }
        return out
    }
}
