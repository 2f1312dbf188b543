import Findings
package import Kubernetes
package import PodSecurity
package import Workloads

extension FixEvaluation {
    /// The workload checks, over surroundings that no fix changes.
    package static func workloads(_ context: WorkloadContext) -> FixEvaluation {
        FixEvaluation { inventory, keys in
            let evaluation = WorkloadEvaluation(context.over(inventory))
            return keys.compactMap { inventory[$0] }.flatMap { evaluation.findings(on: $0) }
        }
    }
}

extension FixSource {
    /// The fixes that workload checks know.
    package static func workloads(_ context: WorkloadContext) -> FixSource {
        FixSource { object, inventory in
            let evaluation = WorkloadEvaluation(context.over(inventory))
            var out = FixProposal()
            for finding in evaluation.findings(on: object) where finding.outcome == .fail {
                for operation in evaluation.fix(finding, in: object).operations {
                    out.append(
                        FixProposal(steps: [
                            FixStep(operation, why: finding.rule.remedy, answers: [finding.rule.id])
                        ]))
                }
            }
            return out
        }
    }
}

extension FixPlanner {
    /// Every engine: Pod Security towards `policy`, and the workload checks.
    package init(
        engines inventory: Inventory, policy: LevelVersion = LevelVersion(.restricted),
        options: WorkloadOptions = WorkloadOptions()
    ) {
        let context = WorkloadContext(inventory, options: options)
        self.init(
            inventory, sources: [.podSecurity(policy), .workloads(context)],
            evaluation: .podSecurity.and(.workloads(context)))
    }
}
