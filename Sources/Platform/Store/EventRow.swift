package import Findings

/// Something that happened: a runtime alert, an audit event, a line of the hub itself.
package struct EventRow: Sendable, Hashable {
    package var cluster: String
    package var id: String
    package var at: Milliseconds
    /// `falco`, `audit`, `alertmanager`, `admission`, `hub`.
    package var source: String
    package var severity: Severity
    package var rule: String
    package var namespace: String
    /// The pod, the user, the object it is about.
    package var subject: String
    package var message: String
    /// As it came, in JSON.
    package var content: String

    package init(
        cluster: String, id: String, at: Milliseconds, source: String, severity: Severity, rule: String,
        namespace: String = "", subject: String = "", message: String, content: String = "{}"
    ) {
        self.cluster = cluster
        self.id = id
        self.at = at
        self.source = source
        self.severity = severity
        self.rule = rule
        self.namespace = namespace
        self.subject = subject
        self.message = message
        self.content = content
    }
}

extension SQLConnection {
    /// Keeps events; one that is there already is the same one, sent again.
    package func add(_ events: [EventRow]) throws(StoreError) {
        try insert(
            into: "events",
            ["cluster", "id", "at", "source", "rank", "rule", "namespace", "subject", "message", "content"],
            events.map {
                [
                    .text($0.cluster), .text($0.id), .int($0.at), .text($0.source), .int($0.severity.storedRank),
                    .text($0.rule), .text($0.namespace), .text($0.subject), .text($0.message), .text($0.content),
                ]
            }, conflict: "ON CONFLICT (cluster, id) DO NOTHING")
    }

    /// Those of some events that the store does not have yet.
    package func unknown(_ events: [EventRow], of cluster: String) throws(StoreError) -> [EventRow] {
        var known: Set<String> = []
        let sql = "SELECT id FROM events WHERE cluster = ? AND"
        for row in try rows(sql, [.text(cluster)], where: "id", isOneOf: events.map { .text($0.id) }) {
            known.insert(try row.text(0))
        }
        return events.filter { known.insert($0.id).inserted }
    }

    /// One page of events, newest first.
    package func events(
        in scope: AccessScope, cluster: String? = nil, source: String? = nil, severity: Severity? = nil,
        before: String? = nil, limit: Int = 50
    ) throws(StoreError) -> [EventRow] {
        let condition = scope.condition()
        var terms = [condition.sql]
        var values = condition.values
        func require(_ sql: String, _ value: SQLValue) {
            terms.append(sql)
            values.append(value)
        }
        if let cluster { require("cluster = ?", .text(cluster)) }
        if let source { require("source = ?", .text(source)) }
        if let severity { require("rank <= ?", .int(severity.storedRank)) }
        if let before { require("id < ?", .text(before)) }
        values.append(.int(limit))
        let sql = """
            SELECT cluster, id, at, source, rank, rule, namespace, subject, message, content FROM events
            WHERE \(terms.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?
            """
        var out: [EventRow] = []
        for row in try rows(sql, values) {
            out.append(
                EventRow(
                    cluster: try row.text(0), id: try row.text(1), at: try row.int(2), source: try row.text(3),
                    severity: Severity(rank: try row.int(4)), rule: try row.text(5), namespace: try row.text(6),
                    subject: try row.text(7), message: try row.text(8), content: try row.text(9)))
        }
        return out
    }
}
