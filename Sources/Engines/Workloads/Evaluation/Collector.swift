import Findings
import Kubernetes

/// Gathers what the checks say of one owner: one finding per check, all places together.
struct Collector {
    let identity: OwnerResult.Identity
    /// Set while pods of an evaluated template are looked at: what the template says already is not said again.
    var isSecondary = false

    private let context: WorkloadContext
    private var entries: [Entry] = []
    private var positions: [String: Int] = [:]
    private var runsPods = false
    private var objects: Set<ObjectReference> = []
    /// Whose software each part is; nil for the user's.
    private var makers: [String?] = []

    private struct Entry {
        let rule: Rule
        var outcome: Outcome = .notApplicable
        var severity: Severity?
        var failures: [Evidence] = []
        var unobservable: [Evidence] = []
        var messages: Set<String> = []
    }

    init(_ identity: OwnerResult.Identity, _ context: WorkloadContext) {
        self.identity = identity
        self.context = context
    }

    /// Notes a part of the owner and whose software it is.
    mutating func sees(_ maker: String?, isWorkload: Bool) {
        makers.append(maker)
        if isWorkload { runsPods = true }
    }

    mutating func take(_ report: CheckReport, of rule: Rule, on object: KubernetesObject) {
        objects.insert(object.reference)
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
        guard object.reference != identity.reference else { return evidence }
        var evidence = evidence
        evidence.object = object.reference
        return evidence
    }

    private static func worse(_ a: Outcome, _ b: Outcome) -> Outcome {
        for outcome in [Outcome.fail, .notObservable, .pass] where a == outcome || b == outcome { return outcome }
        return .notApplicable
    }

    func result(origin: ObjectOrigin?) -> OwnerResult {
        var coverage = Coverage()
        coverage.objects = objects.count
        coverage.workloads = runsPods ? 1 : 0
        let isSystem = !makers.isEmpty && makers.allSatisfy { $0 != nil }
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
                        subject: identity.reference, file: identity.file,
                        evidence: isFailure ? entry.failures : entry.unobservable, origin: origin, isSystem: isSystem))
            }
        }
        return OwnerResult(owner: identity, findings: findings, coverage: coverage)
    }
}
