import Documents
package import Kubernetes

/// What of an object the network looks at; an event that changes nothing of it changes no answer.
///
/// Most events of a cluster are heartbeats and changes of status.
package struct NetworkTraits: Sendable, Hashable {
    private var labels: [String: String] = [:]
    private var ports: [ContainerPort] = []
    private var addresses: [String] = []
    private var words: [String] = []

    /// Nil for what the network does not look at.
    package init?(_ object: KubernetesObject) {
        if PolicyCatalogue.isPolicy(object) || NetworkPlugin.tells(object) {
            words = ["spec", "specs", "data"].map { object.node[$0].json() }
            return
        }
        if APIServerAddress.tells(object) {
            words = ["endpoints", "ports", "subsets"].map { object.node[$0].json() }
            return
        }
        let status = object.node["status"]
        switch (object.reference.group, object.kind) {
        case ("", "Namespace"), ("", "ServiceAccount"): labels = object.labels
        case ("", "Node"):
            labels = object.labels
            addresses = status["addresses"].elements.compactMap { $0["address"].string }
        case ("", "Service"), ("networking.k8s.io", "Ingress"), ("route.openshift.io", _),
            ("gateway.networking.k8s.io", _), ("projectcalico.org", _), ("crd.projectcalico.org", _),
            ("cilium.io", _):
            words = [object.node["spec"].json()]
            labels = object.labels
        default:
            guard let template = object.podTemplate else { return nil }
            let spec = template.spec
            labels = object.is("Pod") ? object.labels : spec.labels
            ports = NetworkState.ports(spec)
            let phase = status["phase"].string ?? ""
            let hostPorts = spec.allContainers.flatMap { $0.ports.compactMap { $0["hostPort"].text } }
            words =
                [
                    "\(spec.hostNetwork)", spec.serviceAccountName, spec.node["nodeName"].string ?? "",
                    phase == "Succeeded" || phase == "Failed" ? "ended" : "", object.controller?.uid ?? "",
                ] + hostPorts
            addresses = status["podIPs"].elements.compactMap { $0["ip"].string }
            if let only = status["podIP"].string { addresses.append(only) }
        }
    }

    /// Whether answers may differ once the one object has taken the place of the other.
    package static func differ(_ before: KubernetesObject?, _ after: KubernetesObject?) -> Bool {
        before.flatMap { Self($0) } != after.flatMap { Self($0) }
    }
}
