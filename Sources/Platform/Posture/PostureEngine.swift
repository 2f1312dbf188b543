package import CISBenchmark
package import Findings
package import Kubernetes
package import Policies
package import RBAC

/// An engine as the scan sees it: it judges object by object, or the whole at once, and says how far a change reaches.
///
/// A new engine joins by conforming here and one line in `PostureScan.engines`.
package protocol PostureEngine: Sendable {
    /// Every rule of the engine that is selected, in order.
    var rules: [Rule] { get }
    /// Ids of the rules to evaluate; nil for all.
    var selected: Set<String>? { get set }

    /// Takes a change of the inventory in, and says whose results it may alter beyond the touched objects themselves.
    mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach

    /// What the engine says of one object; nothing for kinds that do not concern it.
    func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage)

    /// What the engine says of everything at once, for judgements that belong to no single object; asked when a
    /// report is made, and again only when `follow` has reported that the whole changed.
    func wholeResults() -> (findings: [Finding], coverage: Coverage)
}

/// How far a change reaches beyond the objects that it touches.
package enum ChangeReach: Sendable {
    /// The touched objects only; results of the whole stay.
    case touched
    /// These objects too.
    case objects(Set<ObjectKey>)
    /// Results of the whole, and of no object but the touched.
    case whole
    /// Every object, and the whole.
    case everything
}

extension PostureEngine {
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) { ([], Coverage()) }
    package func wholeResults() -> (findings: [Finding], coverage: Coverage) { ([], Coverage()) }
}

extension RBACEvaluation: PostureEngine {
    package mutating func follow(
        _ touched: Set<ObjectKey>, before: Inventory, after: Inventory
    ) -> ChangeReach {
        switch follow(touched, from: before, to: after) {
        case .nothing: .touched
        case .objects(let keys): .objects(keys)
        case .everything: .everything
        }
    }
}

extension CISEvaluation: PostureEngine {
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        guard touched.contains(where: { Self.kindsRead.contains($0.reference.kind) }) else { return .touched }
        self = following(after)
        return .everything
    }
}

extension PolicyEvaluation: PostureEngine {
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        let kinds = Set(touched.map(\.reference.kind))
        let isCentral = !kinds.isDisjoint(with: Self.kindsRead.subtracting(["Namespace"]))
        let isRead = isConcerned && (kinds.contains("Namespace") || !kinds.isDisjoint(with: parameterKinds))
        guard isCentral || isRead else { return .touched }
        let chosen = selected
        self = PolicyEvaluation(after, isCluster: isCluster)
        selected = chosen
        return .everything
    }
}
