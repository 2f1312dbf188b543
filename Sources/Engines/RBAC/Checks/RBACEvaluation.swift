package import Documents
package import Findings
package import Kubernetes

/// Runs the checks over the roles and bindings of an inventory.
package struct RBACEvaluation: Sendable {
    package internal(set) var context: RBACContext
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?

    package init(_ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [], minor: Int? = nil) {
        context = RBACContext(inventory, isCluster: isCluster, unlistedKinds: unlistedKinds, minor: minor)
    }

    /// What to say where the facts of the cluster's own version are missing; nil where they are there.
    package var versionNote: String? { context.isCluster ? BootstrapPolicy.note(minor: context.minor) : nil }

    package var rules: [Rule] { RBACChecks.rules.filter { selected?.contains($0.id) ?? true } }

    /// Kinds that, when one of them changes, may change the result of any role or binding.
    package static let kindsRead: Set<String> = [
        "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount",
    ]

    /// What the checks say of one object: a role, a binding, or what runs pods; nothing for other kinds.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        guard AccessModel.concerns(object) else {
            // Pods and ReplicaSets say again what their owner's template says.
            guard object.controller == nil, selected?.contains(WorkloadRights.rule.id) ?? true else {
                return (findings, coverage)
            }
            var report = CheckReport()
            WorkloadRights(object: object, context: context).evaluate(&report)
            note(report, WorkloadRights.rule, object, &findings, &coverage)
            return (findings, coverage)
        }
        coverage.objects = 1
        let subject = RBACSubject(object: object, context: context)
        for check in RBACChecks.all where selected?.contains(check.rule.id) ?? true {
            var report = CheckReport()
            check.evaluate(subject, &report)
            note(report, check.rule, object, &findings, &coverage)
        }
        return (findings, coverage)
    }

    private func note(
        _ report: CheckReport, _ rule: Rule, _ object: KubernetesObject, _ findings: inout [Finding],
        _ coverage: inout Coverage
    ) {
        switch report.outcome {
        case .pass: coverage.passed += 1
        case .notApplicable, .waived: coverage.notApplicable += 1
        case .fail, .notObservable:
            let isFailure = report.outcome == .fail
            if isFailure { coverage.failed += 1 } else { coverage.notObservable += 1 }
            findings.append(
                Finding(
                    rule: rule, severity: isFailure ? report.severity : nil, outcome: report.outcome,
                    subject: object.reference, file: object.file,
                    evidence: isFailure ? report.failures : report.unobservable, origin: ObjectOrigin(object),
                    isSystem: context.bootstrap.contains(object.reference)))
        }
    }

    /// The operations that mend a finding's places; none where only a person can know.
    package func fix(_ finding: Finding, in object: KubernetesObject) -> JSONPatch {
        guard finding.outcome == .fail, finding.subject == object.reference,
            let fix = RBACChecks.all.first(where: { $0.rule.id == finding.rule.id })?.fix
        else { return JSONPatch() }
        let subject = RBACSubject(object: object, context: context)
        // Elements of a list go last first: removing one moves those behind it.
        let places = finding.evidence.sorted { $1.path < $0.path }
        return JSONPatch(places.flatMap { fix(subject, $0) })
    }
}
