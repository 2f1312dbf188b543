/// Which rows somebody may see: a union of parts; none sees nothing.
///
/// Enforced inside every statement, not after it, so that counts and cursors cannot tell what is hidden.
package struct AccessScope: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        /// A cluster's id, or nil for all.
        package var cluster: String?
        /// A namespace, `team-*` for a prefix, or nil for all and for what has no namespace.
        package var namespace: String?

        package init(cluster: String? = nil, namespace: String? = nil) {
            self.cluster = cluster
            self.namespace = namespace
        }

        package func allows(cluster id: String, namespace name: String?) -> Bool {
            guard cluster == nil || cluster == id else { return false }
            guard let namespace else { return true }
            guard let name, !name.isEmpty else { return false }
            return namespace.hasSuffix("*") ? name.hasPrefix(namespace.dropLast()) : name == namespace
        }

        /// The condition on a table with columns `cluster` and, where `namespaced`, `namespace`; nil when it can hold
        /// for no row.
        func condition(namespaced: Bool) -> (sql: String, values: [SQLValue])? {
            var terms: [String] = []
            var values: [SQLValue] = []
            if let cluster {
                terms.append("cluster = ?")
                values.append(.text(cluster))
            }
            if let namespace {
                guard namespaced else { return nil }
                if namespace.hasSuffix("*") {
                    let prefix = String(namespace.dropLast())
                    terms.append("substr(namespace, 1, \(prefix.unicodeScalars.count)) = ? AND namespace <> ''")
                    values.append(.text(prefix))
                } else {
                    terms.append("namespace = ? AND namespace <> ''")
                    values.append(.text(namespace))
                }
            }
            return (terms.isEmpty ? "1 = 1" : terms.joined(separator: " AND "), values)
        }
    }

    package var parts: [Part]

    package init(_ parts: [Part]) { self.parts = parts.contains(Part()) ? [Part()] : parts }

    package static let everything = AccessScope([Part()])
    package static let nothing = AccessScope([])

    package var isEverything: Bool { parts == [Part()] }

    /// Whether a row of a namespace, or of the cluster as a whole where `namespace` is nil or empty, may be seen.
    package func allows(cluster: String, namespace: String?) -> Bool {
        parts.contains { $0.allows(cluster: cluster, namespace: namespace) }
    }

    /// Whether a cluster may be known of at all.
    package func touches(cluster: String) -> Bool {
        parts.contains { $0.cluster == nil || $0.cluster == cluster }
    }

    /// One condition for all parts.
    func condition(namespaced: Bool = true) -> (sql: String, values: [SQLValue]) {
        let conditions = parts.compactMap { $0.condition(namespaced: namespaced) }
        guard !conditions.isEmpty else { return ("1 = 0", []) }
        return (
            "(" + conditions.map { "(\($0.sql))" }.joined(separator: " OR ") + ")", conditions.flatMap(\.values)
        )
    }
}
