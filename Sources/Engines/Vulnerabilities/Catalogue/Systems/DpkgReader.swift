/// What dpkg keeps of the packages it installed.
///
/// Standard: Debian Policy 5 (control files), dpkg's `status`, `info/*.list` and `info/*.md5sums`.
enum DpkgReader {
    /// `status`, or one part of `status.d`: stanzas, of which only installed packages count.
    static func status(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var fields: [String: String] = [:]
        var key = ""
        func close() {
            defer { fields = [:] }
            guard let name = fields["package"], let version = fields["version"], !name.isEmpty else { return }
            // The last of the three words is the state; removed packages leave their configuration behind. Parts of
            // distroless images have no such line.
            if let status = fields["status"] {
                let state = status.split(separator: " ").last ?? ""
                guard
                    state == "installed" || state == "unpacked" || state.hasPrefix("half-")
                        || state.hasPrefix("trigger")
                else { return }
            }
            // Ports of vcpkg have the same form and are another registry's.
            if fields["type"] == "Port" || fields["feature"] != nil || fields["abi"] != nil { return }
            var fact = PackageFact(type: "deb", name: name, version: version)
            fact.architecture = fields["architecture"] ?? ""
            if let source = fields["source"] {
                let words = source.split(separator: " ", maxSplits: 1).map(String.init)
                let version = words.count > 1 ? words[1].filter { $0 != "(" && $0 != ")" } : nil
                if let name = words.first { fact.source = .init(name: name, version: version) }
            }
            fact.requires = names(fields["depends"]) + names(fields["pre-depends"])
            facts.packages.append(fact)
            if let files = fields["conffiles"] {
                var paths: [UInt8] = []
                for line in files.split(separator: "\n") {
                    guard let path = line.split(separator: " ").first, path.hasPrefix("/") else { continue }
                    paths += path.dropFirst().utf8
                    paths.append(0x0A)
                }
                if !paths.isEmpty { facts.owned.append(OwnedFiles(package: name, paths: paths)) }
            }
        }
        for line in Lines(bytes) {
            if line.isEmpty {
                close()
                continue
            }
            let first = bytes[line.lowerBound]
            if first == 0x20 || first == 0x09 {
                if key == "conffiles" {
                    let text = String(decoding: bytes[line], as: UTF8.self).trimmed
                    fields[key, default: ""] += "\n" + text
                }
                continue
            }
            guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else { continue }
            key = String(decoding: bytes[line.lowerBound..<colon].map(\.lowercased), as: UTF8.self)
            guard wanted.contains(key) else { continue }
            fields[key] = String(decoding: bytes[(colon + 1)..<line.upperBound], as: UTF8.self).trimmed
        }
        close()
    }

    private static let wanted: Set<String> = [
        "package", "version", "status", "architecture", "source", "depends", "pre-depends", "conffiles", "type",
        "feature", "abi",
    ]

    /// The names of a list of dependencies, of alternatives the first.
    private static func names(_ list: String?) -> [String] {
        guard let list else { return [] }
        return list.split(separator: ",").compactMap { item in
            let first = item.split(separator: "|").first ?? item
            let name = first.drop { $0 == " " }.prefix { $0 != " " && $0 != "(" && $0 != ":" && $0 != "[" }
            return name.isEmpty ? nil : String(name)
        }
    }

    /// `info/NAME.list` or `info/NAME:ARCH.list`.
    static func list(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var paths: [UInt8] = []
        paths.reserveCapacity(bytes.count)
        for line in Lines(bytes) where line.count > 1 && bytes[line.lowerBound] == UInt8(ascii: "/") {
            paths += bytes[(line.lowerBound + 1)..<line.upperBound]
            paths.append(0x0A)
        }
        facts.owned = [OwnedFiles(package: name(facts.path, suffix: ".list"), paths: paths)]
    }

    /// `NAME.md5sums`: a sum, two blanks, a path without its leading slash. Distroless images have only these.
    static func sums(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var paths: [UInt8] = []
        for line in Lines(bytes) {
            guard let blank = bytes[line].firstIndex(of: 0x20) else { continue }
            let path = bytes[blank..<line.upperBound].drop { $0 == 0x20 || $0 == UInt8(ascii: "/") }
            guard !path.isEmpty else { continue }
            paths += path
            paths.append(0x0A)
        }
        facts.owned = [OwnedFiles(package: name(facts.path, suffix: ".md5sums"), paths: paths)]
    }

    private static func name(_ path: String, suffix: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        return String(file.dropLast(suffix.utf8.count).prefix { $0 != ":" })
    }
}

/// The lines of a text as ranges of its bytes, without their ends.
struct Lines: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        var end = start
        let stored = bytes
        let span = stored.span
        while end < span.count, span[end] != 0x0A { end += 1 }
        position = end + 1
        if end > start, span[end - 1] == 0x0D { end -= 1 }
        return start..<end
    }
}
