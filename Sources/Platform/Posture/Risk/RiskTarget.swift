import RBAC

/// What nobody from outside may ever have: the end of a way.
package enum RiskTarget: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Everything in the cluster.
    case clusterAdmin
    /// Root on a node.
    case nodeRoot
    /// Every Secret.
    case allSecrets
    /// An identity of the cloud around the cluster.
    case cloud
    case namespace(String)
    case secret(namespace: String, name: String)

    /// Those that every cluster has.
    package static let standard: [RiskTarget] = [.clusterAdmin, .allSecrets, .nodeRoot, .cloud]

    /// Reads `cluster-admin`, `node`, `secrets`, `cloud`, `namespace/NAME` and `secret/NAMESPACE/NAME`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first ?? "", parts.count) {
        case ("cluster-admin", 1): self = .clusterAdmin
        case ("node", 1): self = .nodeRoot
        case ("secrets", 1): self = .allSecrets
        case ("cloud", 1): self = .cloud
        case ("namespace", 2) where !parts[1].isEmpty: self = .namespace(parts[1])
        case ("secret", 3) where !parts[1].isEmpty && !parts[2].isEmpty:
            self = .secret(namespace: parts[1], name: parts[2])
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .clusterAdmin: "cluster-admin"
        case .nodeRoot: "node"
        case .allSecrets: "secrets"
        case .cloud: "cloud"
        case .namespace(let name): "namespace/\(name)"
        case .secret(let namespace, let name): "secret/\(namespace)/\(name)"
        }
    }

    /// Points that reaching it at once would count.
    package var value: Int {
        switch self {
        case .clusterAdmin: 100
        case .allSecrets: 70
        case .nodeRoot, .cloud: 60
        case .namespace, .secret: 50
        }
    }

    var goal: EscalationEdge.Goal? {
        switch self {
        case .clusterAdmin: .clusterAdmin
        case .nodeRoot: .node
        case .allSecrets: .secrets
        case .cloud: .cloud
        case .namespace, .secret: nil
        }
    }

    package static func < (a: Self, b: Self) -> Bool { (b.value, a.description) < (a.value, b.description) }
}
