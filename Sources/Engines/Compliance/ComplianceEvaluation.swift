import Findings
import Kubernetes

/// Says of every control of a framework whether it holds, from a scan and what people handed in.
package struct ComplianceEvaluation: Sendable {
    private let catalogue: ComplianceCatalogue
    private let facts: ComplianceFacts
    private let results: [String: CheckResult]
    private let ruleIDs: [String]

    package init(_ facts: ComplianceFacts, catalogue: ComplianceCatalogue = .builtIn) {
        self.catalogue = catalogue
        self.facts = facts
        var byRule: [String: [Int]] = [:]
        for (index, finding) in facts.report.findings.enumerated() {
            byRule[finding.rule.id, default: []].append(index)
        }
        var rules: [String: Rule] = [:]
        for rule in facts.report.rules + facts.report.findings.map(\.rule) { rules[rule.id] = rule }
        ruleIDs = rules.keys.sorted()
        results = rules.mapValues { rule in
            Self.result(rule, byRule[rule.id] ?? [], facts, catalogue)
        }
    }

    // MARK: Checks

    private static func result(
        _ rule: Rule, _ findings: [Int], _ facts: ComplianceFacts, _ catalogue: ComplianceCatalogue
    ) -> CheckResult {
        let kind = catalogue.population(of: rule.id)
        let size = kind.map { facts.populations[$0.id]?.count ?? 0 } ?? 0
        var out = CheckResult(
            rule: rule, outcome: .pass, population: kind?.id ?? "", populationSize: size, reason: "")
        for index in findings {
            let finding = facts.report.findings[index]
            switch finding.outcome {
            // What Kubernetes and the provider run is theirs to mend: an inherited control.
            case .fail where finding.isSystem && facts.report.isCluster: out.inherited += 1
            case .fail: out.failed.append(index)
            case .waived: out.waived.append(index)
            case .notObservable: out.unseen.append(index)
            case .pass, .notApplicable: continue
            }
        }
        let title = kind?.title ?? "objects of this sort"
        if !out.failed.isEmpty {
            out.outcome = .fail
        } else if catalogue.judgedByPeople.contains(rule.id) {
            out.outcome = .manual
            out.reason = "a person has to judge it"
        } else if size == 0, out.waived.isEmpty, out.inherited == 0 {
            let isListed = facts.report.isCluster && kind.map { !facts.unlisted.contains($0.id) } ?? false
            if isListed, kind?.isSeenWhenAbsent == true, out.unseen.isEmpty {
                out.outcome = .notApplicable
                out.reason = "there are no \(title)"
            } else {
                out.outcome = .notObservable
                out.reason = out.unseen.isEmpty ? "no \(title) were seen" : "it could not be looked at"
            }
        } else if !out.unseen.isEmpty {
            out.outcome = out.unseen.count >= size && out.waived.isEmpty ? .notObservable : .partly
            out.reason = "\(out.unseen.count) of \(max(size, out.unseen.count)) \(title) could not be judged"
        } else if let kind, facts.unlisted.contains(kind.id) {
            out.outcome = .partly
            out.reason = "not all \(title) could be listed"
        } else if !out.waived.isEmpty {
            out.outcome = .waived
        }
        return out
    }

    private func results(of patterns: [CheckPattern]) -> [CheckResult] {
        guard !patterns.isEmpty else { return [] }
        return ruleIDs.compactMap { id in
            guard let result = results[id], patterns.contains(where: { $0.matches(result.rule) }) else { return nil }
            return result
        }
    }

    // MARK: Families

    /// The patterns of a family and of all it includes.
    private func patterns(of family: EvidenceFamily) -> (checks: [CheckPattern], families: [EvidenceFamily]) {
        var (found, open, seen) = ([EvidenceFamily](), [family], Set([family.id]))
        while let next = open.popLast() {
            found.append(next)
            for name in next.includes where seen.insert(name).inserted {
                if let other = catalogue.family(name) { open.append(other) }
            }
        }
        return (found.flatMap(\.patterns), found)
    }

    private func result(of family: EvidenceFamily) -> FamilyResult {
        let (patterns, all) = patterns(of: family)
        let checks = results(of: patterns)
        var parts = checks.map(\.outcome)
        var notes: [String] = []
        let names = Set(all.map(\.id))
        if checks.isEmpty, patterns.contains(where: { !$0.text.hasPrefix("cis:") }) {
            parts.append(.notObservable)
            notes.append("\(family.title): its checks were left out of the scan")
        }
        let attestations = facts.attestations.filter { names.contains($0.subject) && $0.holds(at: facts.at) }
        let observed = facts.observations.filter { names.contains($0.family) }
        for observation in observed {
            parts.append(Self.outcome(observation.outcome))
            notes.append("\(observation.message) (\(observation.at))")
        }
        for part in all {
            if let needs = part.needs, !observed.contains(where: { $0.family == part.id }) {
                parts.append(.notObservable)
                notes.append("not seen: \(needs)")
            }
            if let people = part.people {
                if let attestation = attestations.first {
                    parts.append(.pass)
                    notes.append("attested by \(attestation.owner) until \(attestation.expires): \(people)")
                } else {
                    parts.append(.manual)
                    notes.append("people show: \(people)")
                }
            }
            if let record = part.record {
                let (outcome, note) = kept(record)
                parts.append(outcome)
                notes.append(note)
            }
        }
        return FamilyResult(
            family: family, outcome: .together(parts), checks: checks, notes: notes, attestations: attestations)
    }

    private static func outcome(_ outcome: Outcome) -> ControlOutcome {
        switch outcome {
        case .pass: .pass
        case .fail: .fail
        case .notApplicable: .notApplicable
        case .notObservable: .notObservable
        case .waived: .waived
        }
    }

    /// What the run itself shows.
    private func kept(_ record: EvidenceFamily.Record) -> (ControlOutcome, String) {
        switch record {
        case .inventory:
            let count = facts.populations.values.reduce(0) { $0 + $1.count }
            return count == 0
                ? (.notObservable, "no object was read") : (.pass, "lists of what exists stand in the report")
        case .exceptions:
            let held = facts.report.findings.count { $0.outcome == .waived }
            return (.pass, "\(held) findings are accepted, each with an owner, a reason and an end")
        case .scans:
            let holes = facts.report.problems.count { $0.kind != .warning }
            if let history = facts.history, !history.scans.isEmpty {
                let incomplete = history.scans.count { !$0.isComplete }
                return (
                    incomplete == 0 ? .pass : .partly,
                    "\(history.scans.count) scans are on record, \(incomplete) of them incomplete"
                )
            }
            return (.partly, "this scan ran with \(holes) holes; earlier ones are not on record")
        case .history:
            guard let history = facts.history, let first = history.scans.first else {
                return (.notObservable, "not seen: earlier scans to compare with")
            }
            return (.pass, "\(history.changes.count) changes since \(first.at.day) are on record")
        }
    }

    // MARK: Controls

    /// Every control of a framework.
    ///
    /// - Parameter period: adds the time in each state; needs a history.
    package func report(_ framework: ComplianceFramework, over period: Period? = nil) throws(PeriodError)
        -> ComplianceReport
    {
        var families: [String: FamilyResult] = [:]
        for control in framework.controls {
            for name in control.evidence where families[name] == nil {
                if let family = catalogue.family(name) { families[name] = result(of: family) }
            }
        }
        var done: [String: ControlResult] = [:]
        for control in Self.inOrder(framework.controls) {
            done[control.id] = result(control, in: framework, families, done)
        }
        var out = framework.controls.compactMap { done[$0.id] }
        if let period {
            guard let history = facts.history else {
                throw PeriodError(code: .noData, message: "there is no history; a period needs the scans of that time")
            }
            for index in out.indices where !out[index].allChecks.isEmpty {
                let ids = Set(out[index].allChecks.map(\.rule.id))
                out[index].time = try history.states(of: ids.contains, over: period)
            }
        }
        return ComplianceReport(framework: framework, controls: out, facts: facts, period: period)
    }

    /// Parts before what they make up.
    private static func inOrder(_ controls: [ComplianceControl]) -> [ComplianceControl] {
        guard controls.contains(where: { !$0.parts.isEmpty }) else { return controls }
        var out: [ComplianceControl] = []
        var left = controls
        var done: Set<String> = []
        while !left.isEmpty {
            let ready = left.filter { $0.parts.allSatisfy(done.contains) }
            // The reader refuses circles; what still waits is taken as it stands.
            let taken = ready.isEmpty ? left : ready
            out += taken
            done.formUnion(taken.map(\.id))
            left.removeAll { done.contains($0.id) }
        }
        return out
    }

    private func result(
        _ control: ComplianceControl, in framework: ComplianceFramework, _ families: [String: FamilyResult],
        _ done: [String: ControlResult]
    ) -> ControlResult {
        let used = control.evidence.compactMap { families[$0] }
        let own = results(of: control.checks)
        let parts = control.parts.compactMap { done[$0] }
        var outcomes = used.map(\.outcome) + own.map(\.outcome) + parts.map(\.outcome)
        if own.isEmpty, !control.checks.isEmpty { outcomes.append(.notObservable) }
        let attestations = facts.attestations.filter {
            $0.covers(framework.id, control.id) && $0.holds(at: facts.at)
        }
        var seen: Set<String> = []
        let checks = (used.flatMap(\.checks) + own + parts.flatMap(\.allChecks)).filter {
            seen.insert($0.rule.id).inserted
        }
        let counted = checks.filter { $0.outcome != .notApplicable }
        let answered = counted.count { $0.outcome == .pass || $0.outcome == .fail || $0.outcome == .waived }
        return ControlResult(
            control: control, outcome: ControlOutcome.together(outcomes), families: used, checks: own,
            attestations: attestations + used.flatMap(\.attestations), answered: answered, asked: counted.count,
            failing: Set(checks.flatMap(\.failed)).sorted(), waived: Set(checks.flatMap(\.waived)).sorted())
    }
}
