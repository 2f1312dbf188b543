import Detection
package import Findings
package import Store

/// Turns what API servers and runtime sensors send into events: their own alerts as they are, audit events as far as a
/// rule matches them.
package actor EventJudge {
    /// Rules keep counts over time: one state for each cluster.
    private var replays: [String: Replay] = [:]
    private let rules: RuleSet

    package init() {
        var set = RuleSet(appendedOutput: RuleSet.containerOutput)
        for source in OwnRules.sources { _ = set.load(source) }
        rules = set
    }

    package func read(
        _ bytes: [UInt8], cluster: String, at now: Milliseconds
    ) -> (rows: [EventRow], unreadable: Int, unknown: Int) {
        let stream = EventStream.read(bytes)
        // Bounded: clusters come from outside.
        if replays.count > 2000 { replays = [:] }
        var replay = replays.removeValue(forKey: cluster) ?? Replay(rules)
        var rows: [EventRow] = []
        for event in stream.events {
            for alert in replay.alerts(event) { rows.append(Self.row(alert, cluster: cluster, at: now)) }
        }
        replays[cluster] = replay
        return (rows, stream.unreadable, stream.unknown)
    }

    private static func row(_ alert: Alert, cluster: String, at now: Milliseconds) -> EventRow {
        var fields: [String: String] = [:]
        for (name, value) in alert.outputFields { if case .text(let text) = value { fields[name] = text } }
        func first(_ names: String...) -> String { names.lazy.compactMap { fields[$0] }.first ?? "" }
        let time = alert.time == 0 ? now : Milliseconds(alert.time / 1_000_000)
        return row(
            cluster: cluster, at: time, source: alert.source == "k8s_audit" ? "audit" : "falco",
            severity: severity(alert.priority.name), rule: alert.rule,
            namespace: first("k8s.ns.name", "ka.target.namespace"),
            subject: first("k8s.pod.name", "ka.user.name", "container.name"), message: alert.message,
            content: alert.json())
    }

    /// An event whose id is made of its time and content: the same one, sent again, has the same id.
    package static func row(
        cluster: String, at time: Milliseconds, source: String, severity: Severity, rule: String, namespace: String,
        subject: String, message: String, content: String
    ) -> EventRow {
        var hash = FNV1a()
        for part in [cluster, source, rule, namespace, subject, content] { hash.combine(part) }
        let id = SortableID.least(at: time) + hash.hex
        return EventRow(
            cluster: cluster, id: id, at: time, source: source, severity: severity, rule: rule, namespace: namespace,
            subject: subject, message: message, content: content)
    }

    /// Words of syslog, Falco and Prometheus.
    package static func severity(_ word: String) -> Severity {
        switch word.lowercased() {
        case "emergency", "alert", "critical", "page": .critical
        case "error", "high", "major": .high
        case "warning", "medium", "minor": .medium
        case "notice", "low": .low
        default: .info
        }
    }
}
