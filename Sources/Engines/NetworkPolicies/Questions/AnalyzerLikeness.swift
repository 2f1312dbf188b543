import Documents
package import Kubernetes

/// Connectivity as netpol-analyzer lists it, and what is told otherwise without that.
///
/// That tool looks at what manifests declare and leaves out what a cluster has besides: addresses of pods, nodes, IPv6,
/// ICMP, the network of the node. Its lists are known to people and to pipelines, so the same list can be had; the
/// differences are simplifications, each named by `Reason`.
package struct AnalyzerLikeness: Sendable {
    package enum Reason: String, Sendable, CaseIterable {
        case nodes = "nodes are ends of connections; netpol-analyzer has none"
        case ipv6 = "IPv6 is followed; netpol-analyzer knows IPv4 only"
        case protocols = "ICMP and other protocols are followed; netpol-analyzer counts TCP, UDP and SCTP"
        case blocks = "an ipBlock selects pods and nodes by address; netpol-analyzer takes it for the outside only"
        case hostNetwork = "a pod on its node's network is the node; netpol-analyzer takes it for a pod"
        case ended = "a pod that has ended takes no traffic; netpol-analyzer counts it"
        case doubt = "what cannot be read is not observable; netpol-analyzer leaves the policy out"
        case unreadKinds = "policies of this kind are followed; netpol-analyzer leaves them out"
    }

    /// One line of the list, in the tool's terms.
    package struct Edge: Sendable, Hashable, Comparable {
        package var source: Party
        package var target: Party
        package var traffic: TrafficSet
        /// From the pods of an ingress controller, which are taken to be there.
        package var isFromController = false
        /// The network it is of, where that is not the cluster's own.
        package var network = ""

        package static func < (a: Self, b: Self) -> Bool {
            if a.source != b.source { return a.source < b.source }
            return a.target == b.target ? a.network < b.network : a.target < b.target
        }
    }

    package let edges: [Edge]
    private let inventory: Inventory

    package init(_ given: Inventory) {
        let inventory = Self.withPods(given)
        self.inventory = inventory
        edges = AnalyzerNetworks(inventory, Self.state(inventory, [])).networks.flatMap {
            Self.edges(of: $0, inventory)
        }.sorted()
    }

    /// The tool takes a Pod for one whatever group is written; an API server would not.
    private static func withPods(_ given: Inventory) -> Inventory {
        let objects = given.keys.compactMap { given[$0] }
        guard objects.contains(where: { $0.kind == "Pod" && !$0.is("Pod") }) else { return given }
        return Inventory(
            objects.map { object in
                guard object.kind == "Pod", !object.is("Pod") else { return object }
                var editor = DocumentEditor(object.node)
                editor.set("apiVersion", "v1")
                return KubernetesObject(editor.finish()) ?? object
            })
    }

    private static func edges(of network: AnalyzerNetworks.Network, _ inventory: Inventory) -> [Edge] {
        var state = network.state
        let controller = ObjectReference(
            group: "", kind: "Pod", namespace: "ingress-controller-ns", name: "ingress-controller")
        let entries = network.isAttached ? [:] : Self.entries(inventory, state)
        if !entries.isEmpty {
            state.add(pod: controller.name, in: controller.namespace, labels: [:], owner: controller)
        }
        var kept: [Connection] = []
        for connection in NetworkModel(state).connections(mergesRanges: false) {
            var counted = Connection(
                source: connection.source, target: connection.target, traffic: Self.counted(connection.traffic))
            if connection.source == .workload(controller) {
                guard let port = entries[connection.target] else { continue }
                counted.traffic = counted.traffic.intersection(port)
            }
            if counted.traffic.isEmpty || counted.target == .workload(controller) || Self.isLeftOut(counted.source)
                || Self.isLeftOut(counted.target)
            {
                continue
            }
            if network.isAttached, !Self.isWorkload(counted.source) || !Self.isWorkload(counted.target) { continue }
            kept.append(counted)
        }
        return Connection.merged(kept).map { connection in
            Edge(
                source: connection.source, target: connection.target, traffic: connection.traffic,
                isFromController: connection.source == .workload(controller), network: network.name)
        }
    }

    private static func isWorkload(_ party: Party) -> Bool { if case .workload = party { true } else { false } }

    /// The same as connections, for tables and pictures.
    package var connections: [Connection] {
        edges.map { Connection(source: $0.source, target: $0.target, traffic: $0.traffic) }
    }

    private static func isLeftOut(_ party: Party) -> Bool {
        switch party {
        case .nodes, .someNodes: true
        case .outside(let range): range.first.family == .v6
        case .workload, .namespace: false
        }
    }

    /// Ports there are: 1 to 65535 of TCP, UDP and SCTP.
    static func counted(_ traffic: TrafficSet) -> TrafficSet {
        var ports = TrafficSet()
        for transport in [TransportProtocol.tcp, .udp, .sctp] { ports = ports.union(TrafficSet(transport, 1...65535)) }
        return traffic.intersection(ports)
    }

    /// The state with all of the tool's simplifications.
    var simplifiedState: NetworkState { Self.state(inventory, []) }

    /// The state with the tool's simplifications; those in `kept` stay as they are here.
    private static func state(_ inventory: Inventory, _ kept: Set<Reason>) -> NetworkState {
        let exact = NetworkState(inventory, plugin: .standard)
        var state = NetworkState()
        for namespace in exact.namespaces { state.add(namespace: namespace.name, labels: namespace.labels) }
        for pod in exact.pods {
            state.add(
                pod: pod.name, in: exact.namespaces[pod.namespace].name, labels: exact.labels(of: pod),
                addresses: kept.contains(.blocks) ? pod.addresses : [], ports: exact.ports(of: pod),
                serviceAccount: pod.serviceAccount,
                onHostNetwork: kept.contains(.hostNetwork) && pod.isOnHostNetwork, node: pod.node, owner: pod.owner,
                object: pod.object, isTemplate: pod.isTemplate)
        }
        if !kept.contains(.ended) {
            for object in inventory.objects("Pod")
            where object.node["status"]["phase"].equals("Succeeded") || object.node["status"]["phase"].equals("Failed")
            {
                guard let description = NetworkState.describe(pod: object, owner: inventory.topmostOwner(of: object))
                else { continue }
                var pod = description
                pod.addresses = []
                pod.isOnHostNetwork = false
                state.add(pod)
            }
        }
        if kept.contains(.nodes) { for node in exact.nodes { state.add(node: node) } }
        state.policies = exact.policies.filter {
            kept.contains(.unreadKinds) || $0.reference.kind != "ClusterNetworkPolicy"
        }
        if !kept.contains(.blocks) { state.policies = state.policies.map(Self.simplified) }
        if kept.contains(.doubt) {
            state.gaps = exact.gaps
            state.guards = exact.guards
            state.hostSettings = exact.hostSettings
            state.filtersForwarded = exact.filtersForwarded
        }
        return state
    }

    /// Blocks are about the outside, and nodes are nobody.
    private static func simplified(_ policy: Policy) -> Policy {
        var out = policy
        for index in (out.ingress?.rules ?? []).indices {
            out.ingress?.rules[index].peers = simplified(policy.ingress?.rules[index].peers ?? .nobody)
        }
        for index in (out.egress?.rules ?? []).indices {
            out.egress?.rules[index].peers = simplified(policy.egress?.rules[index].peers ?? .nobody)
        }
        return out
    }

    private static func simplified(_ selector: PeerSelector) -> PeerSelector {
        switch selector {
        case .addresses(let set, _): .addresses(set, .outside)
        case .nodes: .nobody
        case .union(let parts): .union(parts.map(simplified))
        case .intersection(let parts): .intersection(parts.map(simplified))
        default: selector
        }
    }

    // MARK: The ingress controller

    /// Ports of workloads that an Ingress or a Route leads to.
    private static func entries(_ inventory: Inventory, _ state: NetworkState) -> [Party: TrafficSet] {
        var out: [Party: TrafficSet] = [:]
        let model = NetworkModel(state)
        for exposure in model.exposures(inventory) where exposure.route == .ingress {
            let party = model.party(of: state.pods[exposure.pod])
            let port = TrafficSet(exposure.port.protocol, exposure.port.port...exposure.port.port)
            out[party] = (out[party] ?? TrafficSet()).union(port)
        }
        return out
    }

    // MARK: Differences

    /// A connection that is told otherwise without the tool's simplifications.
    package struct Difference: Sendable {
        package var source: Party
        package var target: Party
        /// Traffic only the exact answer has, and traffic only the tool's list has.
        package var more: TrafficSet
        package var less: TrafficSet
        /// The simplifications whose absence alone makes it; empty when several have to come together.
        package var reasons: [Reason]
    }

    /// Every difference of the exact connections from the tool's list, with the reason for each.
    ///
    /// A reason is found, not guessed: each simplification is taken away alone, and what then changes is its doing.
    package func differences() -> [Difference] {
        let base = Self.spread(Self.state(inventory, []))
        let exact = Self.spread(NetworkState(inventory, plugin: .standard))
        var alone: [(reason: Reason, pairs: [Pair: TrafficSet])] = []
        for reason in Reason.allCases where reason != .ipv6 && reason != .protocols {
            var kept: Set<Reason> = [reason]
            // Nodes are told by address, so the two go together.
            if reason == .blocks { kept.insert(.nodes) }
            if reason == .hostNetwork { kept.insert(.nodes) }
            alone.append((reason, Self.spread(Self.state(inventory, kept))))
        }
        var out: [Difference] = []
        for pair in Set(base.keys).union(exact.keys).sorted() {
            let (was, now) = (base[pair] ?? TrafficSet(), exact[pair] ?? TrafficSet())
            let told = Self.isLeftOut(pair.source) || Self.isLeftOut(pair.target) ? TrafficSet() : Self.counted(was)
            guard told != now else { continue }
            var reasons: [Reason] = []
            if Self.isLeftOut(pair.source) || Self.isLeftOut(pair.target) {
                reasons.append(pair.source == .nodes || pair.target == .nodes ? .nodes : .ipv6)
            }
            if Self.counted(now) != now { reasons.append(.protocols) }
            for (reason, pairs) in alone where pairs[pair] ?? TrafficSet() != was { reasons.append(reason) }
            out.append(
                Difference(
                    source: pair.source, target: pair.target, more: now.subtracting(told),
                    less: told.subtracting(now), reasons: reasons))
        }
        return out
    }

    private struct Pair: Hashable, Comparable {
        var source: Party
        var target: Party
        static func < (a: Self, b: Self) -> Bool { (a.source, a.target) < (b.source, b.target) }
    }

    private static func spread(_ state: NetworkState) -> [Pair: TrafficSet] {
        var out: [Pair: TrafficSet] = [:]
        for connection in NetworkModel(state).connections(mergesRanges: false) {
            out[Pair(source: connection.source, target: connection.target)] = connection.traffic
        }
        return out
    }
}
