/// Runs rules over events that were recorded.
package struct Replay: Sendable {
    package private(set) var detectors: [String: Detector] = [:]
    /// The output field with the binding and role that allowed a request.
    package static let grantField = "martlet.grant"

    /// Events no rule set was there for.
    package private(set) var unasked = 0
    package private(set) var events = 0
    package private(set) var first: UInt64 = 0
    package private(set) var last: UInt64 = 0
    private let hostname: String
    private let auditReader: AuditReader?
    private var counters: AuditCounters?

    package init(
        _ rules: RuleSet, hostname: String = "", firstMatchOnly: Bool = false, minimumPriority: Priority = .debug,
        everyRule: Bool = false, counters: AuditCounters? = nil
    ) {
        self.counters = counters
        self.hostname = hostname
        var detectors: [String: Detector] = [:]
        for source in rules.sources.keys.sorted() {
            detectors[source] = rules.detector(
                source, firstMatchOnly: firstMatchOnly, minimumPriority: minimumPriority,
                isEnabled: { everyRule || $0.isEnabled })
        }
        auditReader = detectors["k8s_audit"].map(AuditReader.init)
        self.detectors = detectors
    }

    /// The alerts of one event. An alert somebody else raised passes through.
    package mutating func alerts(_ event: RuntimeEvent) -> [Alert] {
        events += 1
        if event.time > 0 {
            first = first == 0 ? event.time : min(first, event.time)
            last = max(last, event.time)
        }
        if case .alert(let alert) = event { return [alert] }
        guard var detector = detectors.removeValue(forKey: event.source) else {
            unasked += 1
            return []
        }
        defer { detectors[event.source] = detector }
        let found: [DetectionRule]
        if case .audit(let audit) = event, let reader = auditReader {
            found = reader.match(audit, &detector).map { detector.rules[$0] }
        } else {
            found = detector.match(event.values)
        }
        var out = found.map { Alert($0, time: event.time, hostname: hostname, event.values) }
        if case .audit(let audit) = event {
            out += counters?.add(audit) ?? []
            if let grant = audit.grant {
                for i in out.indices { out[i].add(Self.grantField, .text("\(grant)")) }
            }
        }
        return out
    }

    /// How long the events took, in days; nil when that says nothing.
    package var days: Double? {
        guard last > first else { return nil }
        return Double(last - first) / 86_400_000_000_000
    }
}

/// What a changed rule set would have done otherwise.
package struct ReplayDifference: Sendable {
    package var added: [AlertGroups.Group] = []
    package var removed: [AlertGroups.Group] = []
    /// Groups of both, with the count before.
    package var changed: [(group: AlertGroups.Group, before: Int)] = []

    package init(before: AlertGroups, after: AlertGroups) {
        for group in after.all {
            guard let old = before[group.key] else {
                added.append(group)
                continue
            }
            if old.count != group.count { changed.append((group, old.count)) }
        }
        removed = before.all.filter { after[$0.key] == nil }
    }
}
