import Findings
import Kubernetes
import NetworkPolicies

/// What the network engine says of every owner, kept until an event changes something the network looks at.
struct NetworkPosture: Sendable {
    var selected: Set<String>?
    var options = ScanOptions()
    private(set) var results: [OwnerIdentity: OwnerResult] = [:]
    private var isStale = true

    /// Evaluates everything; nothing where no rule of the network was asked for.
    mutating func evaluate(_ inventory: Inventory) {
        isStale = false
        let isWanted = selected.map { !$0.isDisjoint(with: NetworkRules.all.map(\.id)) } ?? true
        guard isWanted else {
            results = [:]
            return
        }
        var evaluation = NetworkEvaluation(
            inventory, isCluster: !options.cluster.isEmpty, unlistedKinds: options.workloads.unlistedKinds)
        evaluation.selected = selected
        evaluation.cluster = options.cluster
        results = evaluation.resultsByOwner()
    }

    /// Takes note of touched objects; what only changes a status leaves the results as they are.
    mutating func note(_ touched: some Sequence<ObjectKey>, before: Inventory, after: Inventory) {
        guard !isStale else { return }
        isStale = touched.contains { NetworkTraits.differ(before[$0], after[$0]) }
    }

    /// Evaluates again where something has changed; gives the owners whose results are others now.
    mutating func settle(_ inventory: Inventory) -> [OwnerIdentity] {
        guard isStale else { return [] }
        let old = results
        evaluate(inventory)
        return results.owners(changedFrom: old)
    }
}
