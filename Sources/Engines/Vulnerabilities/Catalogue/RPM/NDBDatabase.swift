/// The headers of rpm's own `Packages.db`, as SUSE has it.
///
/// Source: rpm's lib/backend/ndb: a 32-byte header, slots of 16 bytes on the first pages, blobs of 16-byte blocks.
enum NDBDatabase {
    private static let slot = 0x746F_6C53
    private static let blob = 0x5362_6C42

    static func blobs(_ bytes: [UInt8]) throws(ArchiveError) -> [ArraySlice<UInt8>] {
        let file = BinaryFile(bytes)
        guard file.little(4, at: 4) == 0 else { throw ArchiveError(message: "its version is not known") }
        guard let pages = file.little(4, at: 12), pages > 0, pages <= file.count / 4096 else {
            throw ArchiveError(message: "its first page is damaged")
        }
        var out: [ArraySlice<UInt8>] = []
        var taken = 0
        // The header takes the room of two slots.
        for number in 2..<(pages * 256) {
            let place = number * 16
            guard file.little(4, at: place) == slot, let package = file.little(4, at: place + 4),
                let block = file.little(4, at: place + 8)
            else { throw ArchiveError(message: "slot \(number) is damaged") }
            if package == 0 { continue }
            let start = block * 16
            guard file.little(4, at: start) == blob, file.little(4, at: start + 4) == package,
                let length = file.little(4, at: start + 12), let value = file.slice(start + 16, length)
            else { throw ArchiveError(message: "the header of package \(package) is damaged") }
            // Slots that all name one blob would be read as often as there are slots.
            taken += value.count
            guard taken <= bytes.count else { throw ArchiveError(message: "blobs are named more than once") }
            out.append(value)
        }
        return out
    }
}
