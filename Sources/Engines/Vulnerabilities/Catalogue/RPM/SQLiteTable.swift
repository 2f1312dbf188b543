/// The rows of one table of an SQLite file.
///
/// Standard: sqlite.org/fileformat2. Read by walking the table's b-tree: no index, no journal, no query. A page that
/// is reached twice, or a value longer than the file, ends the reading with an error.
struct SQLiteTable {
    private let file: BinaryFile
    private let pageSize: Int
    /// The page's bytes less those that extensions reserve.
    private let usable: Int
    private var seen: Set<Int> = []
    private var rows: [[ArraySlice<UInt8>?]] = []
    private var taken = 0

    /// Each row's columns as bytes: texts and blobs as they are, everything else as nil.
    static func rows(of table: String, in bytes: [UInt8]) throws(ArchiveError) -> [[ArraySlice<UInt8>?]] {
        var schema = try SQLiteTable(bytes)
        try schema.walk(1, 0)
        // type, name, tbl_name, rootpage, sql; the number of the page is the only small integer.
        guard let root = schema.roots[table] else { throw ArchiveError(message: "it has no table \(table)") }
        var reader = try SQLiteTable(bytes)
        try reader.walk(root, 0)
        return reader.rows
    }

    private var roots: [String: Int] = [:]

    private init(_ bytes: [UInt8]) throws(ArchiveError) {
        file = BinaryFile(bytes)
        guard let size = file.big(2, at: 16), let reserved = file.big(1, at: 20) else {
            throw ArchiveError(message: "it is cut")
        }
        pageSize = size == 1 ? 65_536 : size
        usable = pageSize - reserved
        guard pageSize >= 512, pageSize & (pageSize - 1) == 0, usable >= 480 else {
            throw ArchiveError(message: "its pages have an impossible size")
        }
    }

    private mutating func walk(_ page: Int, _ depth: Int) throws(ArchiveError) {
        guard page > 0, page <= file.count / pageSize else { throw ArchiveError(message: "page \(page) is missing") }
        guard depth < 32, seen.insert(page).inserted else { throw ArchiveError(message: "page \(page) stands twice") }
        let start = (page - 1) * pageSize
        // The first page begins with the file's own header.
        let header = start + (page == 1 ? 100 : 0)
        guard let kind = file.big(1, at: header), let cells = file.big(2, at: header + 3) else {
            throw ArchiveError(message: "page \(page) is damaged")
        }
        guard kind == 5 || kind == 13 else { throw ArchiveError(message: "page \(page) is of no table") }
        let pointers = header + (kind == 5 ? 12 : 8)
        guard pointers + 2 * cells <= start + pageSize else { throw ArchiveError(message: "page \(page) is damaged") }
        for cell in 0..<cells {
            guard let offset = file.big(2, at: pointers + 2 * cell), offset < pageSize else {
                throw ArchiveError(message: "page \(page) is damaged")
            }
            if kind == 5 {
                guard let child = file.big(4, at: start + offset) else {
                    throw ArchiveError(message: "page \(page) is damaged")
                }
                try walk(child, depth + 1)
            } else {
                try row(start + offset)
            }
        }
        if kind == 5 {
            guard let last = file.big(4, at: header + 8) else { throw ArchiveError(message: "page \(page) is damaged") }
            try walk(last, depth + 1)
        }
    }

    private func varint(_ position: inout Int, _ bytes: [UInt8]) throws(ArchiveError) -> Int {
        var out: UInt64 = 0
        for index in 0..<9 {
            guard position < bytes.count else { throw ArchiveError(message: "a number is cut") }
            let byte = bytes[position]
            position += 1
            if index == 8 {
                out = out << 8 | UInt64(byte)
                break
            }
            out = out << 7 | UInt64(byte & 0x7F)
            if byte < 0x80 { break }
        }
        guard out <= UInt64(Int.max) else { throw ArchiveError(message: "a number is too large") }
        return Int(out)
    }

    private mutating func row(_ place: Int) throws(ArchiveError) {
        var position = place
        let length = try varint(&position, file.bytes)
        _ = try varint(&position, file.bytes)
        taken += length
        guard taken <= file.count else { throw ArchiveError(message: "its rows are longer than the file") }
        let payload = try payload(position, length)
        var header = 0
        let headerEnd = try varint(&header, payload)
        guard headerEnd <= payload.count else { throw ArchiveError(message: "a row is damaged") }
        var value = headerEnd
        var columns: [ArraySlice<UInt8>?] = []
        var smallest: Int?
        while header < headerEnd, columns.count < 64 {
            let type = try varint(&header, payload)
            let size: Int
            switch type {
            case 0, 8, 9: size = 0
            case 1...4: size = type
            case 5: size = 6
            case 6, 7: size = 8
            case 12...: size = (type - 12) / 2
            default: throw ArchiveError(message: "a row is damaged")
            }
            guard size <= payload.count - value else { throw ArchiveError(message: "a row is damaged") }
            if type >= 12 {
                columns.append(payload[value..<value + size])
            } else {
                columns.append(nil)
                if (1...4).contains(type) { smallest = BinaryFile(payload).big(size, at: value) }
            }
            value += size
        }
        if columns.count == 5, let kind = columns[0], kind.elementsEqual("table".utf8), let name = columns[1],
            let smallest
        {
            roots[String(decoding: name, as: UTF8.self)] = smallest
        }
        guard rows.count < RPMDatabase.mostPackages else { throw ArchiveError(message: "it has too many rows") }
        rows.append(columns)
    }

    /// A row that does not fit its page goes on over a chain of others.
    private func payload(_ start: Int, _ length: Int) throws(ArchiveError) -> [UInt8] {
        let most = usable - 35
        var local = length
        if length > most {
            let least = (usable - 12) * 32 / 255 - 23
            let fitting = least + (length - least) % (usable - 4)
            local = fitting <= most ? fitting : least
        }
        guard let own = file.slice(start, local) else { throw ArchiveError(message: "a row is cut") }
        var out = Array(own)
        guard length > local else { return out }
        out.reserveCapacity(length)
        var page = file.big(4, at: start + local) ?? 0
        var steps = 0
        while out.count < length {
            steps += 1
            let place = (page - 1) * pageSize
            guard page > 0, page <= file.count / pageSize, steps <= file.count / pageSize,
                let next = file.big(4, at: place), let part = file.slice(place + 4, min(usable - 4, length - out.count))
            else { throw ArchiveError(message: "a row is cut") }
            out += part
            page = next
        }
        return out
    }
}
