/// The words of a line between blanks, without a String for each.
struct LineFields: Sendable {
    let bytes: [UInt8]
    private(set) var ranges: [Range<Int>] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var start = -1
        for (index, byte) in bytes.enumerated() {
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

    func begins(_ index: Int, with byte: UInt8) -> Bool { bytes[ranges[index].lowerBound] == byte }

    /// A word `key=value` with a key that says where a packet goes; nil for every other word.
    func pair(_ index: Int) -> (key: String, value: String)? {
        let range = ranges[index]
        guard let equals = bytes[range].firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let key = bytes[range.lowerBound..<equals]
        for known in Self.keys where key.elementsEqual(known.utf8) {
            return (known, String(decoding: bytes[(equals + 1)..<range.upperBound], as: UTF8.self))
        }
        return ("", "")
    }

    private static let keys = ["src", "dst", "sport", "dport", "type", "code"]

    mutating func dropFirst() { if !ranges.isEmpty { ranges.removeFirst() } }
}
