import Documents
package import Findings
package import Store

/// What somebody wants to be told of, how it is put together, and whom to tell.
package struct AlertRule: Sendable, Hashable {
    package enum Subject: String, Sendable, CaseIterable {
        case finding, event
        /// A cluster that is no longer seen.
        case freshness
    }

    /// What makes one alert of many findings.
    package enum Grouping: String, Sendable, CaseIterable {
        case cluster, namespace, rule, object
    }

    package var name: String
    package var subject: Subject
    /// This severity and worse.
    package var severity: Severity
    package var changes: Set<FindingChange.Kind>
    /// Patterns with `*`; empty for all.
    package var rules: [String] = []
    package var clusters: [String] = []
    package var namespaces: [String] = []
    package var includesSystem = false
    package var grouping: [Grouping]
    /// Names of notifiers; empty for all.
    package var notifiers: [String] = []
    /// Milliseconds to wait for more of the same before it is told.
    package var wait = 300
    /// Minutes after which what still fires is told again; nil for never.
    package var repeatMinutes: Int?
    package var quiet: QuietHours?
    package var escalation: Escalation?
    /// Minutes a cluster may be lost.
    package var staleMinutes = 10

    /// Hours in which only the worst is told; UTC.
    package struct QuietHours: Sendable, Hashable {
        /// Minutes of the day.
        package var from: Int
        package var to: Int
        /// This severity and worse is told all the same.
        package var except: Severity

        package init(from: Int, to: Int, except: Severity) {
            self.from = from
            self.to = to
            self.except = except
        }

        /// When quiet ends, seen from a moment; nil when it is not quiet then.
        package func end(at time: Milliseconds) -> Milliseconds? {
            let day = 86_400_000
            let minute = (time % day) / 60_000
            let isQuiet = from <= to ? (from..<to).contains(minute) : minute >= from || minute < to
            guard isQuiet else { return nil }
            let start = time - time % day
            let end = start + to * 60_000
            return end > time ? end : end + day
        }
    }

    /// Whom to tell when nobody says "I have seen it".
    package struct Escalation: Sendable, Hashable {
        package var minutes: Int
        package var notifiers: [String]
    }

    package init(
        name: String, subject: Subject, severity: Severity, changes: Set<FindingChange.Kind> = [.new, .reopened],
        grouping: [Grouping] = [.cluster, .namespace, .rule]
    ) {
        self.name = name
        self.subject = subject
        self.severity = severity
        self.changes = changes
        self.grouping = grouping
    }

    /// What a hub alerts on when nothing else is said.
    package static let standard = [
        AlertRule(name: "new-findings", subject: .finding, severity: .high),
        AlertRule(name: "events", subject: .event, severity: .high),
        AlertRule(name: "lost-clusters", subject: .freshness, severity: .high, grouping: [.cluster]),
    ]

    package var summary: String {
        let what =
            switch subject {
            case .finding: "\(changes.map(\.rawValue).sorted().joined(separator: ", ")) findings"
            case .event: "events"
            case .freshness: "clusters that are lost for \(staleMinutes) minutes"
            }
        let whom = notifiers.isEmpty ? "everybody" : notifiers.joined(separator: ", ")
        return "\(what) of \(severity.rawValue) and worse, to \(whom)"
    }

    // MARK: Matching

    package func concerns(_ change: FindingChange) -> Bool {
        let finding = change.finding
        return subject == .finding && changes.contains(change.kind) && finding.status == .failing
            && covers(finding)
    }

    /// Whether a finding is one of its kind, however it stands.
    package func covers(_ finding: FindingRow) -> Bool {
        subject == .finding && finding.severity >= severity && (includesSystem || !finding.isSystem)
            && Self.matches(rules, finding.rule) && Self.matches(clusters, finding.cluster)
            && Self.matches(namespaces, finding.namespace)
    }

    package func concerns(_ event: EventRow) -> Bool {
        subject == .event && event.severity >= severity && Self.matches(rules, event.rule)
            && Self.matches(clusters, event.cluster) && Self.matches(namespaces, event.namespace)
    }

    private static func matches(_ patterns: [String], _ text: String) -> Bool {
        patterns.isEmpty || patterns.contains { Glob($0).matches(text) }
    }

    /// What is told together.
    package func group(cluster: String, namespace: String, rule: String, object: String) -> String {
        grouping.map { part in
            switch part {
            case .cluster: cluster
            case .namespace: namespace
            case .rule: rule
            case .object: object
            }
        }.joined(separator: "|")
    }
}

extension AlertRule {
    init(_ node: Node) throws(SettingsError) {
        let reader = SettingsReader(node)
        try reader.expect(
            "name", "on", "severity", "changes", "rules", "clusters", "namespaces", "system", "groupBy", "notifiers",
            "waitMilliseconds", "repeatMinutes", "quiet", "escalate", "staleMinutes")
        func word<T: RawRepresentable<String> & CaseIterable>(
            _ text: String, _ type: T.Type, _ key: String
        ) throws(SettingsError) -> T {
            guard let value = T(rawValue: text) else {
                let known = T.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingsError("\"\(key)\" is one of \(known)", at: node[key])
            }
            return value
        }
        self.init(
            name: try reader.needed("name"), subject: try word(try reader.text("on") ?? "finding", Subject.self, "on"),
            severity: try word(try reader.text("severity") ?? "high", Severity.self, "severity"))
        var kinds: Set<FindingChange.Kind> = []
        for text in try reader.texts("changes") {
            guard let kind = FindingChange.Kind(rawValue: text), kind != .fixed else {
                throw SettingsError("\"changes\" holds new, reopened, changed", at: node["changes"])
            }
            kinds.insert(kind)
        }
        if !kinds.isEmpty { changes = kinds }
        rules = try reader.texts("rules")
        clusters = try reader.texts("clusters")
        namespaces = try reader.texts("namespaces")
        includesSystem = try reader.flag("system") ?? false
        if node["groupBy"].exists {
            var parts: [Grouping] = []
            for text in try reader.texts("groupBy") { parts.append(try word(text, Grouping.self, "groupBy")) }
            grouping = parts
        }
        notifiers = try reader.texts("notifiers")
        wait = try reader.number("waitMilliseconds", 0...3_600_000) ?? wait
        repeatMinutes = try reader.number("repeatMinutes", 1...100_000)
        staleMinutes = try reader.number("staleMinutes", 1...100_000) ?? staleMinutes
        if node["quiet"].exists {
            let part = SettingsReader(node["quiet"])
            try part.expect("from", "to", "except")
            quiet = QuietHours(
                from: try Self.minute(try part.needed("from"), node), to: try Self.minute(try part.needed("to"), node),
                except: try word(try part.text("except") ?? "critical", Severity.self, "except"))
        }
        if node["escalate"].exists {
            let part = SettingsReader(node["escalate"])
            try part.expect("afterMinutes", "notifiers")
            escalation = Escalation(
                minutes: try part.number("afterMinutes", 1...100_000) ?? 30, notifiers: try part.texts("notifiers"))
        }
    }

    /// `22:30` as minutes of the day.
    private static func minute(_ text: String, _ node: Node) throws(SettingsError) -> Int {
        let parts = text.split(separator: ":").map { Int($0) }
        guard parts.count == 2, let hour = parts[0], let minute = parts[1], 0..<24 ~= hour, 0..<60 ~= minute else {
            throw SettingsError("a time of the day is like \"22:30\" (in quotes), in UTC", at: node["quiet"])
        }
        return hour * 60 + minute
    }
}
