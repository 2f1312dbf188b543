/// One package's header as rpm's database keeps it: an index of tags, and their data.
///
/// Standard: the RPM file format, "Header structure"; tag numbers of rpmtag.h.
struct RPMHeader {
    private let file: BinaryFile
    private let data: Int
    private let dataSize: Int
    private var index: [Int: (type: Int, offset: Int, count: Int)] = [:]

    /// More than rpm itself accepts.
    private static let mostTags = 65_536

    init?(_ bytes: ArraySlice<UInt8>) {
        let file = BinaryFile(Array(bytes))
        guard let tags = file.big(4, at: 0), let size = file.big(4, at: 4), tags > 0, tags <= Self.mostTags,
            8 + 16 * tags <= file.count, size <= file.count - 8 - 16 * tags
        else { return nil }
        self.file = file
        data = 8 + 16 * tags
        dataSize = size
        for number in 0..<tags {
            let place = 8 + 16 * number
            guard let tag = file.big(4, at: place), let type = file.big(4, at: place + 4),
                let offset = file.big(4, at: place + 8), let count = file.big(4, at: place + 12), offset < size
            else { continue }
            if index[tag] == nil { index[tag] = (type, offset, count) }
        }
    }

    func text(_ tag: Int) -> String? {
        guard let entry = index[tag], [6, 8, 9].contains(entry.type) else { return nil }
        return file.text(at: data + entry.offset, atMost: dataSize - entry.offset)
    }

    func number(_ tag: Int) -> Int? { numbers(tag).first }

    func numbers(_ tag: Int) -> [Int] {
        guard let entry = index[tag], let width = [2: 1, 3: 2, 4: 4, 5: 8][entry.type] else { return [] }
        let count = min(entry.count, (dataSize - entry.offset) / width)
        return (0..<count).compactMap { file.big(width, at: data + entry.offset + $0 * width) }
    }

    /// The bytes of each text of a list, without making texts of them.
    func slices(_ tag: Int) -> [ArraySlice<UInt8>] {
        guard let entry = index[tag], entry.type == 8 || entry.type == 6 else { return [] }
        var out: [ArraySlice<UInt8>] = []
        var position = data + entry.offset
        let end = data + dataSize
        while out.count < entry.count, position < end {
            let rest = file.bytes[position..<end]
            let stop = rest.firstIndex(of: 0) ?? end
            out.append(file.bytes[position..<stop])
            position = stop + 1
        }
        return out
    }
}

extension RPMHeader {
    private static let ghost = 64

    /// Adds the package that the header describes; public keys stand in the same table and are none.
    func add(to facts: inout FileFacts) {
        guard let name = text(1000), let version = text(1001), !name.isEmpty, name != "gpg-pubkey" else { return }
        let release = text(1002) ?? ""
        let epoch = number(1003) ?? 0
        var fact = PackageFact(
            type: "rpm", name: name,
            version: (epoch > 0 ? "\(epoch):" : "") + version + (release.isEmpty ? "" : "-\(release)"))
        fact.architecture = text(1022) ?? ""
        if let source = text(1044), source.hasSuffix(".src.rpm") || source.hasSuffix(".nosrc.rpm") {
            fact.source = SoftwarePackage.source(source.replacing(".nosrc.rpm", with: ".src.rpm"))
        }
        if let licence = text(1014), !licence.isEmpty { fact.licences = [licence] }
        // Without the tag, builds of the first modular releases tell it only in their release.
        fact.module = text(5096) ?? (release.contains(".module") ? nil : "")
        var needed: Set<String> = []
        for item in slices(1049).prefix(4096) {
            let text = String(decoding: item, as: UTF8.self)
            if !text.hasPrefix("rpmlib("), !text.hasPrefix("/"), needed.insert(text).inserted {
                fact.requires.append(text)
            }
        }
        facts.packages.append(fact)
        guard let paths = files else {
            facts.problem = "the list of files of \(name) is longer than \(Self.longestList) bytes"
            return
        }
        if !paths.isEmpty { facts.owned.append(OwnedFiles(package: name, paths: paths)) }
    }

    /// Each file names its folder by number, so that a short header can tell of endless paths.
    private static let longestList = 64 << 20

    /// The files that the package brought, a path below the root on each line; ghosts are named and not brought. nil
    /// where there is no end to them.
    private var files: [UInt8]? {
        var out: [UInt8] = []
        let flags = numbers(1037)
        func add(_ index: Int, _ folder: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) {
            if index < flags.count, flags[index] & Self.ghost != 0 { return }
            out += folder.drop { $0 == UInt8(ascii: "/") }
            out += folder.isEmpty ? name.drop { $0 == UInt8(ascii: "/") } : name
            out.append(0x0A)
        }
        let names = slices(1117)
        if names.isEmpty {
            for (index, path) in slices(1027).enumerated() { add(index, [], path) }
            return out
        }
        let folders = slices(1118)
        let places = numbers(1116)
        for (index, name) in names.enumerated() where index < places.count && places[index] < folders.count {
            add(index, folders[places[index]], name)
            if out.count > Self.longestList { return nil }
        }
        return out
    }
}
