package import Findings

/// An owner of a cluster, pruned to what is asked of it: who it is, what it runs, how bad it is.
package struct ObjectRow: Sendable, Hashable {
    package var cluster: String
    package var group: String
    package var kind: String
    package var namespace: String
    package var name: String
    package var file: String
    package var runsPods: Bool
    package var isSystem: Bool
    /// `key=value`, sorted.
    package var labels: [String]
    package var images: [String]
    package var serviceAccount: String
    package var origin: String
    package var objectVersion: String
    /// The worst failing finding; nil when there is none.
    package var worst: Severity?
    package var failing: Int
    package var seenAt: Milliseconds

    package init(
        cluster: String, group: String = "", kind: String, namespace: String, name: String, file: String = "",
        runsPods: Bool, isSystem: Bool = false, labels: [String] = [], images: [String] = [],
        serviceAccount: String = "", origin: String = "", objectVersion: String = "", worst: Severity? = nil,
        failing: Int = 0, seenAt: Milliseconds
    ) {
        self.cluster = cluster
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.file = file
        self.runsPods = runsPods
        self.isSystem = isSystem
        self.labels = labels
        self.images = images
        self.serviceAccount = serviceAccount
        self.origin = origin
        self.objectVersion = objectVersion
        self.worst = worst
        self.failing = failing
        self.seenAt = seenAt
    }

    /// Who it is within its cluster.
    package var key: Key { Key(namespace: namespace, kind: kind, name: name, group: group, file: file) }

    package struct Key: Sendable, Hashable {
        package var namespace: String
        package var kind: String
        package var name: String
        package var group: String
        package var file: String

        package init(namespace: String, kind: String, name: String, group: String, file: String) {
            self.namespace = namespace
            self.kind = kind
            self.name = name
            self.group = group
            self.file = file
        }
    }

    /// Its place in a list, worst first.
    var place: Place {
        Place(
            rank: worst?.storedRank ?? 5, cluster: cluster, namespace: namespace, kind: kind, name: name,
            group: group, file: file)
    }

    struct Place: Comparable {
        var rank: Int
        var cluster: String
        var namespace: String
        var kind: String
        var name: String
        var group: String
        var file: String

        static func < (left: Place, right: Place) -> Bool {
            if left.rank != right.rank { return left.rank < right.rank }
            let (a, b) = (
                (left.cluster, left.namespace, left.kind, left.name, left.group, left.file),
                (right.cluster, right.namespace, right.kind, right.name, right.group, right.file)
            )
            return a < b
        }
    }

    /// Of all that is kept but the time: the same digest, nothing to write.
    package var digest: String {
        var hash = FNV1a()
        for part in [
            group, kind, namespace, name, file, runsPods ? "1" : "0", isSystem ? "1" : "0",
            labels.joined(separator: "\n"), images.joined(separator: "\n"), serviceAccount, origin, objectVersion,
            worst?.rawValue ?? "", String(failing),
        ] {
            hash.combine(part)
        }
        return hash.hex
    }

    static let columns = """
        cluster, api_group, kind, namespace, name, file, runs_pods, system, labels, images, service_account, origin, \
        object_version, worst, failing, seen_at
        """

    init(_ row: SQLRow) throws(StoreError) {
        let worst = try row.int(13)
        self.init(
            cluster: try row.text(0), group: try row.text(1), kind: try row.text(2), namespace: try row.text(3),
            name: try row.text(4), file: try row.text(5), runsPods: try row.bool(6), isSystem: try row.bool(7),
            labels: try row.text(8).split(separator: "\n").map(String.init),
            images: try row.text(9).split(separator: "\n").map(String.init), serviceAccount: try row.text(10),
            origin: try row.text(11), objectVersion: try row.text(12), worst: worst > 4 ? nil : Severity(rank: worst),
            failing: try row.int(14), seenAt: try row.int(15))
    }
}

/// Which workloads, worst first.
package struct ObjectQuery: Sendable, Hashable {
    package var scope: AccessScope
    package var cluster: String?
    package var namespace: String?
    package var kind: String?
    package var name: String?
    /// Part of the name, whatever the case.
    package var text: String?
    package var workloadsOnly: Bool
    package var after: ObjectRow?
    package var limit: Int

    package init(
        scope: AccessScope, cluster: String? = nil, namespace: String? = nil, kind: String? = nil,
        name: String? = nil, text: String? = nil, workloadsOnly: Bool = true, after: ObjectRow? = nil, limit: Int = 50
    ) {
        self.scope = scope
        self.cluster = cluster
        self.namespace = namespace
        self.kind = kind
        self.name = name
        self.text = text
        self.workloadsOnly = workloadsOnly
        self.after = after
        self.limit = limit
    }
}

extension SQLConnection {
    /// Writes owners that are new or other than before, and forgets those that are gone.
    package func write(_ objects: [ObjectRow], gone: [ObjectRow.Key], of cluster: String) throws(StoreError) {
        let columns = (ObjectRow.columns + ", digest").split(separator: ", ").map(String.init)
        let keys: Set<String> = ["cluster", "api_group", "kind", "namespace", "name", "file"]
        let updates = columns.filter { !keys.contains($0) }.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        var last: [ObjectRow.Key: Int] = [:]
        for (index, object) in objects.enumerated() { last[object.key] = index }
        let rows = objects.enumerated().filter { last[$0.element.key] == $0.offset }.map(\.element)
        try insert(
            into: "objects", columns,
            rows.map { row in
                [
                    .text(cluster), .text(row.group), .text(row.kind), .text(row.namespace), .text(row.name),
                    .text(row.file), SQLValue(row.runsPods), SQLValue(row.isSystem),
                    .text(row.labels.joined(separator: "\n")), .text(row.images.joined(separator: "\n")),
                    .text(row.serviceAccount), .text(row.origin), .text(row.objectVersion),
                    .int(row.worst?.storedRank ?? 5), .int(row.failing), .int(row.seenAt), .text(row.digest),
                ]
            },
            conflict: "ON CONFLICT (cluster, namespace, kind, name, api_group, file) DO UPDATE SET \(updates)")
        try note(Set(rows.map { SearchTerm(name: $0.name) }))
        for key in gone {
            try run(
                """
                DELETE FROM objects
                WHERE cluster = ? AND namespace = ? AND kind = ? AND name = ? AND api_group = ? AND file = ?
                """,
                [
                    .text(cluster), .text(key.namespace), .text(key.kind), .text(key.name), .text(key.group),
                    .text(key.file),
                ])
        }
    }

    /// Digests of a cluster's owners: what a worker begins with.
    package func objectDigests(of cluster: String) throws(StoreError) -> [ObjectRow.Key: String] {
        var out: [ObjectRow.Key: String] = [:]
        let sql = "SELECT namespace, kind, name, api_group, file, digest FROM objects WHERE cluster = ?"
        for row in try rows(sql, [.text(cluster)]) {
            let key = ObjectRow.Key(
                namespace: try row.text(0), kind: try row.text(1), name: try row.text(2), group: try row.text(3),
                file: try row.text(4))
            out[key] = try row.text(5)
        }
        return out
    }

    /// One page of owners, worst first.
    package func objects(_ query: ObjectQuery) throws(StoreError) -> [ObjectRow] {
        guard let text = query.text, !text.isEmpty, query.cluster == nil,
            let names = try items(.name, holding: text)
        else { return try listed(query) }
        var out: [ObjectRow] = []
        for name in names {
            var query = query
            query.text = nil
            query.name = name
            out += try listed(query)
        }
        out.sort { $0.place < $1.place }
        return Array(out.prefix(query.limit))
    }

    private func listed(_ query: ObjectQuery) throws(StoreError) -> [ObjectRow] {
        let scope = query.scope.condition()
        var terms = [scope.sql]
        var values = scope.values
        func require(_ sql: String, _ value: SQLValue) {
            terms.append(sql)
            values.append(value)
        }
        if query.workloadsOnly { require("runs_pods = ?", 1) }
        if let cluster = query.cluster { require("cluster = ?", .text(cluster)) }
        if let namespace = query.namespace { require("namespace = ?", .text(namespace)) }
        if let kind = query.kind { require("kind = ?", .text(kind)) }
        if let name = query.name { require("name = ?", .text(name)) }
        if let text = query.text, !text.isEmpty {
            require("lower(name) LIKE ? ESCAPE '\\'", .text("%" + Self.escaped(text.lowercased()) + "%"))
        }
        if let after = query.after {
            terms.append("(worst, cluster, namespace, kind, name, api_group, file) > (?, ?, ?, ?, ?, ?, ?)")
            values += [
                .int(after.worst?.storedRank ?? 5), .text(after.cluster), .text(after.namespace), .text(after.kind),
                .text(after.name), .text(after.group), .text(after.file),
            ]
        }
        values.append(.int(query.limit))
        let sql = """
            SELECT \(ObjectRow.columns) FROM objects WHERE \(terms.joined(separator: " AND "))
            ORDER BY worst, cluster, namespace, kind, name, api_group, file LIMIT ?
            """
        var out: [ObjectRow] = []
        for row in try rows(sql, values) { out.append(try ObjectRow(row)) }
        return out
    }
}

/// An image that a cluster runs.
package struct ImageRow: Sendable, Hashable {
    package var cluster: String
    package var image: String
    /// `sha256:…`, where it is known.
    package var digest: String
    package var workloads: Int
    package var seenAt: Milliseconds

    package init(cluster: String, image: String, digest: String, workloads: Int, seenAt: Milliseconds) {
        self.cluster = cluster
        self.image = image
        self.digest = digest
        self.workloads = workloads
        self.seenAt = seenAt
    }
}

extension SQLConnection {
    /// Puts the images of a cluster in place of those known before.
    package func replaceImages(_ images: [ImageRow], of cluster: String) throws(StoreError) {
        try run("DELETE FROM images WHERE cluster = ?", [.text(cluster)])
        try insert(
            into: "images", ["cluster", "image", "digest", "workloads", "seen_at"],
            images.map {
                [.text(cluster), .text($0.image), .text($0.digest), .int($0.workloads), .int($0.seenAt)]
            })
    }

    package func images(
        of cluster: String, after: String = "", limit: Int = 50
    ) throws(StoreError) -> [ImageRow] {
        let sql = """
            SELECT cluster, image, digest, workloads, seen_at FROM images WHERE cluster = ? AND image > ?
            ORDER BY image LIMIT ?
            """
        var out: [ImageRow] = []
        for row in try rows(sql, [.text(cluster), .text(after), .int(limit)]) {
            out.append(
                ImageRow(
                    cluster: try row.text(0), image: try row.text(1), digest: try row.text(2),
                    workloads: try row.int(3), seenAt: try row.int(4)))
        }
        return out
    }

    /// What an image holds, kept once for its digest however many clusters run it.
    package func setPackages(_ purls: [String], of digest: String) throws(StoreError) {
        try run("DELETE FROM packages WHERE cluster = '' AND digest = ?", [.text(digest)])
        try insert(
            into: "packages", ["cluster", "digest", "purl"],
            Set(purls).sorted().map { ["", .text(digest), .text($0)] })
    }

    package func packages(of digest: String) throws(StoreError) -> [String] {
        let sql = "SELECT purl FROM packages WHERE cluster = '' AND digest = ? ORDER BY purl"
        var out: [String] = []
        for row in try rows(sql, [.text(digest)]) { out.append(try row.text(0)) }
        return out
    }
}
