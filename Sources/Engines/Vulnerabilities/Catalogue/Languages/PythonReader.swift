import Documents

/// Python's installed distributions, wheels, eggs and lock files.
///
/// Standard: PyPA's core metadata, "Recording installed projects", PEP 376, PEP 427, PEP 440.
enum PythonReader {
    /// `METADATA` and `PKG-INFO`: fields as of mail, up to the first empty line.
    static func metadata(_ bytes: [UInt8], inner: String = "", _ facts: inout FileFacts) {
        var name = ""
        var version = ""
        var licence = ""
        var expression = ""
        var requires: [String] = []
        for line in Lines(bytes) {
            if line.isEmpty { break }
            guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), bytes[line.lowerBound] != 0x20 else {
                continue
            }
            let key = String(decoding: bytes[line.lowerBound..<colon].map(\.lowercased), as: UTF8.self)
            func value() -> String { String(decoding: bytes[(colon + 1)..<line.upperBound], as: UTF8.self).trimmed }
            switch key {
            case "name": if name.isEmpty { name = value() }
            case "version": if version.isEmpty { version = value() }
            case "license": licence = value()
            case "license-expression": expression = value()
            case "requires-dist":
                let text = value()
                // Extras are not asked for by the package itself.
                if !text.contains("extra ==") {
                    requires.append(String(text.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }))
                }
            default: continue
            }
        }
        guard !name.isEmpty, !version.isEmpty else { return }
        var fact = PackageFact(type: "pypi", name: name, version: version)
        let own = expression.isEmpty ? licence : expression
        if !own.isEmpty, own != "UNKNOWN", own.utf8.count < 200 { fact.licences = [own] }
        fact.requires = requires
        fact.inner = inner
        facts.packages.append(fact)
    }

    /// `RECORD`: a path beside the folder, a hash, a size. Kept under the package's own name, so that a running file
    /// can be told to be of it.
    static func record(_ bytes: [UInt8], _ facts: inout FileFacts) {
        let steps = facts.path.split(separator: "/").map(String.init)
        guard steps.count >= 2 else { return }
        let folder = steps[steps.count - 2]
        let base = Array(steps.dropLast(2).joined(separator: "/").utf8)
        let name = folder.prefix { $0 != "-" }
        var paths: [UInt8] = []
        for line in Lines(bytes) {
            let path = bytes[line].prefix { $0 != UInt8(ascii: ",") }
            guard !path.isEmpty, !path.starts(with: "../".utf8), path.first != UInt8(ascii: "/"),
                path.first != UInt8(ascii: "\"")
            else { continue }
            paths += base
            if !base.isEmpty { paths.append(UInt8(ascii: "/")) }
            paths += path
            paths.append(0x0A)
        }
        facts.owned = [OwnedFiles(package: "pypi:\(EcosystemKey("pypi").normalized(String(name)))", paths: paths)]
    }

    /// `requirements.txt`: only what is pinned says which version there will be.
    static func requirements(_ bytes: [UInt8], _ facts: inout FileFacts) {
        for line in Lines(bytes) {
            var text = String(decoding: bytes[line], as: UTF8.self)
            for end in [" #", ";", " --"] {
                if let mark = text.range(of: end) { text = String(text[..<mark.lowerBound]) }
            }
            text = text.trimmed
            guard !text.hasPrefix("#"), !text.hasPrefix("-"), let mark = text.range(of: "==") else { continue }
            let name = String(text[..<mark.lowerBound].prefix { $0 != "[" }).trimmed
            let version = String(
                text[mark.upperBound...].drop { $0 == "=" }.prefix { $0 != "," && $0 != " " && $0 != "\\" }
            )
            .trimmed
            guard !name.isEmpty, !version.isEmpty, !version.contains("*") else { continue }
            facts.declare("pypi", name, version)
        }
    }

    static func pipfile(_ root: Node, _ facts: inout FileFacts) {
        for (group, isDevelopment) in [("default", false), ("develop", true)] {
            for member in root[group].members {
                guard let version = member.value["version"].string, version.hasPrefix("==") else { continue }
                facts.declare("pypi", member.key, String(version.drop { $0 == "=" }), isDevelopment: isDevelopment)
            }
        }
    }

    /// Tables `[[package]]` of poetry, uv and pdm.
    static func lock(_ bytes: [UInt8], _ facts: inout FileFacts) {
        for table in LockTables(bytes).packages {
            guard let name = table.texts["name"], let version = table.texts["version"] else { continue }
            // The project itself, in uv's words.
            if table.raw["source"]?.contains("editable") == true || table.raw["source"]?.contains("virtual") == true {
                continue
            }
            let isDevelopment = table.texts["category"] == "dev"
            facts.declare("pypi", name, version, isDevelopment: isDevelopment, requires: table.dependencies)
        }
    }

    /// Wheels and eggs are archives with the same metadata inside.
    static func archive(_ bytes: [UInt8], _ facts: inout FileFacts) {
        do throws(ArchiveError) {
            let archive = try ZipArchive(bytes)
            // One is enough for any wheel; entries may lie over each other.
            var left = 64 << 20
            for entry in archive.entries {
                let parts = entry.name.split(separator: "/")
                guard parts.count == 2, let folder = parts.first, let file = parts.last,
                    (folder.hasSuffix(".dist-info") && file == "METADATA")
                        || (folder == "EGG-INFO" && file == "PKG-INFO")
                else { continue }
                let text = try archive.contents(entry, limit: min(4 << 20, left))
                left -= text.count
                metadata(text, inner: entry.name, &facts)
            }
        } catch {
            facts.problem = "the archive cannot be read: \(error.message)"
        }
    }
}

extension FileFacts {
    /// Adds a package that a lock file asks for.
    mutating func declare(
        _ type: String, _ name: String, _ version: String, isDevelopment: Bool = false, requires: [String] = []
    ) {
        guard !name.isEmpty, !version.isEmpty else { return }
        var fact = PackageFact(type: type, name: name, version: version)
        fact.isDeclared = true
        fact.isDevelopment = isDevelopment
        fact.requires = requires
        packages.append(fact)
    }
}
