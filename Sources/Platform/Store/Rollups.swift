package import Findings

/// Differences of counters, gathered over one delta.
struct RollupChange {
    struct Key: Hashable {
        var dimension: String
        var item: String
        var rank: Int
        var status: FindingStatus
    }

    let cluster: String
    private(set) var totals: [Key: Int] = [:]

    init(cluster: String) { self.cluster = cluster }

    mutating func add(_ finding: FindingRow, _ difference: Int) {
        // Part of Kubernetes itself: counted aside, since nobody there is to mend it.
        let status = finding.status
        var items = [(finding.isSystem ? "system" : "cluster", ""), ("namespace", finding.namespace)]
        if finding.kind == FindingRow.imageKind {
            items += [("image", finding.name), ("advisory", finding.rule)]
        } else if !finding.isSystem {
            items.append(("rule", finding.rule))
        }
        for (dimension, item) in items {
            totals[Key(dimension: dimension, item: item, rank: finding.rank, status: status), default: 0] += difference
        }
    }
}

/// One counter: how many findings of a severity and status a cluster, namespace or rule has.
package struct RollupRow: Sendable, Hashable {
    package var cluster: String
    /// A namespace or a rule; empty for a cluster.
    package var item: String
    package var severity: Severity
    package var status: FindingStatus
    package var total: Int
}

/// What counters are kept of.
package enum RollupDimension: String, Sendable, CaseIterable {
    case cluster, system, namespace, rule, image, advisory

    /// Those that are also kept for the whole fleet, under the cluster "".
    static let fleetWide = [Self.rule, .image, .advisory]
}

extension SQLConnection {
    func apply(_ change: RollupChange) throws(StoreError) {
        // In one order for all writers, so that none waits for another that waits for it.
        let rows = change.totals.filter { $0.value != 0 }.sorted {
            ($0.key.dimension, $0.key.item, $0.key.rank, $0.key.status.rawValue)
                < ($1.key.dimension, $1.key.item, $1.key.rank, $1.key.status.rawValue)
        }
        try add(rows, of: change.cluster)
        let fleetWide = Set(RollupDimension.fleetWide.map(\.rawValue))
        try add(rows.filter { fleetWide.contains($0.key.dimension) }, of: "")
    }

    private func add(_ rows: [(key: RollupChange.Key, value: Int)], of cluster: String) throws(StoreError) {
        try insert(
            into: "rollups", ["cluster", "dimension", "item", "rank", "status", "total"],
            rows.map { key, total in
                [
                    .text(cluster), .text(key.dimension), .text(key.item), .int(key.rank),
                    .int(key.status.rawValue), .int(total),
                ]
            },
            conflict: """
                ON CONFLICT (cluster, dimension, item, rank, status) DO UPDATE SET total = rollups.total + excluded.total
                """)
    }

    /// Counters somebody may see. Those of namespaces are the only ones for whom sees only some.
    package func rollups(
        _ dimension: RollupDimension, cluster: String? = nil, in scope: AccessScope = .everything
    ) throws(StoreError) -> [RollupRow] {
        var sql = "SELECT cluster, item, rank, status, total FROM rollups WHERE dimension = ? AND total <> 0"
        var values: [SQLValue] = [.text(dimension.rawValue)]
        if let cluster {
            sql += " AND cluster = ?"
            values.append(.text(cluster))
        } else {
            sql += " AND cluster <> ''"
        }
        let condition = scope.condition(namespaced: dimension == .namespace)
        sql += " AND " + condition.sql.replacing("namespace", with: "item")
        values += condition.values
        sql += " ORDER BY cluster, item, rank, status"
        var out: [RollupRow] = []
        for row in try rows(sql, values) {
            out.append(
                RollupRow(
                    cluster: try row.text(0), item: try row.text(1), severity: Severity(rank: try row.int(2)),
                    status: FindingStatus(rawValue: try row.int(3)) ?? .failing, total: try row.int(4)))
        }
        return out
    }

    /// Counts the findings themselves: what the counters must say. For tests and `martlet store check`.
    package func countedRollups() throws(StoreError) -> [RollupRow] {
        let sql = """
            SELECT cluster, namespace, rank, status, COUNT(*) FROM findings GROUP BY cluster, namespace, rank, status
            ORDER BY cluster, namespace, rank, status
            """
        var out: [RollupRow] = []
        for row in try rows(sql) {
            out.append(
                RollupRow(
                    cluster: try row.text(0), item: try row.text(1), severity: Severity(rank: try row.int(2)),
                    status: FindingStatus(rawValue: try row.int(3)) ?? .failing, total: try row.int(4)))
        }
        return out
    }
}
