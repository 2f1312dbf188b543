package import Kubernetes

/// The graph as a part of a greater one: what leads where, by number, and the words for a way through it.
extension EscalationGraph {
    /// One arc; its position in `joints` is its number.
    package struct Joint: Sendable {
        package var from: Int32
        package var to: Int32
        /// False for what costs nothing: being in a group, a node being a node.
        package var isStep: Bool
    }

    /// Pods of one workload under one account, and the node that stands for them.
    package struct JoinedWorkload: Sendable {
        package var reference: ObjectReference
        package var account: ServiceAccountName
        package var mountsToken: Bool
        package var pods: Int
        /// Whether a field of its pods opens a way out of them.
        package var hasEscape: Bool
    }

    package var joints: [Joint] { arcs.map { Joint(from: $0.from, to: $0.to, isStep: $0.edge >= 0) } }

    /// Numbers of the nodes that stand for workloads, in the order of `joinedWorkloads`.
    package var workloadNodes: Range<Int> { Int(layout.groups)..<Int(layout.subjects) }

    package var joinedWorkloads: [JoinedWorkload] {
        workloads.groups.map { group in
            JoinedWorkload(
                reference: group.reference, account: group.account, mountsToken: group.mountsToken, pods: group.pods,
                hasEscape: !group.escapes.isEmpty)
        }
    }

    package func node(of goal: EscalationEdge.Goal) -> Int32? { goals.firstIndex(of: goal).map { Int32($0) } }

    package func name(of node: Int32) -> String {
        if node < layout.accounts { return goals[Int(node)].rawValue }
        if let actor = actor(node) { return actor.description }
        return "pods and accounts of a namespace"
    }

    package func node(of subject: Subject) -> Int32? { numbers[subject] }

    /// What taking over a namespace means: its accounts, and the pods that run in it.
    package func nodes(ofNamespace name: String) -> [Int32] {
        guard let place = places.firstIndex(of: name) else { return [] }
        return [layout.accounts + Int32(place), layout.running + Int32(place)]
    }

    /// The steps along arcs that follow each other from a node.
    package func steps(along path: [Int32], from start: Int32) -> [EscalationStep] {
        var out: [EscalationStep] = []
        var node = start
        var holder = actor(node)
        // Whom a right belongs to: a group that somebody in hand is a member of.
        var owner = holder
        for index in path {
            let arc = arcs[Int(index)]
            node = arc.to
            let arrived = actor(node)
            if arc.edge >= 0 {
                if let holder, let owner {
                    out.append(EscalationStep(actor: holder, becomes: arrived, ways: [way(owner, arc)]))
                }
                if arrived != nil { (holder, owner) = (arrived, arrived) }
            } else if let arrived {
                if arc.from >= layout.subjects {
                    owner = arrived
                } else {
                    // By way of a namespace or a machine: this is who is become.
                    if !out.isEmpty { out[out.count - 1].becomes = arrived }
                    (holder, owner) = (arrived, arrived)
                }
            }
        }
        if !out.isEmpty, node < layout.accounts { out[out.count - 1].becomes = nil }
        return out
    }

    /// The graph as it would be after some changes.
    package func applying(_ changes: [EscalationChange], minor: Int = 36) -> EscalationGraph {
        EscalationCuts.applied(changes, to: self, knownAccounts, minor)
    }

    /// The same workloads under other rights.
    package func over(_ model: AccessModel, minor: Int = 36) -> EscalationGraph {
        EscalationGraph(model, accounts: knownAccounts, workloads: workloads, minor: minor)
    }

    private var knownAccounts: [ServiceAccountName] {
        subjects.filter { $0.kind == .serviceAccount }.map {
            ServiceAccountName(namespace: $0.namespace, name: $0.name)
        }
    }
}
