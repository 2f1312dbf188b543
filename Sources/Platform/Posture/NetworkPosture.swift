import Findings
import Kubernetes
import NetworkPolicies

/// What the network engine says of every owner, kept until an event changes something the network looks at.
struct NetworkPosture: Sendable {
    var selected: Set<String>?
    var options = ScanOptions()
    private var results: [OwnerIdentity: OwnerResult] = [:]
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
        let owners = Set(old.keys).union(results.keys)
        return owners.filter { !Self.areSame(old[$0], results[$0]) }.sorted()
    }

    private static func areSame(_ a: OwnerResult?, _ b: OwnerResult?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return a.coverage == b.coverage && a.findings.count == b.findings.count
            && zip(a.findings, b.findings).allSatisfy { x, y in
                x.rule.id == y.rule.id && x.outcome == y.outcome && x.severity == y.severity
                    && x.evidence.map(\.message) == y.evidence.map(\.message)
            }
    }

    /// What the other engines say of an owner, with what this one says.
    func merged(_ result: OwnerResult?, _ owner: OwnerIdentity) -> OwnerResult? {
        guard let own = results[owner] else { return result }
        guard var result else { return own }
        result.merge(own)
        return result
    }

    /// The same for all owners; namespaces of which no object was seen have results here only.
    func merged(_ others: consuming [OwnerIdentity: OwnerResult]) -> [OwnerIdentity: OwnerResult] {
        var out = others
        for (owner, own) in results {
            if out[owner] == nil { out[owner] = own } else { out[owner]?.merge(own) }
        }
        return out
    }
}
