import Findings
package import Store

/// Makes alerts of changes, in the transaction that writes the changes: what is to be told is written with its cause.
package struct AlertEngine: Sendable {
    package var rules: [AlertRule]
    /// Names of all notifiers.
    package var notifiers: [String]
    /// Ids that sort by time.
    package var newID: @Sendable (Milliseconds) -> String
    /// Items kept of one alert.
    static let mostItems = 200

    package init(
        rules: [AlertRule], notifiers: [String],
        newID: @escaping @Sendable (Milliseconds) -> String = {
            SortableID.make(at: $0, random: UInt64.random(in: .min ... .max))
        }
    ) {
        self.rules = rules
        self.notifiers = notifiers
        self.newID = newID
    }

    /// Something that belongs to an alert.
    private struct Matter {
        var cluster: String
        var namespace: String
        var severity: Severity
        var title: String
        var item: AlertNotification.Item
    }

    // MARK: Findings

    /// Raises alerts for what is worse, and ends those whose findings are all gone. Gives what is to be told of.
    ///
    /// - Parameter isFirst: the first evaluation of a cluster: what it brings along is shown, not alerted on.
    package func consider(
        _ changes: [FindingChange], of cluster: String, isFirst: Bool, at now: Milliseconds, in db: any SQLConnection
    ) throws -> [AlertRow] {
        guard !isFirst else { return [] }
        var told: [AlertRow] = []
        let silences = changes.isEmpty ? [] : try db.silences(at: now)
        for rule in rules where rule.subject == .finding {
            var groups: [String: [Matter]] = [:]
            var order: [String] = []
            var ended: Set<String> = []
            for change in changes {
                let finding = change.finding
                let object = "\(finding.kind) \(finding.name)"
                let key = rule.group(
                    cluster: cluster, namespace: finding.namespace, rule: finding.rule, object: object)
                if rule.concerns(change) {
                    if groups[key] == nil { order.append(key) }
                    groups[key, default: []].append(Self.matter(finding))
                } else if finding.status != .failing, rule.covers(finding) {
                    ended.insert(key)
                }
            }
            for key in order {
                if let alert = try raise(rule, key, groups[key] ?? [], silences, at: now, in: db) { told.append(alert) }
            }
            for key in ended.sorted() where groups[key] == nil {
                if let alert = try endIfOver(rule, key, cluster, at: now, in: db) { told.append(alert) }
            }
        }
        return told
    }

    private static func matter(_ finding: FindingRow) -> Matter {
        let place = finding.namespace.isEmpty ? finding.name : "\(finding.namespace)/\(finding.name)"
        return Matter(
            cluster: finding.cluster, namespace: finding.namespace, severity: finding.severity, title: finding.title,
            item: .init(
                fingerprint: finding.fingerprint, rule: finding.rule, subject: "\(finding.kind) \(place)",
                message: finding.message, severity: finding.severity.rawValue))
    }

    // MARK: Events

    /// Raises alerts for events.
    package func consider(
        _ events: [EventRow], at now: Milliseconds, in db: any SQLConnection
    ) throws -> [AlertRow] {
        var told: [AlertRow] = []
        let silences = events.isEmpty ? [] : try db.silences(at: now)
        for rule in rules where rule.subject == .event {
            var groups: [String: [Matter]] = [:]
            var order: [String] = []
            for event in events where rule.concerns(event) {
                let key = rule.group(
                    cluster: event.cluster, namespace: event.namespace, rule: event.rule, object: event.subject)
                if groups[key] == nil { order.append(key) }
                groups[key, default: []].append(
                    Matter(
                        cluster: event.cluster, namespace: event.namespace, severity: event.severity,
                        title: event.rule,
                        item: .init(
                            fingerprint: event.id, rule: event.rule, subject: event.subject, message: event.message,
                            severity: event.severity.rawValue)))
            }
            for key in order {
                if let alert = try raise(rule, key, groups[key] ?? [], silences, at: now, in: db) { told.append(alert) }
            }
        }
        return told
    }

    // MARK: Freshness, repetition, escalation

    /// What time alone brings about; called every few seconds.
    package func tick(at now: Milliseconds, in db: any SQLConnection) throws -> [AlertRow] {
        var told: [AlertRow] = []
        let silences = try db.silences(at: now)
        for rule in rules where rule.subject == .freshness {
            for cluster in try db.clusters() {
                let key = rule.group(cluster: cluster.id, namespace: "", rule: rule.name, object: "")
                let seen = max(cluster.eventAt ?? 0, cluster.scanAt ?? cluster.addedAt)
                let isLost = cluster.state == .lost && now - seen > rule.staleMinutes * 60_000
                if isLost, try db.firing(rule: rule.name, group: key, of: cluster.id) == nil {
                    let matter = Matter(
                        cluster: cluster.id, namespace: "", severity: rule.severity,
                        title: "cluster \(cluster.name) is no longer seen",
                        item: .init(
                            fingerprint: cluster.id, rule: rule.name, subject: cluster.name, message: cluster.detail,
                            severity: rule.severity.rawValue))
                    if let alert = try raise(rule, key, [matter], silences, at: now, in: db) { told.append(alert) }
                } else if cluster.state != .lost,
                    var alert = try db.firing(rule: rule.name, group: key, of: cluster.id)
                {
                    told.append(try end(&alert, rule, at: now, in: db))
                }
            }
        }
        for alert in try db.alerts(in: .everything, state: .firing, limit: 500) {
            guard let rule = rules.first(where: { $0.name == alert.rule }) else { continue }
            try remind(alert, rule, silences, at: now, in: db)
        }
        return told
    }

    private func remind(
        _ alert: AlertRow, _ rule: AlertRule, _ silences: [SilenceRow], at now: Milliseconds, in db: any SQLConnection
    ) throws {
        guard alert.acknowledgedAt == nil, !Self.isSilent(alert, silences) else { return }
        var alert = alert
        if let escalation = rule.escalation, alert.escalatedAt == nil,
            now - alert.startedAt >= escalation.minutes * 60_000
        {
            alert.escalatedAt = now
            try db.write(alert)
            try deliver(alert, rule, to: escalation.notifiers, "escalated", at: now, in: db)
        }
        if let minutes = rule.repeatMinutes {
            let round = (now - alert.startedAt) / (minutes * 60_000)
            guard round > 0 else { return }
            try deliver(alert, rule, to: recipients(rule), "again \(round)", at: now, in: db)
        }
    }

    // MARK: Raising and ending

    private func recipients(_ rule: AlertRule) -> [String] { rule.notifiers.isEmpty ? notifiers : rule.notifiers }

    private func raise(
        _ rule: AlertRule, _ key: String, _ matters: [Matter], _ silences: [SilenceRow], at now: Milliseconds,
        in db: any SQLConnection
    ) throws -> AlertRow? {
        guard let first = matters.first else { return nil }
        let worst = matters.map(\.severity).max() ?? first.severity
        var alert: AlertRow
        var isWorse = true
        if let firing = try db.firing(rule: rule.name, group: key, of: first.cluster) {
            alert = firing
            isWorse = worst > alert.severity
            alert.severity = max(worst, alert.severity)
            var items = AlertNotification.items(alert.content)
            let known = Set(items.map(\.fingerprint))
            let new = matters.map(\.item).filter { !known.contains($0.fingerprint) }
            items += new
            alert.total += rule.subject == .event ? matters.count : new.count
            alert.content = AlertNotification.json(Array(items.suffix(Self.mostItems)))
            alert.changedAt = now
        } else {
            alert = AlertRow(
                cluster: first.cluster, id: newID(now), rule: rule.name, groupKey: key, severity: worst,
                title: first.title, content: AlertNotification.json(matters.prefix(Self.mostItems).map(\.item)),
                namespace: Set(matters.map(\.namespace)).count == 1 ? first.namespace : "", total: matters.count,
                startedAt: now)
        }
        try db.write(alert)
        guard isWorse, !Self.isSilent(alert, silences) else { return alert }
        try deliver(alert, rule, to: recipients(rule), "firing \(alert.severity.rawValue)", at: now, in: db)
        return alert
    }

    private func endIfOver(
        _ rule: AlertRule, _ key: String, _ cluster: String, at now: Milliseconds, in db: any SQLConnection
    ) throws -> AlertRow? {
        guard var alert = try db.firing(rule: rule.name, group: key, of: cluster) else { return nil }
        let items = AlertNotification.items(alert.content)
        var open = 0
        for item in items where try db.finding(item.fingerprint, of: cluster)?.status == .failing { open += 1 }
        // Items beyond the kept ones are not known; as long as there are such, a person ends it.
        guard open == 0, alert.total <= Self.mostItems else { return nil }
        return try end(&alert, rule, at: now, in: db)
    }

    private func end(
        _ alert: inout AlertRow, _ rule: AlertRule, at now: Milliseconds, in db: any SQLConnection
    ) throws -> AlertRow {
        alert.state = .resolved
        alert.changedAt = now
        alert.endedAt = now
        try db.write(alert)
        try deliver(alert, rule, to: recipients(rule), "resolved", at: now, in: db)
        return alert
    }

    private static func isSilent(_ alert: AlertRow, _ silences: [SilenceRow]) -> Bool {
        silences.contains { silence in
            guard silence.cluster.isEmpty || silence.cluster == alert.cluster else { return false }
            let glob = Glob(silence.matcher)
            let items = AlertNotification.items(alert.content)
            return glob.matches(alert.rule) || (!items.isEmpty && items.allSatisfy { glob.matches($0.rule) })
        }
    }

    /// Puts one delivery for each target into the outbox; the same matter stands there once.
    private func deliver(
        _ alert: AlertRow, _ rule: AlertRule, to names: [String], _ what: String, at now: Milliseconds,
        in db: any SQLConnection
    ) throws {
        var due = now + rule.wait
        if let quiet = rule.quiet, alert.severity < quiet.except, let end = quiet.end(at: due) { due = end }
        for name in names {
            let dedup = "\(alert.id) \(what) \(name)"
            let known = try db.row(
                "SELECT id FROM deliveries WHERE cluster = ? AND alert = ? AND dedup = ?",
                [.text(alert.cluster), .text(alert.id), .text(dedup)])
            guard known == nil else { continue }
            try db.add([
                DeliveryRow(
                    cluster: alert.cluster, id: newID(now), notifier: name, alert: alert.id, dedup: dedup,
                    content: what == "resolved" ? "resolved" : "firing", dueAt: due, createdAt: now)
            ])
        }
    }
}
