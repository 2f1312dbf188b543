/// A waiver that was asked for in the hub: nobody's until somebody else approves it.
package struct WaiverRow: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable { case requested, approved, rejected, revoked }

    /// A cluster's id; empty for all clusters.
    package var cluster: String
    package var id: String
    /// A rule's id, with `*`.
    package var rule: String
    package var kind: String?
    package var namespace: String?
    package var name: String?
    package var path: String?
    package var owner: String
    package var reason: String
    /// The last day it holds, `2027-03-31`.
    package var expires: String
    package var state: State
    package var requestedBy: String
    package var requestedAt: Milliseconds
    package var decidedBy: String?
    package var decidedAt: Milliseconds?

    package init(
        cluster: String, id: String, rule: String, kind: String? = nil, namespace: String? = nil, name: String? = nil,
        path: String? = nil, owner: String, reason: String, expires: String, state: State = .requested,
        requestedBy: String, requestedAt: Milliseconds
    ) {
        self.cluster = cluster
        self.id = id
        self.rule = rule
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.path = path
        self.owner = owner
        self.reason = reason
        self.expires = expires
        self.state = state
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
    }

    static let columns = """
        cluster, id, rule, kind, namespace, name, path, owner, reason, expires, state, requested_by, requested_at, \
        decided_by, decided_at
        """

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            cluster: try row.text(0), id: try row.text(1), rule: try row.text(2), kind: try row.optionalText(3),
            namespace: try row.optionalText(4), name: try row.optionalText(5), path: try row.optionalText(6),
            owner: try row.text(7), reason: try row.text(8), expires: try row.text(9),
            state: State(rawValue: try row.text(10)) ?? .rejected, requestedBy: try row.text(11),
            requestedAt: try row.int(12))
        decidedBy = try row.optionalText(13)
        decidedAt = try row.optionalInt(14)
    }
}

extension SQLConnection {
    package func add(_ waiver: WaiverRow) throws(StoreError) {
        try insert(
            into: "waivers", WaiverRow.columns.split(separator: ", ").map(String.init),
            [
                [
                    .text(waiver.cluster), .text(waiver.id), .text(waiver.rule), SQLValue(waiver.kind),
                    SQLValue(waiver.namespace), SQLValue(waiver.name), SQLValue(waiver.path), .text(waiver.owner),
                    .text(waiver.reason), .text(waiver.expires), .text(waiver.state.rawValue),
                    .text(waiver.requestedBy), .int(waiver.requestedAt), SQLValue(waiver.decidedBy),
                    SQLValue(waiver.decidedAt),
                ]
            ])
    }

    /// Waivers, newest first.
    ///
    /// - Parameter cluster: only what holds there: its own and those of all clusters.
    package func waivers(
        cluster: String? = nil, state: WaiverRow.State? = nil, before: String? = nil, limit: Int = 10_000
    ) throws(StoreError) -> [WaiverRow] {
        var terms = ["1 = 1"]
        var values: [SQLValue] = []
        if let cluster {
            terms.append("(cluster = ? OR cluster = '')")
            values.append(.text(cluster))
        }
        if let state {
            terms.append("state = ?")
            values.append(.text(state.rawValue))
        }
        if let before {
            terms.append("id < ?")
            values.append(.text(before))
        }
        values.append(.int(limit))
        let sql = """
            SELECT \(WaiverRow.columns) FROM waivers WHERE \(terms.joined(separator: " AND "))
            ORDER BY id DESC LIMIT ?
            """
        var out: [WaiverRow] = []
        for row in try rows(sql, values) { out.append(try WaiverRow(row)) }
        return out
    }

    package func waiver(_ id: String) throws(StoreError) -> WaiverRow? {
        guard let row = try row("SELECT \(WaiverRow.columns) FROM waivers WHERE id = ?", [.text(id)]) else {
            return nil
        }
        return try WaiverRow(row)
    }

    /// Moves a waiver on; false when it is not in one of the states it may come from.
    package func decide(
        waiver id: String, _ state: WaiverRow.State, from: Set<WaiverRow.State>, by person: String,
        at time: Milliseconds
    ) throws(StoreError) -> Bool {
        let names = from.map(\.rawValue).sorted()
        let marks = repeatElement("?", count: names.count).joined(separator: ", ")
        return try run(
            "UPDATE waivers SET state = ?, decided_by = ?, decided_at = ? WHERE id = ? AND state IN (\(marks))",
            [.text(state.rawValue), .text(person), .int(time), .text(id)] + names.map(SQLValue.text)) > 0
    }
}
