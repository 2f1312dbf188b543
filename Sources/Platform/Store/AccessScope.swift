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
        // Labels can stand on thousands of namespaces: one list for each cluster.
        var names: [String: [String]] = [:]
        var conditions: [(sql: String, values: [SQLValue])] = []
        for part in parts {
            if namespaced, let cluster = part.cluster, let name = part.namespace, !name.isEmpty, !name.hasSuffix("*") {
                names[cluster, default: []].append(name)
            } else if let condition = part.condition(namespaced: namespaced) {
                conditions.append(condition)
            }
        }
        for (cluster, names) in names.sorted(by: { $0.key < $1.key }) {
            let marks = repeatElement("?", count: names.count).joined(separator: ", ")
            conditions.append(
                ("cluster = ? AND namespace IN (\(marks))", [.text(cluster)] + names.sorted().map { .text($0) }))
        }
        guard !conditions.isEmpty else { return ("1 = 0", []) }
        return (Self.either(conditions.map(\.sql)[...]), conditions.flatMap(\.values))
    }

    /// Halves in brackets: databases bound how deep a condition is, and a plain row of thousands is that deep.
    private static func either(_ conditions: ArraySlice<String>) -> String {
        if conditions.count == 1 { return "(\(conditions[conditions.startIndex]))" }
        let middle = conditions.startIndex + conditions.count / 2
        return "(\(either(conditions[..<middle])) OR \(either(conditions[middle...])))"
    }
}
