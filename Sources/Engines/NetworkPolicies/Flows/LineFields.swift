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

    mutating func dropFirst() { if !ranges.isEmpty { ranges.removeFirst() } }
}
