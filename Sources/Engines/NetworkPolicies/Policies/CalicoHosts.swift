import Documents
import Kubernetes

/// Calico's host endpoints, and the settings that say what passes them whatever policies say.
///
/// Source: Calico documentation, "Host endpoint", "Failsafe rules", "Configuring Felix", "Protect hosts". Variables of
/// the agent's environment go before its FelixConfiguration.
struct CalicoHosts: Sendable {
    private(set) var guards: [HostGuard] = []
    private(set) var settings = HostSettings()
    private(set) var defects = PolicyDefects()

    /// - Parameter agent: the DaemonSet of the agent, where it was seen.
    init(_ objects: [KubernetesObject], agent: KubernetesObject?, _ reader: CalicoPolicyReader) {
        let calico = objects.filter { CalicoSurroundings.groups.contains($0.reference.group) }
        for object in calico where object.kind == "HostEndpoint" { add(endpoint: object) }
        let felix = calico.first { $0.kind == "FelixConfiguration" && $0.name == "default" }
        let container = agent?.podTemplate?.spec.containers.first { $0.name == "calico-node" }
        func variable(_ name: String) -> String? {
            container?.node["env"].elements.first { $0["name"].equals(name) }?["value"].string
        }
        readOwnHost(
            variable("FELIX_DEFAULTENDPOINTTOHOSTACTION")
                ?? felix?.node["spec"]["defaultEndpointToHostAction"].string
                ?? (container == nil && felix == nil ? nil : "Drop"),
            isBPF: variable("FELIX_BPFENABLED").map { $0.lowercased() == "true" }
                ?? felix?.node["spec"]["bpfEnabled"].bool ?? false)
        let pools = calico.filter { $0.kind == "IPPool" && $0.node["spec"]["disabled"].bool != true }
        let exchanging = pools.filter { $0.node["spec"]["natOutgoing"].bool == true }
        settings.sender = pools.isEmpty ? .either : exchanging.isEmpty ? .pod : .either
        if !pools.isEmpty, exchanging.count == pools.count { settings.sender = .node }
        guard let first = guards.first?.document else { return }
        settings.policies = [failsafe(felix, first, variable)]
        let wanted = Set(guards.flatMap(\.profiles))
        for name in wanted.sorted() {
            let object = calico.first { $0.kind == "Profile" && $0.name == name }
            settings.policies.append(profile(name, object, first, reader))
        }
    }

    private mutating func add(endpoint object: KubernetesObject) {
        let spec = object.node["spec"]
        defects.expect(spec, ["node", "interfaceName", "expectedIPs", "profiles", "ports"])
        let interface = spec["interfaceName"].string ?? ""
        if interface.isEmpty, spec["expectedIPs"].isEmpty {
            defects.refuse(spec, "\(object.reference): a host endpoint needs an interfaceName or expectedIPs")
        }
        var addresses = AddressSet()
        for address in spec["expectedIPs"].elements {
            guard let known = address.string.flatMap({ IPAddress($0) }) else {
                defects.refuse(
                    address, "\(object.reference): \(address.path): \"\(address.text ?? "")\" is not an IP address")
                continue
            }
            addresses = addresses.union(AddressSet(CIDR(address: known)))
        }
        var out = HostGuard(
            reference: object.reference, document: object.node, node: spec["node"].string ?? "", labels: object.labels,
            addresses: addresses, isEverywhere: interface == "*", interface: interface)
        out.dropsByDefault = true
        out.profiles = spec["profiles"].strings
        for port in spec["ports"].elements {
            guard let number = port["port"].portNumber,
                let transport = TransportProtocol(name: port["protocol"].string ?? "TCP")
            else { continue }
            out.ports.append(
                ContainerPort(name: port["name"].string ?? "", number: number, protocol: transport))
        }
        guards.append(out)
    }

    private mutating func readOwnHost(_ action: String?, isBPF: Bool) {
        switch action?.lowercased() {
        case "drop": settings.ownHost = .dropped
        // The table the packet returns to is the node's own.
        case "return": settings.ownHost = isBPF ? .filtered : .unknown
        default: settings.ownHost = isBPF ? .filtered : .allowed
        }
    }

    // MARK: Ports that are always open

    /// Source: "Configuring Felix", FailsafeInboundHostPorts and FailsafeOutboundHostPorts.
    private static let inbound = "tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667"
    private static let outbound = "udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667"

    private func failsafe(_ felix: KubernetesObject?, _ node: Node, _ variable: (String) -> String?) -> Policy {
        let reference =
            felix?.reference
            ?? ObjectReference(
                group: CalicoSurroundings.group, kind: "FelixConfiguration", namespace: "", name: "default")
        func section(_ name: String, _ variableName: String, _ standard: String) -> Policy.Section {
            let field = (felix?.node ?? node)["spec"][name]
            var rules: [PolicyRule] = []
            if let text = variable(variableName) {
                rules = Self.rules(text, field)
            } else if field.exists, !field.isNull {
                rules = field.elements.compactMap {
                    Self.rule($0["protocol"].string, $0["port"].int, $0["net"].string, $0)
                }
            } else {
                rules = Self.rules(standard, field)
            }
            return Policy.Section(rules: rules, end: .next, node: field)
        }
        var out = Policy(
            reference: reference, node: felix?.node ?? node, stage: .standard, order: 0, subjects: .nothing)
        out.ingress = section("failsafeInboundHostPorts", "FELIX_FAILSAFEINBOUNDHOSTPORTS", Self.inbound)
        out.egress = section("failsafeOutboundHostPorts", "FELIX_FAILSAFEOUTBOUNDHOSTPORTS", Self.outbound)
        var scope = HostScope(labels: .everything)
        scope.phase = .failsafe
        out.hosts = scope
        return out
    }

    /// `tcp:22,udp:10.0.0.0/8:68`, or `none`.
    private static func rules(_ text: String, _ node: Node) -> [PolicyRule] {
        guard text.lowercased() != "none" else { return [] }
        return text.split(separator: ",").compactMap { entry in
            let entry = entry.filter { $0 != " " }
            let parts = entry.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return rule("tcp", Int(entry), nil, node) }
            // A block of addresses may hold colons itself; the port is behind the last one.
            let rest = parts[1]
            guard let last = rest.lastIndex(of: ":") else { return rule(String(parts[0]), Int(rest), nil, node) }
            return rule(String(parts[0]), Int(rest[rest.index(after: last)...]), String(rest[..<last]), node)
        }
    }

    private static func rule(_ transport: String?, _ port: Int?, _ net: String?, _ node: Node) -> PolicyRule? {
        guard let transport = TransportProtocol(name: transport ?? "TCP"),
            let port = port.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        // A block of all addresses is written for one family and means none in particular.
        let block = net.flatMap(CIDR.init(orAddress:)).map { AddressSet($0) }
        let peers =
            block.map { $0.v4 == AddressSet.all.v4 ? PeerSelector.anyone : .addresses($0, .everywhere) } ?? .anyone
        return PolicyRule(
            .allow, peers: peers, traffic: TrafficSelector(TrafficSet(transport, port...port)), node: node)
    }

    // MARK: Profiles

    /// The profile that lets everything through, which every installation has.
    private static let allowAll = "projectcalico-default-allow"

    private mutating func profile(
        _ name: String, _ object: KubernetesObject?, _ node: Node, _ reader: CalicoPolicyReader
    ) -> Policy {
        if let object {
            var reader = reader
            let out = reader.read(profile: object)
            for (node, message) in reader.defects.refusals { defects.refuse(node, "\(object.reference): \(message)") }
            return out
        }
        let doubt = name == Self.allowAll ? nil : "the profile \"\(name)\" was not seen"
        let place = node["spec"]["profiles"]
        var out = Policy(
            reference: ObjectReference(group: CalicoSurroundings.group, kind: "Profile", namespace: "", name: name),
            node: node, stage: .profiles, order: 0, subjects: .nothing)
        let rules = [PolicyRule(.allow, peers: .anyone, node: place, doubt: doubt)]
        out.ingress = Policy.Section(rules: rules, end: .next, node: place)
        out.egress = Policy.Section(rules: rules, end: .next, node: place)
        out.hosts = HostScope(labels: .nothing, profile: name)
        return out
    }
}

/// Nodes under Cilium's host firewall.
///
/// Source: Cilium documentation, "Host Policies", "Limiting Identity-Relevant Labels": the host's endpoint carries the
/// labels of its node, but for those that Cilium leaves out by default, such as `kubernetes.io/os`.
enum CiliumHosts {
    private static let prefixes = ["io.kubernetes", "kubernetes.io", "k8s.io"]

    /// Whether a selector can see a label of a node.
    static func isSeen(_ label: String) -> Bool {
        let host = label.split(separator: "/", maxSplits: 1).first.map(String.init) ?? label
        return !prefixes.contains { label.hasPrefix($0) } && !host.hasSuffix("beta.kubernetes.io")
    }

    static func guards(_ state: NetworkState) -> [HostGuard] {
        let plugin = state.plugin
        guard plugin.enforcesHostPolicies != false else { return [] }
        let isAlways = plugin.enforcement == .always && plugin.enforcesHostPolicies == true
        guard isAlways || state.policies.contains(where: { $0.hosts != nil }) else { return [] }
        return state.nodes.map { node in
            var out = HostGuard(
                reference: ObjectReference(group: "", kind: "Node", namespace: "", name: node.name), node: node.name,
                labels: node.labels.filter { isSeen($0.key) },
                addresses: AddressSet(node.addresses.map { CIDR(address: $0) }), isEverywhere: true)
            if plugin.enforcesHostPolicies == nil {
                out.doubt = "whether Cilium's host firewall is on (enable-host-firewall) was not seen"
            }
            if !node.isKnown || plugin.hasOwnLabelFilter {
                out.doubt =
                    node.isKnown
                    ? "Cilium is told which labels count (labels in cilium-config)"
                    : "the labels of node \(node.name) were not seen"
                out.isOpaque = true
            }
            return out
        }
    }
}
