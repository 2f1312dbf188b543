/// What one evaluation changed of a cluster's findings.
package struct FindingDelta: Sendable {
    package var cluster: String
    package var at: Milliseconds
    /// Findings there are, new or with other content.
    package var present: [FindingRow]
    /// Fingerprints that are there no more.
    package var gone: [String]

    package init(cluster: String, at: Milliseconds, present: [FindingRow] = [], gone: [String] = []) {
        self.cluster = cluster
        self.at = at
        self.present = present
        self.gone = gone
    }

    package var isEmpty: Bool { present.isEmpty && gone.isEmpty }
}

/// What became of one finding.
package struct FindingChange: Sendable, Hashable {
    package enum Kind: String, Sendable { case new, reopened, fixed, changed }
    package var kind: Kind
    package var finding: FindingRow

    package init(_ kind: Kind, _ finding: FindingRow) {
        self.kind = kind
        self.finding = finding
    }
}

extension SQLConnection {
    /// Writes a delta with its history and counters; gives what changed, in the order of the delta.
    ///
    /// Applying the same delta again changes nothing, so that a sender may repeat what it is not sure of.
    package func apply(_ delta: FindingDelta) throws(StoreError) -> [FindingChange] {
        guard !delta.isEmpty else { return [] }
        // One writer a cluster at a time: the counters are differences.
        let lock = try row("SELECT id FROM clusters WHERE id = ?\(dialect.lock)", [.text(delta.cluster)])
        guard lock != nil else {
            throw StoreError(.statement, "there is no cluster \"\(delta.cluster)\" to keep findings of")
        }
        var known = try findings(delta.present.map(\.fingerprint) + delta.gone, of: delta.cluster)
        var changes: [FindingChange] = []
        var written: [FindingRow] = []
        var rollups = RollupChange(cluster: delta.cluster)
        for var row in delta.present {
            row.changedAt = delta.at
            if let old = known[row.fingerprint] {
                row.firstSeen = old.firstSeen
                row.reopened = old.reopened
                if row.actor.isEmpty, row.objectVersion == old.objectVersion { row.actor = old.actor }
                if old.status != .fixed, old.digest == row.digest { continue }
                rollups.add(old, -1)
                if old.status == .fixed {
                    row.reopened += 1
                    changes.append(FindingChange(.reopened, row))
                } else {
                    changes.append(FindingChange(.changed, row))
                }
            } else {
                row.firstSeen = delta.at
                changes.append(FindingChange(.new, row))
            }
            rollups.add(row, 1)
            known[row.fingerprint] = row
            written.append(row)
        }
        for fingerprint in delta.gone {
            guard var row = known[fingerprint], row.status != .fixed else { continue }
            rollups.add(row, -1)
            row.status = .fixed
            row.waiver = nil
            row.changedAt = delta.at
            row.fixedAt = delta.at
            rollups.add(row, 1)
            known[fingerprint] = row
            changes.append(FindingChange(.fixed, row))
            written.append(row)
        }
        try write(written)
        try note(changes.filter { $0.kind != .new }, at: delta.at)
        try apply(rollups)
        return changes
    }

    private func findings(_ fingerprints: [String], of cluster: String) throws(StoreError) -> [String: FindingRow] {
        var known: [String: FindingRow] = [:]
        let sql = "SELECT \(FindingRow.columns) FROM findings WHERE cluster = ? AND"
        let keys = fingerprints.map(SQLValue.text)
        for row in try rows(sql, [.text(cluster)], where: "fingerprint", isOneOf: keys) {
            let finding = try FindingRow(row)
            known[finding.fingerprint] = finding
        }
        return known
    }

    private func write(_ findings: [FindingRow]) throws(StoreError) {
        // The last of two rows of one key counts; one statement may not touch a row twice.
        var last: [String: Int] = [:]
        for (index, finding) in findings.enumerated() { last[finding.fingerprint] = index }
        let rows = findings.enumerated().filter { last[$0.element.fingerprint] == $0.offset }.map(\.element)
        let columns = (FindingRow.columns + ", digest").split(separator: ", ").map(String.init)
        let updates = columns.dropFirst(2).map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        try insert(
            into: "findings", columns,
            rows.map { row in
                [
                    .text(row.cluster), .text(row.fingerprint), .text(row.rule), .int(row.rank),
                    .int(row.status.rawValue), .text(row.group), .text(row.kind), .text(row.namespace),
                    .text(row.name), .text(row.file), SQLValue(row.isSystem), .text(row.title), .text(row.message),
                    .text(row.evidence), .text(row.origin), .text(row.source), SQLValue(row.waiver),
                    .int(row.firstSeen), .int(row.changedAt), SQLValue(row.fixedAt), .int(row.reopened),
                    .text(row.objectVersion), .text(row.actor), .text(row.digest),
                ]
            },
            conflict: "ON CONFLICT (cluster, fingerprint) DO UPDATE SET \(updates)")
        var terms: Set<SearchTerm> = []
        for row in rows {
            terms.insert(SearchTerm(rule: row.rule, title: row.title))
            terms.insert(SearchTerm(name: row.name))
        }
        try note(terms)
    }

    private func note(_ changes: [FindingChange], at time: Milliseconds) throws(StoreError) {
        try insert(
            into: "finding_history", ["cluster", "fingerprint", "at", "event", "detail"],
            changes.map { change in
                let finding = change.finding
                let detail = change.kind == .changed ? "\(finding.status.word), \(finding.severity.rawValue)" : ""
                return [
                    .text(finding.cluster), .text(finding.fingerprint), .int(time), .text(change.kind.rawValue),
                    .text(detail),
                ]
            }, conflict: "ON CONFLICT (cluster, fingerprint, at, event) DO NOTHING")
    }

    /// Digests of a cluster's findings that are not fixed, by fingerprint: what a worker begins with.
    package func digests(of cluster: String, source: String = "martlet") throws(StoreError) -> [String: String] {
        var out: [String: String] = [:]
        let sql = "SELECT fingerprint, digest FROM findings WHERE cluster = ? AND status <> ? AND source = ?"
        for row in try rows(sql, [.text(cluster), .int(FindingStatus.fixed.rawValue), .text(source)]) {
            out[try row.text(0)] = try row.text(1)
        }
        return out
    }
}
