/// Bytes that lie somewhere: in memory, or in a file that the system maps.
package protocol ByteSource: Sendable {
    var count: Int { get }
    func read<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result
}

/// Bytes in memory.
package struct StoredBytes: ByteSource {
    private let bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package var count: Int { bytes.count }
    package func read<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result { try body(bytes.span) }
}

/// Writes the numbers of the database format.
struct RecordWriter {
    var bytes: [UInt8] = []

    mutating func number(_ value: Int) {
        var rest = UInt64(truncatingIfNeeded: max(0, value))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func fixed32(_ value: Int) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func fixed64(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func align() { while bytes.count % 8 != 0 { bytes.append(0) } }
}

/// Reads them; a position behind the end reads as zero, so that a cut file gives wrong answers to nobody: its digest
/// does not fit, and every loop that reads a count first clamps it.
struct RecordReader {
    var position: Int

    mutating func number(_ bytes: Span<UInt8>) -> Int {
        var out: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 63 {
            let byte = bytes[position]
            position += 1
            out |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return Int(truncatingIfNeeded: out & 0x7FFF_FFFF_FFFF)
    }

    /// A number of things to come, none of which can be smaller than a byte.
    mutating func count(_ bytes: Span<UInt8>) -> Int { min(number(bytes), max(0, bytes.count - position)) }

    static func fixed32(_ bytes: Span<UInt8>, _ position: Int) -> Int {
        guard position >= 0, position + 4 <= bytes.count else { return 0 }
        return Int(bytes[position]) | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2]) << 16
            | Int(bytes[position + 3]) << 24
    }

    static func fixed64(_ bytes: Span<UInt8>, _ position: Int) -> UInt64 {
        UInt64(fixed32(bytes, position)) | UInt64(fixed32(bytes, position + 4)) << 32
    }
}

/// The hash that the indexes are sorted by: FNV-1a, the same on every machine and day.
struct StableHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) { for byte in text.utf8 { add(byte) } }
    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    static func key(_ ecosystem: String, _ name: String) -> UInt64 {
        var hash = StableHash()
        hash.add(ecosystem)
        hash.add(0)
        hash.add(name)
        return hash.value
    }

    static func id(_ id: String) -> UInt64 {
        var hash = StableHash()
        hash.add(id)
        return hash.value
    }
}
