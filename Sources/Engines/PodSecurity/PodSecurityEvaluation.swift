import Documents
package import Findings
package import Kubernetes

/// The standard's checks over the families of an inventory: findings in place of a verdict.
///
/// Every rule of the restricted profile is asked, baseline rules included; each finding's severity and references say
/// which level it keeps the workload from. What is judged is the object as an API server would store it; what is pointed
/// at is the object as it was written.
package struct PodSecurityEvaluation: Sendable {
    private let evaluator: PodSecurityEvaluator
    private let version: PolicyVersion
    /// Rules in the order of the standard.
    package let rules: [Rule]
    /// The only rules that count; nil for all.
    package var selected: Set<String>?
    /// The cluster's name; empty for files.
    package var cluster = ""

    package init(version: PolicyVersion = .latest, evaluator: PodSecurityEvaluator = PodSecurityEvaluator()) {
        self.evaluator = evaluator
        self.version = version
        rules = PodSecurityChecks.rules(upTo: .restricted)
    }

    /// What the standard says of one owner and all that belongs to it.
    package func evaluate(_ family: OwnerFamily) -> OwnerResult {
        var collector = FindingCollector(family.owner, selected: selected, cluster: cluster)
        for member in family.members where member.role == .speaker { evaluate(member, into: &collector) }
        collector.isSecondary = true
        for member in family.members where member.role == .follower { evaluate(member, into: &collector) }
        var result = collector.result(origin: family.origin)
        result.coverage.objects = family.members.count
        result.coverage.workloads = family.runsPods ? 1 : 0
        return result
    }

    private func evaluate(_ member: OwnerFamily.Member, into collector: inout FindingCollector) {
        for template in member.templates {
            let pod = PodSecurityInput(template, of: member.object)
            var reports: [String: CheckReport] = [:]
            let verdict = evaluator.evaluate(pod, level: .restricted, version: version)
            for place in verdict.violations.flatMap(\.places) {
                if template.discovery == .shape, !place.node.exists {
                    // What the resource leaves out, its controller may fill in.
                    reports[place.rule.id, default: CheckReport()].notObservable(
                        at: place.node,
                        "\(place.node.path) is not set here; the controller of \(member.object.kind) may set it")
                } else {
                    reports[place.rule.id, default: CheckReport()].fail(at: place.node, place.message)
                }
            }
            for problem in pod.problems {
                let ids = Set(PodSecurityCheck.all.filter { problem.checks.contains($0.id) }.flatMap(\.rules).map(\.id))
                for id in ids { reports[id, default: CheckReport()].notObservable(at: problem.node, problem.reason) }
            }
            for rule in rules { collector.take(reports[rule.id] ?? CheckReport(), of: rule, on: member.object) }
        }
    }
}
