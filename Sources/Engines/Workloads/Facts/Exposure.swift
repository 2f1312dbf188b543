import Documents
import Findings
import Kubernetes

/// Ports that are for administrators, and annotations by which load balancers and ingress controllers are told things
/// that the API has no field for.
///
/// Source: `Resources/exposure.json`.
struct Exposure: Sendable {
    struct AdminPort: Sendable {
        var number: Int
        var what: String
        var severity: Severity
        /// Others use the port too: it counts only where one of these words is in a name.
        var words: [String]
    }

    /// An annotation, with any value, with this one or with one that has this in it.
    struct Mark: Sendable {
        var key: String
        var value: String?
        var part: String?
        var what: String

        func isOn(_ object: KubernetesObject) -> Bool {
            let annotation = object.metadata["annotations"][key]
            guard let text = annotation.text else { return false }
            if let value { return text.lowercased() == value.lowercased() }
            if let part { return text.contains(part) }
            return !text.isEmpty && text != "false"
        }
    }

    let adminPorts: [Int: AdminPort]
    let internalLoadBalancers: [Mark]
    let privateLoadBalancerClasses: [String]
    let sourceRangeAnnotations: [String]
    let ingressTLS: [Mark]
    let tlsIngressClasses: Set<String>
    let codeAnnotations: [Mark]

    static let known: Exposure = {
        let root = FactFile.root(PackageResources.exposure_json, "exposure.json")
        func marks(_ key: String) -> [Mark] {
            root[key].elements.map { entry in
                Mark(
                    key: entry["annotation"].string ?? "", value: entry["value"].string,
                    part: entry["contains"].string, what: entry["what"].string ?? "")
            }
        }
        var ports: [Int: AdminPort] = [:]
        for entry in root["adminPorts"].elements {
            guard let number = entry["port"].int else { continue }
            ports[number] = AdminPort(
                number: number, what: entry["what"].string ?? "",
                severity: entry["severity"].string.flatMap(Severity.init) ?? .high, words: entry["named"].strings)
        }
        return Exposure(
            adminPorts: ports, internalLoadBalancers: marks("internalLoadBalancers"),
            privateLoadBalancerClasses: root["privateLoadBalancerClasses"].strings,
            sourceRangeAnnotations: root["sourceRangeAnnotations"].strings, ingressTLS: marks("ingressTLS"),
            tlsIngressClasses: Set(root["tlsIngressClasses"].strings), codeAnnotations: marks("codeAnnotations"))
    }()

    /// Whether the load balancer of a Service has an address of the inner network only.
    func isInternal(_ service: KubernetesObject) -> Bool {
        internalLoadBalancers.contains { $0.isOn(service) }
            || service.node["spec"]["loadBalancerClass"].string.map { name in
                privateLoadBalancerClasses.contains {
                    name == $0 || name.hasPrefix($0 + "/") || name.hasPrefix($0 + ".")
                }
            } ?? false
    }
}
