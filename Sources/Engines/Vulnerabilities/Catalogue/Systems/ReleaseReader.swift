import Documents

/// Files that tell which distribution an image is made of.
///
/// Standard: os-release(5); the older files of each family.
enum ReleaseReader {
    /// `NAME=value` lines of os-release and lsb-release, quoted as a shell would read them.
    static func osRelease(_ bytes: [UInt8]) -> ReleaseFact? {
        var fields: [String: String] = [:]
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line], as: UTF8.self).trimmed
            guard !text.hasPrefix("#"), let equal = text.firstIndex(of: "=") else { continue }
            fields[String(text[..<equal]).trimmed] = unquoted(String(text[text.index(after: equal)...]).trimmed)
        }
        let id = fields["ID"] ?? fields["DISTRIB_ID"]?.lowercased() ?? ""
        guard !id.isEmpty else { return nil }
        return ReleaseFact(
            id: id.lowercased(), version: fields["VERSION_ID"] ?? fields["DISTRIB_RELEASE"] ?? "",
            codename: fields["VERSION_CODENAME"] ?? fields["DISTRIB_CODENAME"] ?? "",
            title: fields["PRETTY_NAME"] ?? fields["DISTRIB_DESCRIPTION"] ?? "")
    }

    private static func unquoted(_ text: String) -> String {
        guard let first = text.first, first == "\"" || first == "'", text.count >= 2, text.last == first else {
            return text
        }
        var out = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if !isEscaped, character == "\\", first == "\"" {
                isEscaped = true
            } else {
                out.append(character)
                isEscaped = false
            }
        }
        return out
    }

    /// `CentOS Linux release 7.6.1810 (Core)`, `3.19.1`, `trixie/sid`.
    static func line(_ bytes: [UInt8], file: String) -> ReleaseFact? {
        guard let range = Lines(bytes).lazy.first(where: { !$0.isEmpty }) else { return nil }
        let text = String(decoding: bytes[range].prefix(256), as: UTF8.self).trimmed
        switch file {
        case "alpine-release": return ReleaseFact(id: "alpine", version: text)
        case "debian_version":
            if text.first?.isNumber == true { return ReleaseFact(id: "debian", version: text) }
            return ReleaseFact(id: "debian", codename: String(text.prefix { $0 != "/" }))
        default:
            let lowered = text.lowercased()
            guard let (_, id) = families.first(where: { lowered.contains($0.0) }) else { return nil }
            let number = text.split(separator: " ").first { $0.first?.isNumber == true }
            return ReleaseFact(id: id, version: number.map { String($0.prefix { $0 != "(" }) } ?? "", title: text)
        }
    }

    /// Words of the first line, the more special first.
    private static let families = [
        ("centos", "centos"), ("almalinux", "almalinux"), ("rocky", "rocky"), ("oracle", "oracle"),
        ("fedora", "fedora"), ("amazon", "amazon"), ("red hat", "rhel"), ("opensuse", "opensuse-leap"),
        ("suse linux enterprise", "sles"), ("photon", "photon"), ("mariner", "mariner"), ("azure", "azurelinux"),
    ]

    /// `etc/apk/repositories`: of the releases named the highest, `edge` before all others. A repository with a tag
    /// (`@testing https://…`) is only for packages that are asked for by it, and says nothing of the rest.
    static func apkRepositories(_ bytes: [UInt8]) -> ReleaseFact? {
        var highest: (text: String, numbers: [Int])?
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line].prefix(1024), as: UTF8.self).trimmed
            let steps = text.split(separator: "/")
            guard !text.hasPrefix("#"), !text.hasPrefix("@"), text.contains("://"),
                let place = steps.firstIndex(of: "alpine"), place + 2 < steps.count
            else { continue }
            let name = String(steps[place + 1])
            if name == "edge" { return ReleaseFact(id: "alpine", version: "edge") }
            let numbers = name.dropFirst(name.hasPrefix("v") ? 1 : 0).split(separator: ".").compactMap { Int($0) }
            guard numbers.count == 2 else { continue }
            if let known = highest, !known.numbers.lexicographicallyPrecedes(numbers) { continue }
            highest = ("\(numbers[0]).\(numbers[1])", numbers)
        }
        return highest.map { ReleaseFact(id: "alpine", version: $0.text) }
    }

    /// `root/buildinfo/content_manifests/NAME.json`, `usr/share/buildinfo/content-sets.json`: names of repositories,
    /// as `rhel-8-for-x86_64-baseos-eus-rpms__8_DOT_6`. Those of a support stream carry its name.
    static func contentSets(_ root: Node) -> ReleaseFact? {
        var streams: Set<String> = []
        for name in root["content_sets"].strings {
            let words = name.split(separator: "-")
            for stream in ["eus", "e4s", "aus", "tus", "els"] where words.contains(Substring(stream)) {
                streams.insert(stream)
            }
        }
        return streams.isEmpty ? nil : ReleaseFact(streams: streams.sorted())
    }

    /// One distribution of all that the files of an image tell; os-release names it, the others add what it leaves
    /// out.
    static func distribution(_ facts: [String: ReleaseFact]) -> Distribution? {
        let main = ["etc/os-release", "usr/lib/os-release"].lazy.compactMap { facts[$0] }.first
        let told = facts.sorted { $0.key < $1.key }.filter { !$0.key.hasSuffix("os-release") }.map(\.value)
        // Sets of content name streams and no release.
        let others = told.filter { !$0.id.isEmpty }
        guard let main else {
            // Derivatives keep Debian's version file, so it speaks last.
            guard let first = others.first(where: { $0.id != "debian" }) ?? others.first else { return nil }
            return Distribution(id: first.id, version: version(first))
        }
        var version = version(main)
        if ["centos", "rhel", "ol", "rocky", "almalinux"].contains(main.id), !version.contains("."),
            let finer = others.first(where: { $0.version.hasPrefix(version + ".") })
        {
            version = finer.version
        }
        // Packages are of the release that apk takes them from: an image of apko, or one that was moved on, keeps the
        // os-release it began with.
        if main.id == "alpine", let source = facts["etc/apk/repositories"], version != source.version,
            !version.hasPrefix(source.version + ".")
        {
            version = source.version
        }
        var out = Distribution(id: main.id, version: version)
        if out.family == "redhat" { out.streams.formUnion(told.flatMap(\.streams)) }
        return out
    }

    /// Releases still to come have a name and no number.
    private static func version(_ fact: ReleaseFact) -> String {
        fact.version.isEmpty ? fact.codename : fact.version
    }
}
