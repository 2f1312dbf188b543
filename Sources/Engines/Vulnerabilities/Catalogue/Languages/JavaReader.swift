/// Jars, wars, ears and their like, one inside the other.
///
/// Who built a jar with Maven left `pom.properties` in it, one for each artifact that was shaded into it. Others say
/// who they are in the manifest, or only in the file's name.
struct JavaReader {
    /// Jars inside jars deeper than this hold no program.
    private static let deepest = 6
    /// What may come out of one file, all nested archives together.
    private static let mostUnpacked = 1 << 30
    private static let largestText = 4 << 20
    /// The same of manifests and the like: entries of an archive may lie over each other, so that a small one holds
    /// endless texts.
    private static let mostText = 64 << 20

    private var facts: FileFacts
    private var left = mostUnpacked
    private var textLeft = mostText

    static func read(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var reader = JavaReader(facts: facts)
        reader.archive(bytes, file: facts.path, inner: "", depth: 0)
        facts = reader.facts
    }

    private init(facts: FileFacts) { self.facts = facts }

    static let suffixes = [
        ".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".rar", ".lpkg",
    ]

    static func isArchive(_ path: String) -> Bool {
        let tail = path.utf8.suffix(5)
        guard let dot = tail.firstIndex(of: UInt8(ascii: ".")) else { return false }
        let suffix = String(decoding: tail[dot...].map(\.lowercased), as: UTF8.self)
        return suffixes.contains(suffix)
    }

    private struct Artifact: Hashable {
        var group: String
        var name: String
        var version: String
    }

    private mutating func archive(_ bytes: [UInt8], file: String, inner: String, depth: Int) {
        let archive: ZipArchive
        do throws(ArchiveError) {
            archive = try ZipArchive(bytes)
        } catch {
            note(inner, "cannot be read: \(error.message)")
            return
        }
        var artifacts: [Artifact] = []
        var poms: [Artifact] = []
        var manifest: [String: String] = [:]
        var licences: [String] = []
        for entry in archive.entries {
            let name = entry.name
            if name == "META-INF/MANIFEST.MF" {
                if let text = text(archive, entry, inner) {
                    manifest = Self.manifest(text)
                }
            } else if name.hasPrefix("META-INF/maven/"), name.hasSuffix("/pom.properties") {
                guard let text = text(archive, entry, inner) else { continue }
                let fields = Self.properties(text)
                if let artifact = Self.artifact(fields["groupId"], fields["artifactId"], fields["version"]) {
                    artifacts.append(artifact)
                }
            } else if name.hasPrefix("META-INF/maven/"), name.hasSuffix("/pom.xml") {
                guard let text = text(archive, entry, inner),
                    let root = try? XMLTree.read(text)
                else { continue }
                let parent = root["parent"]
                if let artifact = Self.artifact(
                    root["groupId"]?.text ?? parent?["groupId"]?.text, root["artifactId"]?.text,
                    root["version"]?.text ?? parent?["version"]?.text)
                {
                    poms.append(artifact)
                    licences = root["licenses"]?.children(named: "license").compactMap { $0["name"]?.text } ?? []
                }
            } else if Self.isArchive(name), entry.size > 0 {
                let path = inner + "/" + name
                guard depth < Self.deepest else {
                    note(path, "archives stand inside each other too deep")
                    continue
                }
                let bytes = contents(archive, entry, inner, limit: left)
                // What came out before an error was found has cost as much.
                left -= bytes?.count ?? min(entry.size, left)
                if let bytes {
                    self.archive(bytes, file: name, inner: path, depth: depth + 1)
                }
            }
        }
        for pom in poms where !artifacts.contains(where: { $0.group == pom.group && $0.name == pom.name }) {
            artifacts.append(pom)
        }
        add(artifacts, manifest, file, inner, licences)
    }

    private mutating func add(
        _ artifacts: [Artifact], _ manifest: [String: String], _ file: String, _ inner: String, _ licences: [String]
    ) {
        let own = FileName(file)
        var seen: Set<Artifact> = []
        for artifact in artifacts where seen.insert(artifact).inserted {
            var fact = PackageFact(
                type: "maven", name: "\(artifact.group):\(artifact.name)", version: artifact.version)
            fact.inner = inner
            if artifacts.count == 1 { fact.licences = licences }
            facts.packages.append(fact)
        }
        // A jar that lists what was shaded into it is still a package of its own, unless one of them is it.
        if artifacts.contains(where: { own.name == $0.name || own.stem.hasPrefix($0.name) }) { return }
        guard artifacts.count != 1, let main = main(manifest, own) else { return }
        var fact = PackageFact(type: "maven", name: "\(main.group):\(main.name)", version: main.version)
        fact.inner = inner
        facts.packages.append(fact)
    }

    /// What the manifest and the file's name tell, the name first: it is what people resolve by.
    private func main(_ manifest: [String: String], _ own: FileName) -> Artifact? {
        let symbolic = manifest["Bundle-SymbolicName"].map { String($0.prefix { $0 != ";" }).trimmed }
        var name = own.name
        if name.isEmpty {
            name = manifest["Implementation-Title"] ?? manifest["Bundle-Name"] ?? own.stem
        }
        let versions = [
            own.version, manifest["Implementation-Version"], manifest["Bundle-Version"], manifest["Plugin-Version"],
            manifest["Specification-Version"],
        ]
        let version = versions.lazy.compactMap { $0 }.first { !$0.isEmpty && !$0.contains("${") }
        guard !name.isEmpty else { return nil }
        var group = manifest["Implementation-Vendor-Id"] ?? manifest["Group-Id"] ?? ""
        if group.isEmpty, let symbolic, symbolic.contains(".") {
            // `org.eclipse.jetty.util` of jetty-util: what is before the artifact's own word.
            let steps = symbolic.split(separator: ".")
            let isNamed = steps.last.map { name.hasSuffix($0) } ?? false
            group = isNamed ? steps.dropLast().joined(separator: ".") : symbolic
        }
        if group.isEmpty, let start = manifest["Main-Class"],
            ["org.", "com.", "net.", "io."].contains(where: start.hasPrefix)
        {
            group = start
        }
        if group.contains(" ") { group = "" }
        return Artifact(group: group.isEmpty ? name : group, name: name, version: version ?? "UNKNOWN")
    }

    private mutating func text(_ archive: ZipArchive, _ entry: ZipArchive.Entry, _ inner: String) -> [UInt8]? {
        let bytes = contents(archive, entry, inner, limit: min(Self.largestText, textLeft))
        textLeft -= bytes?.count ?? min(entry.size, Self.largestText, textLeft)
        return bytes
    }

    private mutating func contents(
        _ archive: ZipArchive, _ entry: ZipArchive.Entry, _ inner: String, limit: Int
    ) -> [UInt8]? {
        do throws(ArchiveError) {
            return try archive.contents(entry, limit: limit)
        } catch {
            note(inner, error.message)
            return nil
        }
    }

    private mutating func note(_ inner: String, _ message: String) {
        guard facts.problem == nil else { return }
        facts.problem = inner.isEmpty ? message : "\(inner.dropFirst()): \(message)"
    }

    private static func artifact(_ group: String?, _ name: String?, _ version: String?) -> Artifact? {
        guard let group, let name, let version, !group.isEmpty, !name.isEmpty, !version.isEmpty,
            ![group, name, version].contains(where: { $0.contains("${") })
        else { return nil }
        return Artifact(group: group, name: name, version: version)
    }

    static func properties(_ bytes: [UInt8]) -> [String: String] {
        var out: [String: String] = [:]
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line], as: UTF8.self).trimmed
            guard !text.hasPrefix("#"), let equal = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else { continue }
            out[String(text[..<equal]).trimmed] = String(text[text.index(after: equal)...]).trimmed
        }
        return out
    }

    /// The main section of a manifest; long values go on behind a blank.
    static func manifest(_ bytes: [UInt8]) -> [String: String] {
        var out: [String: String] = [:]
        var key = ""
        for line in Lines(bytes) {
            if line.isEmpty {
                if out.isEmpty { continue }
                break
            }
            let text = String(decoding: bytes[line], as: UTF8.self)
            if text.hasPrefix(" ") {
                out[key, default: ""] += text.dropFirst()
            } else if let colon = text.firstIndex(of: ":") {
                key = String(text[..<colon])
                out[key] = String(text[text.index(after: colon)...]).trimmed
            }
        }
        return out
    }

    /// `log4j-core-2.14.1.jar` is log4j-core 2.14.1.
    struct FileName {
        let stem: String
        var name = ""
        var version: String?

        init(_ path: String) {
            let file = path.split(separator: "/").last ?? ""
            let stem = file.lastIndex(of: ".").map { file[..<$0] } ?? file
            self.stem = String(stem)
            name = self.stem
            var position = stem.startIndex
            while let dash = stem[position...].firstIndex(where: { $0 == "-" || $0 == "_" }) {
                let next = stem.index(after: dash)
                var digits = stem[next...]
                if digits.hasPrefix("v") || digits.hasPrefix("r") { digits = digits.dropFirst() }
                if digits.first?.isNumber == true, dash != stem.startIndex {
                    name = String(stem[..<dash])
                    version = String(stem[next...])
                    return
                }
                position = next
            }
        }
    }
}
