import Documents

/// Reads an `EncryptionConfiguration` as strictly as the API server and keeps on reading past what it refuses.
struct EncryptionConfigurationLoader {
    typealias Problem = EncryptionConfiguration.LoadProblem

    var entries: [EncryptionConfiguration.Entry] = []
    var problems: [Problem] = []
    private var kmsNames: Set<String> = []

    mutating func read(_ root: Node) {
        let isCurrent =
            root["kind"].equals("EncryptionConfiguration") && root["apiVersion"].equals("apiserver.config.k8s.io/v1")
        guard root.isObject, isCurrent || EncryptionConfiguration.isLegacy(root) else {
            return note(
                .notAConfiguration, root, "not an EncryptionConfiguration of apiserver.config.k8s.io/v1")
        }
        refuseUnknown(root, ["apiVersion", "kind", "resources"])
        let list = root["resources"]
        guard list.isNull || list.isArray else { return note(.wrongType, list, "\"resources\" is not a list") }
        guard !list.isEmpty else { return note(.noEntries, list, "no entry in \"resources\"") }
        for node in list.elements { readEntry(node) }
        findMasked()
    }

    private mutating func readEntry(_ node: Node) {
        refuseUnknown(node, ["resources", "providers"])
        var entry = EncryptionConfiguration.Entry(resources: [], providers: [], node: node)
        for name in node["resources"].elements {
            guard let text = name.string else {
                note(.wrongType, name, "the name of a resource is not text")
                continue
            }
            entry.resources.append(EncryptionConfiguration.ResourcePattern(text))
            checkName(text, name)
        }
        if entry.resources.isEmpty { note(.noResources, node["resources"], "no resource is named") }
        checkOverlap(entry.resources, node["resources"])
        for provider in node["providers"].elements {
            if let read = readProvider(provider) { entry.providers.append(read) }
        }
        if node["providers"].isEmpty { note(.noProvider, node["providers"], "no provider is named") }
        entries.append(entry)
    }

    private mutating func readProvider(_ node: Node) -> EncryptionConfiguration.Provider? {
        let known = EncryptionConfiguration.Algorithm.allCases
        refuseUnknown(node, Set(known.map(\.rawValue)))
        let present = known.filter { !node[$0.rawValue].isNull }
        guard let algorithm = present.first else {
            note(.unknownProvider, node, "names none of identity, aescbc, aesgcm, secretbox, kms")
            return nil
        }
        if present.count > 1 {
            note(.severalProviders, node, "several providers in one element; give each an element of its own")
        }
        let body = node[algorithm.rawValue]
        var provider = EncryptionConfiguration.Provider(algorithm: algorithm, keys: [], kms: nil, node: node)
        switch algorithm {
        case .identity: refuseUnknown(body, [])
        case .aescbc, .aesgcm: provider.keys = readKeys(body, sizes: [16, 24, 32])
        case .secretbox: provider.keys = readKeys(body, sizes: [32])
        case .kms: provider.kms = readKMS(body)
        }
        return provider
    }

    private mutating func readKeys(_ body: Node, sizes: [Int]) -> [EncryptionConfiguration.Key] {
        refuseUnknown(body, ["keys"])
        if body["keys"].isEmpty { note(.noKeys, body["keys"], "no key") }
        return body["keys"].elements.map { node in
            refuseUnknown(node, ["name", "secret"])
            if node["name"].string?.isEmpty ?? true { note(.keyWithoutName, node["name"], "a key has no name") }
            let text = node["secret"].string ?? ""
            var key = EncryptionConfiguration.Key(
                name: node["name"].string ?? "", bytes: nil, isWithheld: Self.isRedacted(text), node: node)
            if text.isEmpty {
                note(.keyWithoutSecret, node["secret"], "a key has no secret")
            } else if !key.isWithheld {
                key.bytes = Base64.decoded(text.utf8.span)
                if let count = key.bytes?.count, !sizes.contains(count) {
                    let allowed = sizes.map(String.init).joined(separator: ", ")
                    note(.badKeyLength, node["secret"], "a key of \(count) bytes; it must have \(allowed)")
                } else if key.bytes == nil {
                    note(.notBase64, node["secret"], "a key that is not base64")
                }
            }
            return key
        }
    }

    private mutating func readKMS(_ body: Node) -> EncryptionConfiguration.KMSPlugin {
        refuseUnknown(body, ["apiVersion", "name", "cachesize", "endpoint", "timeout"])
        let version = body["apiVersion"].string.flatMap { $0.isEmpty ? nil : $0 } ?? "v1"
        let timeout = body["timeout"].isNull ? GoDuration(seconds: 3) : body["timeout"].text.flatMap(GoDuration.init)
        let plugin = EncryptionConfiguration.KMSPlugin(
            version: version, name: body["name"].string ?? "", endpoint: body["endpoint"].string ?? "",
            timeout: timeout, cacheSize: body["cachesize"].int ?? (version == "v1" ? 1000 : nil))
        if plugin.name.isEmpty { note(.kmsName, body["name"], "the KMS provider has no name") }
        if version != "v1", plugin.name.contains(":") {
            note(.kmsName, body["name"], "the name of a KMS v2 provider must not hold \":\"")
        }
        if !kmsNames.insert(plugin.name).inserted, version != "v1" {
            note(.kmsDuplicateName, body["name"], "two KMS providers are named \"\(plugin.name)\"")
        }
        if timeout.map({ !$0.isPositive }) ?? true {
            note(.kmsTimeout, body["timeout"], "the timeout must be a positive time such as \"3s\"")
        }
        if !plugin.endpoint.hasPrefix("unix:") {
            note(.kmsEndpoint, body["endpoint"], "the endpoint must be a unix:// socket")
        }
        switch version {
        case "v1":
            if plugin.cacheSize == 0 {
                note(.kmsCacheSize, body["cachesize"], "a cache of 0; give a number, or a negative one for no cache")
            }
            note(.kmsV1Disabled, body["apiVersion"], "KMS v1 is refused since 1.29 without the KMSv1 feature gate")
        case "v2":
            if plugin.cacheSize != nil { note(.kmsCacheSize, body["cachesize"], "KMS v2 has no cachesize") }
        default: note(.kmsVersion, body["apiVersion"], "KMS \"\(version)\" does not exist; use v2")
        }
        return plugin
    }

    // MARK: Names of resources

    private mutating func checkName(_ text: String, _ node: Node) {
        let pattern = EncryptionConfiguration.ResourcePattern(text)
        if text.lowercased() != text {
            note(.resourceName, node, "\"\(text)\" has capital letters")
        } else if text == "*" {
            note(.resourceName, node, "\"*\" alone says nothing; write \"*.\" for the core group or \"*.*\" for all")
        } else if ["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"].contains(text) {
            note(.resourceName, node, "\"\(text)\" has no REST API and is never encrypted")
        } else if pattern.group == "events.k8s.io" {
            note(.resourceName, node, "events of events.k8s.io are stored as \"events\"")
        } else if pattern.group == "extensions" {
            note(.resourceName, node, "the group extensions no longer exists")
        } else if pattern.group == "*", pattern.resource != "*" {
            note(.resourceName, node, "one resource in all groups cannot be named")
        }
    }

    private mutating func checkOverlap(_ patterns: [EncryptionConfiguration.ResourcePattern], _ node: Node) {
        guard patterns.count > 1 else { return }
        if Set(patterns).count < patterns.count { note(.duplicateResource, node, "a resource is named twice") }
        let distinct = Set(patterns)
        let overlaps = distinct.contains { wide in
            wide.isWildcard
                && distinct.contains { $0 != wide && (wide == .everything || $0.group == wide.group) }
        }
        if overlaps { note(.overlappingResources, node, "a wildcard covers another name of the same list") }
    }

    /// A name behind a wildcard that covers it is refused, since its entry would never be reached.
    private mutating func findMasked() {
        var wildcards: [EncryptionConfiguration.ResourcePattern] = []
        for entry in entries {
            for (position, pattern) in entry.resources.enumerated() {
                let group = EncryptionConfiguration.ResourcePattern(group: pattern.group, resource: "*")
                if let mask = [group, .everything].first(where: wildcards.contains) {
                    note(
                        .maskedResource, entry.node["resources"][position],
                        "\"\(pattern)\" stands behind \"\(mask)\", which already covers it")
                }
                if pattern.isWildcard { wildcards.append(pattern) }
            }
        }
    }

    // MARK: Shape

    private mutating func refuseUnknown(_ node: Node, _ known: Set<String>) {
        guard !node.isNull else { return }
        guard node.isObject else { return note(.wrongType, node, "expected fields here") }
        for member in node.members where !known.contains(member.key) {
            note(.unknownField, member.value, "unknown field \"\(member.key)\"")
        }
    }

    private mutating func note(_ code: Problem.Code, _ node: Node, _ message: String) {
        problems.append(Problem(code: code, message: message, node: node))
    }

    /// Support bundles and exports replace key values by a mark.
    private static func isRedacted(_ text: String) -> Bool {
        let bare = text.uppercased().filter(\.isLetter)
        return ["REDACTED", "MASKED", "HIDDEN", "REMOVED"].contains(bare)
            || (!text.isEmpty && text.allSatisfy { $0 == "*" })
    }
}
