package import Findings

/// Which findings, in which order, from where on.
package struct FindingQuery: Sendable, Hashable {
    package enum Order: String, Sendable, CaseIterable {
        /// Worst first.
        case severity
        /// What changed last first.
        case changed
    }

    /// The last row of the page before.
    package struct Cursor: Sendable, Hashable {
        package var rank: Int
        package var changedAt: Milliseconds
        package var cluster: String
        package var fingerprint: String

        package init(rank: Int, changedAt: Milliseconds, cluster: String, fingerprint: String) {
            self.rank = rank
            self.changedAt = changedAt
            self.cluster = cluster
            self.fingerprint = fingerprint
        }

        package init(_ row: FindingRow) {
            self.init(
                rank: row.severity.storedRank, changedAt: row.changedAt, cluster: row.cluster,
                fingerprint: row.fingerprint)
        }
    }

    package var scope: AccessScope
    package var cluster: String?
    package var namespace: String?
    package var rule: String?
    package var kind: String?
    package var name: String?
    package var source: String?
    package var severities: Set<Severity>
    package var statuses: Set<FindingStatus>
    package var isSystem: Bool?
    /// Part of the name, rule or title, and in one cluster or of one rule of the message too, whatever the case.
    package var text: String?
    package var changedSince: Milliseconds?
    package var order: Order
    package var after: Cursor?
    package var limit: Int

    package init(
        scope: AccessScope, cluster: String? = nil, namespace: String? = nil, rule: String? = nil,
        kind: String? = nil, name: String? = nil, source: String? = nil, severities: Set<Severity> = [],
        statuses: Set<FindingStatus> = [.failing], isSystem: Bool? = nil, text: String? = nil,
        changedSince: Milliseconds? = nil, order: Order = .severity, after: Cursor? = nil, limit: Int = 50
    ) {
        self.scope = scope
        self.cluster = cluster
        self.namespace = namespace
        self.rule = rule
        self.kind = kind
        self.name = name
        self.source = source
        self.severities = severities
        self.statuses = statuses
        self.isSystem = isSystem
        self.text = text
        self.changedSince = changedSince
        self.order = order
        self.after = after
        self.limit = limit
    }
}

extension FindingQuery {
    /// Whether nothing narrows it to a small part of the fleet.
    package var isOfFleet: Bool { cluster == nil && rule == nil && name == nil }
}

extension SQLConnection {
    /// One page of findings.
    ///
    /// Asked status by status (and severity by severity, part of the scope by part): each such question walks one index
    /// in its own order and stops after a page, however many findings there are; the answers are merged.
    package func findings(_ query: FindingQuery) throws(StoreError) -> [FindingRow] {
        guard query.isOfFleet, let text = query.text, !text.isEmpty,
            let rules = try items(.rule, holding: text), let names = try items(.name, holding: text)
        else { return try listed(query) }
        // Each rule and each name that holds the words is a walk along an index of its own.
        var out: [FindingRow] = []
        var narrowed = query
        narrowed.text = nil
        for rule in rules {
            narrowed.rule = rule
            out += try listed(narrowed)
        }
        narrowed.rule = nil
        let found = Set(rules)
        for name in names {
            narrowed.name = name
            out += try listed(narrowed).filter { !found.contains($0.rule) }
        }
        Self.sort(&out, by: query.order)
        return Array(out.prefix(query.limit))
    }

    private func listed(_ query: FindingQuery) throws(StoreError) -> [FindingRow] {
        var out: [FindingRow] = []
        var seen: Set<String> = []
        let statuses = query.statuses.isEmpty ? Set(FindingStatus.allCases) : query.statuses
        let ranks: [Int?] =
            query.severities.isEmpty || query.severities.count == Severity.allCases.count
            ? [nil] : query.severities.map(\.storedRank).sorted()
        for part in query.scope.parts {
            guard let condition = part.condition(namespaced: true) else { continue }
            for status in statuses.sorted(by: { $0.rawValue < $1.rawValue }) {
                var found = 0
                for rank in ranks {
                    // Worse ranks come first: once they fill the page, milder ones cannot be on it.
                    if query.order == .severity, found >= query.limit { break }
                    for row in try page(query, condition, status, rank) {
                        found += 1
                        if seen.insert("\(row.cluster)/\(row.fingerprint)").inserted { out.append(row) }
                    }
                }
            }
        }
        Self.sort(&out, by: query.order)
        return Array(out.prefix(query.limit))
    }

    private static func sort(_ rows: inout [FindingRow], by order: FindingQuery.Order) {
        switch order {
        case .severity:
            rows.sort { ($0.rank, $0.cluster, $0.fingerprint) < ($1.rank, $1.cluster, $1.fingerprint) }
        case .changed:
            rows.sort {
                ($1.changedAt, $1.cluster, $1.fingerprint) < ($0.changedAt, $0.cluster, $0.fingerprint)
            }
        }
    }

    private func page(
        _ query: FindingQuery, _ scope: (sql: String, values: [SQLValue]), _ status: FindingStatus, _ rank: Int?
    ) throws(StoreError) -> [FindingRow] {
        var terms = ["status = ?", scope.sql]
        var values: [SQLValue] = [.int(status.rawValue)] + scope.values
        func require(_ sql: String, _ value: SQLValue) {
            terms.append(sql)
            values.append(value)
        }
        if let rank { require("rank = ?", .int(rank)) }
        if let cluster = query.cluster { require("cluster = ?", .text(cluster)) }
        if let namespace = query.namespace { require("namespace = ?", .text(namespace)) }
        if let rule = query.rule { require("rule = ?", .text(rule)) }
        if let kind = query.kind { require("kind = ?", .text(kind)) }
        if let name = query.name { require("name = ?", .text(name)) }
        if let source = query.source { require("source = ?", .text(source)) }
        if let isSystem = query.isSystem { require("system = ?", SQLValue(isSystem)) }
        if let since = query.changedSince { require("changed_at >= ?", .int(since)) }
        if let text = query.text, !text.isEmpty {
            let pattern = SQLValue.text("%" + Self.escaped(text.lowercased()) + "%")
            // Over the whole fleet names, rules and titles only: what stands in two lists can be counted on to be near.
            let columns = ["name", "rule", "title"] + (query.isOfFleet ? [] : ["message"])
            terms.append("(" + columns.map { "lower(\($0)) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ") + ")")
            values += columns.map { _ in pattern }
        }
        let order: String
        switch query.order {
        case .severity:
            order = "rank, cluster, fingerprint"
            if let after = query.after {
                terms.append("(rank, cluster, fingerprint) > (?, ?, ?)")
                values += [.int(after.rank), .text(after.cluster), .text(after.fingerprint)]
            }
        case .changed:
            order = "changed_at DESC, cluster DESC, fingerprint DESC"
            if let after = query.after {
                terms.append("(changed_at, cluster, fingerprint) < (?, ?, ?)")
                values += [.int(after.changedAt), .text(after.cluster), .text(after.fingerprint)]
            }
        }
        values.append(.int(query.limit))
        let sql = """
            SELECT \(FindingRow.columns) FROM findings WHERE \(terms.joined(separator: " AND "))
            ORDER BY \(order) LIMIT ?
            """
        var out: [FindingRow] = []
        for row in try rows(sql, values) { out.append(try FindingRow(row)) }
        return out
    }

    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    }

    package func finding(_ fingerprint: String, of cluster: String) throws(StoreError) -> FindingRow? {
        let sql = "SELECT \(FindingRow.columns) FROM findings WHERE cluster = ? AND fingerprint = ?"
        guard let row = try row(sql, [.text(cluster), .text(fingerprint)]) else { return nil }
        return try FindingRow(row)
    }

    /// What became of a finding, oldest first.
    package func history(
        of fingerprint: String, cluster: String
    ) throws(StoreError) -> [(at: Milliseconds, event: String, detail: String)] {
        let sql =
            "SELECT at, event, detail FROM finding_history WHERE cluster = ? AND fingerprint = ? ORDER BY at, event"
        var out: [(at: Milliseconds, event: String, detail: String)] = []
        for row in try rows(sql, [.text(cluster), .text(fingerprint)]) {
            out.append((try row.int(0), try row.text(1), try row.text(2)))
        }
        return out
    }
}
