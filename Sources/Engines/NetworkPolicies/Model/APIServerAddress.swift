package import Kubernetes

/// Where the API server answers: what a policy sees behind the Service `kubernetes`, whose own address it never sees.
package struct APIServerAddress: Sendable, Hashable {
    package var address: IPAddress
    package var port: UInt16

    /// The addresses behind the Service `kubernetes`, by its EndpointSlices or its Endpoints, in their order; empty
    /// where neither was seen.
    package static func read(_ objects: some Sequence<KubernetesObject>) -> [APIServerAddress] {
        var out: [APIServerAddress] = []
        for object in objects where tells(object) {
            let isSlice = object.kind == "EndpointSlice"
            let groups = isSlice ? [object.node] : Array(object.node["subsets"].elements)
            for group in groups {
                let addresses =
                    isSlice
                    ? group["endpoints"].elements.flatMap { $0["addresses"].strings }
                    : group["addresses"].elements.compactMap { $0["ip"].string }
                for address in addresses.compactMap({ IPAddress($0) }) {
                    for port in group["ports"].elements.compactMap(\.["port"].portNumber) {
                        let new = APIServerAddress(address: address, port: port)
                        if !out.contains(new) { out.append(new) }
                    }
                }
            }
        }
        return out
    }

    /// Whether an object tells where the API server is.
    static func tells(_ object: KubernetesObject) -> Bool {
        guard object.namespace == "default" else { return false }
        if object.is("EndpointSlice", of: "discovery.k8s.io") {
            return object.labels["kubernetes.io/service-name"] == "kubernetes"
        }
        return object.is("Endpoints") && object.name == "kubernetes"
    }
}

extension NetworkNode {
    private static let controlPlaneLabels = [
        "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
    ]

    /// Whether the node carries the label of a control plane.
    var isControlPlane: Bool { Self.controlPlaneLabels.contains { labels[$0] != nil } }

    static func isControlPlane(_ object: KubernetesObject) -> Bool {
        object.is("Node") && controlPlaneLabels.contains { object.labels[$0] != nil }
    }

    /// Nodes of the control plane.
    static let controlPlane = LabelExpression.any(controlPlaneLabels.map { .exists(.own($0)) })
}

extension PeerSelector {
    /// Cilium's entity `kube-apiserver`: addresses that were seen, or the nodes of a control plane; else it may be any
    /// node and any place outside.
    static func apiServer(_ objects: some Sequence<KubernetesObject>) -> PeerSelector {
        let blocks = APIServerAddress.read(objects).map { CIDR(address: $0.address) }
        if !blocks.isEmpty { return .addresses(AddressSet(blocks), [.outside, .nodes]) }
        if objects.contains(where: NetworkNode.isControlPlane) { return .nodes(NetworkNode.controlPlane, .any) }
        return .unknown("where the API server runs is not known", .union([.everyNode, .world]))
    }
}
