import Documents
package import Findings
package import Kubernetes

/// The standard's checks over the families of an inventory: findings in place of a verdict.
///
/// Every rule of the restricted profile is asked, baseline rules included; each finding's severity and references say
/// which level it keeps the workload from. What is evaluated is the object as an API server would store it; what is
/// pointed at is the object as it was written.
package struct PodSecurityEvaluation: Sendable {
    private let evaluator: PodSecurityEvaluator
    private let version: PolicyVersion
    /// Rules in the order of the standard.
    package let rules: [Rule]
    /// The only rules that count; nil for all.
    package var selected: Set<String>?

    package init(version: PolicyVersion = .latest, evaluator: PodSecurityEvaluator = PodSecurityEvaluator()) {
        self.evaluator = evaluator
        self.version = version
        var seen: Set<String> = []
        rules = PodSecurityCheck.all.flatMap(\.rules).filter { seen.insert($0.id).inserted }
    }

    /// What the standard says of one owner and all that belongs to it.
    package func evaluate(_ family: OwnerFamily) -> OwnerResult {
        var collector = FindingCollector(family.owner, selected: selected)
        for member in family.members where member.role == .speaker { evaluate(member, into: &collector) }
        collector.isSecondary = true
        for member in family.members where member.role == .follower { evaluate(member, into: &collector) }
        var result = collector.result(origin: family.origin)
        result.coverage.objects = family.members.count
        result.coverage.workloads = family.runsPods ? 1 : 0
        return result
    }

    /// The strictest level that admits every pod of the family; nil when it has none or a field could not be read.
    package func level(of family: OwnerFamily) -> PodSecurityLevel? {
        var levels: [PodSecurityLevel] = []
        for member in family.members where member.role != .silent {
            for template in member.object.defaulted().podTemplates {
                guard let level = evaluator.level(PodSecurityInput(template.spec), version: version) else { return nil }
                levels.append(level)
            }
        }
        return levels.min()
    }

    private func evaluate(_ member: OwnerFamily.Member, into collector: inout FindingCollector) {
        guard !member.templates.isEmpty else { return }
        let written = member.object
        let stored = written.defaulted()
        for template in stored.podTemplates {
            let pod = PodSecurityInput(template.spec)
            // Rules of baseline that restricted replaces by a stricter one are asked at baseline too: an added
            // capability is worse than one that was not dropped.
            let verdicts = [PodSecurityLevel.baseline, .restricted].map {
                evaluator.evaluate(pod, level: $0, version: version)
            }
            var reports: [String: CheckReport] = [:]
            var said: Set<String> = []
            for place in verdicts.flatMap(\.violations).flatMap(\.places) {
                let path = place.node.path
                guard said.insert("\(place.rule.id) \(path)").inserted else { continue }
                if template.discovery == .shape, !place.node.exists {
                    // What the resource leaves out, its controller may fill in.
                    reports[place.rule.id, default: CheckReport()].notObservable(
                        at: written.node[path], "\(path) is not set here; the controller of \(written.kind) may set it")
                    continue
                }
                reports[place.rule.id, default: CheckReport()].fail(
                    Self.evidence(place.node, path, place.message, written))
            }
            for problem in pod.problems {
                let rules = PodSecurityCheck.all.filter { problem.checks.contains($0.id) }.flatMap(\.rules)
                for rule in Set(rules.map(\.id)) {
                    reports[rule, default: CheckReport()].notObservable(
                        at: written.node[problem.node.path], problem.reason)
                }
            }
            for rule in rules { collector.take(reports[rule.id] ?? CheckReport(), of: rule, on: written) }
        }
    }

    /// Points at what was written; a value that only defaulting put there says so.
    private static func evidence(
        _ node: Node, _ path: FieldPath, _ message: String, _ written: KubernetesObject
    ) -> Evidence {
        let original = written.node[path]
        guard node.exists, !original.exists else { return Evidence(node: original, message: message) }
        return Evidence(
            node: original, message: message,
            provenance: "\(node.text ?? node.kind.phrase), filled in by Kubernetes v1.36")
    }
}
