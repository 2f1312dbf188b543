package import Documents

/// One rule of a role: what it lets its holders do.
///
/// Source: `PolicyRule`, Kubernetes API reference; the matching is that of the RBAC authorizer of Kubernetes 1.36.
package struct PolicyRule: Sendable, Hashable {
    package var verbs: [String]
    package var apiGroups: [String]
    package var resources: [String]
    package var resourceNames: [String]
    package var nonResourceURLs: [String]

    package init(
        verbs: [String] = [], apiGroups: [String] = [], resources: [String] = [], resourceNames: [String] = [],
        nonResourceURLs: [String] = []
    ) {
        self.verbs = verbs
        self.apiGroups = apiGroups
        self.resources = resources
        self.resourceNames = resourceNames
        self.nonResourceURLs = nonResourceURLs
    }

    /// Reads an element of `rules`; fields that are missing or of another kind grant nothing.
    package init(_ node: Node) {
        verbs = node["verbs"].strings
        apiGroups = node["apiGroups"].strings
        resources = node["resources"].strings
        resourceNames = node["resourceNames"].strings
        nonResourceURLs = node["nonResourceURLs"].strings
    }

    /// Everything there is: what `cluster-admin` has, in two rules.
    package static let fullAuthority = [
        PolicyRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"]),
        PolicyRule(verbs: ["*"], nonResourceURLs: ["*"]),
    ]

    // MARK: Does it allow a request?

    package func allows(_ request: AccessRequest) -> Bool {
        guard Self.has(verbs, request.verb) else { return false }
        switch request.target {
        case .path(let path): return nonResourceURLs.contains { Self.urlCovers($0, path) }
        case .resource(let target):
            return Self.has(apiGroups, target.group) && Self.resource(resources, covers: target)
                && (resourceNames.isEmpty || resourceNames.contains(target.name))
        }
    }

    private static func has(_ list: [String], _ value: String) -> Bool { list.contains { $0 == "*" || $0 == value } }

    private static func resource(_ list: [String], covers target: AccessRequest.Resource) -> Bool {
        let combined = target.combined
        return list.contains { own in
            if own == "*" || own == combined { return true }
            // `*/scale` is that subresource of every resource; `pods/*` is nothing special to the authorizer.
            return !target.subresource.isEmpty && own == "*/\(target.subresource)"
        }
    }

    /// Whether a rule's URL reaches a path; stars count only at its end, however many.
    package static func urlCovers(_ own: String, _ path: String) -> Bool {
        if own == path { return true }
        guard own.utf8.last == UInt8(ascii: "*") else { return false }
        var prefix = Substring(own)
        while prefix.utf8.last == UInt8(ascii: "*") { prefix.removeLast() }
        return path.utf8.starts(with: prefix.utf8)
    }
}

extension PolicyRule: CustomStringConvertible {
    /// `get, list pods, secrets in "" (only "db")`: for people.
    package var description: String {
        let verbs = self.verbs.joined(separator: ", ")
        if !nonResourceURLs.isEmpty, resources.isEmpty {
            return "\(verbs) \(nonResourceURLs.joined(separator: ", "))"
        }
        let group = apiGroups.filter { !$0.isEmpty }.joined(separator: ", ")
        let names = resourceNames.isEmpty ? "" : " named \(resourceNames.joined(separator: ", "))"
        return "\(verbs) \(resources.joined(separator: ", "))\(group.isEmpty ? "" : " (\(group))")\(names)"
    }
}
