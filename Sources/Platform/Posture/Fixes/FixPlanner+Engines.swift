import Documents
import Findings
package import Kubernetes
import NetworkPolicies
package import PodSecurity
import RBAC
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

extension FixEvaluation {
    /// The engines beside those of pods, over an inventory that differs from theirs in the objects asked about.
    static func engines(_ engines: [any PostureEngine], _ inventory: Inventory) -> FixEvaluation {
        FixEvaluation { changed, keys in
            let objects = keys.compactMap { changed[$0] }
            return engines.flatMap { engine in
                var engine = engine
                _ = engine.follow(Set(keys), before: inventory, after: changed)
                return objects.flatMap { engine.evaluate($0).findings }
            }
        }
    }
}

extension FixSource {
    /// What the checks of roles and bindings know to mend: entries and rules to take out.
    static func rights(_ evaluation: RBACEvaluation) -> FixSource {
        FixSource { object, _ in
            guard AccessModel.concerns(object) else { return FixProposal() }
            var out = FixProposal()
            for finding in evaluation.evaluate(object).findings where finding.outcome == .fail {
                let patch = evaluation.fix(finding, in: object)
                if patch.isEmpty, finding.severity > .info, let evidence = finding.evidence.first {
                    // Who needs the right is not written anywhere; the remedy is a person's to take.
                    out.decisions.append(
                        FixDecision(
                            about: finding.rule.id, at: evidence.node,
                            reason: "\(evidence.message). \(finding.rule.remedy)"))
                }
                for operation in patch.operations {
                    out.append(
                        FixProposal(steps: [
                            FixStep(
                                operation, why: finding.rule.remedy,
                                risk: "whoever relies on what is taken out loses it", answers: [finding.rule.id])
                        ]))
                }
            }
            // Elements of a list go last first: removing one moves those behind it.
            out.steps.sort { $1.operation.path < $0.operation.path }
            return out
        }
    }
}

extension FixPlanner {
    /// Every engine of the scan: Pod Security towards `policy`, the workload checks, rights and what else has joined.
    package init(
        engines inventory: Inventory, policy: LevelVersion = LevelVersion(.restricted),
        options: WorkloadOptions = WorkloadOptions(), isCluster: Bool = false
    ) {
        let context = WorkloadContext(inventory, options: options)
        let engines = PostureScan.engines(
            inventory, ScanOptions(workloads: options, cluster: isCluster ? "cluster" : ""))
        let rights = RBACEvaluation(inventory, isCluster: isCluster, unlistedKinds: options.unlistedKinds)
        self.init(
            inventory,
            sources: [
                .podSecurity(policy), .workloads(context), .rights(rights), .network(inventory, isCluster: isCluster),
            ],
            evaluation: .podSecurity.and(.workloads(context)).and(.engines(engines, inventory)).and(
                .network(inventory, isCluster: isCluster, unlistedKinds: options.unlistedKinds)),
            keys: { inventory in
                (inventory.workloadKeys
                    + inventory.keys.filter { key in
                        inventory[key].map {
                            AccessModel.concerns($0) || PolicyCatalogue.isPolicy($0) || $0.is("Namespace")
                        } ?? false
                    }).sorted()
            })
    }
}
