import Documents
import Kubernetes

/// What Calico's selectors reach besides pods: network sets and host endpoints; and its tiers.
struct CalicoSurroundings: Sendable {
    static let group = "projectcalico.org"
    static let groups = [group, "crd.projectcalico.org"]

    private struct Holder: Sendable {
        var namespace: String?
        var labels: [String: String]
        var addresses: AddressSet
    }

    struct Tier: Sendable {
        var stage: Policy.Stage
        var end: Policy.End
    }

    private var holders: [Holder] = []
    private(set) var tiers: [String: Tier] = [
        "default": Tier(stage: .standard, end: .deny),
        "adminnetworkpolicy": Tier(stage: .admin, end: .next),
        "baselineadminnetworkpolicy": Tier(stage: .baseline, end: .next),
        "kube-admin": Tier(stage: .admin, end: .next),
        "kube-baseline": Tier(stage: .baseline, end: .next),
    ]
    private var namespaceLabels: [String: [String: String]] = [:]

    init(_ objects: [KubernetesObject]) {
        for object in objects where object.is("Namespace") { namespaceLabels[object.name] = object.labels }
        for object in objects where Self.groups.contains(object.reference.group) {
            let spec = object.node["spec"]
            switch object.kind {
            case "GlobalNetworkSet", "NetworkSet":
                let blocks = spec["nets"].strings.compactMap(CIDR.init(orAddress:))
                holders.append(
                    Holder(
                        namespace: object.kind == "NetworkSet" ? object.namespace : nil, labels: object.labels,
                        addresses: AddressSet(blocks)))
            case "HostEndpoint":
                let blocks = spec["expectedIPs"].strings.compactMap(CIDR.init(orAddress:))
                holders.append(Holder(namespace: nil, labels: object.labels, addresses: AddressSet(blocks)))
            case "Tier":
                let end: Policy.End = spec["defaultAction"].equals("Pass") ? .next : .deny
                if let reserved = tiers[object.name] {
                    tiers[object.name] = Tier(stage: reserved.stage, end: end)
                } else {
                    let order = spec["order"].double ?? .infinity
                    tiers[object.name] = Tier(stage: Policy.Stage(order, object.name), end: end)
                }
            default: break
            }
        }
    }

    /// Addresses of the sets and host endpoints that match.
    func addresses(_ expression: LabelExpression) -> AddressSet {
        var out = AddressSet()
        for holder in holders {
            let isMatch = expression.matches { key in
                switch key {
                case .own(let name): holder.labels[name]
                case .namespaceName: holder.namespace
                case .namespace(let name): holder.namespace.flatMap { namespaceLabels[$0]?[name] }
                default: nil
                }
            }
            if isMatch { out = out.union(holder.addresses) }
        }
        return out
    }

    var hasHolders: Bool { !holders.isEmpty }
}
