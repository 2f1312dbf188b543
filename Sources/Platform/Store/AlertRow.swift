package import Findings

/// Something somebody wanted to be told of: findings or events of one group.
package struct AlertRow: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable { case firing, resolved }

    package var cluster: String
    package var id: String
    /// The alert rule's name.
    package var rule: String
    /// What is told together: the values of what the rule groups by.
    package var groupKey: String
    package var severity: Severity
    package var state: State
    package var title: String
    /// The first findings or events of it, as JSON.
    package var content: String
    package var namespace: String
    /// Findings or events it stands for, and how many of them are open.
    package var total: Int
    package var startedAt: Milliseconds
    package var changedAt: Milliseconds
    package var endedAt: Milliseconds?
    package var acknowledgedBy: String?
    package var acknowledgedAt: Milliseconds?
    package var escalatedAt: Milliseconds?

    package init(
        cluster: String, id: String, rule: String, groupKey: String, severity: Severity, state: State = .firing,
        title: String, content: String, namespace: String, total: Int, startedAt: Milliseconds
    ) {
        self.cluster = cluster
        self.id = id
        self.rule = rule
        self.groupKey = groupKey
        self.severity = severity
        self.state = state
        self.title = title
        self.content = content
        self.namespace = namespace
        self.total = total
        self.startedAt = startedAt
        changedAt = startedAt
    }

    static let columns = """
        cluster, id, rule, group_key, rank, state, title, content, namespace, total, started_at, changed_at, \
        ended_at, acknowledged_by, acknowledged_at, escalated_at
        """

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            cluster: try row.text(0), id: try row.text(1), rule: try row.text(2), groupKey: try row.text(3),
            severity: Severity(rank: try row.int(4)), state: State(rawValue: try row.text(5)) ?? .firing,
            title: try row.text(6), content: try row.text(7), namespace: try row.text(8), total: try row.int(9),
            startedAt: try row.int(10))
        changedAt = try row.int(11)
        endedAt = try row.optionalInt(12)
        acknowledgedBy = try row.optionalText(13)
        acknowledgedAt = try row.optionalInt(14)
        escalatedAt = try row.optionalInt(15)
    }
}

extension SQLConnection {
    /// Writes an alert, new or changed.
    package func write(_ alert: AlertRow) throws(StoreError) {
        let columns = AlertRow.columns.split(separator: ", ").map(String.init)
        let updates = columns.dropFirst(2).map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        try insert(
            into: "alerts", columns,
            [
                [
                    .text(alert.cluster), .text(alert.id), .text(alert.rule), .text(alert.groupKey),
                    .int(alert.severity.storedRank), .text(alert.state.rawValue), .text(alert.title),
                    .text(alert.content), .text(alert.namespace), .int(alert.total), .int(alert.startedAt),
                    .int(alert.changedAt), SQLValue(alert.endedAt), SQLValue(alert.acknowledgedBy),
                    SQLValue(alert.acknowledgedAt), SQLValue(alert.escalatedAt),
                ]
            ], conflict: "ON CONFLICT (cluster, id) DO UPDATE SET \(updates)")
    }

    /// The alert of a group that is not over yet.
    package func firing(rule: String, group: String, of cluster: String) throws(StoreError) -> AlertRow? {
        let sql = """
            SELECT \(AlertRow.columns) FROM alerts WHERE cluster = ? AND rule = ? AND group_key = ? AND state = ?
            ORDER BY id DESC LIMIT 1\(dialect.lock)
            """
        let values: [SQLValue] = [.text(cluster), .text(rule), .text(group), "firing"]
        guard let row = try row(sql, values) else { return nil }
        return try AlertRow(row)
    }

    package func alert(_ id: String) throws(StoreError) -> AlertRow? {
        guard let row = try row("SELECT \(AlertRow.columns) FROM alerts WHERE id = ?", [.text(id)]) else { return nil }
        return try AlertRow(row)
    }

    /// One page of alerts, newest first.
    package func alerts(
        in scope: AccessScope, cluster: String? = nil, state: AlertRow.State? = nil, before: String? = nil,
        limit: Int = 50
    ) throws(StoreError) -> [AlertRow] {
        let condition = scope.condition()
        var terms = [condition.sql]
        var values = condition.values
        func require(_ sql: String, _ value: SQLValue) {
            terms.append(sql)
            values.append(value)
        }
        if let cluster { require("cluster = ?", .text(cluster)) }
        if let state { require("state = ?", .text(state.rawValue)) }
        if let before { require("id < ?", .text(before)) }
        values.append(.int(limit))
        let sql = """
            SELECT \(AlertRow.columns) FROM alerts WHERE \(terms.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?
            """
        var out: [AlertRow] = []
        for row in try rows(sql, values) { out.append(try AlertRow(row)) }
        return out
    }
}

/// A time somebody does not want to be told of something.
package struct SilenceRow: Sendable, Hashable {
    /// A cluster's id; empty for all.
    package var cluster: String
    package var id: String
    /// A rule of alerts or findings, with `*`.
    package var matcher: String
    package var reason: String
    package var createdBy: String
    package var createdAt: Milliseconds
    package var endsAt: Milliseconds

    package init(
        cluster: String, id: String, matcher: String, reason: String, createdBy: String, createdAt: Milliseconds,
        endsAt: Milliseconds
    ) {
        self.cluster = cluster
        self.id = id
        self.matcher = matcher
        self.reason = reason
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.endsAt = endsAt
    }
}

extension SQLConnection {
    package func add(_ silence: SilenceRow) throws(StoreError) {
        try insert(
            into: "silences", ["cluster", "id", "matcher", "reason", "created_by", "created_at", "ends_at"],
            [
                [
                    .text(silence.cluster), .text(silence.id), .text(silence.matcher), .text(silence.reason),
                    .text(silence.createdBy), .int(silence.createdAt), .int(silence.endsAt),
                ]
            ])
    }

    /// Silences that hold at a time, newest first.
    package func silences(at time: Milliseconds) throws(StoreError) -> [SilenceRow] {
        let sql = """
            SELECT cluster, id, matcher, reason, created_by, created_at, ends_at FROM silences WHERE ends_at > ?
            ORDER BY id DESC
            """
        var out: [SilenceRow] = []
        for row in try rows(sql, [.int(time)]) {
            out.append(
                SilenceRow(
                    cluster: try row.text(0), id: try row.text(1), matcher: try row.text(2), reason: try row.text(3),
                    createdBy: try row.text(4), createdAt: try row.int(5), endsAt: try row.int(6)))
        }
        return out
    }

    package func endSilence(_ id: String, at time: Milliseconds) throws(StoreError) -> Bool {
        try run("UPDATE silences SET ends_at = ? WHERE id = ? AND ends_at > ?", [.int(time), .text(id), .int(time)]) > 0
    }
}
