/// The values of a Berkeley DB hash, the form of rpm's `Packages` until 2020.
///
/// Source: Berkeley DB's page layouts (db_page.h): a metadata page; pages of keys and values in turn; values too long
/// for a page on chains of overflow pages. Either byte order.
enum BerkeleyHash {
    private static let magic = 0x0006_1561
    private static let header = 26

    static func values(_ bytes: [UInt8]) throws(ArchiveError) -> [ArraySlice<UInt8>] {
        let file = BinaryFile(bytes)
        let isBig: Bool
        if file.little(4, at: 12) == magic {
            isBig = false
        } else if file.big(4, at: 12) == magic {
            isBig = true
        } else {
            throw ArchiveError(message: "it is neither Berkeley DB nor SQLite nor rpm's own form")
        }
        guard let size = file.number(4, at: 20, isBig: isBig), size >= 512, size <= 65_536, size & (size - 1) == 0,
            let last = file.number(4, at: 32, isBig: isBig)
        else { throw ArchiveError(message: "its first page is damaged") }
        guard file.little(1, at: 24) == 0 else { throw ArchiveError(message: "it is encrypted") }
        let pages = min(last + 1, file.count / size)
        guard last < pages else { throw ArchiveError(message: "it is cut: \(pages) of \(last + 1) pages are there") }
        var out: [ArraySlice<UInt8>] = []
        var taken = 0
        for page in 1..<max(pages, 1) {
            let start = page * size
            guard let type = file.little(1, at: start + 25), type == 2 || type == 13,
                let entries = file.number(2, at: start + 20, isBig: isBig)
            else { continue }
            guard header + 2 * entries <= size else { throw ArchiveError(message: "page \(page) is damaged") }
            // Keys stand at even places, values at odd ones.
            for item in stride(from: 1, to: entries, by: 2) {
                guard let offset = file.number(2, at: start + header + 2 * item, isBig: isBig),
                    let before = file.number(2, at: start + header + 2 * (item - 1), isBig: isBig), offset < size,
                    let kind = file.little(1, at: start + offset)
                else { throw ArchiveError(message: "page \(page) is damaged") }
                switch kind {
                case 1:
                    guard before > offset, let value = file.slice(start + offset + 1, before - offset - 1) else {
                        throw ArchiveError(message: "page \(page) is damaged")
                    }
                    taken += value.count
                    guard taken <= bytes.count else { throw ArchiveError(message: "values lie over each other") }
                    out.append(value)
                case 3:
                    guard let first = file.number(4, at: start + offset + 4, isBig: isBig),
                        let length = file.number(4, at: start + offset + 8, isBig: isBig)
                    else { throw ArchiveError(message: "page \(page) is damaged") }
                    taken += length
                    guard taken <= bytes.count else { throw ArchiveError(message: "pages are named more than once") }
                    out.append(try overflow(file, first, length, size, pages, isBig)[...])
                default: continue
                }
            }
        }
        return out
    }

    private static func overflow(
        _ file: BinaryFile, _ first: Int, _ length: Int, _ size: Int, _ pages: Int, _ isBig: Bool
    ) throws(ArchiveError) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(length)
        var page = first
        var steps = 0
        while page != 0, out.count < length {
            steps += 1
            let start = page * size
            guard page < pages, steps <= pages, file.little(1, at: start + 25) == 7,
                let used = file.number(2, at: start + 22, isBig: isBig),
                let next = file.number(4, at: start + 16, isBig: isBig), used <= size - header,
                let part = file.slice(start + header, used)
            else { throw ArchiveError(message: "a chain of pages is damaged") }
            out += part
            page = next
        }
        guard out.count >= length else { throw ArchiveError(message: "a chain of pages is cut") }
        return Array(out[..<length])
    }
}
