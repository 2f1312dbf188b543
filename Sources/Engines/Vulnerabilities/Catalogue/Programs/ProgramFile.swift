/// Sections and addresses of a program, as far as lists of modules are looked for in it.
///
/// Standard: the ELF specification, Microsoft's PE format, Apple's Mach-O reference.
struct ProgramFile {
    struct Stretch {
        var name: String
        var address: Int
        var offset: Int
        var size: Int
    }

    let file: BinaryFile
    private(set) var isBig = false
    private(set) var sections: [Stretch] = []
    /// Where addresses lie in the file.
    private(set) var segments: [Stretch] = []

    private static let most = 10_000

    init?(_ bytes: [UInt8]) {
        file = BinaryFile(bytes)
        if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
            readELF()
        } else if bytes.starts(with: [0x4D, 0x5A]) {
            guard readPE() else { return nil }
        } else {
            readMachO()
        }
        if sections.isEmpty, segments.isEmpty { return nil }
    }

    func section(_ names: String...) -> ArraySlice<UInt8>? {
        sections.first { names.contains($0.name) && $0.size > 0 }.flatMap { file.slice($0.offset, $0.size) }
    }

    /// The place in the file of an address in memory.
    func offset(of address: Int) -> Int? {
        for part in segments where address >= part.address && address - part.address < part.size {
            return part.offset + (address - part.address)
        }
        return nil
    }

    private mutating func readELF() {
        isBig = file.little(1, at: 5) == 2
        let isLong = file.little(1, at: 4) == 2
        func number(_ width: Int, _ position: Int) -> Int { file.number(width, at: position, isBig: isBig) ?? 0 }
        let word = isLong ? 8 : 4
        let segmentTable = number(word, isLong ? 32 : 28)
        let sectionTable = number(word, isLong ? 40 : 32)
        let tail = isLong ? 54 : 42
        let segmentSize = number(2, tail)
        let segmentCount = number(2, tail + 2)
        let sectionSize = number(2, tail + 4)
        let sectionCount = min(number(2, tail + 6), Self.most)
        let names = number(2, tail + 8)
        if segmentSize >= (isLong ? 56 : 32), segmentTable < file.count {
            for index in 0..<segmentCount {
                let place = segmentTable + index * segmentSize
                guard number(4, place) == 1 else { continue }
                segments.append(
                    Stretch(
                        name: "", address: number(word, place + (isLong ? 16 : 8)),
                        offset: number(word, place + (isLong ? 8 : 4)), size: number(word, place + (isLong ? 32 : 16))))
            }
        }
        guard sectionSize >= (isLong ? 64 : 40), sectionTable < file.count, names < sectionCount else { return }
        func place(_ index: Int) -> Int { sectionTable + index * sectionSize }
        let nameTable = number(word, place(names) + (isLong ? 24 : 16))
        for index in 0..<sectionCount where number(4, place(index) + 4) != 8 {
            sections.append(
                Stretch(
                    name: file.text(at: nameTable + number(4, place(index)), atMost: 64) ?? "",
                    address: number(word, place(index) + (isLong ? 16 : 12)),
                    offset: number(word, place(index) + (isLong ? 24 : 16)),
                    size: number(word, place(index) + (isLong ? 32 : 20))))
        }
    }

    private mutating func readPE() -> Bool {
        guard let start = file.little(4, at: 0x3C), file.starts(start, with: "PE\u{0}\u{0}"),
            let count = file.little(2, at: start + 6), let optional = file.little(2, at: start + 20), count <= 96,
            let magic = file.little(2, at: start + 24)
        else { return false }
        let base = (magic == 0x20B ? file.little(8, at: start + 48) : file.little(4, at: start + 52)) ?? 0
        for index in 0..<count {
            let place = start + 24 + optional + 40 * index
            guard let name = file.slice(place, 8), let address = file.little(4, at: place + 12),
                let size = file.little(4, at: place + 16), let offset = file.little(4, at: place + 20)
            else { continue }
            let (sum, overflows) = base.addingReportingOverflow(address)
            if overflows { continue }
            let part = Stretch(
                name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self), address: sum, offset: offset, size: size
            )
            sections.append(part)
            segments.append(part)
        }
        return true
    }

    /// Of a file for several architectures the first: they are built from the same modules.
    private mutating func readMachO() {
        var start = 0
        if file.big(4, at: 0) == 0xCAFE_BABE {
            // Java's classes begin alike; their next number is no small count.
            guard let count = file.big(4, at: 4), count > 0, count < 20, let first = file.big(4, at: 16) else { return }
            start = first
        }
        guard let magic = file.little(4, at: start) else { return }
        isBig = magic == 0xCEFA_EDFE || magic == 0xCFFA_EDFE
        let isLong = magic == 0xFEED_FACF || magic == 0xCFFA_EDFE
        guard isLong || magic == 0xFEED_FACE || magic == 0xCEFA_EDFE else { return }
        func number(_ width: Int, _ position: Int) -> Int { file.number(width, at: position, isBig: isBig) ?? 0 }
        func name(_ position: Int) -> String {
            String(decoding: (file.slice(position, 16) ?? []).prefix { $0 != 0 }, as: UTF8.self)
        }
        var place = start + (isLong ? 32 : 28)
        let word = isLong ? 8 : 4
        for _ in 0..<min(number(4, start + 16), 4096) {
            let kind = number(4, place)
            let size = number(4, place + 4)
            guard size >= 8 else { return }
            if kind == (isLong ? 0x19 : 1) {
                segments.append(
                    Stretch(
                        name: name(place + 8), address: number(word, place + 24),
                        offset: start + number(word, place + 24 + 2 * word), size: number(word, place + 24 + 3 * word)))
                let first = place + (isLong ? 72 : 56)
                for index in 0..<min(number(4, place + (isLong ? 64 : 48)), 512) {
                    let section = first + index * (isLong ? 80 : 68)
                    sections.append(
                        Stretch(
                            name: name(section), address: number(word, section + 32),
                            offset: start + number(4, section + 32 + 2 * word),
                            size: number(word, section + 32 + word)))
                }
            }
            place += size
        }
    }
}
