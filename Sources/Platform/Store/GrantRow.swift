/// A role on clusters and namespaces; `*` for all.
package struct GrantRow: Sendable, Hashable, Comparable {
    package var role: String
    package var cluster: String
    /// A name, a prefix with `*` behind it, or `*`.
    package var namespace: String
    /// `key=value`, sorted: only namespaces that carry all of them; empty for no such limit.
    package var labels: [String]

    package init(role: String, cluster: String = "*", namespace: String = "*", labels: [String] = []) {
        self.role = role
        self.cluster = cluster
        self.namespace = namespace
        self.labels = labels.sorted()
    }

    /// Labels as they are kept; nil where one cannot be a label.
    package static func labels(_ labels: [String: String]) -> [String]? {
        let isSound = labels.allSatisfy { key, value in
            !key.isEmpty && !key.contains { $0 == "=" || $0.isNewline } && !value.contains(where: \.isNewline)
        }
        return isSound ? labels.map { "\($0)=\($1)" }.sorted() : nil
    }

    package static let labelForm = "a label has a key without \"=\", and key and value are one line each"

    /// Where it holds, where no label is asked for.
    package var part: AccessScope.Part {
        AccessScope.Part(
            cluster: cluster == "*" ? nil : cluster, namespace: namespace == "*" ? nil : namespace)
    }

    /// Where it holds, for people.
    package var place: String {
        let clusters = cluster == "*" ? "every cluster" : cluster
        let namespaces = namespace == "*" ? nil : namespace
        guard !labels.isEmpty else {
            return cluster == "*" && namespaces == nil
                ? "everywhere" : [clusters, namespaces].compactMap(\.self).joined(separator: " / ")
        }
        return "\(clusters) / \(namespaces ?? "namespaces") labelled \(labels.joined(separator: ", "))"
    }

    package static func < (first: GrantRow, second: GrantRow) -> Bool {
        (first.role, first.cluster, first.namespace, first.labels.joined(separator: "\n"))
            < (second.role, second.cluster, second.namespace, second.labels.joined(separator: "\n"))
    }
}

extension SQLConnection {
    /// Grants of a user or a token.
    package func grants(of holder: String) throws(StoreError) -> [GrantRow] {
        let sql = """
            SELECT role, cluster, namespace, labels FROM grants WHERE holder = ?
            ORDER BY role, cluster, namespace, labels
            """
        var out: [GrantRow] = []
        for row in try rows(sql, [.text(holder)]) {
            out.append(
                GrantRow(
                    role: try row.text(0), cluster: try row.text(1), namespace: try row.text(2),
                    labels: try row.text(3).split(separator: "\n").map(String.init)))
        }
        return out
    }

    package func setGrants(_ grants: [GrantRow], of holder: String) throws(StoreError) {
        try run("DELETE FROM grants WHERE holder = ?", [.text(holder)])
        try insert(
            into: "grants", ["holder", "role", "cluster", "namespace", "labels"],
            Set(grants).map {
                [
                    .text(holder), .text($0.role), .text($0.cluster), .text($0.namespace),
                    .text($0.labels.joined(separator: "\n")),
                ]
            })
    }

    /// The same grants with each namespace by its name in place of labels, as namespaces are labelled now.
    ///
    /// Throws ``StoreError/Code/tooMany`` beyond 5,000 namespaces: fewer would be a hole that nobody sees.
    package func namingNamespaces(_ grants: [GrantRow]) throws(StoreError) -> [GrantRow] {
        var out = grants.filter(\.labels.isEmpty)
        var count = 0
        for grant in grants where !grant.labels.isEmpty {
            let part = grant.part
            for place in try namespaces(labelled: grant.labels, cluster: part.cluster)
            where part.allows(cluster: place.cluster, namespace: place.name) {
                out.append(GrantRow(role: grant.role, cluster: place.cluster, namespace: place.name))
                count += 1
            }
            guard count <= 5000 else {
                throw StoreError(
                    .tooMany, "labels give rights in more than 5000 namespaces; name clusters or prefixes instead")
            }
        }
        return out
    }

    private func namespaces(
        labelled labels: [String], cluster: String?
    ) throws(StoreError) -> [(cluster: String, name: String)] {
        let clusters = cluster == nil ? "cluster IN (SELECT id FROM clusters)" : "cluster = ?"
        // The first label is looked for in the database; what that finds beyond is sorted out here.
        let sql = """
            SELECT cluster, name, labels FROM objects
            WHERE \(clusters) AND namespace = '' AND kind = 'Namespace' AND api_group = '' AND labels LIKE ? ESCAPE '\\'
            ORDER BY cluster, name
            """
        var out: [(cluster: String, name: String)] = []
        let values = (cluster.map { [SQLValue.text($0)] } ?? []) + [.text("%\(Self.escaped(labels[0]))%")]
        for row in try rows(sql, values) {
            let own = Set(try row.text(2).split(separator: "\n").map(String.init))
            let name = try row.text(1)
            // In a file anything may be called anything; a star would be a pattern.
            if own.isSuperset(of: labels), !name.contains("*"), !name.isEmpty {
                out.append((try row.text(0), name))
            }
        }
        return out
    }
}
