import Documents

/// Lock files and lists of the remaining registries, each a few lines of meaning.
enum OtherLocks {
    /// Cargo.lock; the crate at hand has no source.
    static func cargo(_ bytes: [UInt8], _ facts: inout FileFacts) {
        for table in LockTables(bytes).packages {
            guard let name = table.texts["name"], let version = table.texts["version"] else { continue }
            facts.declare("cargo", name, version, requires: table.dependencies)
        }
    }

    static func composerLock(_ root: Node, _ facts: inout FileFacts) {
        for (key, isDevelopment) in [("packages", false), ("packages-dev", true)] {
            for package in root[key].elements { composer(package, isDeclared: true, isDevelopment, &facts) }
        }
    }

    /// `vendor/composer/installed.json`, of Composer 1 (a list) and 2.
    static func composerInstalled(_ root: Node, _ facts: inout FileFacts) {
        let development = Set(root["dev-package-names"].strings)
        for package in (root.isArray ? root : root["packages"]).elements {
            composer(package, isDeclared: false, development.contains(package["name"].string ?? ""), &facts)
        }
    }

    private static func composer(_ node: Node, isDeclared: Bool, _ isDevelopment: Bool, _ facts: inout FileFacts) {
        guard let name = node["name"].string, let version = node["version"].string else { return }
        var fact = PackageFact(type: "composer", name: name, version: version)
        fact.isDeclared = isDeclared
        fact.isDevelopment = isDevelopment
        fact.licences = node["license"].strings
        fact.requires = node["require"].members.map { $0.key }.filter { $0.contains("/") }.sorted()
        facts.packages.append(fact)
    }

    /// `*.deps.json` beside a .NET program: libraries that came from packages.
    static func dotnetDependencies(_ root: Node, _ facts: inout FileFacts) {
        var requires: [String: [String]] = [:]
        for target in root["targets"].members {
            for library in target.value.members {
                requires[library.key] = library.value["dependencies"].members.map { $0.key }.sorted()
            }
        }
        for library in root["libraries"].members where library.value["type"].equals("package") {
            guard let slash = library.key.lastIndex(of: "/") else { continue }
            var fact = PackageFact(
                type: "nuget", name: String(library.key[..<slash]),
                version: String(library.key[library.key.index(after: slash)...]))
            fact.requires = requires[library.key] ?? []
            facts.packages.append(fact)
        }
    }

    static func nugetLock(_ root: Node, _ facts: inout FileFacts) {
        var seen: Set<String> = []
        for framework in root["dependencies"].members {
            for package in framework.value.members where !package.value["type"].equals("Project") {
                let version = package.value["resolved"].string ?? ""
                guard seen.insert("\(package.key) \(version)").inserted else { continue }
                facts.declare(
                    "nuget", package.key, version,
                    requires: package.value["dependencies"].members.map { $0.key }.sorted())
            }
        }
    }

    /// `packages.config` and `Directory.Packages.props`.
    static func nugetXML(_ bytes: [UInt8], _ facts: inout FileFacts) {
        guard let root = try? XMLTree.read(bytes) else {
            facts.problem = "it is no XML"
            return
        }
        func add(_ element: XMLTree, _ depth: Int) {
            if element.name == "package", let name = element.attributes["id"],
                let version = element.attributes["version"]
            {
                facts.declare(
                    "nuget", name, version, isDevelopment: element.attributes["developmentDependency"] == "true")
            }
            if element.name == "PackageVersion" || element.name == "PackageReference" {
                let name = element.attributes["Include"] ?? element.attributes["Update"] ?? ""
                let version = element.attributes["Version"] ?? element["Version"]?.text ?? ""
                if !version.contains("$("), !version.contains("["), !version.contains("*") {
                    facts.declare("nuget", name, version)
                }
            }
            if depth < 16 { for child in element.children { add(child, depth + 1) } }
        }
        add(root, 0)
    }

    /// `conda-meta/NAME-VERSION-BUILD.json`.
    static func conda(_ root: Node, _ facts: inout FileFacts) {
        guard let name = root["name"].string, let version = root["version"].string else { return }
        var fact = PackageFact(type: "conda", name: name, version: version)
        if let licence = root["license"].string, !licence.isEmpty { fact.licences = [licence] }
        if let build = root["build"].string { fact.qualifiers["build"] = build }
        if let subdirectory = root["subdir"].string { fact.qualifiers["subdir"] = subdirectory }
        fact.requires = root["depends"].strings.map { String($0.prefix { $0 != " " }) }
        facts.packages.append(fact)
        let paths = root["files"].strings.prefix(200_000)
        // Files are named from the environment's folder.
        let base = facts.path.split(separator: "/").dropLast(2).joined(separator: "/")
        let lines = paths.map { (base.isEmpty ? "" : base + "/") + $0 + "\n" }.joined()
        if !lines.isEmpty { facts.owned.append(OwnedFiles(package: "conda:\(name)", paths: Array(lines.utf8))) }
    }

    /// `environment.yaml`: only what is pinned.
    static func condaEnvironment(_ root: Node, _ facts: inout FileFacts) {
        for item in root["dependencies"].elements {
            for pip in item["pip"].strings { PythonReader.requirements(Array(pip.utf8), &facts) }
            guard let text = item.string else { continue }
            let own = text.contains("::") ? String(text.split(separator: ":").last ?? "") : text
            let parts = own.split(separator: "=").map(String.init)
            guard parts.count >= 2, !own.contains(">"), !own.contains("<"), !own.contains("*") else { continue }
            facts.declare("conda", parts[0].trimmed, parts[1].trimmed)
        }
    }

    /// `gradle.lockfile`: `group:artifact:version=configurations`.
    static func gradle(_ bytes: [UInt8], _ facts: inout FileFacts) {
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line], as: UTF8.self).trimmed
            let parts = text.prefix { $0 != "=" }.split(separator: ":").map(String.init)
            guard !text.hasPrefix("#"), parts.count == 3 else { continue }
            facts.declare("maven", "\(parts[0]):\(parts[1])", parts[2])
        }
    }

    /// `Podfile.lock`: `- Name (1.0)` or `- Name (1.0): [needs]`.
    static func pods(_ root: Node, _ facts: inout FileFacts) {
        for item in root["PODS"].elements {
            let text = item.string ?? item.members.first { _ in true }?.key ?? ""
            guard let open = text.firstIndex(of: "("), text.hasSuffix(")") else { continue }
            facts.declare(
                "cocoapods", String(text[..<open]).trimmed, String(text[text.index(after: open)...].dropLast()))
        }
    }

    static func pub(_ root: Node, _ facts: inout FileFacts) {
        for member in root["packages"].members {
            guard let version = member.value["version"].string else { continue }
            facts.declare(
                "pub", member.key, version, isDevelopment: member.value["dependency"].string?.contains("dev") == true)
        }
    }

    /// `pom.xml` of a source tree: the versions that it writes itself; what a parent elsewhere sets is not known here.
    static func pom(_ bytes: [UInt8], _ facts: inout FileFacts) {
        guard let root = try? XMLTree.read(bytes), root.name == "project" else { return }
        var properties: [String: String] = [:]
        for property in root["properties"]?.children ?? [] { properties[property.name] = property.text }
        let group = root["groupId"]?.text ?? root["parent"]?["groupId"]?.text ?? ""
        let version = root["version"]?.text ?? root["parent"]?["version"]?.text ?? ""
        properties["project.groupId"] = group
        properties["project.version"] = version
        properties["project.parent.version"] = root["parent"]?["version"]?.text
        func resolved(_ text: String?) -> String? {
            guard var out = text else { return nil }
            for _ in 0..<8 {
                guard let open = out.range(of: "${"), let close = out[open.upperBound...].firstIndex(of: "}") else {
                    break
                }
                guard let value = properties[String(out[open.upperBound..<close])] else { return nil }
                out.replaceSubrange(open.lowerBound...close, with: value)
            }
            return out.contains("${") || out.isEmpty ? nil : out
        }
        var managed: [String: String] = [:]
        for item in root["dependencyManagement"]?["dependencies"]?.children(named: "dependency") ?? [] {
            guard let group = resolved(item["groupId"]?.text), let name = resolved(item["artifactId"]?.text),
                let version = resolved(item["version"]?.text)
            else { continue }
            managed["\(group):\(name)"] = version
        }
        var requires: [String] = []
        for item in root["dependencies"]?.children(named: "dependency") ?? [] {
            guard let group = resolved(item["groupId"]?.text), let name = resolved(item["artifactId"]?.text) else {
                continue
            }
            let id = "\(group):\(name)"
            requires.append(id)
            guard let version = resolved(item["version"]?.text) ?? managed[id], !version.hasPrefix("["),
                !version.hasPrefix("(")
            else { continue }
            facts.declare("maven", id, version, isDevelopment: item["scope"]?.text == "test")
        }
        if let name = root["artifactId"]?.text, let own = resolved(version), let group = resolved(group) {
            facts.declare("maven", "\(group):\(name)", own, requires: requires)
        }
    }

    /// `go.mod`. Since Go 1.17 it names every module that is built in.
    static func goModule(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var block = ""
        var required: [(name: String, version: String)] = []
        var replaced: [String: (name: String, version: String)] = [:]
        var excluded: Set<String> = []
        for line in Lines(bytes) {
            var text = String(decoding: bytes[line], as: UTF8.self)
            if let comment = text.range(of: "//") { text = String(text[..<comment.lowerBound]) }
            text = text.trimmed
            if text.isEmpty { continue }
            if text == ")" {
                block = ""
                continue
            }
            var words: [String] = text.split { $0 == " " || $0 == "\t" }.map { word in
                String(word.filter { $0 != "\"" })
            }
            if block.isEmpty {
                let verb = words.removeFirst()
                if words == ["("] {
                    block = verb
                    continue
                }
                statement(verb, words)
            } else {
                statement(block, words)
            }
        }
        func statement(_ verb: String, _ words: [String]) {
            switch verb {
            case "require" where words.count >= 2: required.append((words[0], words[1]))
            case "exclude" where words.count >= 2: excluded.insert("\(words[0]) \(words[1])")
            case "replace":
                guard let arrow = words.firstIndex(of: "=>"), arrow >= 1, arrow + 1 < words.count else { return }
                let from = arrow > 1 ? "\(words[0]) \(words[1])" : words[0]
                replaced[from] = (words[arrow + 1], arrow + 2 < words.count ? words[arrow + 2] : "")
            default: return
            }
        }
        for module in required where !excluded.contains("\(module.name) \(module.version)") {
            let target = replaced["\(module.name) \(module.version)"] ?? replaced[module.name]
            guard let target else {
                facts.declare("golang", module.name, module.version)
                continue
            }
            // A folder in its place is of this repository.
            if target.version.isEmpty {
                facts.declare("golang", module.name, "(devel)")
            } else {
                facts.declare("golang", target.name, target.version)
            }
        }
    }
}
