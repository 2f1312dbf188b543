import Documents

/// Packages of Node: the manifest that each carries, and the lock files of npm, Yarn, pnpm and Bun.
enum NodeReader {
    /// `package.json`; those without a name or a version only set options for a folder.
    static func manifest(_ root: Node, _ facts: inout FileFacts) {
        guard let name = root["name"].string, let version = root["version"].string, !name.isEmpty,
            version.first?.isNumber == true || version.hasPrefix("v")
        else { return }
        var fact = PackageFact(type: "npm", name: name, version: version)
        if let licence = root["license"].string ?? root["license"]["type"].string { fact.licences = [licence] }
        fact.licences += root["licenses"].elements.compactMap { $0["type"].string ?? $0.string }
        fact.requires = root["dependencies"].members.map { $0.key }.sorted()
        facts.packages.append(fact)
    }

    /// `package-lock.json`, versions 1 to 3.
    static func npm(_ root: Node, _ facts: inout FileFacts) {
        if root["packages"].isObject {
            for member in root["packages"].members where !member.key.isEmpty {
                let node = member.value
                guard let version = node["version"].string, node["link"].bool != true else { continue }
                let mark = member.key.ranges(of: "node_modules/").last
                guard let mark else { continue }
                let name = node["name"].string ?? String(member.key[mark.upperBound...])
                facts.declare(
                    "npm", name, version,
                    isDevelopment: node["dev"].bool == true || node["devOptional"].bool == true,
                    requires: node["dependencies"].members.map { $0.key }.sorted())
            }
            return
        }
        func add(_ list: Node, _ depth: Int) {
            guard depth < 64 else { return }
            for member in list.members {
                let version = member.value["version"].string ?? ""
                // An address or a folder in place of a version is none of the registry's.
                if version.first?.isNumber == true {
                    facts.declare(
                        "npm", member.key, version, isDevelopment: member.value["dev"].bool == true,
                        requires: member.value["requires"].members.map { $0.key }.sorted())
                } else if version.hasPrefix("npm:"), let at = version.lastIndex(of: "@") {
                    facts.declare(
                        "npm", String(version[version.index(version.startIndex, offsetBy: 4)..<at]),
                        String(version[version.index(after: at)...]))
                }
                add(member.value["dependencies"], depth + 1)
            }
        }
        add(root["dependencies"], 0)
    }

    /// `yarn.lock`, of Yarn 1 and of Berry: a line of descriptions, then indented fields.
    static func yarn(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var name = ""
        var version = ""
        var requires: [String] = []
        var isWorkspace = false
        var isInDependencies = false
        func close() {
            if !name.isEmpty, !isWorkspace { facts.declare("npm", name, version, requires: requires) }
            (name, version, requires, isWorkspace, isInDependencies) = ("", "", [], false, false)
        }
        for line in Lines(bytes) {
            let raw = String(decoding: bytes[line], as: UTF8.self)
            let text = raw.trimmed
            if text.isEmpty || text.hasPrefix("#") { continue }
            let indent = raw.prefix { $0 == " " }.count
            if indent == 0 {
                close()
                guard text.hasSuffix(":"), !text.hasPrefix("__metadata") else { continue }
                let first = (text.dropLast().split(separator: ",").first ?? "").filter { $0 != "\"" }
                guard let at = first.dropFirst().firstIndex(of: "@") else { continue }
                name = String(first[..<at])
                let range = first[first.index(after: at)...]
                isWorkspace = range.hasPrefix("workspace:") || range.hasPrefix("link:") || range.hasPrefix("portal:")
                // An alias: `b@npm:a@1`.
                if range.hasPrefix("npm:"), let inner = range.dropFirst(5).lastIndex(of: "@") {
                    name = String(range[range.index(range.startIndex, offsetBy: 4)..<inner])
                }
                continue
            }
            let words = text.split(separator: " ", maxSplits: 1).map { $0.filter { $0 != "\"" } }
            let key = words[0].hasSuffix(":") ? String(words[0].dropLast()) : words[0]
            if indent == 2 {
                isInDependencies = key == "dependencies" || key == "optionalDependencies"
                if key == "version", words.count > 1 { version = words[1] }
                if key == "linkType", words.count > 1, words[1] == "soft" { isWorkspace = true }
            } else if isInDependencies {
                requires.append(key)
            }
        }
        close()
    }

    /// `pnpm-lock.yaml`: keys tell name and version, `/a/1.0.0_peer` (5), `/a@1.0.0(peer)` (6), `a@1.0.0` (9).
    static func pnpm(_ root: Node, _ facts: inout FileFacts) {
        let isOld = root["lockfileVersion"].text?.hasPrefix("5") ?? false
        for member in root["packages"].members {
            var key = member.key[...]
            if key.hasPrefix("/") { key = key.dropFirst() }
            if let peers = key.firstIndex(of: "(") { key = key[..<peers] }
            var name = member.value["name"].string ?? ""
            var version = member.value["version"].string ?? ""
            if version.isEmpty {
                if !isOld, let at = key.dropFirst().lastIndex(of: "@") {
                    name = String(key[..<at])
                    version = String(key[key.index(after: at)...])
                } else if let slash = key.prefix(while: { $0 != "_" }).lastIndex(of: "/") {
                    name = String(key[..<slash])
                    version = String(key[key.index(after: slash)...].prefix { $0 != "_" })
                }
            }
            guard version.first?.isNumber == true else { continue }
            let requires = root["snapshots"][member.key]["dependencies"].members.map { $0.key }
            facts.declare(
                "npm", name, version, isDevelopment: member.value["dev"].bool == true,
                requires: requires.isEmpty
                    ? member.value["dependencies"].members.map { $0.key }.sorted() : requires.sorted())
        }
    }

    /// `bun.lock`: JSON with commas behind the last member; each package is a list that begins with `name@version`.
    static func bun(_ root: Node, _ facts: inout FileFacts) {
        var development: Set<String> = []
        for space in root["workspaces"].members {
            for member in space.value["devDependencies"].members { development.insert(member.key) }
        }
        for member in root["packages"].members {
            guard let text = member.value[0].string, let at = text.dropFirst().lastIndex(of: "@") else { continue }
            let version = String(text[text.index(after: at)...])
            guard version.first?.isNumber == true else { continue }
            facts.declare(
                "npm", String(text[..<at]), version, isDevelopment: development.contains(member.key),
                requires: member.value[2]["dependencies"].members.map { $0.key }.sorted())
        }
    }
}
