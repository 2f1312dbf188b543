package import Kubernetes
package import Secrets

extension SecretManagementEvaluation: PostureEngine {
    /// Whoever uses or makes a Secret decides over findings on it: a change of those reaches every Secret of its
    /// namespace; one of a Secret reaches whatever names it.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        // Pods come and go all day; one that a controller made says nothing its owner has not said.
        let namespaces = Set(
            touched.filter { key in
                guard Self.kindsRead.contains(key.reference.kind) else { return false }
                let states = [before[key], after[key]].compactMap(\.self).filter { $0.controller == nil }
                // A workload matters to others only where it uses other Secrets than before.
                if states.count == 2, !states[0].podTemplates.isEmpty {
                    return Self.uses(states[0]) != Self.uses(states[1])
                }
                return !states.isEmpty
            }.map(\.reference.namespace))
        guard !namespaces.isEmpty else {
            self = SecretManagementEvaluation(context: context.over(after), selected: selected)
            return .touched
        }
        self = SecretManagementEvaluation(
            context: SecretContext(
                after, isCluster: context.isCluster, unlistedKinds: context.unlistedKinds, policy: context.policy,
                now: context.now),
            selected: selected)
        return .objects(Set(namespaces.flatMap { after.keys(in: $0) }))
    }

    private static func uses(_ object: KubernetesObject) -> [[String]] {
        object.podTemplates.map { template in SecretUses(template.spec.node).uses.map { "\($0.way) \($0.secret)" } }
    }
}
