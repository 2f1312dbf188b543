package import Documents
package import Kubernetes

/// Who, or what, somebody on a path has in hand.
package enum EscalationActor: Sendable, Hashable, Comparable, CustomStringConvertible {
    case subject(Subject)
    /// Pods of a workload.
    case workload(ObjectReference)
    /// A node of the cluster; "" for any that is chosen.
    case node(String)

    package var description: String {
        switch self {
        case .subject(let subject): subject.description
        case .workload(let reference): reference.description
        case .node(let name): name.isEmpty ? "any node" : "node \(name)"
        }
    }

    private var rank: Int {
        switch self {
        case .subject: 0
        case .workload: 1
        case .node: 2
        }
    }

    package static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.subject(let a), .subject(let b)): a < b
        case (.workload(let a), .workload(let b)): a < b
        case (.node(let a), .node(let b)): a < b
        default: a.rank < b.rank
        }
    }
}

/// One way to take a step: an edge of one of the catalogues with what makes it hold.
package struct EscalationWay: Sendable {
    /// Id of the edge: `pod-create`, `CE-privileged`.
    package var id: String
    /// What has to hold beside rights and fields; nil for nothing.
    package var condition: String?
    /// The namespace it is used against; empty for everywhere.
    package var namespace: String
    /// Objects it is limited to; empty for any.
    package var names: [String]
    /// A grant for each right the edge needs.
    package var grants: [Grant]
    /// The field of a pod that opens it.
    package var field: Node?
}

/// One step of a path: from one thing in hand to the next, or to the goal.
package struct EscalationStep: Sendable {
    package var actor: EscalationActor
    /// What is in hand after it; nil where the goal is reached.
    package var becomes: EscalationActor?
    /// Any of them is enough; the first is the one told first.
    package var ways: [EscalationWay]
}

/// A way from somebody to a goal.
package struct EscalationPath: Sendable {
    package var start: EscalationActor
    package var goal: EscalationEdge.Goal
    package var steps: [EscalationStep]
}
