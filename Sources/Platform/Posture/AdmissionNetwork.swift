import Findings
import Kubernetes
import NetworkPolicies

/// What the network's engine says of one object at the door, by the policies that hold in its namespace.
///
/// The scan's rules and words, over what one namespace has: a request has no time for the model of a cluster. Rules that
/// need the pods of others (peers without match, ports of services) or that a namespace meets only later (a default
/// deny) stay with the scan.
struct AdmissionNetwork: Sendable {
    static let rules: [Rule] = NetworkRules.all.filter { rule in
        [
            "network/unselected-ingress", "network/unselected-egress", "network/internet-egress",
            "network/metadata-reachable", "network/invalid-policy", "network/unread-policy",
        ].contains(rule.id)
    }

    private static let ownKinds = [
        ("networking.k8s.io", "NetworkPolicy"), ("projectcalico.org", "NetworkPolicy"),
        ("crd.projectcalico.org", "NetworkPolicy"), ("projectcalico.org", "NetworkSet"),
        ("crd.projectcalico.org", "NetworkSet"), ("cilium.io", "CiliumNetworkPolicy"), ("", "ServiceAccount"),
    ]

    private static let commonKinds = [
        ("policy.networking.k8s.io", "AdminNetworkPolicy"), ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
        ("policy.networking.k8s.io", "ClusterNetworkPolicy"), ("projectcalico.org", "GlobalNetworkPolicy"),
        ("crd.projectcalico.org", "GlobalNetworkPolicy"), ("projectcalico.org", "GlobalNetworkSet"),
        ("crd.projectcalico.org", "GlobalNetworkSet"), ("projectcalico.org", "Tier"), ("crd.projectcalico.org", "Tier"),
        ("cilium.io", "CiliumClusterwideNetworkPolicy"), ("cilium.io", "CiliumCIDRGroup"),
    ]

    /// Groups whose objects have to be followed for this.
    static let groups = Set((ownKinds + commonKinds).map(\.0)).subtracting([""])

    private let selected: Set<String>
    private let cluster: String
    private let unlisted: Set<String>
    private let plugin: NetworkPlugin

    /// Nil where none of its rules is asked for, or where the policies themselves could not be listed.
    ///
    /// Which plugin acts on policies is looked up once: it seldom changes, and then nodes are drained.
    init?(_ rules: [Rule], _ inventory: Inventory, options: ScanOptions) {
        guard !rules.isEmpty, !options.workloads.unlistedKinds.contains("NetworkPolicy") else { return nil }
        selected = Set(rules.map(\.id))
        cluster = options.cluster
        unlisted = options.workloads.unlistedKinds
        plugin = NetworkPlugin(detectedIn: inventory.keys.compactMap { inventory[$0] })
    }

    /// Nothing for what no policy is about, and where the namespace was never seen: then neither were its policies.
    func result(of object: KubernetesObject, in inventory: Inventory) -> OwnerResult? {
        guard !object.podTemplates.isEmpty || PolicyCatalogue.isPolicy(object) else { return nil }
        let place = ObjectReference(group: "", kind: "Namespace", namespace: "", name: object.namespace)
        let namespace = inventory[ObjectKey(place)]
        guard object.namespace.isEmpty || namespace != nil else { return nil }
        var objects = [namespace].compactMap(\.self)
        for (group, kind) in Self.ownKinds { objects += inventory.objects(kind, of: group, in: object.namespace) }
        for (group, kind) in Self.commonKinds { objects += inventory.objects(kind, of: group) }
        objects.removeAll { $0.reference == object.reference }
        objects.append(object)
        var evaluation = NetworkEvaluation(
            Inventory(objects), isCluster: !cluster.isEmpty, unlistedKinds: unlisted, plugin: plugin)
        evaluation.selected = selected
        evaluation.cluster = cluster
        return evaluation.resultsByOwner().first { $0.key.reference == object.reference }?.value
    }
}
