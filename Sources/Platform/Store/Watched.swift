/// A stretch of time in which a cluster was watched without a break.
package struct WatchedRow: Sendable, Hashable {
    package var cluster: String
    package var from: Milliseconds
    package var to: Milliseconds
    /// Whether everything that was to be seen was seen.
    package var isComplete: Bool
    /// Of the program that looked.
    package var version: String

    package init(cluster: String, from: Milliseconds, to: Milliseconds, isComplete: Bool, version: String) {
        self.cluster = cluster
        self.from = from
        self.to = to
        self.isComplete = isComplete
        self.version = version
    }
}

/// What became of one finding at one moment, with the finding it became of.
package struct HistoryRow: Sendable, Hashable {
    package var at: Milliseconds
    package var rule: String
    package var kind: String
    package var group: String
    package var namespace: String
    package var name: String
    package var status: FindingStatus
    /// Who made the change, where an audit log told; empty otherwise.
    package var actor: String
}

extension SQLConnection {
    /// A break of the watch that is shorter than this is none: what changed meanwhile is seen when it goes on.
    package static var watchBreak: Milliseconds { 3_600_000 }

    /// Notes that a cluster is watched at this moment: its stretch grows, or a new one begins.
    package func noteWatched(_ cluster: String, at now: Milliseconds, isComplete: Bool, version: String)
        throws(StoreError)
    {
        let sql =
            "SELECT from_at, to_at, complete, version FROM watched WHERE cluster = ? ORDER BY from_at DESC LIMIT 1"
        if let last = try row(sql, [.text(cluster)]) {
            let (from, to) = (try last.int(0), try last.int(1))
            if now - to <= Self.watchBreak, try last.bool(2) == isComplete, try last.text(3) == version {
                guard now > to else { return }
                try run(
                    "UPDATE watched SET to_at = ? WHERE cluster = ? AND from_at = ?",
                    [.int(now), .text(cluster), .int(from)])
                return
            }
        }
        try insert(
            into: "watched", ["cluster", "from_at", "to_at", "complete", "version"],
            [[.text(cluster), .int(now), .int(now), SQLValue(isComplete), .text(version)]],
            conflict:
                "ON CONFLICT (cluster, from_at) DO UPDATE SET complete = excluded.complete, version = excluded.version")
    }

    /// Stretches of watching, oldest first.
    package func watched(_ cluster: String) throws(StoreError) -> [WatchedRow] {
        let sql = "SELECT from_at, to_at, complete, version FROM watched WHERE cluster = ? ORDER BY from_at"
        var out: [WatchedRow] = []
        for row in try rows(sql, [.text(cluster)]) {
            out.append(
                WatchedRow(
                    cluster: cluster, from: try row.int(0), to: try row.int(1), isComplete: try row.bool(2),
                    version: try row.text(3)))
        }
        return out
    }

    /// Everything that became of a cluster's findings before a moment, by time.
    ///
    /// A finding that was changed later is taken to have failed when it was first seen: nobody wrote down how it stood.
    package func evidence(of cluster: String, before end: Milliseconds) throws(StoreError) -> [HistoryRow] {
        var steps: [String: [(at: Milliseconds, status: FindingStatus)]] = [:]
        let history =
            "SELECT fingerprint, at, event, detail FROM finding_history WHERE cluster = ? ORDER BY fingerprint, at"
        for row in try rows(history, [.text(cluster)]) {
            let status: FindingStatus =
                switch try row.text(2) {
                case "fixed": .fixed
                case "changed": FindingStatus(word: String(try row.text(3).prefix { $0 != "," })) ?? .failing
                default: .failing
                }
            steps[try row.text(0), default: []].append((try row.int(1), status))
        }
        var out: [HistoryRow] = []
        let findings = """
            SELECT \(FindingRow.columns) FROM findings WHERE cluster = ? AND source = 'martlet' AND system = 0
              AND first_seen < ?
            """
        for row in try rows(findings, [.text(cluster), .int(end)]) {
            let finding = try FindingRow(row)
            let later = steps[finding.fingerprint] ?? []
            let first = (at: finding.firstSeen, status: later.isEmpty ? finding.status : .failing)
            for step in [first] + later where step.at < end {
                out.append(
                    HistoryRow(
                        at: step.at, rule: finding.rule, kind: finding.kind, group: finding.group,
                        namespace: finding.namespace, name: finding.name, status: step.status,
                        // The store knows who made the last change, not those before it.
                        actor: step.at == finding.changedAt ? finding.actor : ""))
            }
        }
        return out.sorted { ($0.at, $0.rule, $0.namespace, $0.name) < ($1.at, $1.rule, $1.namespace, $1.name) }
    }
}
