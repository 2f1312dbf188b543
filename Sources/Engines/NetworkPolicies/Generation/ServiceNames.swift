import Documents
import Kubernetes

/// What a host's name means inside a cluster.
///
/// Source: DNS for Services and Pods, Kubernetes documentation: `name`, `name.namespace`, `name.namespace.svc` with
/// and without the cluster's domain, and `pod.name.namespace.svc…` for headless Services.
struct ServiceNames: Sendable {
    enum Meaning: Sendable {
        case service(KubernetesObject)
        /// A pod by its address.
        case pod(Int)
        case outside(String)
        case apiServer
        case nothing
    }

    private let services: [String: KubernetesObject]
    private let byAddress: [IPAddress: KubernetesObject]
    private let podsByAddress: [IPAddress: Int]

    init(_ inventory: Inventory, _ state: NetworkState) {
        var services: [String: KubernetesObject] = [:]
        var byAddress: [IPAddress: KubernetesObject] = [:]
        for service in inventory.objects("Service") {
            let key = "\(service.namespace.isEmpty ? "default" : service.namespace)/\(service.name)"
            if services[key] == nil { services[key] = service }
            for text in [service.node["spec"]["clusterIP"].string].compactMap(\.self) {
                if let address = IPAddress(text) { byAddress[address] = service }
            }
        }
        self.services = services
        self.byAddress = byAddress
        var podsByAddress: [IPAddress: Int] = [:]
        for (index, pod) in state.pods.enumerated() where !pod.isOnHostNetwork {
            for address in pod.addresses { podsByAddress[address] = index }
        }
        self.podsByAddress = podsByAddress
    }

    func service(_ name: String, in namespace: String) -> KubernetesObject? { services["\(namespace)/\(name)"] }

    func meaning(of host: String, from namespace: String) -> Meaning {
        if let address = IPAddress(host) {
            if let service = byAddress[address] { return known(service) }
            if let pod = podsByAddress[address] { return .pod(pod) }
            // Loopback, unspecified and multicast lead nowhere.
            let isLocal =
                address.family == .v4
                ? address.value >> 24 == 127 || address.value == 0 || address.value >> 28 == 14 : address.value <= 1
            return isLocal ? .nothing : .outside(host)
        }
        var labels = host.split(separator: ".").map(String.init)
        guard let first = labels.first, first != "localhost" else { return .nothing }
        if labels.count == 1 {
            return service(first, in: namespace).map(known) ?? .nothing
        }
        if labels.count >= 5, Array(labels.suffix(3)) == ["svc", "cluster", "local"] {
            labels.removeLast(2)
        }
        if let svc = labels.lastIndex(of: "svc"), svc >= 2 {
            // Whatever the cluster's domain is called.
            if let found = service(labels[svc - 2], in: labels[svc - 1]) { return known(found) }
            return .nothing
        }
        if labels.count >= 2 {
            let count = labels.count
            if let found = service(labels[count - 2], in: labels[count - 1]) { return known(found) }
            // db-0.db of a StatefulSet, in the same namespace.
            if count == 2, let found = service(labels[1], in: namespace), found.node["spec"]["clusterIP"].equals("None")
            {
                return known(found)
            }
        }
        return .outside(host)
    }

    private func known(_ service: KubernetesObject) -> Meaning {
        if service.node["spec"]["type"].equals("ExternalName") {
            return service.node["spec"]["externalName"].string.map { Meaning.outside($0.lowercased()) } ?? .nothing
        }
        let isDefault = service.namespace.isEmpty || service.namespace == "default"
        if service.name == "kubernetes", isDefault { return .apiServer }
        return .service(service)
    }

    /// `CART_SERVICE_HOST` of the environment that Kubernetes writes for every Service of the namespace.
    func service(ofVariable name: String, in namespace: String) -> (KubernetesObject, isPort: Bool)? {
        for (suffix, isPort) in [("_SERVICE_HOST", false), ("_SERVICE_PORT", true)] where name.hasSuffix(suffix) {
            let stem = name.dropLast(suffix.count).lowercased()
            let plain = String(stem.map { $0 == "_" ? "-" : $0 })
            if let found = service(plain, in: namespace) { return (found, isPort) }
        }
        return nil
    }
}
