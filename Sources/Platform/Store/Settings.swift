extension SQLConnection {
    package func setting(_ name: String) throws(StoreError) -> String? {
        try row("SELECT value FROM settings WHERE name = ?", [.text(name)])?.text(0)
    }

    package func set(_ name: String, _ value: String) throws(StoreError) {
        try run(
            "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [.text(name), .text(value)])
    }

    // MARK: Leases

    /// Takes or keeps a lease; false while somebody else holds it.
    ///
    /// A replica that dies holds it no longer than `until`.
    package func takeLease(
        _ name: String, holder: String, until: Milliseconds, now: Milliseconds
    ) throws(StoreError) -> Bool {
        try run(
            """
            INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, until = excluded.until WHERE leases.holder = excluded.holder
              OR leases.until < ?
            """, [.text(name), .text(holder), .int(until), .int(now)]) > 0
    }

    package func releaseLease(_ name: String, holder: String) throws(StoreError) {
        try run("DELETE FROM leases WHERE name = ? AND holder = ?", [.text(name), .text(holder)])
    }

    // MARK: Retention

    /// Forgets what is older than was asked to keep: fixed findings, events, resolved alerts, sent deliveries, sessions
    /// that have ended. Open findings, waivers and the audit chain stay. Gives the number of rows.
    package func prune(
        findingsBefore: Milliseconds, eventsBefore: Milliseconds, now: Milliseconds
    ) throws(StoreError) -> Int {
        var count = 0
        let old = try rows(
            "SELECT \(FindingRow.columns) FROM findings WHERE status = ? AND changed_at < ? LIMIT 20000",
            [.int(FindingStatus.fixed.rawValue), .int(findingsBefore)])
        var changes: [String: RollupChange] = [:]
        for row in old {
            let finding = try FindingRow(row)
            changes[finding.cluster, default: RollupChange(cluster: finding.cluster)].add(finding, -1)
            for table in ["findings", "finding_history"] {
                try run(
                    "DELETE FROM \(table) WHERE cluster = ? AND fingerprint = ?",
                    [.text(finding.cluster), .text(finding.fingerprint)])
            }
            count += 1
        }
        for (_, change) in changes.sorted(by: { $0.key < $1.key }) { try apply(change) }
        count += try run("DELETE FROM events WHERE at < ?", [.int(eventsBefore)])
        count += try run("DELETE FROM alerts WHERE state = 'resolved' AND changed_at < ?", [.int(eventsBefore)])
        count += try run(
            "DELETE FROM deliveries WHERE state <> 'pending' AND created_at < ?", [.int(eventsBefore)])
        count += try run("DELETE FROM silences WHERE ends_at < ?", [.int(eventsBefore)])
        count += try run("DELETE FROM sessions WHERE expires_at < ?", [.int(now)])
        count += try dropJoinTokens(before: now)
        return count
    }
}
