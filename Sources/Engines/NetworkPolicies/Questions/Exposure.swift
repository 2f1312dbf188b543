package import Documents
package import Kubernetes

/// A way by which traffic from outside the cluster comes to a port of a workload, and whether policies let it pass.
package struct Exposure: Sendable {
    package enum Route: String, Sendable, Comparable {
        case loadBalancer = "LoadBalancer"
        case nodePort = "NodePort"
        case externalIP = "external IP"
        case ingress = "Ingress"
        case gateway = "Gateway"
        case hostPort = "host port"
        case hostNetwork = "host network"

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    package var workload: ObjectReference
    package var pod: Int
    package var route: Route
    /// The Service, Ingress, route or pod that opens the way.
    package var through: ObjectReference
    package var node: Node
    /// The port of the pod.
    package var port: Traffic
    package var verdict: Verdict
    /// Why, in words.
    package var reason: String
}

/// What a workload may send out to.
package struct Outreach: Sendable {
    package var workload: ObjectReference
    package var pod: Int
    package var internet: Verdict
    /// 169.254.169.254, where clouds hand out a node's credentials.
    package var metadata: Verdict
    /// The API server: the nodes of the control plane where they are seen, an unknown address otherwise.
    package var apiServer: Verdict
    /// Pods of any other namespace.
    package var otherNamespaces: Verdict
}

extension NetworkModel {
    /// The metadata services of AWS, Azure, Google Cloud and others answer here.
    package static let metadataAddress = IPAddress(family: .v4, value: 0xA9FE_A9FE)

    /// One pod for every workload and set of rules: workloads whose pods differ appear more than once.
    func representatives() -> [(workload: ObjectReference, pod: Int)] {
        var out: [(ObjectReference, Int)] = []
        var seen: Set<String> = []
        for (index, pod) in state.pods.enumerated() {
            var owner = pod.owner
            owner.namespace = state.namespaces[pod.namespace].name
            let key = "\(owner.group)/\(owner) \(space.classes.classOfPod[index])"
            if seen.insert(key).inserted { out.append((owner, index)) }
        }
        return out.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }

    /// Addresses that are not somebody's private ones.
    var publicPeers: Bits { publicPeers(of: .v4).union(publicPeers(of: .v6)) }

    func publicPeers(of family: IPAddress.Family) -> Bits {
        var bits = Bits(count: space.count)
        for (index, range) in space.atoms.ranges.enumerated() where range.first.family == family {
            var set = AddressSet()
            switch range.first.family {
            case .v4:
                set.v4 = IntervalSet(
                    UInt32(truncatingIfNeeded: range.first.value), through: UInt32(truncatingIfNeeded: range.last.value)
                )
            case .v6: set.v6 = IntervalSet(range.first.value, through: range.last.value)
            }
            if !set.subtracting(.reserved).isEmpty {
                bits.insert(space.outside.lowerBound + Int(space.atoms.numbers[index]))
            }
        }
        return bits
    }

    /// Whether traffic of a pod may pass to or from any of the peers.
    func anyAllowed(_ direction: Direction, _ pod: Int, _ peers: Bits, _ wanted: TrafficSet) -> Verdict {
        if isInGap(direction, pod) { return .unknown }
        var possible = false
        for part in allowed(direction, pod: pod) where part.traffic.intersects(wanted) {
            if part.sure.intersects(peers) { return .allowed }
            if part.allowed.intersects(peers) { possible = true }
        }
        return possible ? .unknown : .denied
    }

    func isInGap(_ direction: Direction, _ pod: Int) -> Bool {
        let own = Int(space.classes.classOfPod[pod])
        guard own >= 0 else { return false }
        return state.gaps.indices.contains {
            (direction == .ingress ? state.gaps[$0].ingress : state.gaps[$0].egress) && gaps[$0].contains(own)
        }
    }

    /// What every workload may reach outside its namespace.
    package func outreach() -> [Outreach] {
        let internet = publicPeers
        let metadata = metadataPeers
        var inNamespace: [Bits] = state.namespaces.map { _ in Bits(count: space.count) }
        for (index, members) in space.classes.members.enumerated() {
            for member in members { inNamespace[state.pods[Int(member)].namespace].insert(index) }
        }
        var allPods = Bits(count: space.count)
        allPods.insert(0..<space.podCount)
        return representatives().map { workload, pod in
            // A class is of one namespace wherever policies tell namespaces apart.
            let others = allPods.subtracting(inNamespace[state.pods[pod].namespace])
            return Outreach(
                workload: workload, pod: pod, internet: anyAllowed(.egress, pod, internet, .all),
                metadata: anyAllowed(.egress, pod, metadata, TrafficSet(.tcp, 80...80)),
                apiServer: apiServer(pod),
                otherNamespaces: others.isEmpty ? elsewhere(pod) : anyAllowed(.egress, pod, others, .all))
        }
    }

    /// Whether a pod may reach pods of other namespaces where none was seen, as among files of one namespace: what no
    /// policy stands in the way of is allowed all the same.
    private func elsewhere(_ pod: Int) -> Verdict {
        guard !state.pods[pod].isOnHostNetwork else { return state.guards.isEmpty ? .allowed : .unknown }
        if isInGap(.egress, pod) { return .unknown }
        let group = egress.groups[Int(egress.groupOfClass[Int(space.classes.classOfPod[pod])])]
        let rules = group.stages.flatMap(\.rules).map { egress.rules[Int($0)] }
        let own = [state.namespaces[state.pods[pod].namespace].name]
        let leading = rules.filter { rule in
            guard let known = self.rule(rule.identity) else { return false }
            return known.doubt != nil || known.peers.boundNamespaces.map { !$0.allSatisfy(own.contains) } ?? true
        }
        if leading.isEmpty { return group.stages.contains { $0.end == .deny } ? .denied : .allowed }
        let isPlain = leading.allSatisfy { rule in
            rule.action == .allow && rule.own == nil && rule.sourcePorts == nil
                && self.rule(rule.identity)?.doubt == nil
        }
        guard isPlain else { return .unknown }
        if !group.stages.contains(where: { $0.end == .deny }) { return .allowed }
        return leading.contains { self.rule($0.identity)?.peers.holdsPodsOfAnyNamespace ?? false }
            ? .allowed : .unknown
    }

    /// The number a node has for a pod: its own node or another one.
    private func peer(node: Int, of pod: Int) -> Int {
        let isOwn = state.pods[pod].node == state.nodes[node].name
        return (isOwn ? space.ownNodes : space.otherNodes).lowerBound + Int(space.nodeClassOf[node])
    }

    /// The number that stands for an address, seen from a pod.
    private func peer(at address: IPAddress, of pod: Int) -> Int {
        switch endpoint(at: address) {
        case .node(let node): return peer(node: node, of: pod)
        case .pod(let number) where space.classes.classOfPod[number] >= 0:
            return Int(space.classes.classOfPod[number])
        default: return space.outsideIndex(of: address)
        }
    }

    /// Whether a pod may reach the API server on the ports it listens on.
    ///
    /// A policy sees the address behind the Service `kubernetes`. Where neither that nor a node of a control plane is
    /// seen (files, a managed one) that may be any address: what holds for all of them is certain, the rest is not.
    private func apiServer(_ pod: Int) -> Verdict {
        if !state.apiServer.isEmpty {
            // One of several addresses is enough to talk to it.
            let verdicts = state.apiServer.map { known in
                let peers = Bits(count: space.count, holding: peer(at: known.address, of: pod))
                return anyAllowed(.egress, pod, peers, TrafficSet(.tcp, known.port...known.port))
            }
            return verdicts.contains(.allowed) ? .allowed : verdicts.contains(.unknown) ? .unknown : .denied
        }
        let ports = TrafficSet(.tcp, 443...443).union(TrafficSet(.tcp, 6443...6443))
        var masters = Bits(count: space.count)
        for (number, node) in state.nodes.enumerated() where node.isControlPlane {
            masters.insert(peer(node: number, of: pod))
        }
        if !masters.isEmpty { return anyAllowed(.egress, pod, masters, ports) }
        if isInGap(.egress, pod) { return .unknown }
        var anywhere = Bits(count: space.count)
        for number in space.atoms.numbers { anywhere.insert(space.outside.lowerBound + Int(number)) }
        let parts = allowed(.egress, pod: pod).filter { $0.traffic.intersects(ports) }
        if parts.contains(where: { anywhere.isSubset(of: $0.sure) }) { return .allowed }
        return parts.contains { $0.allowed.intersects(anywhere) } ? .unknown : .denied
    }

    /// Every way from outside to a workload, joined with what policies let pass.
    package func exposures(_ inventory: Inventory) -> [Exposure] {
        var finder = ExposureFinder(self)
        finder.find(inventory)
        return finder.found.sorted {
            ($0.workload, $0.route, $0.through, $0.port.point) < ($1.workload, $1.route, $1.through, $1.port.point)
        }
    }
}

extension AddressSet {
    /// Where networks of pods are taken from: a block that holds all of it holds every pod. Source: RFC 1918, RFC 6598,
    /// RFC 4193.
    static let `private` = AddressSet(
        ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].compactMap { CIDR($0) })

    /// Private, shared, link-local, loopback, multicast and reserved blocks. Source: RFC 6890, RFC 1918, RFC 6598.
    static let reserved = AddressSet(
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
        ].compactMap { CIDR($0) })
}

/// Walks Services, Ingresses, routes and pods for ways in.
private struct ExposureFinder {
    private let model: NetworkModel
    private let internet: Bits
    private let everybody: Bits
    private let nodes: Bits
    private var podsByNamespace: [String: [(workload: ObjectReference, pod: Int)]] = [:]
    private var controllers: Bits
    var found: [Exposure] = []

    init(_ model: NetworkModel) {
        self.model = model
        let space = model.space
        internet = model.publicPeers
        everybody = Bits(full: space.count)
        var nodes = Bits(count: space.count)
        nodes.insert(space.nodes)
        self.nodes = nodes
        controllers = Bits(count: space.count)
        for (index, pod) in model.state.pods.enumerated() where KnownRoles.isController(model.state.labels(of: pod)) {
            let own = Int(space.classes.classOfPod[index])
            if own >= 0 { controllers.insert(own) } else { controllers.formUnion(nodes) }
        }
        for (workload, pod) in model.representatives() {
            podsByNamespace[workload.namespace, default: []].append((workload, pod))
        }
    }

    mutating func find(_ inventory: Inventory) {
        for service in inventory.objects("Service") { visit(service: service) }
        for ingress in inventory.objects("Ingress", of: "networking.k8s.io") {
            var backends: [Node] = [ingress.node["spec"]["defaultBackend"]]
            for rule in ingress.node["spec"]["rules"].elements {
                backends += rule["http"]["paths"].elements.map { $0["backend"] }
            }
            for backend in backends where backend["service"].isObject {
                let port = backend["service"]["port"]
                open(
                    .ingress, ingress, service: backend["service"]["name"].string ?? "", in: ingress.namespace,
                    port: port["number"].exists ? port["number"] : port["name"], at: backend, inventory)
            }
        }
        for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"] {
            for route in inventory.objects(kind, of: "gateway.networking.k8s.io") {
                for rule in route.node["spec"]["rules"].elements {
                    for backend in rule["backendRefs"].elements {
                        open(
                            .gateway, route, service: backend["name"].string ?? "",
                            in: backend["namespace"].string ?? route.namespace, port: backend["port"], at: backend,
                            inventory)
                    }
                }
            }
        }
        for route in inventory.objects("Route", of: "route.openshift.io") {
            let spec = route.node["spec"]
            open(
                .ingress, route, service: spec["to"]["name"].string ?? "", in: route.namespace,
                port: spec["port"]["targetPort"], at: spec["to"], inventory)
        }
        for (workload, pod) in podsByNamespace.keys.sorted().flatMap({ podsByNamespace[$0] ?? [] }) {
            visit(pod, workload)
        }
    }

    private mutating func visit(service: KubernetesObject) {
        let spec = service.node["spec"]
        let route: Exposure.Route
        switch spec["type"].string {
        case "LoadBalancer": route = .loadBalancer
        case "NodePort": route = .nodePort
        default:
            guard !spec["externalIPs"].isEmpty else { return }
            route = .externalIP
        }
        // Without externalTrafficPolicy Local the node may put its own address in place of the client's.
        let keepsSource = spec["externalTrafficPolicy"].equals("Local")
        for port in spec["ports"].elements {
            for (workload, pod, traffic) in backends(service, port) {
                var verdict = model.anyAllowed(.ingress, pod, internet, set(traffic))
                var reason = verdict == .denied ? "no public address is let in" : "from public addresses"
                if verdict == .denied, !keepsSource {
                    // Without a node in sight its own address is let in all the same, where the plugin exempts it.
                    verdict =
                        nodes.isEmpty && model.state.plugin.allowsIngressFromOwnNode
                        ? .unknown : model.anyAllowed(.ingress, pod, nodes, set(traffic))
                    if verdict == .allowed { verdict = .unknown }
                    if verdict == .unknown { reason = "only from nodes, which may forward it under their own address" }
                }
                if model.isInGap(.ingress, pod) { reason = "a policy cannot be read" }
                if verdict != .denied, let early = early(port, traffic.protocol) {
                    verdict = early
                    reason =
                        early == .denied
                        ? "policies about nodes let no public address reach the node port"
                        : "policies about some nodes close the node port"
                }
                add(workload, pod, route, service.reference, port, traffic, verdict, reason)
            }
        }
    }

    /// What filters of nodes say of the port that a Service opens on them.
    private func early(_ port: Node, _ transport: TransportProtocol) -> Verdict? {
        port["nodePort"].portNumber.flatMap { model.nodePort(Traffic(transport, $0)) }
    }

    private mutating func open(
        _ route: Exposure.Route, _ object: KubernetesObject, service name: String, in namespace: String,
        port wanted: Node,
        at node: Node, _ inventory: Inventory
    ) {
        let reference = ObjectReference(group: "", kind: "Service", namespace: namespace, name: name)
        guard let service = inventory.resolve(reference, from: object) else { return }
        for port in service.node["spec"]["ports"].elements {
            let isWanted =
                wanted.isNull || (wanted.text == port["port"].text) || (wanted.text == port["name"].text)
                || wanted.text == port["targetPort"].text
            guard isWanted else { continue }
            for (workload, pod, traffic) in backends(service, port) {
                let (verdict, reason) = throughController(pod, set(traffic))
                add(workload, pod, route, object.reference, node, traffic, verdict, reason)
            }
        }
    }

    /// A controller's pods forward the traffic; where they are not known, only what holds for everybody is certain.
    private func throughController(_ pod: Int, _ traffic: TrafficSet) -> (Verdict, String) {
        if !controllers.isEmpty {
            return (model.anyAllowed(.ingress, pod, controllers, traffic), "from the controller's pods")
        }
        let any = model.anyAllowed(.ingress, pod, everybody.subtracting(nodes), traffic)
        if any != .allowed { return (any, any == .denied ? "nobody is let in" : "a policy cannot be read") }
        let parts = model.allowed(.ingress, pod: pod).filter { $0.traffic.intersects(traffic) }
        let isOpen = !model.isInGap(.ingress, pod) && parts.allSatisfy { everybody.isSubset(of: $0.sure) }
        return isOpen ? (.allowed, "everybody is let in") : (.unknown, "the pods of the controller are not known")
    }

    private mutating func visit(_ pod: Int, _ workload: ObjectReference) {
        let state = model.state
        guard let object = state.pods[pod].object, let template = object.podTemplate else { return }
        for container in template.spec.allContainers where container.isLongRunning {
            for port in container.ports {
                guard let number = port["containerPort"].int.flatMap({ UInt16(exactly: $0) }),
                    let transport = TransportProtocol(name: port["protocol"].string ?? "TCP")
                else { continue }
                let traffic = Traffic(transport, number)
                if state.pods[pod].isOnHostNetwork {
                    let verdict =
                        state.guards.isEmpty ? .allowed : model.anyAllowed(.ingress, pod, internet, set(traffic))
                    let reason =
                        switch verdict {
                        case _ where state.guards.isEmpty: "policies for pods do not apply on the node's network"
                        case .allowed: "policies about nodes let public addresses in"
                        case .denied: "policies about nodes let no public address in"
                        case .unknown: "policies about nodes decide, and not all of it is known"
                        }
                    add(workload, pod, .hostNetwork, object.reference, port, traffic, verdict, reason)
                } else if let host = port["hostPort"].int, host != 0 {
                    let verdict = model.anyAllowed(.ingress, pod, internet, set(traffic))
                    add(
                        workload, pod, .hostPort, object.reference, port, traffic, verdict,
                        verdict == .denied ? "no public address is let in" : "from public addresses")
                }
            }
        }
    }

    /// Pods behind a port of a Service, with the port it means there.
    private func backends(_ service: KubernetesObject, _ port: Node) -> [(ObjectReference, Int, Traffic)] {
        let selector = service.node["spec"]["selector"].stringMap
        guard !selector.isEmpty, let transport = TransportProtocol(name: port["protocol"].string ?? "TCP") else {
            return []
        }
        let place = service.namespace.isEmpty ? "default" : service.namespace
        return (podsByNamespace[place] ?? []).compactMap { workload, pod in
            let labels = model.state.labels(of: model.state.pods[pod])
            guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { return nil }
            let target = port["targetPort"]
            if let name = target.string, UInt16(name) == nil {
                let ports = model.state.ports(of: model.state.pods[pod])
                guard let known = ports.first(where: { $0.name == name && $0.protocol == transport }) else {
                    return nil
                }
                return (workload, pod, Traffic(transport, known.number))
            }
            let number =
                target.text.flatMap { UInt16($0) }.flatMap { $0 == 0 ? nil : $0 }
                ?? port["port"].int.flatMap { UInt16(exactly: $0) }
            return number.map { (workload, pod, Traffic(transport, $0)) }
        }
    }

    private func set(_ traffic: Traffic) -> TrafficSet { TrafficSet(traffic.protocol, traffic.port...traffic.port) }

    private mutating func add(
        _ workload: ObjectReference, _ pod: Int, _ route: Exposure.Route, _ through: ObjectReference, _ node: Node,
        _ port: Traffic, _ verdict: Verdict, _ reason: String
    ) {
        found.append(
            Exposure(
                workload: workload, pod: pod, route: route, through: through, node: node, port: port, verdict: verdict,
                reason: reason))
    }
}
