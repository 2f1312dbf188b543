import Documents
package import Findings
package import Kubernetes

/// Runs the checks over an inventory.
///
/// A finding belongs to the topmost controller: pods, ReplicaSets and Jobs fold into it. The template of the highest
/// controller that has one is evaluated; a live pod adds evidence only where it differs from that template, by a
/// sidecar that was injected, say.
package struct WorkloadEvaluation: Sendable {
    package private(set) var context: WorkloadContext
    private var inventory: Inventory { context.inventory }
    private let workloadChecks: [Check<WorkloadSubject>]
    /// The only rules that count; nil for all.
    package var selected: Set<String>?
    /// The cluster's name; empty for files.
    package var cluster = ""

    package init(_ context: WorkloadContext) {
        self.context = context
        let includesReliability = context.options.includesReliability
        workloadChecks = WorkloadChecks.workloads.filter {
            includesReliability || $0.rule.category != .reliability
        }
    }

    package init(_ inventory: Inventory, options: WorkloadOptions = WorkloadOptions()) {
        self.init(WorkloadContext(inventory, options: options))
    }

    /// Takes in a change; see `WorkloadContext.follow`.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> Set<ObjectKey>? {
        context.follow(touched, before: before, after: after)
    }

    /// Every owner of the inventory, in order.
    package func owners() -> [OwnerResult] { inventory.families().map(evaluate) }

    /// Every finding in the order of outputs, and the sum of the coverage.
    package func results() -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        for result in owners() {
            findings += result.findings
            coverage.add(result.coverage)
        }
        findings.sort(by: Finding.areInOrder)
        return (findings, coverage)
    }

    /// The owners that objects belong to or belonged to before, evaluated again: what `Inventory.apply` says was
    /// touched.
    ///
    /// Replaces all earlier results of these owners; one that is gone comes back without findings.
    package func owners(of touched: some Sequence<ObjectKey>, before: Inventory) -> [OwnerResult] {
        let (families, gone) = inventory.families(touchedBy: touched, before: before)
        return (families.map(evaluate) + gone.map { OwnerResult(owner: $0) }).sorted { $0.owner < $1.owner }
    }

    /// One object alone, as admission sees it: nothing folds into it.
    package func findings(on object: KubernetesObject) -> [Finding] { evaluate(OwnerFamily(alone: object)).findings }

    /// What the checks say of one owner and all that belongs to it.
    package func evaluate(_ family: OwnerFamily) -> OwnerResult {
        var collector = FindingCollector(family.owner, selected: selected, cluster: cluster)
        // Whose software each part is; nil for the user's.
        var makers: [String?] = []
        for member in family.members where member.role == .speaker {
            makers += evaluate(member, into: &collector)
        }
        collector.isSecondary = true
        for member in family.members where member.role == .follower {
            _ = evaluate(member, into: &collector)
        }
        let isSystem = !makers.isEmpty && makers.allSatisfy { $0 != nil }
        var result = collector.result(origin: family.origin, isSystem: isSystem)
        result.coverage.objects = family.members.count
        result.coverage.workloads = family.runsPods ? 1 : 0
        return result
    }

    /// Gives who made each part that runs pods.
    private func evaluate(_ member: OwnerFamily.Member, into collector: inout FindingCollector) -> [String?] {
        let object = member.object
        var makers: [String?] = []
        for template in member.templates {
            let subject = WorkloadSubject(template, of: object, owner: collector.owner.reference, in: context)
            makers.append(SystemIdentities.known.owner(of: object.name, in: object.namespace, running: subject.spec))
            for check in workloadChecks {
                var report = CheckReport()
                check.evaluate(subject, &report)
                collector.take(report, of: check.rule, on: object)
            }
        }
        guard !collector.isSecondary, object.controller == nil else { return makers }
        let checks = WorkloadChecks.table(for: object)
        guard !checks.isEmpty else { return makers }
        if member.templates.isEmpty {
            makers.append(SystemIdentities.known.isBootstrap(object) ? "Kubernetes" : nil)
        }
        let subject = ObjectSubject(object, in: context)
        for check in checks where context.options.includesReliability || check.rule.category != .reliability {
            var report = CheckReport()
            check.evaluate(subject, &report)
            collector.take(report, of: check.rule, on: object)
        }
        return makers
    }
}
