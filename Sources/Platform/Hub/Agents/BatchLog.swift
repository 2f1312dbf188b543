import Crypto
import Store

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Numbered batches one behind the other in a file: what an agent has said and the hub has not acknowledged.
///
/// A record is length, number and time (8 bytes each, the least first), 8 bytes of SHA-256, and the batch. A record that
/// a power cut has torn is the last one and is cut off when the file is opened.
struct BatchLog: ~Copyable {
    struct Record: Sendable {
        var number: Int
        var at: Milliseconds
        var offset: Int
        var length: Int
    }

    private static let header = 32
    private let descriptor: Int32
    private let path: String
    private(set) var records: [Record] = []
    private(set) var size = 0

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DurableFile.failure(path) }
        while let record = try Self.record(descriptor, at: size, path) {
            if let last = records.last, record.number != last.number + 1 { break }
            records.append(record)
            size = record.offset + record.length
        }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw DurableFile.failure(path) }
    }

    deinit { close(descriptor) }

    private static func record(_ descriptor: Int32, at offset: Int, _ path: String) throws -> Record? {
        let head = try DurableFile.read(descriptor, from: offset, count: header, path)
        guard head.count == header else { return nil }
        let length = number(head, 0)
        guard 0...(1 << 28) ~= length else { return nil }
        let bytes = try DurableFile.read(descriptor, from: offset + header, count: length, path)
        guard bytes.count == length, Array(SHA256.hash(data: bytes).prefix(8)) == Array(head[24..<32]) else {
            return nil
        }
        return Record(number: number(head, 8), at: number(head, 16), offset: offset + header, length: length)
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        Int(truncatingIfNeeded: (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) })
    }

    private static func bytes(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: UInt64(bitPattern: Int64(number)) >> (8 * UInt64($0))) }
    }

    /// Adds batches; all of them are on the disk when this returns, or none is.
    mutating func append(_ batches: [[UInt8]], from number: Int, at time: Milliseconds) throws {
        var added: [Record] = []
        var offset = size
        do {
            for (index, batch) in batches.enumerated() {
                let head =
                    Self.bytes(batch.count) + Self.bytes(number + index) + Self.bytes(time)
                    + SHA256.hash(data: batch).prefix(8)
                try DurableFile.write(descriptor, head + batch, at: offset, path)
                added.append(
                    Record(number: number + index, at: time, offset: offset + Self.header, length: batch.count))
                offset += Self.header + batch.count
            }
            guard fdatasync(descriptor) == 0 else { throw DurableFile.failure(path) }
        } catch {
            // Half a record would end what is read at the next start.
            ftruncate(descriptor, off_t(size))
            throw error
        }
        records += added
        size = offset
    }

    func read(_ record: Record) throws -> [UInt8] {
        try DurableFile.read(descriptor, from: record.offset, count: record.length, path)
    }

    mutating func clear() throws {
        guard ftruncate(descriptor, 0) == 0, fsync(descriptor) == 0 else { throw DurableFile.failure(path) }
        records = []
        size = 0
    }
}
