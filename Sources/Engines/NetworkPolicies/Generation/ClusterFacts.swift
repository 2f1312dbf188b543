import Documents
import Kubernetes

/// What every workload leans on: where the API server, the DNS and the nodes are.
struct ClusterFacts: Sendable {
    /// Addresses of the API server with its ports; empty when they are not known.
    private(set) var apiServer: [(address: IPAddress, port: UInt16)] = []
    /// Workloads that answer names, with the ports their pods listen on.
    private(set) var dns: [(workload: Int, port: ContainerPort)] = []
    /// The cache of names on every node answers at an address of the node.
    private(set) var nodeCache: [IPAddress] = []
    /// Workloads that carry what a managed API server sends.
    private(set) var tunnels: [Int] = []

    init(_ intent: DeclaredIntent) {
        let (state, selectors) = (intent.state, intent.selectors)
        var seen: Set<String> = []
        func note(_ address: IPAddress, _ port: UInt16, _ list: inout [(address: IPAddress, port: UInt16)]) {
            if seen.insert("\(address) \(port)").inserted { list.append((address, port)) }
        }
        for known in state.apiServer { note(known.address, known.port, &apiServer) }
        if apiServer.isEmpty {
            for node in state.nodes where node.isControlPlane {
                for address in node.addresses { note(address, 6443, &apiServer) }
            }
        }
        for (number, workload) in selectors.workloads.enumerated() {
            let labels = state.labels(of: state.pods[workload.pods[0]])
            if KnownRoles.isTunnel(labels) { tunnels.append(number) }
            if KnownRoles.isDNS(labels), !workload.isOnHostNetwork {
                let declared = intent.ports.ports(of: number).filter {
                    $0.name.hasPrefix("dns") || $0.number == 53 || $0.number == 5353
                }
                let ports =
                    declared.isEmpty
                    ? [TransportProtocol.udp, .tcp].map { ContainerPort(name: "", number: 53, protocol: $0) } : declared
                dns += ports.map { (number, $0) }
            }
            if labels["k8s-app"] == "node-local-dns", let cache = IPAddress("169.254.20.10") { nodeCache = [cache] }
        }
    }

    /// What egress to the DNS comes to; the convention of nearly every distribution where no DNS was seen.
    var dnsNeeds: [(end: NetworkNeed.End, port: ContainerPort)] {
        var out: [(NetworkNeed.End, ContainerPort)] = dns.map { (.workload($0.workload), $0.port) }
        let standard = [TransportProtocol.udp, .tcp].map { ContainerPort(name: "", number: 53, protocol: $0) }
        if dns.isEmpty {
            let convention = NetworkNeed.End.convention(
                namespace: "kube-system", labels: [LabelPair("k8s-app", "kube-dns")])
            out += standard.map { (convention, $0) }
        }
        for address in nodeCache { out += standard.map { (.block(CIDR(address: address)), $0) } }
        return out
    }
}
