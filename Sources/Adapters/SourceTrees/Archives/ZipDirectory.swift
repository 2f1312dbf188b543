import Compression

/// What a zip holds: jars, wheels, office documents, packages of browsers and phones.
///
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end)
/// and 4.5.3 (Zip64). The directory at the end is what counts, as for every program that opens one.
struct ZipDirectory {
    struct Entry {
        var name: String
        var isEncrypted: Bool
        var method: Int
        var packed: Int
        var size: Int
        var offset: Int
    }

    struct Failure: Error {
        var message: String
    }

    private let bytes: [UInt8]
    private(set) var entries: [Entry] = []

    init(_ bytes: [UInt8], limit: Int) throws(Failure) {
        self.bytes = bytes
        guard let end = Self.end(bytes) else { throw Failure(message: "a zip without its directory; it was cut off") }
        var (count, start) = (number(end + 10, 2), number(end + 16, 4))
        // What precedes the archive (a program that unpacks itself) moves every offset.
        if start == 0xFFFF_FFFF || count == 0xFFFF, end >= 20, number(end - 20, 4) == 0x0706_4B50 {
            let large = number(end - 12, 8)
            guard large >= 0, large + 56 <= bytes.count, number(large, 4) == 0x0606_4B50 else {
                throw Failure(message: "a zip whose directory is not where it says")
            }
            (count, start) = (number(large + 32, 8), number(large + 48, 8))
        }
        guard count >= 0, count <= limit else { throw Failure(message: "a zip of more than \(limit) members") }
        var place = start
        while entries.count < count {
            guard place >= 0, place + 46 <= bytes.count, number(place, 4) == 0x0201_4B50 else {
                throw Failure(message: "a zip whose directory is damaged")
            }
            let (name, extra, comment) = (number(place + 28, 2), number(place + 30, 2), number(place + 32, 2))
            guard place + 46 + name + extra + comment <= bytes.count else {
                throw Failure(message: "a zip whose directory is damaged")
            }
            var entry = Entry(
                name: String(decoding: bytes[place + 46..<place + 46 + name], as: UTF8.self),
                isEncrypted: number(place + 8, 2) & 1 == 1, method: number(place + 10, 2),
                packed: number(place + 20, 4), size: number(place + 24, 4), offset: number(place + 42, 4))
            widen(&entry, place + 46 + name, extra)
            entries.append(entry)
            place += 46 + name + extra + comment
        }
    }

    /// What is written in the member; it says of itself how long it is, and is not believed.
    func contents(_ entry: Entry, limit: Int) throws -> [UInt8] {
        guard entry.size <= limit else {
            throw CompressionError(code: .tooLarge, message: "larger than \(limit >> 20) MiB")
        }
        let start = entry.offset
        guard start >= 0, start + 30 <= bytes.count, number(start, 4) == 0x0403_4B50 else {
            throw Failure(message: "its header is damaged")
        }
        let begin = start + 30 + number(start + 26, 2) + number(start + 28, 2)
        guard entry.packed >= 0, begin + entry.packed <= bytes.count else { throw Failure(message: "it was cut off") }
        let stored = Array(bytes[begin..<begin + entry.packed])
        switch entry.method {
        case 0: return stored
        case 8: return try PackedBytes.inflate(stored, limit: limit)
        case 12: return try unpacked(stored, .bzip2, limit)
        case 93: return try unpacked(stored, .zstd, limit)
        case 95: return try unpacked(stored, .xz, limit)
        default: throw Failure(message: "packed in a way that is not read (method \(entry.method))")
        }
    }

    private func unpacked(_ stored: [UInt8], _ format: PackedBytes.Format, _ limit: Int) throws -> [UInt8] {
        var out: [UInt8] = []
        try PackedBytes.unpack(stored, format) { piece in
            guard out.count + piece.count <= limit else {
                throw CompressionError(code: .tooLarge, message: "larger than \(limit >> 20) MiB")
            }
            piece.withUnsafeBufferPointer { out.append(contentsOf: $0) }
            return true
        }
        return out
    }

    /// The last record that can be the end of the directory; a comment may follow it.
    private static func end(_ bytes: [UInt8]) -> Int? {
        var place = bytes.count - 22
        let earliest = max(0, bytes.count - 22 - 0xFFFF)
        while place >= earliest {
            if bytes[place] == 0x50, bytes[place + 1] == 0x4B, bytes[place + 2] == 5, bytes[place + 3] == 6 {
                return place
            }
            place -= 1
        }
        return nil
    }

    /// Numbers too large for their fields stand in an extra field, in this order, only those that are.
    private func widen(_ entry: inout Entry, _ start: Int, _ count: Int) {
        var place = start
        while place + 4 <= start + count {
            let (kind, size) = (number(place, 2), number(place + 2, 2))
            if kind == 1 {
                var field = place + 4
                let end = min(place + 4 + size, start + count)
                for path in [\Entry.size, \Entry.packed, \Entry.offset]
                where entry[keyPath: path] == 0xFFFF_FFFF && field + 8 <= end {
                    entry[keyPath: path] = number(field, 8)
                    field += 8
                }
                return
            }
            place += 4 + size
        }
    }

    /// A number of `count` bytes, the lowest first; what does not fit is told as the greatest.
    private func number(_ place: Int, _ count: Int) -> Int {
        var value: UInt64 = 0
        for i in (0..<count).reversed() { value = value << 8 | UInt64(bytes[place + i]) }
        // So that adding to it cannot overflow.
        return Int(min(value, 1 << 62))
    }
}
