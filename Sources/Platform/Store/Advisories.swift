/// What reports say of an advisory, kept once for all images that have it.
package struct AdvisoryRow: Sendable, Hashable {
    package var id: String
    package var package: String
    /// Versions that mend it, as the last report names them; empty where none is known.
    package var fixed: String
    /// When any report named it first.
    package var firstSeen: Milliseconds

    package init(id: String, package: String, fixed: String, firstSeen: Milliseconds) {
        self.id = id
        self.package = package
        self.fixed = fixed
        self.firstSeen = firstSeen
    }
}

extension SQLConnection {
    package func write(_ advisories: [AdvisoryRow]) throws(StoreError) {
        // In one order for all writers, and each once.
        var last = ""
        let rows = advisories.sorted { ($0.id, $1.fixed) < ($1.id, $0.fixed) }.filter { row in
            defer { last = row.id }
            return row.id != last
        }
        try insert(
            into: "advisories", ["id", "package", "fixed", "first_seen"],
            rows.map { [.text($0.id), .text($0.package), .text($0.fixed), .int($0.firstSeen)] },
            conflict: "ON CONFLICT (id) DO UPDATE SET package = excluded.package, fixed = excluded.fixed")
    }

    package func advisories(_ ids: [String]) throws(StoreError) -> [String: AdvisoryRow] {
        var out: [String: AdvisoryRow] = [:]
        let sql = "SELECT id, package, fixed, first_seen FROM advisories WHERE"
        for row in try rows(sql, [], where: "id", isOneOf: ids.map { .text($0) }) {
            let advisory = AdvisoryRow(
                id: try row.text(0), package: try row.text(1), fixed: try row.text(2), firstSeen: try row.int(3))
            out[advisory.id] = advisory
        }
        return out
    }

    /// How many workloads run an image, in one cluster or all that somebody may see.
    package func workloads(
        running image: String, cluster: String? = nil, in scope: AccessScope
    ) throws(StoreError) -> Int {
        let condition = scope.condition(namespaced: false)
        var sql = "SELECT CAST(COALESCE(SUM(workloads), 0) AS BIGINT) FROM images WHERE image = ? AND \(condition.sql)"
        var values: [SQLValue] = [.text(image)] + condition.values
        if let cluster {
            sql += " AND cluster = ?"
            values.append(.text(cluster))
        }
        return try row(sql, values)?.int(0) ?? 0
    }

    /// Workloads of a cluster that run an image.
    package func users(of image: String, cluster: String, limit: Int = 200) throws(StoreError) -> [ObjectRow] {
        let sql = """
            SELECT \(ObjectRow.columns) FROM objects
            WHERE cluster = ? AND runs_pods = 1 AND images LIKE ? ESCAPE '\\' ORDER BY worst, namespace, kind, name LIMIT ?
            """
        var out: [ObjectRow] = []
        for row in try rows(sql, [.text(cluster), .text("%\(Self.escaped(image))%"), .int(limit)]) {
            let object = try ObjectRow(row)
            // The condition finds more: parts of longer names.
            if object.images.contains(image) { out.append(object) }
        }
        return out
    }

    /// Images by name with the clusters and workloads that run them, of the whole fleet or one cluster.
    package func imagesInUse(
        in scope: AccessScope, cluster: String? = nil, text: String? = nil, after: String = "", limit: Int = 50
    ) throws(StoreError) -> [ImageUse] {
        let condition = scope.condition(namespaced: false)
        var sql = """
            SELECT image, MAX(digest), COUNT(*), CAST(SUM(workloads) AS BIGINT) FROM images
            WHERE image > ? AND \(condition.sql)
            """
        var values: [SQLValue] = [.text(after)] + condition.values
        if let cluster {
            sql += " AND cluster = ?"
            values.append(.text(cluster))
        }
        if let text, !text.isEmpty {
            sql += " AND lower(image) LIKE ? ESCAPE '\\'"
            values.append(.text("%" + Self.escaped(text.lowercased()) + "%"))
        }
        sql += " GROUP BY image ORDER BY image LIMIT ?"
        values.append(.int(limit))
        var out: [ImageUse] = []
        for row in try rows(sql, values) {
            out.append(
                ImageUse(
                    image: try row.text(0), digest: try row.text(1), clusters: try row.int(2),
                    workloads: try row.int(3)))
        }
        return out
    }
}

/// An image over all clusters that run it.
package struct ImageUse: Sendable, Hashable {
    package var image: String
    package var digest: String
    package var clusters: Int
    package var workloads: Int
}

extension SQLConnection {
    /// Clusters that run an image, by id.
    package func clusters(running image: String, in scope: AccessScope) throws(StoreError) -> [String] {
        var out: [String] = []
        for row in try rows("SELECT cluster FROM images WHERE image = ? ORDER BY cluster", [.text(image)]) {
            let cluster = try row.text(0)
            if scope.touches(cluster: cluster) { out.append(cluster) }
        }
        return out
    }
}
