/// A kind of object as an API server serves it.
package struct APIResource: Sendable, Hashable, CustomStringConvertible {
    package var group: String
    package var version: String
    /// The plural in paths and roles: `deployments`.
    package var name: String
    package var kind: String
    package var isNamespaced: Bool
    package var verbs: [String]
    /// Subresources by name: `status`, `log`.
    package var subresources: [String]
    /// Other words people use for it: the singular and short names.
    package var otherNames: [String]

    package init(
        group: String, version: String, name: String, kind: String, isNamespaced: Bool, verbs: [String],
        subresources: [String] = [], otherNames: [String] = []
    ) {
        self.group = group
        self.version = version
        self.name = name
        self.kind = kind
        self.isNamespaced = isNamespaced
        self.verbs = verbs
        self.subresources = subresources
        self.otherNames = otherNames
    }

    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    /// `deployments.apps`, as kubectl and permission messages write it.
    package var description: String { group.isEmpty ? name : "\(name).\(group)" }

    /// Whether these are the Secrets of Kubernetes itself, whose values are fetched only where they are asked for as such.
    package var isSecrets: Bool { group.isEmpty && name == "secrets" }

    /// The path of the collection, of all namespaces or of one.
    package func path(in namespace: String? = nil) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if isNamespaced, let namespace { path += "/namespaces/\(namespace)" }
        return "\(path)/\(name)"
    }
}

/// What a server serves, and what it could not say.
package struct Discovery: Sendable {
    /// Every version of every resource, the preferred version of its group first.
    package var resources: [APIResource]
    /// Group versions that are registered and do not answer: an aggregated API that is down.
    package var unavailable: [String]

    /// The resource in the version its group prefers.
    package func resource(_ name: String, in group: String) -> APIResource? {
        resources.first { $0.name == name && $0.group == group }
    }

    /// Each resource once, in its preferred version, in order.
    package var preferred: [APIResource] {
        var seen: Set<String> = []
        return resources.filter { seen.insert($0.description).inserted }
    }
}
