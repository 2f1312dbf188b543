/// Something to be sent: the outbox, written in the transaction of what it tells of.
package struct DeliveryRow: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable {
        case pending, sent
        /// Given up after many tries; shown, never dropped silently.
        case dead
    }

    package var cluster: String
    package var id: String
    package var notifier: String
    package var alert: String
    /// The receiver tells repetitions by it: the alert and its state.
    package var dedup: String
    /// The notification, as JSON; the target's own form is made when it is sent.
    package var content: String
    package var state: State
    package var attempts: Int
    package var dueAt: Milliseconds
    package var createdAt: Milliseconds
    package var sentAt: Milliseconds?
    package var error: String

    package init(
        cluster: String, id: String, notifier: String, alert: String, dedup: String, content: String,
        dueAt: Milliseconds, createdAt: Milliseconds
    ) {
        self.cluster = cluster
        self.id = id
        self.notifier = notifier
        self.alert = alert
        self.dedup = dedup
        self.content = content
        state = .pending
        attempts = 0
        self.dueAt = dueAt
        self.createdAt = createdAt
        error = ""
    }

    static let columns = """
        cluster, id, notifier, alert, dedup, content, state, attempts, due_at, created_at, sent_at, error
        """

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            cluster: try row.text(0), id: try row.text(1), notifier: try row.text(2), alert: try row.text(3),
            dedup: try row.text(4), content: try row.text(5), dueAt: try row.int(8), createdAt: try row.int(9))
        state = State(rawValue: try row.text(6)) ?? .pending
        attempts = try row.int(7)
        sentAt = try row.optionalInt(10)
        error = try row.text(11)
    }
}

extension SQLConnection {
    package func add(_ deliveries: [DeliveryRow]) throws(StoreError) {
        try insert(
            into: "deliveries", DeliveryRow.columns.split(separator: ", ").map(String.init),
            deliveries.map {
                [
                    .text($0.cluster), .text($0.id), .text($0.notifier), .text($0.alert), .text($0.dedup),
                    .text($0.content), .text($0.state.rawValue), .int($0.attempts), .int($0.dueAt),
                    .int($0.createdAt), SQLValue($0.sentAt), .text($0.error),
                ]
            })
    }

    /// Takes what is due for `lease` milliseconds: who takes it sends it, and if he dies it is due again.
    package func takeDeliveries(
        at now: Milliseconds, lease: Int, limit: Int = 32
    ) throws(StoreError) -> [DeliveryRow] {
        let sql = """
            SELECT \(DeliveryRow.columns) FROM deliveries WHERE state = 'pending' AND due_at <= ?
            ORDER BY due_at, id LIMIT ?\(dialect.lockSkipping)
            """
        var out: [DeliveryRow] = []
        for row in try rows(sql, [.int(now), .int(limit)]) {
            var delivery = try DeliveryRow(row)
            delivery.attempts += 1
            delivery.dueAt = now + lease
            try run(
                "UPDATE deliveries SET attempts = ?, due_at = ? WHERE cluster = ? AND id = ?",
                [.int(delivery.attempts), .int(delivery.dueAt), .text(delivery.cluster), .text(delivery.id)])
            out.append(delivery)
        }
        return out
    }

    /// When the next delivery is due; nil when none waits.
    package func nextDelivery() throws(StoreError) -> Milliseconds? {
        let sql = "SELECT due_at FROM deliveries WHERE state = 'pending' ORDER BY due_at LIMIT 1"
        return try row(sql)?.optionalInt(0)
    }

    /// Notes how a try went.
    package func finish(
        _ delivery: DeliveryRow, _ state: DeliveryRow.State, error: String, dueAt: Milliseconds, at now: Milliseconds
    ) throws(StoreError) {
        try run(
            "UPDATE deliveries SET state = ?, error = ?, due_at = ?, sent_at = ? WHERE cluster = ? AND id = ?",
            [
                .text(state.rawValue), .text(error), .int(dueAt), state == .sent ? .int(now) : .null,
                .text(delivery.cluster), .text(delivery.id),
            ])
    }

    /// One page of the log of deliveries, newest first.
    package func deliveries(
        state: DeliveryRow.State? = nil, notifier: String? = nil, before: String? = nil, limit: Int = 50
    ) throws(StoreError) -> [DeliveryRow] {
        var terms = ["1 = 1"]
        var values: [SQLValue] = []
        if let state {
            terms.append("state = ?")
            values.append(.text(state.rawValue))
        }
        if let notifier {
            terms.append("notifier = ?")
            values.append(.text(notifier))
        }
        if let before {
            terms.append("id < ?")
            values.append(.text(before))
        }
        values.append(.int(limit))
        let sql = """
            SELECT \(DeliveryRow.columns) FROM deliveries WHERE \(terms.joined(separator: " AND "))
            ORDER BY id DESC LIMIT ?
            """
        var out: [DeliveryRow] = []
        for row in try rows(sql, values) { out.append(try DeliveryRow(row)) }
        return out
    }

    /// The last delivery of each alert to each notifier, by the alert's id.
    package func deliveries(of alerts: [String]) throws(StoreError) -> [String: [DeliveryRow]] {
        var last: [String: [String: DeliveryRow]] = [:]
        let sql = "SELECT \(DeliveryRow.columns) FROM deliveries WHERE"
        for row in try rows(sql, [], where: "alert", isOneOf: alerts.map { .text($0) }) {
            let delivery = try DeliveryRow(row)
            if let known = last[delivery.alert]?[delivery.notifier], known.id > delivery.id { continue }
            last[delivery.alert, default: [:]][delivery.notifier] = delivery
        }
        return last.mapValues { $0.values.sorted { $0.notifier < $1.notifier } }
    }
}
