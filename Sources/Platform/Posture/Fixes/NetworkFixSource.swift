import Documents
import Findings
import Kubernetes
import NetworkPolicies

extension FixSource {
    /// Changes of network policies, and for a namespace the word where its policies come from.
    ///
    /// What a policy should allow is read from the whole of the input; `martlet network fix` writes such policies. Here
    /// it is tried for each namespace that is asked about, so that nothing is promised that would not hold.
    static func network(_ inventory: Inventory, isCluster: Bool) -> FixSource {
        let state = NetworkState(inventory)
        let fixes = NetworkFixes(state, inventory, isCluster: isCluster)
        var byPolicy: [ObjectReference: [NetworkFixes.Proposal]] = [:]
        for proposal in fixes.proposals { byPolicy[proposal.policy, default: []].append(proposal) }
        let proposals = byPolicy
        return FixSource { object, _ in
            var out = FixProposal()
            if object.is("Namespace") {
                if let decision = isolation(of: object, fixes) { out.decisions.append(decision) }
                return out
            }
            let own = proposals[object.reference] ?? []
            let replaced = own.compactMap(\.replaced)
            for proposal in own {
                // What changes a rule that is replaced as a whole would find nothing to change.
                let isMoot =
                    proposal.replaced == nil
                    && (proposal.patch?.operations ?? []).contains { operation in
                        replaced.contains { operation.path.hasPrefix($0) }
                    }
                if isMoot { continue }
                guard let patch = proposal.patch else {
                    out.decisions.append(
                        FixDecision(
                            about: proposal.rule.id, at: object.metadata["name"],
                            reason: "it selects no pod: correct the selector, or delete it"))
                    continue
                }
                for operation in patch.operations {
                    out.steps.append(
                        FixStep(
                            operation, why: proposal.rule.remedy,
                            risk: risk(of: proposal),
                            answers: [proposal.rule.id]))
                }
            }
            // Elements of a list go last first: removing one moves those behind it.
            if out.steps.contains(where: { $0.operation.kind == .remove }) {
                out.steps.sort { $1.operation.path < $0.operation.path }
            }
            return out
        }
    }

    private static func risk(of proposal: NetworkFixes.Proposal) -> String {
        if proposal.replaced != nil { return "what its pods need and nothing declares is cut; look at flows first" }
        return proposal.rule.id == "network/metadata-reachable"
            ? "a workload that takes the identity of its node loses it" : ""
    }

    private static func isolation(of namespace: KubernetesObject, _ fixes: NetworkFixes) -> FixDecision? {
        guard fixes.isOpen(namespace.name), let fix = fixes.isolating(namespace.name), fix.isOffered else { return nil }
        guard case .add(let policies) = fix.remedy, let rule = fix.closes.first?.rule else { return nil }
        let many = policies.count == 1 ? "one policy" : "\(policies.count) policies"
        let findings = fix.closes.count == 1 ? "one finding" : "\(fix.closes.count) findings"
        return FixDecision(
            about: rule, at: namespace.metadata["name"],
            reason: "\(many) can be added: tried, they close \(findings) and cut nothing that is declared; "
                + "martlet network fix -n \(namespace.name) writes them")
    }
}

extension FixEvaluation {
    /// What the network engine says of the whole, for changes of what it looks at; a workload that stays where it is on
    /// the network changes nothing of it.
    static func network(_ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String>) -> FixEvaluation {
        FixEvaluation { changed, keys in
            let isConcerned = keys.contains { key in
                guard let object = inventory[key] else { return false }
                return PolicyCatalogue.isPolicy(object) || object.podTemplate?.spec.hostNetwork == true
            }
            guard isConcerned else { return [] }
            return NetworkEvaluation(changed, isCluster: isCluster, unlistedKinds: unlistedKinds).results().findings
        }
    }
}

extension VerifiedFix {
    /// Whether a finding that stays is worth telling beside a change of `object`: those of the network are about the
    /// whole of it.
    static func concerns(_ finding: Finding, _ object: KubernetesObject) -> Bool {
        !finding.rule.id.hasPrefix("network/") || finding.subject == object.reference
            || finding.evidence.contains { $0.object == object.reference }
    }
}
