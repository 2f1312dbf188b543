import Documents
import Kubernetes

/// Where a port of a Service leads: workloads and their ports.
struct ServicePorts: Sendable {
    struct Backend: Sendable {
        var workload: Int
        var transport: TransportProtocol
        var port: UInt16
        var name: String?
    }

    private let state: NetworkState
    private let selectors: WorkloadSelectors
    private let byNamespace: [String: [Int]]

    init(_ state: NetworkState, _ selectors: WorkloadSelectors) {
        self.state = state
        self.selectors = selectors
        byNamespace = Dictionary(grouping: selectors.workloads.indices) { selectors.workloads[$0].namespace }
    }

    static func place(_ object: KubernetesObject) -> String { object.namespace.isEmpty ? "default" : object.namespace }

    /// Workloads whose pods the labels select.
    func workloads(selectedBy labels: [String: String], in namespace: String) -> [Int] {
        guard !labels.isEmpty else { return [] }
        return (byNamespace[namespace] ?? []).filter { number in
            selectors.workloads[number].pods.contains { pod in
                let own = state.labels(of: state.pods[pod])
                return labels.allSatisfy { own[$0.key] == $0.value }
            }
        }
    }

    func workloads(selectedBy selector: LabelSelector, in namespace: String) -> [Int] {
        (byNamespace[namespace] ?? []).filter { number in
            selectors.workloads[number].pods.contains { selector.matches(state.labels(of: state.pods[$0])) }
        }
    }

    /// The pods' ports behind one port of a Service.
    func backends(_ service: KubernetesObject, _ port: Node) -> [Backend] {
        guard let transport = TransportProtocol(name: port["protocol"].string ?? "TCP"), transport.hasPorts else {
            return []
        }
        let labels = service.node["spec"]["selector"].stringMap
        return workloads(selectedBy: labels, in: Self.place(service)).flatMap { number -> [Backend] in
            let target = port["targetPort"]
            if let name = target.string, UInt16(name) == nil {
                return ports(of: number).filter { $0.name == name && $0.protocol == transport }.map {
                    Backend(workload: number, transport: transport, port: $0.number, name: name)
                }
            }
            let written = target.text.flatMap { UInt16($0) } ?? 0
            guard let value = written > 0 ? written : port["port"].portNumber else { return [] }
            return [Backend(workload: number, transport: transport, port: value, name: nil)]
        }
    }

    /// The ports of a Service that are meant by a number, a name, or all of them.
    func ports(_ service: KubernetesObject, _ wanted: UInt16?) -> [Node] {
        let all = service.node["spec"]["ports"].elements
        guard let wanted else { return Array(all) }
        return all.filter { $0["port"].portNumber == wanted }
    }

    /// Declared ports of a workload's containers, each once.
    func ports(of workload: Int) -> [ContainerPort] {
        var out: [ContainerPort] = []
        for pod in selectors.workloads[workload].pods {
            for port in state.ports(of: state.pods[pod]) where !out.contains(port) { out.append(port) }
        }
        return out
    }

    /// A port as probes and monitors write it: a number, or the name of a container's port.
    func port(_ node: Node, of workload: Int) -> (number: UInt16, name: String?)? {
        if let number = node.portNumber { return (number, nil) }
        guard let text = node.string else { return nil }
        if let number = UInt16(text) { return (number, nil) }
        return ports(of: workload).first { $0.name == text }.map { ($0.number, text) }
    }
}
