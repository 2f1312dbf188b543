/// The directory of a zip archive, and its entries on demand.
///
/// Standard: PKWARE APPNOTE 6.3, with Zip64. Entries are found by the central directory alone, as Java and Python
/// find them: what only a local header tells is invisible to those who run the archive.
struct ZipArchive {
    struct Entry {
        var name: String
        fileprivate var method: Int
        fileprivate var packedSize: Int
        var size: Int
        fileprivate var offset: Int
        fileprivate var isEncrypted: Bool
    }

    private static let mostEntries = 200_000

    private let file: BinaryFile
    let entries: [Entry]
    /// What comes before the archive, as the shell script of a jar that starts itself.
    private let shift: Int

    static let magic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    init(_ bytes: [UInt8]) throws(ArchiveError) {
        let file = BinaryFile(bytes)
        self.file = file
        guard let end = Self.endRecord(file), var count = file.little(2, at: end + 10),
            var size = file.little(4, at: end + 12), var start = file.little(4, at: end + 16)
        else { throw ArchiveError(message: "the archive has no directory") }
        var tail = end
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF, file.starts(end - 20, with: "PK\u{6}\u{7}"),
            let record = file.little(8, at: end - 12)
        {
            // The locator counts from the archive's beginning; a script before it moves the record.
            let place = [record, end - 20 - 56].first { file.starts($0, with: "PK\u{6}\u{6}") }
            guard let place, let longCount = file.little(8, at: place + 32),
                let longSize = file.little(8, at: place + 40), let longStart = file.little(8, at: place + 48)
            else { throw ArchiveError(message: "the archive's directory is cut") }
            (count, size, start, tail) = (longCount, longSize, longStart, place)
        }
        guard count <= Self.mostEntries else { throw ArchiveError(message: "it has \(count) entries") }
        guard size <= tail, start <= tail - size else { throw ArchiveError(message: "the archive's directory is cut") }
        shift = tail - size - start
        var entries: [Entry] = []
        var position = start + shift
        while entries.count < count {
            guard file.starts(position, with: "PK\u{1}\u{2}"), let flags = file.little(2, at: position + 8),
                let method = file.little(2, at: position + 10), var packed = file.little(4, at: position + 20),
                var size = file.little(4, at: position + 24), let nameLength = file.little(2, at: position + 28),
                let extraLength = file.little(2, at: position + 30),
                let commentLength = file.little(2, at: position + 32), var offset = file.little(4, at: position + 42),
                let name = file.slice(position + 46, nameLength)
            else { throw ArchiveError(message: "the archive's directory is cut") }
            var extra = position + 46 + nameLength
            let extraEnd = extra + extraLength
            while extra + 4 <= extraEnd, let id = file.little(2, at: extra), let length = file.little(2, at: extra + 2)
            {
                if id == 1 {
                    var field = extra + 4
                    func long(_ value: Int) -> Int {
                        guard value == 0xFFFF_FFFF, field + 8 <= extra + 4 + length else { return value }
                        defer { field += 8 }
                        return file.little(8, at: field) ?? value
                    }
                    size = long(size)
                    packed = long(packed)
                    offset = long(offset)
                }
                extra += 4 + length
            }
            entries.append(
                Entry(
                    name: String(decoding: name, as: UTF8.self), method: method, packedSize: packed, size: size,
                    offset: offset, isEncrypted: flags & 1 != 0))
            position += 46 + nameLength + extraLength + commentLength
        }
        self.entries = entries
    }

    private static func endRecord(_ file: BinaryFile) -> Int? {
        var position = file.count - 22
        let lowest = max(0, position - 0xFFFF)
        while position >= lowest {
            if file.bytes[position] == 0x50, file.starts(position, with: "PK\u{5}\u{6}") { return position }
            position -= 1
        }
        return nil
    }

    /// The contents of an entry; `limit` is the most that may come out, whatever the directory says.
    func contents(_ entry: Entry, limit: Int) throws(ArchiveError) -> [UInt8] {
        guard !entry.isEncrypted else { throw ArchiveError(message: "\(entry.name) is encrypted") }
        guard entry.size <= limit else { throw ArchiveError(message: "\(entry.name) has \(entry.size) bytes") }
        let local = entry.offset + shift
        guard file.starts(local, with: "PK\u{3}\u{4}"), let nameLength = file.little(2, at: local + 26),
            let extraLength = file.little(2, at: local + 28),
            let packed = file.slice(local + 30 + nameLength + extraLength, entry.packedSize)
        else { throw ArchiveError(message: "\(entry.name) is cut") }
        switch entry.method {
        case 0: return Array(packed)
        case 8:
            return try Inflate.unpacked(
                file.bytes, in: packed.startIndex..<packed.endIndex, limit: min(limit, max(entry.size, 1)))
        default: throw ArchiveError(message: "\(entry.name) is packed by method \(entry.method), which is not read")
        }
    }
}
