import Documents
import Kubernetes

/// Calico's NetworkPolicy and GlobalNetworkPolicy.
///
/// Source: Calico API reference (projectcalico.org/v3); conversion in libcalico-go's update processors. Rules are
/// first-match within a tier; a rule's selector without a namespaceSelector stays in the policy's namespace.
struct CalicoPolicyReader {
    let surroundings: CalicoSurroundings
    let services: ServiceIndex
    var defects = PolicyDefects()
    private let namespace: String?

    init(namespace: String?, surroundings: CalicoSurroundings, services: ServiceIndex) {
        self.namespace = namespace
        self.surroundings = surroundings
        self.services = services
    }

    mutating func read(_ object: KubernetesObject) -> Policy? {
        let spec = object.node["spec"]
        defects.expect(
            spec,
            [
                "tier", "order", "selector", "namespaceSelector", "serviceAccountSelector", "types", "ingress",
                "egress",
                "doNotTrack", "preDNAT", "applyOnForward", "performanceHints",
            ])
        let tierName = spec["tier"].string ?? ""
        guard let tier = surroundings.tiers[tierName.isEmpty ? "default" : tierName] else {
            defects.refuse(spec["tier"], "\(spec["tier"].path): there is no tier \"\(tierName)\"")
            return nil
        }
        var policy = Policy(
            reference: object.reference, node: object.node, stage: tier.stage,
            order: spec["order"].double ?? .infinity, subjects: subjects(spec))
        if namespace == nil { policy.hosts = hostScope(spec, policy.subjects) }
        // Untracked and pre-DNAT policies act on the interfaces of hosts, never on pods.
        if let phase = policy.hosts?.phase, phase != .normal { policy.subjects = .nothing }
        let types = directions(spec)
        if types.contains(.ingress) { policy.ingress = section(spec["ingress"], .ingress, tier.end) }
        if types.contains(.egress) { policy.egress = section(spec["egress"], .egress, tier.end) }
        return policy
    }

    /// Host endpoints have labels like pods; the same selector finds them.
    private mutating func hostScope(_ spec: Node, _ labels: LabelExpression) -> HostScope {
        var scope = HostScope(labels: labels)
        let isEarly = spec["preDNAT"].bool == true
        let isUntracked = spec["doNotTrack"].bool == true
        scope.forwards = spec["applyOnForward"].bool == true
        if isEarly, isUntracked {
            defects.refuse(spec["preDNAT"], "\(spec["preDNAT"].path): a policy is preDNAT or doNotTrack, not both")
        }
        if isEarly || isUntracked, !scope.forwards {
            defects.refuse(spec, "\(spec.path): preDNAT and doNotTrack need applyOnForward: true")
        }
        if isEarly, !spec["egress"].isEmpty || spec["types"].strings.contains("Egress") {
            defects.refuse(spec["egress"], "\(spec.path): a preDNAT policy has no egress rules")
        }
        if isEarly { scope.phase = .preDNAT } else if isUntracked { scope.phase = .untracked }
        return scope
    }

    /// What a profile says; it speaks after every policy.
    mutating func read(profile object: KubernetesObject) -> Policy {
        let spec = object.node["spec"]
        defects.expect(spec, ["ingress", "egress", "labelsToApply"])
        var out = Policy(
            reference: object.reference, node: object.node, stage: .profiles, order: 0, subjects: .nothing)
        out.ingress = section(spec["ingress"], .ingress, .next)
        out.egress = section(spec["egress"], .egress, .next)
        out.hosts = HostScope(labels: .nothing, profile: object.name)
        return out
    }

    private mutating func subjects(_ spec: Node) -> LabelExpression {
        var out = LabelExpression.everything
        if let namespace {
            out = .isIn(.namespaceName, [namespace])
        } else {
            out = out.and(namespaceExpression(spec["namespaceSelector"]))
        }
        out = out.and(expression(spec["serviceAccountSelector"], Self.accountKey))
        return out.and(expression(spec["selector"], Self.key))
    }

    /// Without `types`: ingress when there are no egress rules, otherwise the directions that have rules.
    private mutating func directions(_ spec: Node) -> Set<Direction> {
        guard spec["types"].isEmpty else {
            var out: Set<Direction> = []
            for type in spec["types"].elements {
                switch type.string {
                case "Ingress": out.insert(.ingress)
                case "Egress": out.insert(.egress)
                default: defects.refuse(type, "\(type.path): a type is Ingress or Egress")
                }
            }
            return out
        }
        if spec["egress"].isEmpty { return [.ingress] }
        return spec["ingress"].isEmpty ? [.egress] : [.ingress, .egress]
    }

    private mutating func section(_ node: Node, _ direction: Direction, _ end: Policy.End) -> Policy.Section {
        var rules: [PolicyRule] = []
        for rule in node.elements {
            let known = defects.unknown.count
            defects.expect(
                rule,
                [
                    "action", "ipVersion", "protocol", "notProtocol", "icmp", "notICMP", "source", "destination",
                    "http",
                    "metadata",
                ])
            let action: PolicyRule.Action
            switch rule["action"].string {
            case "Allow": action = .allow
            case "Deny": action = .deny
            case "Pass": action = .pass
            case "Log": continue
            default:
                defects.refuse(rule["action"], "\(rule["action"].path): the action is Allow, Deny, Log or Pass")
                continue
            }
            let source = entity(rule["source"], rule["ipVersion"])
            let destination = entity(rule["destination"], rule["ipVersion"])
            var out = PolicyRule(
                action, peers: direction == .ingress ? source : destination, traffic: traffic(rule), node: rule)
            let own = direction == .ingress ? destination : source
            if own != .anyone { out.own = own }
            out.sourcePorts = sourcePorts(rule["source"])
            out.isInspected = !rule["http"].isNull
            out.doubt = defects.doubt(since: known)
            rules.append(out)
        }
        return Policy.Section(rules: rules, end: end, node: node)
    }

    // MARK: Ends

    private mutating func entity(_ node: Node, _ version: Node) -> PeerSelector {
        var parts: [PeerSelector] = []
        if let number = version.int {
            var family = AddressSet()
            if number == 4 { family.v4 = AddressSet.all.v4 } else { family.v6 = AddressSet.all.v6 }
            parts.append(.addresses(family, .everywhere))
        }
        guard !node.isNull else { return parts.first ?? .anyone }
        defects.expect(
            node,
            [
                "nets", "notNets", "selector", "notSelector", "namespaceSelector", "ports", "notPorts",
                "serviceAccounts", "services", "domains",
            ])
        if let positive = selection(node) { parts.append(endpoints(positive)) }
        if let text = node["notSelector"].string, !text.isEmpty {
            parts.append(.complement(endpoints(expression(node["notSelector"], Self.key))))
        }
        if !node["nets"].isEmpty { parts.append(.addresses(blocks(node["nets"]), .everywhere)) }
        if !node["notNets"].isEmpty { parts.append(.complement(.addresses(blocks(node["notNets"]), .everywhere))) }
        if !node["domains"].isEmpty {
            parts.append(.domains(node["domains"].strings.map { DomainPattern($0, .cilium) }))
        }
        if !node["services"].isNull {
            let place = node["services"]["namespace"].string ?? namespace ?? ""
            parts.append(services.backends(of: node["services"]["name"].string ?? "", in: place))
        }
        if parts.isEmpty { return .anyone }
        return parts.count == 1 ? parts[0] : .intersection(parts)
    }

    /// The labels an end has to have; nil where nothing is said of them.
    private mutating func selection(_ node: Node) -> LabelExpression? {
        let text = node["selector"].string ?? ""
        let notText = node["notSelector"].string ?? ""
        let namespaces = node["namespaceSelector"].string ?? ""
        let accounts = node["serviceAccounts"]
        guard !text.isEmpty || !namespaces.isEmpty || !accounts.isNull || (namespace != nil && !notText.isEmpty) else {
            return nil
        }
        var out = LabelExpression.everything
        if !namespaces.isEmpty {
            out = namespaceExpression(node["namespaceSelector"])
        } else if let namespace {
            out = .isIn(.namespaceName, [namespace])
        }
        if !accounts.isNull {
            defects.expect(accounts, ["names", "selector"])
            out = out.and(expression(accounts["selector"], Self.accountKey))
            let names = accounts["names"].strings
            out = out.and(names.isEmpty ? .exists(.serviceAccountName) : .isIn(.serviceAccountName, names))
        }
        return out.and(expression(node["selector"], Self.key))
    }

    private func endpoints(_ expression: LabelExpression) -> PeerSelector {
        let sets = surroundings.addresses(expression)
        return sets.isEmpty ? .pods(expression) : .union([.pods(expression), .addresses(sets, .everywhere)])
    }

    private mutating func namespaceExpression(_ node: Node) -> LabelExpression {
        guard let text = node.string, !text.isEmpty else { return .everything }
        guard let selector = parsed(node) else { return .nothing }
        // `global()` means what has no namespace; any other selector means what has one.
        if selector.isGlobal { return .not(.exists(.namespaceName)) }
        return LabelExpression.exists(.namespaceName).and(selector.expression(Self.namespaceKey))
    }

    private mutating func expression(_ node: Node, _ key: (String) -> LabelKey) -> LabelExpression {
        guard let text = node.string, !text.isEmpty else { return .everything }
        return parsed(node)?.expression(key) ?? .nothing
    }

    private mutating func parsed(_ node: Node) -> CalicoSelector? {
        do throws(CalicoSelector.Failure) {
            return try CalicoSelector(node.string ?? "")
        } catch {
            defects.refuse(node, "\(node.path): \(error.message), at byte \(error.offset) of \"\(node.string ?? "")\"")
            return nil
        }
    }

    static func key(_ label: String) -> LabelKey {
        switch label {
        case "projectcalico.org/namespace", "pcns.projectcalico.org/name": .namespaceName
        case "projectcalico.org/orchestrator": .orchestrator
        case "projectcalico.org/serviceaccount", "pcsa.projectcalico.org/name": .serviceAccountName
        case _ where label.hasPrefix("pcns."): .namespace(String(label.dropFirst(5)))
        case _ where label.hasPrefix("pcsa."): .serviceAccount(String(label.dropFirst(5)))
        default: .own(label)
        }
    }

    private static func namespaceKey(_ label: String) -> LabelKey {
        label == "projectcalico.org/name" ? .namespaceName : .namespace(label)
    }

    private static func accountKey(_ label: String) -> LabelKey {
        label == "projectcalico.org/name" ? .serviceAccountName : .serviceAccount(label)
    }

    private mutating func blocks(_ node: Node) -> AddressSet {
        var out = AddressSet()
        for net in node.elements {
            guard let cidr = net.string.flatMap(CIDR.init(orAddress:)) else {
                defects.refuse(net, "\(net.path): \"\(net.text ?? "")\" is not a CIDR")
                continue
            }
            out = out.union(AddressSet(cidr))
        }
        return out
    }

    // MARK: Packets

    private mutating func traffic(_ rule: Node) -> TrafficSelector {
        var out = CalicoTraffic()
        out.protocol = transport(rule["protocol"])
        out.notProtocol = transport(rule["notProtocol"])
        out.icmp = icmp(rule["icmp"])
        out.notICMP = icmp(rule["notICMP"])
        let destination = rule["destination"]
        if !destination["ports"].isEmpty {
            let ports = ports(destination["ports"])
            out.ports = ports.ranges
            out.names = ports.names
        }
        let not = ports(destination["notPorts"])
        out.notPorts = not.ranges
        out.notNames = not.names
        let hasPorts = !destination["ports"].isEmpty || !destination["notPorts"].isEmpty
        if hasPorts, !(out.protocol.map { $0.transport.hasPorts } ?? false) {
            defects.refuse(rule["destination"], "\(rule.path): ports need the protocol TCP, UDP or SCTP")
        }
        return out.selector
    }

    private mutating func sourcePorts(_ source: Node) -> TrafficSet? {
        guard !source["ports"].isEmpty || !source["notPorts"].isEmpty else { return nil }
        let wanted = ports(source["ports"])
        let unwanted = ports(source["notPorts"])
        let all = source["ports"].isEmpty ? TrafficSet.withPorts : CalicoTraffic.ports(wanted.ranges)
        return all.subtracting(CalicoTraffic.ports(unwanted.ranges))
    }

    private mutating func transport(_ node: Node) -> CalicoTraffic.Named? {
        guard !node.isNull else { return nil }
        if let number = node.int, (1...255).contains(number) {
            let (transport, own) = TransportProtocol.numbered(UInt8(number))
            return (transport, own)
        }
        if node.string?.uppercased() == "UDPLITE" { return (.other, 136) }
        if let transport = node.string.flatMap(TransportProtocol.init(name:)) { return (transport, nil) }
        defects.refuse(node, "\(node.path): \"\(node.text ?? "")\" is not a protocol")
        return nil
    }

    private mutating func icmp(_ node: Node) -> (type: UInt8?, code: UInt8?)? {
        guard !node.isNull else { return nil }
        defects.expect(node, ["type", "code"])
        let type = node["type"].int
        let code = node["code"].int
        if !(0...254).contains(type ?? 0) || !(0...255).contains(code ?? 0) || (type == nil && code != nil) {
            defects.refuse(node, "\(node.path): an ICMP type is 0 to 254, a code 0 to 255 and only beside a type")
        }
        return (type.flatMap { UInt8(exactly: $0) }, code.flatMap { UInt8(exactly: $0) })
    }

    private mutating func ports(_ node: Node) -> (ranges: [ClosedRange<UInt16>], names: [String]) {
        var ranges: [ClosedRange<UInt16>] = []
        var names: [String] = []
        for port in node.elements {
            if let number = port.int {
                if let number = UInt16(exactly: number) {
                    ranges.append(number...number)
                } else {
                    defects.refuse(port, "\(port.path): a port is 0 to 65535")
                }
                continue
            }
            let text = port.string ?? ""
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            if parts.count == 2, let first = UInt16(parts[0]), let last = UInt16(parts[1]), first <= last {
                ranges.append(first...last)
            } else if let number = UInt16(text) {
                ranges.append(number...number)
            } else if text.isEmpty || text.contains(":") {
                defects.refuse(port, "\(port.path): \"\(text)\" is not a port, a range or a name")
            } else {
                names.append(text)
            }
        }
        return (ranges, names)
    }
}
