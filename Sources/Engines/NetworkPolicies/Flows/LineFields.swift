/// The words of a line between blanks, without a String for each.
struct LineFields: Sendable {
    let bytes: [UInt8]
    private(set) var ranges: [Range<Int>] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var start = -1
        ranges.reserveCapacity(20)
        for index in bytes.indices {
            let byte = bytes[index]
            let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0D
            if isBlank, start >= 0 {
                ranges.append(start..<index)
                start = -1
            } else if !isBlank, start < 0 {
                start = index
            }
        }
        if start >= 0 { ranges.append(start..<bytes.count) }
    }

    var count: Int { ranges.count }

    func text(_ index: Int) -> String {
        guard ranges.indices.contains(index) else { return "" }
        return String(decoding: bytes[ranges[index]], as: UTF8.self)
    }

    /// Whether any word holds a name, in letters of any case and with `_` for `-`.
    func holdsName(_ name: String) -> Bool {
        let wanted = name.utf8
        return ranges.contains { range in
            guard range.count >= wanted.count, !(0x30...0x39).contains(bytes[range.lowerBound]) else { return false }
            for start in range.lowerBound...(range.upperBound - wanted.count)
            where zip(bytes[start...], wanted).allSatisfy({ ($0 | 0x20) == $1 }) { return true }
            return false
        }
    }

    func begins(_ index: Int, with byte: UInt8) -> Bool { bytes[ranges[index].lowerBound] == byte }

    /// Whether a word is this one, letters of any case.
    func holds(_ index: Int, _ word: String) -> Bool {
        let range = ranges[index]
        return range.count == word.utf8.count && zip(bytes[range], word.utf8).allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
    }

    /// Keys that say where a packet goes.
    enum Key: String, CaseIterable { case src, dst, sport, dport, type, code }

    /// A word `key=value`: the key, nil for those of no interest, and where the value stands; nil for every other word.
    func pair(_ index: Int) -> (key: Key?, value: Range<Int>)? {
        let range = ranges[index]
        guard let equals = bytes[range].firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let value = equals + 1..<range.upperBound
        let key: Key? =
            switch (equals - range.lowerBound, bytes[range.lowerBound]) {
            case (3, UInt8(ascii: "s")): .src
            case (3, UInt8(ascii: "d")): .dst
            case (4, UInt8(ascii: "t")): .type
            case (4, UInt8(ascii: "c")): .code
            case (5, UInt8(ascii: "s")): .sport
            case (5, UInt8(ascii: "d")): .dport
            default: nil
            }
        guard let key, zip(bytes[range.lowerBound..<equals], key.rawValue.utf8).allSatisfy(==) else {
            return (nil, value)
        }
        return (key, value)
    }

    func address(_ range: Range<Int>) -> IPAddress? { IPAddress(utf8: bytes[range]) }

    /// Decimal digits and nothing else.
    func number<Number: FixedWidthInteger & UnsignedInteger>(_ range: Range<Int>) -> Number? {
        guard !range.isEmpty, range.count <= 5 else { return nil }
        var value = 0
        for byte in bytes[range] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return Number(exactly: value)
    }

    mutating func dropFirst() { if !ranges.isEmpty { ranges.removeFirst() } }
}
