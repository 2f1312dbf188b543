/// What is known about a finding beyond the vendor's word, and how soon somebody should act.
package struct Priority: Sendable, Hashable {
    package enum Level: UInt8, Sendable, Hashable, Comparable {
        case whenever, planned, soon, now
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
        package var name: String { "\(self)" }
    }

    package var level: Level
    /// Highest score of the newest CVSS version.
    package var score: Double?
    package var vector: String?
    package var prediction: VulnerabilityFacts.Prediction?
    package var exploited: VulnerabilityFacts.Exploited?
    package var decision: VulnerabilityFacts.Decision?
    /// Days since a fix could be had; nil where there is none or nobody told when.
    package var fixableDays: Int?
    /// The reasons for the level, the strongest first.
    package var reasons: [String]

    /// Exploited vulnerabilities first, then those likely to be, then severity; what cannot be fixed waits a level.
    package init(_ finding: VulnerabilityFinding, _ database: AdvisoryDatabase, today: CivilDate?) {
        var vectors = finding.vectors
        for id in finding.ids where id.hasPrefix("CVE-") {
            let facts = database.facts(id)
            exploited = exploited ?? facts.exploited
            prediction = prediction ?? facts.prediction
            decision = decision ?? facts.decision
            vectors += facts.vectors
        }
        let scored = vectors.compactMap { CVSS($0) }
        if let newest = scored.map(\.version).max() {
            let best = scored.filter { $0.version == newest }.max { $0.score < $1.score }
            score = best?.score
            vector = best?.vector
        }
        if let fixed = finding.fixed, let today { fixableDays = max(0, today.days(since: fixed)) }
        var reasons: [String] = []
        var level = Level.whenever
        func raise(to new: Level, _ reason: String) {
            level = max(level, new)
            reasons.append(reason)
        }
        if let exploited {
            raise(
                to: .now,
                "exploited since \(exploited.added.text) or before\(exploited.isUsedByRansomware ? ", by ransomware" : "")"
            )
        }
        if decision?.exploitation == "active" { raise(to: .now, "CISA sees active exploitation") }
        if let prediction, prediction.score >= 0.1 {
            let percent = Int((prediction.score * 100).rounded())
            raise(to: prediction.score >= 0.5 ? .now : .soon, "\(percent) % likely to be exploited within 30 days")
        }
        if decision?.exploitation == "poc", decision?.automatable == "yes" {
            raise(to: .soon, "an automatable proof of concept exists")
        }
        switch finding.severity {
        case .critical: raise(to: .soon, "critical")
        case .high: raise(to: .planned, "high")
        case .medium: raise(to: .planned, "medium")
        default: break
        }
        if finding.fixes.isEmpty, exploited == nil, level > .whenever {
            level = Level(rawValue: level.rawValue - 1) ?? level
            reasons.append("no fix yet")
        }
        self.level = level
        self.reasons = reasons
    }
}

/// When a scan fails: `--fail-on high,kev,epss>=0.1,fixable,age>30,fault+high`.
package struct FailCondition: Sendable, Hashable {
    private enum Test: Sendable, Hashable {
        case severity(Severity)
        case exploited
        case predicted(Double)
        case fixable
        case age(Int)
        case notAssessable
        case endOfLife
        case fault
    }

    /// Words with commas between, of which one has to hold; `+` between words asks for all of them.
    private var alternatives: [[Test]] = []

    package init?(_ text: String) {
        for part in text.split(separator: ",") {
            var all: [Test] = []
            for word in part.split(separator: "+").map(\.trimmed) {
                guard let test = Self.test(word.lowercased()) else { return nil }
                all.append(test)
            }
            alternatives.append(all)
        }
        guard !alternatives.isEmpty else { return nil }
    }

    private static func test(_ word: String) -> Test? {
        switch word {
        case "kev", "exploited": return .exploited
        case "fixable": return .fixable
        case "unassessed": return .notAssessable
        case "eol": return .endOfLife
        case "fault": return .fault
        default: break
        }
        if word.hasPrefix("epss") {
            guard let value = Double(word.drop { !$0.isNumber }) else { return nil }
            return .predicted(value)
        }
        if word.hasPrefix("age") {
            let digits = word.drop { !$0.isNumber }.prefix { $0.isNumber }
            return .age(Int(digits) ?? 0)
        }
        return Severity(word: word).map(Test.severity)
    }

    package func holds(for finding: VulnerabilityFinding, _ priority: Priority) -> Bool {
        alternatives.contains { all in
            all.allSatisfy { test in
                switch test {
                case .severity(let least): finding.severity >= least
                case .exploited: priority.exploited != nil
                case .predicted(let least): (priority.prediction?.score ?? 0) >= least
                case .fixable: !finding.fixes.isEmpty
                // A fix of which nobody knows since when counts as an old one.
                case .age(let days): !finding.fixes.isEmpty && (priority.fixableDays ?? Int.max) >= days
                case .notAssessable, .endOfLife, .fault: false
                }
            }
        }
    }

    /// Whether something wrong with how the image was made fails the scan: severities count for it, too, and `fault`
    /// names it apart from vulnerabilities.
    package func holds(for fault: ImageFault) -> Bool {
        let severity = Severity(word: fault.severity.rawValue) ?? .unknown
        return alternatives.contains { all in
            all.allSatisfy { test in
                switch test {
                case .severity(let least): severity >= least
                case .fault: true
                default: false
                }
            }
        }
    }

    /// Whether what could not be assessed fails the scan by itself.
    package func holds(for report: MatchReport) -> Bool {
        alternatives.contains { all in
            all.contains(.notAssessable) && report.coverage.contains { !$0.isAssessed }
                || all.contains(.endOfLife) && report.isEndOfLife
        }
    }
}
