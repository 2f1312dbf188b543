import Documents
import Kubernetes

/// CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy.
///
/// Source: Cilium documentation, "Layer 3", "Layer 4", "Deny Policies", "Kubernetes constructs in policy"; pkg/policy/api.
/// Denies go before allows whatever policy they stand in. A rule that names no peer and no port allows nothing; a list
/// of peers that is there and empty selects nobody.
struct CiliumPolicyReader {
    let plugin: NetworkPlugin
    let services: ServiceIndex
    /// CiliumCIDRGroups: name, labels and blocks.
    let blockGroups: CiliumBlockGroups
    /// What the entity `kube-apiserver` is here.
    let apiServer: PeerSelector
    var defects = PolicyDefects()
    private let namespace: String?

    init(
        namespace: String?, plugin: NetworkPlugin, services: ServiceIndex, blockGroups: CiliumBlockGroups,
        apiServer: PeerSelector
    ) {
        self.apiServer = apiServer
        self.namespace = namespace
        self.plugin = plugin
        self.services = services
        self.blockGroups = blockGroups
    }

    /// `spec` and every one of `specs`.
    mutating func read(_ object: KubernetesObject) -> [Policy] {
        var specs = Array(object.node["specs"].elements)
        if object.node["spec"].isObject { specs.insert(object.node["spec"], at: 0) }
        return specs.compactMap { policy($0, object) }
    }

    private mutating func policy(_ spec: Node, _ object: KubernetesObject) -> Policy? {
        defects.expect(
            spec,
            [
                "endpointSelector", "nodeSelector", "ingress", "ingressDeny", "egress", "egressDeny",
                "enableDefaultDeny",
                "labels", "description", "log",
            ])
        if !spec["nodeSelector"].isNull { return hostPolicy(spec, object) }
        if spec["endpointSelector"].isNull {
            defects.refuse(spec, "\(spec.path): a rule needs an endpointSelector or a nodeSelector")
        }
        var subjects = CiliumSelector.read(spec["endpointSelector"], &defects).labels
        if let namespace { subjects = LabelExpression.isIn(.namespaceName, [namespace]).and(subjects) }
        var policy = Policy(
            reference: object.reference, node: object.node, stage: .standard, order: 0, subjects: subjects)
        policy.ingress = section(spec, .ingress)
        policy.egress = section(spec, .egress)
        return policy
    }

    /// A policy about nodes: the same rules over the traffic of the host network.
    private mutating func hostPolicy(_ spec: Node, _ object: KubernetesObject) -> Policy? {
        if !spec["endpointSelector"].isNull {
            defects.refuse(spec, "\(spec.path): a rule has an endpointSelector or a nodeSelector, not both")
        }
        if namespace != nil {
            defects.refuse(spec["nodeSelector"], "\(spec.path): only a clusterwide policy may select nodes")
        }
        let labels = LabelExpression.selector(spec["nodeSelector"], CiliumSelector.key, &defects)
        var policy = Policy(
            reference: object.reference, node: object.node, stage: .standard, order: 0, subjects: .nothing)
        policy.hosts = HostScope(labels: labels)
        policy.ingress = section(spec, .ingress)
        policy.egress = section(spec, .egress)
        return policy
    }

    private mutating func section(_ spec: Node, _ direction: Direction) -> Policy.Section? {
        let allows = spec[direction.rawValue]
        let denies = spec["\(direction.rawValue)Deny"]
        guard !allows.isEmpty || !denies.isEmpty else { return nil }
        let isolates = spec["enableDefaultDeny"][direction.rawValue].bool ?? true
        var rules: [PolicyRule] = []
        for node in denies.elements { if let rule = rule(node, direction, .deny) { rules.append(rule) } }
        for node in allows.elements { if let rule = rule(node, direction, .allow) { rules.append(rule) } }
        return Policy.Section(rules: rules, end: isolates ? .deny : .next, node: allows.isEmpty ? denies : allows)
    }

    private mutating func rule(_ node: Node, _ direction: Direction, _ action: PolicyRule.Action) -> PolicyRule? {
        let known = defects.unknown.count
        let prefix = direction == .ingress ? "from" : "to"
        let lists = ["Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes", "Groups"].map { prefix + $0 }
        let onlyEgress = direction == .egress ? ["toServices", "toFQDNs"] : []
        defects.expect(node, lists + onlyEgress + ["toPorts", "icmps", "authentication"])
        let hasPeers = (lists + onlyEgress).contains { !node[$0].isNull }
        let hasPorts = !node["toPorts"].isEmpty || !node["icmps"].isEmpty
        guard hasPeers || hasPorts || !defects.isClean else { return nil }
        var peers = PeerSelector.anyone
        if hasPeers {
            var parts: [PeerSelector] = []
            for peer in node[prefix + "Endpoints"].elements { parts.append(endpoints(peer)) }
            for entity in node[prefix + "Entities"].elements { parts.append(self.entity(entity)) }
            for block in node[prefix + "CIDR"].elements { parts.append(addresses(block)) }
            for set in node[prefix + "CIDRSet"].elements { parts.append(blockSet(set)) }
            for peer in node[prefix + "Nodes"].elements { parts.append(nodes(peer)) }
            if !node[prefix + "Groups"].isEmpty {
                parts.append(.unknown("groups are looked up at the cloud provider", .world))
            }
            for service in node["toServices"].elements { parts.append(self.service(service)) }
            if !node["toFQDNs"].isEmpty { parts.append(names(node["toFQDNs"])) }
            peers = parts.isEmpty ? .nobody : parts.count == 1 ? parts[0] : .union(parts)
        }
        let (traffic, isInspected) = traffic(node, action)
        var out = PolicyRule(action, peers: peers, traffic: traffic, node: node, doubt: defects.doubt(since: known))
        out.precedence = action == .deny ? 0 : 1
        out.isInspected = isInspected
        if out.doubt == nil, node["authentication"]["mode"].string.map({ $0 != "disabled" }) ?? false {
            out.doubt = "mutual authentication decides"
        }
        return out
    }

    // MARK: Peers

    private mutating func endpoints(_ node: Node) -> PeerSelector {
        let selector = CiliumSelector.read(node, &defects)
        if let reserved = selector.reserved { return entity(named: reserved, at: node) }
        // In a namespaced policy a selector stays in its namespace unless it speaks of namespaces itself.
        if let namespace, !selector.namesNamespace {
            return .pods(LabelExpression.isIn(.namespaceName, [namespace]).and(selector.labels))
        }
        return .pods(selector.labels)
    }

    private mutating func entity(_ node: Node) -> PeerSelector { entity(named: node.string ?? "", at: node) }

    private mutating func entity(named name: String, at node: Node) -> PeerSelector {
        switch name {
        case "all": return .anyone
        case "world": return .world
        case "world-ipv4":
            var set = AddressSet()
            set.v4 = AddressSet.all.v4
            return .addresses(set, .outside)
        case "world-ipv6":
            var set = AddressSet()
            set.v6 = AddressSet.all.v6
            return .addresses(set, .outside)
        case "cluster": return .union([.everyPod, .everyNode])
        case "host": return .nodes(.everything, .same)
        case "remote-node": return .nodes(.everything, .other)
        case "kube-apiserver":
            return apiServer
        // Endpoints of Cilium itself, and pods that Cilium does not manage: none of them is a pod here.
        case "init", "health", "ingress", "unmanaged", "none": return .nobody
        default:
            defects.refuse(node, "\(node.path): \"\(name)\" is not an entity")
            return .nobody
        }
    }

    private mutating func addresses(_ node: Node) -> PeerSelector {
        guard let cidr = node.string.flatMap(CIDR.init(orAddress:)) else {
            defects.refuse(node, "\(node.path): \"\(node.text ?? "")\" is not a CIDR")
            return .nobody
        }
        return .addresses(AddressSet(cidr), plugin.ciliumCIDRReach)
    }

    private mutating func blockSet(_ node: Node) -> PeerSelector {
        defects.expect(node, ["cidr", "except", "cidrGroupRef", "cidrGroupSelector"])
        var set = AddressSet()
        if let cidr = node["cidr"].string.flatMap(CIDR.init(orAddress:)) {
            set = AddressSet(cidr)
        } else if let name = node["cidrGroupRef"].string {
            guard let group = blockGroups.named(name) else { return .nobody }
            set = group
        } else if node["cidrGroupSelector"].isObject {
            let selector = CiliumSelector.read(node["cidrGroupSelector"], &defects)
            set = blockGroups.matching(selector.labels)
        } else {
            defects.refuse(node["cidr"], "\(node.path): \"\(node["cidr"].text ?? "")\" is not a CIDR")
        }
        for except in node["except"].elements {
            guard let hole = except.string.flatMap(CIDR.init(orAddress:)) else {
                defects.refuse(except, "\(except.path): \"\(except.text ?? "")\" is not a CIDR")
                continue
            }
            set = set.subtracting(AddressSet(hole))
        }
        return .addresses(set, plugin.ciliumCIDRReach)
    }

    private mutating func nodes(_ node: Node) -> PeerSelector {
        let selector = PeerSelector.nodes(CiliumSelector.read(node, &defects).labels, .other)
        return plugin.selectsNodes
            ? selector : .unknown("rules over nodes need Cilium's enable-node-selector-labels", selector)
    }

    private mutating func service(_ node: Node) -> PeerSelector {
        defects.expect(node, ["k8sService", "k8sServiceSelector"])
        let named = node["k8sService"]
        if named.isObject {
            return services.backends(
                of: named["serviceName"].string ?? "", in: named["namespace"].string ?? namespace ?? "")
        }
        let chosen = node["k8sServiceSelector"]
        let selector = CiliumSelector.read(chosen["selector"], &defects).labels
        return services.backends(in: chosen["namespace"].string ?? namespace) { labels in
            selector.matches { key in
                if case .own(let name) = key { labels[name] } else { nil }
            }
        }
    }

    private mutating func names(_ node: Node) -> PeerSelector {
        var patterns: [DomainPattern] = []
        for name in node.elements {
            defects.expect(name, ["matchName", "matchPattern"])
            if let exact = name["matchName"].string { patterns.append(DomainPattern(exact, .cilium)) }
            if let pattern = name["matchPattern"].string { patterns.append(DomainPattern(pattern, .cilium)) }
        }
        return .domains(patterns)
    }

    // MARK: Packets

    private mutating func traffic(_ rule: Node, _ action: PolicyRule.Action) -> (TrafficSelector, Bool) {
        guard !rule["toPorts"].isEmpty || !rule["icmps"].isEmpty else { return (.all, false) }
        var out = TrafficSelector(TrafficSet())
        var isInspected = false
        for entry in rule["toPorts"].elements {
            defects.expect(
                entry,
                [
                    "ports", "rules", "terminatingTLS", "originatingTLS", "serverNames", "listener",
                ])
            if entry["ports"].isEmpty { out.known = .all }
            for member in entry.members where !member.hasKey("ports") && !member.value.isEmpty { isInspected = true }
            for port in entry["ports"].elements { add(port, to: &out) }
        }
        for entry in rule["icmps"].elements {
            for field in entry["fields"].elements { addICMP(field, to: &out) }
        }
        return (out, isInspected && action == .allow)
    }

    private mutating func add(_ node: Node, to out: inout TrafficSelector) {
        defects.expect(node, ["port", "endPort", "protocol"])
        let name = (node["protocol"].string ?? "ANY").uppercased()
        let lanes: [TransportProtocol]
        switch name {
        case "", "ANY": lanes = [.tcp, .udp, .sctp]
        case "VRRP": out.known = out.known.union(TrafficSet(.other, 112...112)); return
        case "IGMP": out.known = out.known.union(TrafficSet(.other, 2...2)); return
        default:
            guard let transport = TransportProtocol(name: name) else {
                defects.refuse(node["protocol"], "\(node.path): \"\(name)\" is not a protocol")
                return
            }
            lanes = [transport]
        }
        let text = node["port"].text ?? "0"
        if let number = Int(text) {
            guard let first = UInt16(exactly: number), let last = UInt16(exactly: node["endPort"].int ?? number) else {
                defects.refuse(node["port"], "\(node.path): a port is 0 to 65535")
                return
            }
            if first == 0 {
                // Port 0 is every port, and with any protocol every packet.
                out.known = out.known.union(lanes.count > 1 ? .all : TrafficSet(lanes))
            } else {
                for lane in lanes { out.known = out.known.union(TrafficSet(lane, first...max(first, last))) }
            }
        } else {
            out.named.append(NamedPort(protocols: lanes, name: text.lowercased()))
        }
    }

    private mutating func addICMP(_ node: Node, to out: inout TrafficSelector) {
        defects.expect(node, ["family", "type"])
        let isV6 = node["family"].equals("IPv6")
        let type = node["type"].int ?? node["type"].string.flatMap { Int($0) ?? ICMPTypes.number($0, isV6: isV6) }
        guard let type, let byte = UInt8(exactly: type) else {
            defects.refuse(node["type"], "\(node.path): \"\(node["type"].text ?? "")\" is not an ICMP type")
            return
        }
        let base = UInt16(byte) << 8
        out.known = out.known.union(TrafficSet(isV6 ? .icmp6 : .icmp, base...(base | 0xFF)))
    }
}

/// An endpoint selector: labels with the source they come from in front.
struct CiliumSelector {
    var labels: LabelExpression
    /// The identity of a `reserved:` label.
    var reserved: String?
    /// Whether it says something of namespaces, so that the policy's own is not added.
    var namesNamespace: Bool

    static func read(_ node: Node, _ defects: inout PolicyDefects) -> CiliumSelector {
        let names =
            node["matchLabels"].members.map(\.key) + node["matchExpressions"].elements.compactMap { $0["key"].string }
        let reserved = names.first { $0.hasPrefix("reserved:") || $0.hasPrefix("reserved.") }
        let expression = LabelExpression.selector(node, key, absent: .everything, &defects)
        var namesNamespace = false
        expression.visitKeys { key in
            switch key {
            case .namespaceName, .namespace: namesNamespace = true
            default: break
            }
        }
        if reserved != nil, names.count > 1 { defects.doubt(node, "reserved: beside other labels") }
        return CiliumSelector(
            labels: expression, reserved: reserved.map { String($0.dropFirst(9)) }, namesNamespace: namesNamespace)
    }

    static func key(_ written: String) -> LabelKey {
        var name = written
        for source in ["k8s:", "any:", "k8s.", "any."] where name.hasPrefix(source) {
            name = String(name.dropFirst(source.count))
            break
        }
        switch name {
        case "io.kubernetes.pod.namespace": return .namespaceName
        case "io.cilium.k8s.policy.serviceaccount": return .serviceAccountName
        case "io.cilium.k8s.policy.cluster": return .cluster
        default:
            let prefix = "io.cilium.k8s.namespace.labels."
            return name.hasPrefix(prefix) ? .namespace(String(name.dropFirst(prefix.count))) : .own(name)
        }
    }
}

/// Named blocks of addresses: CiliumCIDRGroup.
struct CiliumBlockGroups: Sendable {
    private var groups: [(name: String, labels: [String: String], set: AddressSet)] = []

    init(_ objects: [KubernetesObject]) {
        for object in objects where object.is("CiliumCIDRGroup", of: "cilium.io") {
            let blocks = object.node["spec"]["externalCIDRs"].strings.compactMap(CIDR.init(orAddress:))
            groups.append((object.name, object.labels, AddressSet(blocks)))
        }
    }

    func named(_ name: String) -> AddressSet? { groups.first { $0.name == name }?.set }

    func matching(_ expression: LabelExpression) -> AddressSet {
        var out = AddressSet()
        for group in groups {
            let isMatch = expression.matches { key in
                if case .own(let name) = key { group.labels[name] } else { nil }
            }
            if isMatch { out = out.union(group.set) }
        }
        return out
    }
}

/// Names of ICMP types as Cilium takes them. Source: IANA, ICMP and ICMPv6 parameters.
enum ICMPTypes {
    static func number(_ name: String, isV6: Bool) -> Int? { isV6 ? v6[name] : v4[name] }

    private static let v4 = [
        "EchoReply": 0, "DestinationUnreachable": 3, "Redirect": 5, "Echo": 8, "EchoRequest": 8,
        "RouterAdvertisement": 9, "RouterSelection": 10, "TimeExceeded": 11, "ParameterProblem": 12, "Timestamp": 13,
        "TimestampReply": 14, "Photuris": 40, "ExtendedEchoRequest": 42, "ExtendedEcho Reply": 43,
        "ExtendedEchoReply": 43,
    ]

    private static let v6 = [
        "DestinationUnreachable": 1, "PacketTooBig": 2, "TimeExceeded": 3, "ParameterProblem": 4, "EchoRequest": 128,
        "EchoReply": 129, "MulticastListenerQuery": 130, "MulticastListenerReport": 131, "MulticastListenerDone": 132,
        "RouterSolicitation": 133, "RouterAdvertisement": 134, "NeighborSolicitation": 135,
        "NeighborAdvertisement": 136, "RedirectMessage": 137, "RouterRenumbering": 138,
        "ICMPNodeInformationQuery": 139, "ICMPNodeInformationResponse": 140,
        "InverseNeighborDiscoverySolicitation": 141, "InverseNeighborDiscoveryAdvertisement": 142,
        "HomeAgentAddressDiscoveryRequest": 144, "HomeAgentAddressDiscoveryReply": 145, "MobilePrefixSolicitation": 146,
        "MobilePrefixAdvertisement": 147, "DuplicateAddressRequestCodeSuffix": 157,
        "DuplicateAddressConfirmationCodeSuffix": 158, "ExtendedEchoRequest": 160, "ExtendedEchoReply": 161,
    ]
}
