/// The extended header records that count for reading.
///
/// Source: POSIX.1-2024 pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
struct PAXRecords {
    var path: [UInt8]?
    var link: [UInt8]?
    var size: Int?
    var user: Int?
    var group: Int?
    var modified: Int?
    /// GNU.sparse.major and minor.
    var sparseMajor: Int?
    var sparseMinor: Int?
    var sparseName: [UInt8]?
    var sparseSize: Int?
    /// The map of forms 0.0 and 0.1.
    var sparseMap: [Int]?

    mutating func read(_ bytes: [UInt8]) throws(TarError) {
        var position = 0
        while position < bytes.count {
            // "LENGTH KEY=VALUE\n", where the length counts itself.
            var length = 0
            var cursor = position
            while cursor < bytes.count, bytes[cursor] != 0x20 {
                guard (0x30...0x39).contains(bytes[cursor]), length <= bytes.count else { throw Self.bad() }
                length = length * 10 + Int(bytes[cursor] - 0x30)
                cursor += 1
            }
            // Padding with NULs behind the last record is not in the standard, and in archives.
            if cursor == bytes.count, bytes[position...].allSatisfy({ $0 == 0 }) { return }
            let end = position + length
            guard length > 0, cursor + 1 < end, end <= bytes.count, bytes[end - 1] == 0x0A,
                let equals = bytes[(cursor + 1)..<end].firstIndex(of: 0x3D), equals > cursor + 1
            else { throw Self.bad() }
            try take(
                String(decoding: bytes[(cursor + 1)..<equals], as: UTF8.self), Array(bytes[(equals + 1)..<(end - 1)]))
            position = end
        }
    }

    private mutating func take(_ key: String, _ value: [UInt8]) throws(TarError) {
        // An empty value takes back what a header before said.
        let isEmpty = value.isEmpty
        switch key {
        case "path": path = isEmpty ? nil : try Self.name(value)
        case "linkpath": link = isEmpty ? nil : try Self.name(value)
        case "size": size = isEmpty ? nil : try Self.number(value)
        case "uid": user = isEmpty ? nil : try Self.number(value)
        case "gid": group = isEmpty ? nil : try Self.number(value)
        case "mtime": modified = isEmpty ? nil : Self.seconds(value)
        case "GNU.sparse.major": sparseMajor = try Self.number(value)
        case "GNU.sparse.minor": sparseMinor = try Self.number(value)
        case "GNU.sparse.name": sparseName = try Self.name(value)
        case "GNU.sparse.size", "GNU.sparse.realsize": sparseSize = try Self.number(value)
        case "GNU.sparse.offset", "GNU.sparse.numbytes":
            sparseMap = (sparseMap ?? []) + [try Self.number(value)]
            try bound()
        case "GNU.sparse.map":
            var map: [Int] = []
            for part in value.split(separator: UInt8(ascii: ",")) { map.append(try Self.number(Array(part))) }
            sparseMap = map
            try bound()
        default: break
        }
    }

    private func bound() throws(TarError) {
        guard sparseMap?.count ?? 0 <= 2 * SparseMap.limit else {
            throw TarError(code: .tooLarge, offset: 0, message: "a sparse file has too many parts")
        }
    }

    static func number(_ value: [UInt8]) throws(TarError) -> Int {
        guard let number = Int(String(decoding: value, as: UTF8.self)), number >= 0 else { throw bad() }
        return number
    }

    private static func name(_ value: [UInt8]) throws(TarError) -> [UInt8] {
        guard !value.contains(0) else { throw bad() }
        return value
    }

    /// Seconds with a fraction, which is cut.
    private static func seconds(_ value: [UInt8]) -> Int? {
        Int(String(decoding: value.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self))
    }

    private static func bad() -> TarError {
        TarError(code: .damaged, offset: 0, message: "an extended header cannot be read")
    }
}

/// Where the stored parts of a sparse file lie in it.
struct SparseMap {
    /// Most parts that one file may have.
    static let limit = 1 << 17

    struct Part {
        var offset: Int
        var count: Int
    }

    private(set) var parts: [Part] = []
    /// Length of the file with its holes.
    let size: Int

    /// - Parameter pairs: offset and count, one after the other.
    init(_ pairs: [Int], size: Int, stored: Int) throws(TarError) {
        self.size = size
        guard pairs.count % 2 == 0 else { throw Self.bad() }
        var end = 0
        var total = 0
        for index in stride(from: 0, to: pairs.count, by: 2) {
            let (offset, count) = (pairs[index], pairs[index + 1])
            guard offset >= end, count >= 0, offset <= size, count <= size - offset else { throw Self.bad() }
            end = offset + count
            total += count
            if count > 0 { parts.append(Part(offset: offset, count: count)) }
        }
        guard total == stored else { throw Self.bad() }
    }

    private static func bad() -> TarError {
        TarError(code: .damaged, offset: 0, message: "the map of a sparse file does not fit the file")
    }
}
