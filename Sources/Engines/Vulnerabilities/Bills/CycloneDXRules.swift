import Documents

/// What the schema of CycloneDX asks for.
///
/// Source: the JSON schemas of CycloneDX 1.2 to 1.7.
struct CycloneDXRules {
    let minor: Int

    private static let licences: Set<String> = Set(
        String(decoding: PackageResources.spdx_licenses_txt, as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init))

    private func fail(_ node: Node, _ message: String) -> BillError {
        BillError(code: .invalid, message: "\(node.path): \(message)")
    }

    func check(_ root: Node) throws(BillError) {
        if let serial = root["serialNumber"].string, !Self.isSerial(serial) {
            throw fail(root["serialNumber"], "\"\(serial)\" is no urn:uuid")
        }
        if let time = root["metadata"]["timestamp"].string, !Self.isInstant(time) {
            throw fail(root["metadata"]["timestamp"], "\"\(time)\" is no date with a time")
        }
        try licences(root["metadata"]["licenses"])
        // Writers that know no subject leave its type empty; nothing hangs on it.
        if root["metadata"]["component"].exists, !root["metadata"]["component"]["type"].equals("") {
            try component(root["metadata"]["component"], 0)
        }
        for item in root["components"].elements { try component(item, 0) }
        for service in root["services"].elements { try self.service(service) }
        for dependency in root["dependencies"].elements {
            guard dependency["ref"].string?.isEmpty == false else { throw fail(dependency, "a dependency has no ref") }
            for list in ["dependsOn", "provides"] where dependency[list].exists {
                guard dependency[list].isArray, dependency[list].elements.allSatisfy({ $0.string?.isEmpty == false })
                else {
                    throw fail(dependency[list], "a dependency is named by its ref")
                }
            }
        }
        try references(root)
    }

    /// References are unique.
    private func references(_ root: Node) throws(BillError) {
        var seen: Set<String> = []
        var stack = Array(root["components"].elements)
        while let node = stack.popLast() {
            if let reference = node["bom-ref"].string {
                guard !reference.isEmpty else { throw fail(node["bom-ref"], "an empty reference") }
                guard seen.insert(reference).inserted else {
                    throw fail(node["bom-ref"], "\"\(reference)\" stands twice")
                }
            }
            stack += Array(node["components"].elements)
        }
    }

    private static let kinds: Set<String> = [
        "application", "framework", "library", "container", "operating-system", "device", "firmware", "file",
    ]
    private static let youngKinds: Set<String> = [
        "platform", "device-driver", "machine-learning-model", "data", "cryptographic-asset",
    ]

    private func component(_ node: Node, _ depth: Int) throws(BillError) {
        guard depth < 64 else { throw fail(node, "components stand inside each other too deep") }
        guard let kind = node["type"].string else { throw fail(node, "a component has no type") }
        guard Self.kinds.contains(kind) || (minor >= 5 && Self.youngKinds.contains(kind)) else {
            throw fail(node["type"], "\"\(kind)\" is no type of component")
        }
        guard node["name"].string != nil else { throw fail(node, "a component has no name") }
        if let scope = node["scope"].string, !["required", "optional", "excluded"].contains(scope) {
            throw fail(node["scope"], "\"\(scope)\" is no scope")
        }
        if node["swid"].exists, node["swid"]["tagId"].string == nil || node["swid"]["name"].string == nil {
            throw fail(node["swid"], "a SWID tag needs tagId and name")
        }
        if node["versionRange"].exists {
            guard node["isExternal"].bool == true else {
                throw fail(node["versionRange"], "only external components have a range of versions")
            }
            guard !node["version"].exists else {
                throw fail(node["versionRange"], "a version and a range exclude each other")
            }
        }
        for hash in node["hashes"].elements { try self.hash(hash) }
        try licences(node["licenses"])
        for patch in node["pedigree"]["patches"].elements {
            guard let kind = patch["type"].string, ["unofficial", "monkey", "backport", "cherry-pick"].contains(kind)
            else {
                throw fail(patch["type"], "this is no type of patch")
            }
            for issue in patch["resolves"].elements { try self.issue(issue) }
        }
        for issue in node["releaseNotes"]["resolves"].elements { try self.issue(issue) }
        for key in ["ancestors", "descendants", "variants"] {
            for item in node["pedigree"][key].elements { try component(item, depth + 1) }
        }
        for item in node["components"].elements { try component(item, depth + 1) }
    }

    private func issue(_ node: Node) throws(BillError) {
        guard let kind = node["type"].string, ["defect", "enhancement", "security"].contains(kind) else {
            throw fail(node["type"], "this is no type of issue")
        }
    }

    private static let lengths = [
        "MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128, "SHA3-256": 64, "SHA3-384": 96,
        "SHA3-512": 128, "BLAKE2b-256": 64, "BLAKE2b-384": 96, "BLAKE2b-512": 128, "BLAKE3": 64,
        "Streebog-256": 64, "Streebog-512": 128,
    ]

    /// The schema asks for any of the lengths that hashes have.
    private func hash(_ node: Node) throws(BillError) {
        guard let algorithm = node["alg"].string, Self.lengths[algorithm] != nil else {
            throw fail(node["alg"], "this is no algorithm of a hash")
        }
        guard let content = node["content"].string,
            Self.lengths.values.contains(content.utf8.count),
            content.utf8.allSatisfy({ $0.isDigit || (0x61...0x66).contains($0.lowercased) })
        else { throw fail(node["content"], "this is no \(algorithm) in hexadecimal digits") }
    }

    private func licences(_ node: Node) throws(BillError) {
        guard node.exists else { return }
        guard node.isArray else { throw fail(node, "licenses is a list") }
        var expressions = 0
        var others = 0
        for choice in node.elements {
            let licence = choice["license"]
            if choice["expression"].exists {
                expressions += 1
                guard !licence.exists else { throw fail(choice, "a licence or an expression, not both") }
                continue
            }
            others += 1
            guard licence.isObject else { throw fail(choice, "neither a licence nor an expression") }
            guard licence["id"].exists != licence["name"].exists else {
                throw fail(licence, "a licence has an id or a name")
            }
            if let id = licence["id"].string, !Self.licences.contains(id) {
                throw fail(licence["id"], "\"\(id)\" is not in the SPDX list")
            }
            if let encoding = licence["text"]["encoding"].string, encoding != "base64" {
                throw fail(licence["text"]["encoding"], "\"\(encoding)\" is no encoding")
            }
        }
        // Until 1.6 one expression stands alone; 1.7 lets it stand beside others.
        if minor < 7, expressions > 1 || (expressions == 1 && others > 0) {
            throw fail(node, "an expression stands alone")
        }
    }

    private func service(_ node: Node) throws(BillError) {
        for data in node["data"].elements {
            guard let flow = data["flow"].string, ["inbound", "outbound", "bi-directional", "unknown"].contains(flow)
            else {
                throw fail(data["flow"], "this is no direction of data")
            }
        }
        try licences(node["licenses"])
        for issue in node["releaseNotes"]["resolves"].elements { try self.issue(issue) }
        for inner in node["services"].elements { try service(inner) }
    }

    private static func isSerial(_ text: String) -> Bool {
        guard text.hasPrefix("urn:uuid:") else { return false }
        let groups = text.dropFirst(9).split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.allSatisfy { $0.utf8.allSatisfy { $0.isDigit || (0x61...0x66).contains($0.lowercased) } }
    }

    /// RFC 3339.
    private static func isInstant(_ text: String) -> Bool {
        guard CivilDate(text) != nil, text.utf8.count >= 20 else { return false }
        let bytes = Array(text.utf8)
        return bytes[10].lowercased == UInt8(ascii: "t") && bytes[13] == UInt8(ascii: ":")
    }
}
