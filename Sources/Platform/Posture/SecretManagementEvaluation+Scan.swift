package import Kubernetes
package import Secrets

extension SecretManagementEvaluation: PostureEngine {
    /// Whoever uses or makes a Secret decides over findings on it: a change of those reaches every Secret of its
    /// namespace; one of a Secret reaches whatever names it.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        let namespaces = Set(
            touched.filter { Self.kindsRead.contains($0.reference.kind) }.map(\.reference.namespace))
        self = SecretManagementEvaluation(
            context: SecretContext(
                after, isCluster: context.isCluster, unlistedKinds: context.unlistedKinds, policy: context.policy,
                now: context.now),
            selected: selected)
        guard !namespaces.isEmpty else { return .touched }
        return .objects(Set(namespaces.flatMap { after.keys(in: $0) }))
    }
}
