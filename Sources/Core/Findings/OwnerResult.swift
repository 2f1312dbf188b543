package import Kubernetes

/// What an engine's checks say of one owner: its findings, and how many checks passed.
package struct OwnerResult: Sendable {
    package var owner: OwnerIdentity
    /// Fails, and what was not observable.
    package var findings: [Finding]
    /// Evaluations by result; `workloads` is 1 for an owner that runs pods.
    package var coverage: Coverage
    /// Part of Kubernetes itself or of the provider's system software.
    package var isSystem: Bool

    package init(
        owner: OwnerIdentity, findings: [Finding] = [], coverage: Coverage = Coverage(), isSystem: Bool = false
    ) {
        self.owner = owner
        self.findings = findings
        self.coverage = coverage
        self.isSystem = isSystem
    }

    /// Adds what another engine says of the same owner.
    package mutating func merge(_ other: OwnerResult) {
        findings += other.findings
        let (objects, workloads) = (coverage.objects, coverage.workloads)
        coverage.add(other.coverage)
        // The same objects, seen by another engine.
        coverage.objects = max(objects, other.coverage.objects)
        coverage.workloads = max(workloads, other.coverage.workloads)
        isSystem = isSystem || other.isSystem
        if isSystem { for index in findings.indices { findings[index].isSystem = true } }
    }
}

extension Coverage {
    package mutating func add(_ other: Coverage) {
        files += other.files
        objects += other.objects
        workloads += other.workloads
        passed += other.passed
        failed += other.failed
        notApplicable += other.notApplicable
        notObservable += other.notObservable
        waived += other.waived
    }
}

/// Gathers what checks say of one owner: one finding per rule, all places together.
package struct FindingCollector: Sendable {
    package let owner: OwnerIdentity
    /// Set while pods of an evaluated template are looked at: what the template says already is not said again.
    package var isSecondary = false

    private var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    private struct Entry {
        let rule: Rule
        var outcome: Outcome = .notApplicable
        var severity: Severity?
        var failures: [Evidence] = []
        var unobservable: [Evidence] = []
        var messages: Set<String> = []
    }

    /// The only rules that count; nil for all.
    private let selected: Set<String>?

    package init(_ owner: OwnerIdentity, selected: Set<String>? = nil) {
        self.owner = owner
        self.selected = selected
    }

    /// Adds what one check says of one object of the family.
    package mutating func take(_ report: CheckReport, of rule: Rule, on object: KubernetesObject) {
        if let selected, !selected.contains(rule.id) { return }
        let position = positions[rule.id] ?? entries.count
        if position == entries.count {
            entries.append(Entry(rule: rule))
            positions[rule.id] = position
        }
        switch report.outcome {
        case .fail:
            var isNew = false
            for evidence in report.failures
            where entries[position].messages.insert(evidence.message).inserted || !isSecondary {
                entries[position].failures.append(said(evidence, of: object))
                isNew = true
            }
            guard isNew else { return }
            let severity = report.severity ?? rule.severity
            entries[position].severity = max(entries[position].severity ?? severity, severity)
        case .notObservable where !isSecondary:
            entries[position].unobservable += report.unobservable.map { said($0, of: object) }
        default: break
        }
        entries[position].outcome = Self.worse(entries[position].outcome, report.outcome)
    }

    private func said(_ evidence: Evidence, of object: KubernetesObject) -> Evidence {
        guard object.reference != owner.reference else { return evidence }
        var evidence = evidence
        evidence.object = object.reference
        return evidence
    }

    private static func worse(_ a: Outcome, _ b: Outcome) -> Outcome {
        for outcome in [Outcome.fail, .notObservable, .pass] where a == outcome || b == outcome { return outcome }
        return .notApplicable
    }

    /// The findings in the order in which the rules were first met, and the counts.
    package func result(origin: ObjectOrigin?, isSystem: Bool = false) -> OwnerResult {
        var coverage = Coverage()
        var findings: [Finding] = []
        for entry in entries {
            switch entry.outcome {
            case .pass: coverage.passed += 1
            case .notApplicable, .waived: coverage.notApplicable += 1
            case .fail, .notObservable:
                let isFailure = entry.outcome == .fail
                if isFailure { coverage.failed += 1 } else { coverage.notObservable += 1 }
                findings.append(
                    Finding(
                        rule: entry.rule, severity: isFailure ? entry.severity : nil, outcome: entry.outcome,
                        subject: owner.reference, file: owner.file,
                        evidence: isFailure ? entry.failures : entry.unobservable, origin: origin, isSystem: isSystem))
            }
        }
        return OwnerResult(owner: owner, findings: findings, coverage: coverage, isSystem: isSystem)
    }
}
