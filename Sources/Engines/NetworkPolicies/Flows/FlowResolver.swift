import Documents
package import Kubernetes

/// Who an observed end is, in a state: a pod that stands for its workload, a node, an outside address.
package enum FlowParty: Sendable, Hashable {
    /// Number of the pod that stands for all pods of its workload with the same labels and ports.
    case pod(Int)
    case node(Int)
    case outside(IPAddress)
    /// Nobody that is known: a pod that is gone, a name without an address.
    case lost(String)
}

/// Turns names and addresses of flow logs into pods, Services, nodes and the outside.
///
/// An address belongs to a pod only while the pod lives: a record that is older than the pod that has the address now
/// is not taken for it.
package struct FlowResolver: Sendable {
    private let state: NetworkState
    private var podsByAddress: [IPAddress: Int] = [:]
    private var nodesByAddress: [IPAddress: Int] = [:]
    private var podsByName: [String: Int] = [:]
    private var podsByWorkload: [String: [Int]] = [:]
    private var podsByNamespace: [String: [Int]] = [:]
    private var standsFor: [Int] = []
    private var born: [Int: Int64] = [:]
    private var services: [String: KubernetesObject] = [:]
    private var servicesByAddress: [IPAddress: KubernetesObject] = [:]

    package init(_ state: NetworkState, _ inventory: Inventory) {
        self.state = state
        struct Kind: Hashable {
            var owner: ObjectReference
            var labels: [String: String]
            var ports: Int
            var isOnHostNetwork: Bool
        }
        var first: [Kind: Int] = [:]
        for (index, pod) in state.pods.enumerated() {
            let place = state.namespaces[pod.namespace].name
            var owner = pod.owner
            owner.namespace = place
            let labels = StableLabels.of(state.labels(of: pod))
            let kind = Kind(owner: owner, labels: labels, ports: pod.ports, isOnHostNetwork: pod.isOnHostNetwork)
            let stand = first[kind] ?? index
            first[kind] = stand
            standsFor.append(stand)
            podsByName["\(place)/\(pod.name)"] = index
            if stand == index {
                podsByWorkload["\(place)/\(owner.name)", default: []].append(index)
                podsByNamespace[place, default: []].append(index)
            }
            if let start = pod.object?.node["status"]["startTime"].string.flatMap(FlowTime.seconds) {
                born[index] = start
            }
            guard !pod.isOnHostNetwork else { continue }
            for address in pod.addresses { podsByAddress[address] = index }
        }
        for (index, node) in state.nodes.enumerated() {
            for address in node.addresses { nodesByAddress[address] = index }
        }
        for service in inventory.objects("Service") {
            let place = service.namespace.isEmpty ? "default" : service.namespace
            services["\(place)/\(service.name)"] = service
            let spec = service.node["spec"]
            for text in spec["clusterIPs"].strings + [spec["clusterIP"].string].compactMap(\.self) {
                if let address = IPAddress(text) { servicesByAddress[address] = service }
            }
        }
    }

    /// 203.0.113.1 (RFC 5737): "internet" wherever ends are named.
    package static let internet = IPAddress(family: .v4, value: 0xCB00_7101)

    /// An answer: the parties, with another port where a Service leads to one.
    struct Found: Sendable {
        var parties: [(party: FlowParty, port: UInt16?)]
        var isStale = false
    }

    func resolve(_ end: FlowEnd, _ traffic: Traffic, seen: Int64) -> Found {
        if let pod = named(end) { return Found(parties: [(.pod(standsFor[pod]), nil)]) }
        if !end.service.isEmpty, let service = services[end.service] {
            let found = backends(service, traffic)
            if !found.isEmpty { return Found(parties: found) }
        }
        if let address = end.address {
            if let pod = podsByAddress[address] {
                if seen > 0, let birth = born[pod], seen < birth {
                    return Found(parties: [(.lost("\(address)"), nil)], isStale: true)
                }
                return Found(parties: [(.pod(standsFor[pod]), nil)])
            }
            if end.role == .pod {
                let name = end.name.isEmpty ? "\(address)" : "\(end.namespace)/\(end.name)"
                return Found(parties: [(.lost(name), nil)])
            }
            if let node = nodesByAddress[address] { return Found(parties: [(.node(node), nil)]) }
            if let service = servicesByAddress[address] {
                let found = backends(service, traffic)
                return Found(parties: found.isEmpty ? [(.lost("\(service.reference)"), nil)] : found)
            }
            if end.role == .node { return Found(parties: [(.lost("node \(address)"), nil)]) }
            return Found(parties: [(.outside(address), nil)])
        }
        if end.role == .node, let node = state.nodes.firstIndex(where: { $0.name == end.name }) {
            return Found(parties: [(.node(node), nil)])
        }
        if end.role == .pod, end.namespace.isEmpty || end.name.isEmpty {
            return Found(parties: [(.lost("a pod of \(end.namespace)"), nil)])
        }
        // Calico puts all public addresses together as "pub"; the address set aside for documentation stands for them.
        if end.role == .outside, end.name == "pub" { return Found(parties: [(.outside(Self.internet), nil)]) }
        if end.role == .outside { return Found(parties: [(.lost("outside \(end.name)"), nil)]) }
        return Found(parties: [(.lost("\(end.namespace)/\(end.name)"), nil)])
    }

    /// The pod a name means; pods that are gone are found by their workload or their template's name.
    private func named(_ end: FlowEnd) -> Int? {
        guard !end.namespace.isEmpty else { return nil }
        if let exact = podsByName["\(end.namespace)/\(end.name)"] { return exact }
        if !end.workload.isEmpty, let found = podsByWorkload["\(end.namespace)/\(end.workload)"] {
            return best(found, end.labels)
        }
        var stem = end.name.hasSuffix("*") ? String(end.name.dropLast()) : end.name
        while let dash = stem.lastIndex(of: "-") {
            stem = String(stem[..<dash])
            if let found = podsByWorkload["\(end.namespace)/\(stem)"] { return best(found, end.labels) }
        }
        guard !end.labels.isEmpty, let all = podsByNamespace[end.namespace] else { return nil }
        return best(all, end.labels, isStrict: true)
    }

    /// The first whose labels are those of the log.
    private func best(_ pods: [Int], _ labels: [String], isStrict: Bool = false) -> Int? {
        let wanted = StableLabels.of(
            Dictionary(
                labels.compactMap { text in
                    text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
                }, uniquingKeysWith: { $1 }))
        if isStrict, wanted.isEmpty { return nil }
        let match = pods.first { pod in
            let own = state.labels(of: state.pods[pod])
            return wanted.allSatisfy { own[$0.key] == $0.value }
        }
        return match ?? (isStrict ? nil : pods.first)
    }

    /// The pods behind a Service's port, with the port they listen on.
    private func backends(_ service: KubernetesObject, _ traffic: Traffic) -> [(party: FlowParty, port: UInt16?)] {
        let place = service.namespace.isEmpty ? "default" : service.namespace
        let selector = service.node["spec"]["selector"].stringMap
        guard !selector.isEmpty else { return [] }
        let port = service.node["spec"]["ports"].elements.first {
            $0["port"].portNumber == traffic.port
                && TransportProtocol(name: $0["protocol"].string ?? "TCP") == traffic.protocol
        }
        var out: [(FlowParty, UInt16?)] = []
        for pod in podsByNamespace[place] ?? [] {
            let labels = state.labels(of: state.pods[pod])
            guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { continue }
            var number: UInt16?
            if let target = port?["targetPort"], let name = target.string, UInt16(name) == nil {
                number =
                    state.ports(of: state.pods[pod]).first { $0.name == name && $0.protocol == traffic.protocol }?
                    .number
            } else {
                number = port?["targetPort"].portNumber
            }
            out.append((.pod(pod), number))
        }
        return out
    }

    /// Whether an end is known to listen on a port: a container says so, or a Service leads there.
    func listens(_ end: FlowEnd, _ traffic: Traffic) -> Bool {
        guard let address = end.address else { return false }
        if let pod = podsByAddress[address] {
            return state.ports(of: state.pods[pod]).contains {
                $0.number == traffic.port && $0.protocol == traffic.protocol
            }
        }
        guard let service = servicesByAddress[address] else { return false }
        return service.node["spec"]["ports"].elements.contains { $0["port"].portNumber == traffic.port }
    }
}

/// Labels that stay as they are from one roll-out to the next.
enum StableLabels {
    /// Set by controllers for every revision, pod or run, or bearing a version.
    private static let passing: Set<String> = [
        "pod-template-hash", "controller-revision-hash", "pod-template-generation",
        "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-uid", "job-name",
        "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index", "rollouts-pod-template-hash", "deployment",
        "deploymentconfig", "leaderworkerset.sigs.k8s.io/worker-index",
    ]
    private static let versions: Set<String> = [
        "version", "app.kubernetes.io/version", "helm.sh/chart", "chart", "heritage", "release-revision",
        "app.kubernetes.io/managed-by", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "service.istio.io/canonical-revision", "istio.io/rev", "security.istio.io/tlsMode",
    ]

    static func of(_ labels: [String: String]) -> [String: String] { labels.filter { !passing.contains($0.key) } }

    /// Whether a policy may hold on to the label over a roll-out.
    static func isLasting(_ key: String) -> Bool { !passing.contains(key) && !versions.contains(key) }
}
