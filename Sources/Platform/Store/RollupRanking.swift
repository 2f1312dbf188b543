package import Findings

/// A rule, an image or an advisory with what is open of it, over all clusters somebody may see.
package struct RankedItem: Sendable, Hashable {
    package var item: String
    package var worst: Severity
    /// Open findings, from critical to info.
    package var counts: [Int]
    package var risk: Double

    package var total: Int { counts.reduce(0, +) }
}

/// Which items, and from where on.
package struct RankingQuery: Sendable, Hashable {
    package enum Order: Sendable {
        /// The sum of what each severity weighs.
        case risk
        /// Worst first, then most.
        case severity
    }

    package var dimension: RollupDimension
    package var scope: AccessScope
    package var cluster: String?
    /// Only items that have open findings of this severity.
    package var severity: Severity?
    /// Part of the item.
    package var text: String?
    /// Only advisories for which a fixed version is known, or for which none is.
    package var isFixable: Bool?
    package var order: Order
    package var offset: Int
    package var limit: Int

    package init(
        _ dimension: RollupDimension, scope: AccessScope, cluster: String? = nil, severity: Severity? = nil,
        text: String? = nil, isFixable: Bool? = nil, order: Order = .risk, offset: Int = 0, limit: Int = 50
    ) {
        self.dimension = dimension
        self.scope = scope
        self.cluster = cluster
        self.severity = severity
        self.text = text
        self.isFixable = isFixable
        self.order = order
        self.offset = offset
        self.limit = limit
    }
}

extension Severity {
    /// What a finding of each severity weighs: one critical finding outweighs ten of the next but one.
    package var weight: Double {
        switch self {
        case .critical: 10
        case .high: 5
        case .medium: 2
        case .low: 0.5
        case .info: 0.1
        }
    }

    /// `CASE` over the stored rank.
    static var weightSQL: String {
        "CASE rank " + Severity.allCases.map { "WHEN \($0.storedRank) THEN \($0.weight)" }.joined(separator: " ")
            + " ELSE 0.0 END"
    }
}

extension SQLConnection {
    /// Where counters of an asker's clusters lie: those of the fleet for who sees everything, else cluster by cluster.
    private func place(_ query: RankingQuery) -> (sql: String, values: [SQLValue]) {
        if let cluster = query.cluster {
            let scope = query.scope.condition(namespaced: false)
            return ("cluster = ? AND \(scope.sql)", [.text(cluster)] + scope.values)
        }
        guard !query.scope.isEverything else { return ("cluster = ''", []) }
        let scope = query.scope.condition(namespaced: false)
        return ("cluster <> '' AND \(scope.sql)", scope.values)
    }

    private func condition(_ query: RankingQuery) -> (sql: String, values: [SQLValue]) {
        let place = place(query)
        var sql = "\(place.sql) AND dimension = ? AND status = ? AND total > 0"
        var values = place.values + [.text(query.dimension.rawValue), .int(FindingStatus.failing.rawValue)]
        if let text = query.text, !text.isEmpty {
            sql += " AND lower(item) LIKE ? ESCAPE '\\'"
            values.append(.text("%" + Self.escaped(text.lowercased()) + "%"))
        }
        if let isFixable = query.isFixable {
            sql += " AND \(isFixable ? "" : "NOT ")EXISTS (SELECT 1 FROM advisories WHERE id = item AND fixed <> '')"
        }
        return (sql, values)
    }

    /// Items with what is open of them, from the counters.
    package func ranking(_ query: RankingQuery) throws(StoreError) -> [RankedItem] {
        let condition = condition(query)
        let sums = Severity.allCases.sorted { $0.storedRank < $1.storedRank }.map {
            "CAST(SUM(CASE WHEN rank = \($0.storedRank) THEN total ELSE 0 END) AS BIGINT)"
        }.joined(separator: ", ")
        var sql = """
            SELECT item, MIN(rank), CAST(SUM(\(Severity.weightSQL) * total) AS DOUBLE PRECISION), \(sums) FROM rollups WHERE \(condition.sql)
            GROUP BY item
            """
        var values = condition.values
        if let severity = query.severity {
            sql += " HAVING SUM(CASE WHEN rank = ? THEN total ELSE 0 END) > 0"
            values.append(.int(severity.storedRank))
        }
        switch query.order {
        case .risk: sql += " ORDER BY 3 DESC, 2, 1"
        case .severity: sql += " ORDER BY 2, SUM(total) DESC, 1"
        }
        sql += " LIMIT ? OFFSET ?"
        values += [.int(query.limit), .int(query.offset)]
        var out: [RankedItem] = []
        for row in try rows(sql, values) {
            var counts: [Int] = []
            for column in 3..<8 { counts.append(try row.int(column)) }
            out.append(
                RankedItem(
                    item: try row.text(0), worst: Severity(rank: try row.int(1)), counts: counts,
                    risk: try row.optionalDouble(2) ?? 0))
        }
        return out
    }

    /// How many items there are, and the risk of all of them together.
    package func rankingTotals(_ query: RankingQuery) throws(StoreError) -> (items: Int, risk: Double) {
        let condition = condition(query)
        let sql = """
            SELECT COUNT(DISTINCT item), CAST(COALESCE(SUM(\(Severity.weightSQL) * total), 0.0) AS DOUBLE PRECISION) FROM rollups
            WHERE \(condition.sql)
            """
        guard let row = try row(sql, condition.values) else { return (0, 0) }
        return (try row.int(0), try row.optionalDouble(1) ?? 0)
    }

    /// Clusters in which something of an item is open.
    package func clusters(
        with item: String, of dimension: RollupDimension, in scope: AccessScope
    ) throws(StoreError) -> [(cluster: String, total: Int)] {
        let condition = scope.condition(namespaced: false)
        let sql = """
            SELECT cluster, CAST(SUM(total) AS BIGINT) FROM rollups
            WHERE dimension = ? AND item = ? AND status = ? AND total > 0 AND cluster <> '' AND \(condition.sql)
            GROUP BY cluster ORDER BY 2 DESC, 1
            """
        var out: [(cluster: String, total: Int)] = []
        for row in try rows(
            sql, [.text(dimension.rawValue), .text(item), .int(FindingStatus.failing.rawValue)] + condition.values)
        {
            out.append((try row.text(0), try row.int(1)))
        }
        return out
    }

    /// Takes a cluster out of the counters of the fleet.
    func removeFromFleet(_ cluster: String) throws(StoreError) {
        let dimensions = RollupDimension.fleetWide.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        try run(
            """
            INSERT INTO rollups (cluster, dimension, item, rank, status, total)
            SELECT '', dimension, item, rank, status, -total FROM rollups
            WHERE cluster = ? AND dimension IN (\(dimensions)) ORDER BY dimension, item, rank, status
            ON CONFLICT (cluster, dimension, item, rank, status) DO UPDATE SET total = rollups.total + excluded.total
            """, [.text(cluster)])
    }
}
