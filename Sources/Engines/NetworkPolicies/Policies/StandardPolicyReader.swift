import Documents
import Kubernetes

/// NetworkPolicy of networking.k8s.io/v1.
///
/// Source: Network Policies, Kubernetes documentation; validation of the API server (pkg/apis/networking/validation).
struct StandardPolicyReader {
    let plugin: NetworkPlugin
    var defects = PolicyDefects()
    private let namespace: String

    init(plugin: NetworkPlugin, namespace: String) {
        self.plugin = plugin
        self.namespace = namespace
    }

    mutating func read(_ object: KubernetesObject) -> Policy {
        let spec = object.node["spec"]
        defects.expect(spec, ["podSelector", "ingress", "egress", "policyTypes"])
        let inNamespace = LabelExpression.isIn(.namespaceName, [namespace])
        let selected = LabelExpression.selector(
            spec["podSelector"], LabelKey.own, absent: .everything, checksSyntax: true, &defects)
        let types = directions(spec)
        var policy = Policy(
            reference: object.reference, node: object.node, stage: .standard, order: 1_000,
            subjects: inNamespace.and(selected))
        // What a type leaves out is looked at as well: the API server does.
        let (ingress, egress) = (section(spec, "ingress", "from"), section(spec, "egress", "to"))
        if types.contains(.ingress) { policy.ingress = ingress }
        if types.contains(.egress) { policy.egress = egress }
        return policy
    }

    /// A policy without `policyTypes` always isolates ingress, and egress when it has a rule for it.
    private mutating func directions(_ spec: Node) -> Set<Direction> {
        let written = spec["policyTypes"]
        defects.expectList(written)
        if Array(written.elements).count > 2 { defects.refuse(written, "\(written.path): at most Ingress and Egress") }
        guard written.isArray, !written.isEmpty else {
            return spec["egress"].isEmpty ? [.ingress] : [.ingress, .egress]
        }
        var out: Set<Direction> = []
        for type in written.elements {
            switch type.string {
            case "Ingress": out.insert(.ingress)
            case "Egress": out.insert(.egress)
            default:
                defects.refuse(type, "\(type.path): a policy type is Ingress or Egress")
                out.formUnion(Direction.allCases)
            }
        }
        return out
    }

    private mutating func section(_ spec: Node, _ key: String, _ peersKey: String) -> Policy.Section {
        var rules: [PolicyRule] = []
        defects.expectList(spec[key])
        for rule in spec[key].elements {
            let known = defects.unknown.count
            defects.expect(rule, ["ports", peersKey])
            defects.expectList(rule[peersKey])
            var peers = PeerSelector.anyone
            // An empty list is every peer, as a missing one is.
            if !rule[peersKey].isEmpty {
                var parts: [PeerSelector] = []
                for peer in rule[peersKey].elements { parts.append(self.peer(peer)) }
                peers = parts.count == 1 ? parts[0] : .union(parts)
            }
            let traffic = traffic(rule["ports"])
            rules.append(
                PolicyRule(.allow, peers: peers, traffic: traffic, node: rule, doubt: defects.doubt(since: known)))
        }
        return Policy.Section(rules: rules, end: .deny, node: spec[key])
    }

    private mutating func peer(_ peer: Node) -> PeerSelector {
        defects.expect(peer, ["podSelector", "namespaceSelector", "ipBlock"])
        let (pods, namespaces, block) = (peer["podSelector"], peer["namespaceSelector"], peer["ipBlock"])
        if !block.isNull {
            if !pods.isNull || !namespaces.isNull {
                defects.refuse(peer, "\(peer.path): ipBlock stands alone, without podSelector or namespaceSelector")
            }
            return self.block(block)
        }
        if pods.isNull, namespaces.isNull {
            // A peer of a kind that is not known is doubted, one that says nothing is refused.
            guard peer.members.allSatisfy({ $0.value.isNull }) else { return .nobody }
            defects.refuse(peer, "\(peer.path): a peer needs a podSelector, a namespaceSelector or an ipBlock")
            return .nobody
        }
        // An absent namespaceSelector means this namespace only; an empty one means every namespace.
        let place =
            namespaces.isNull
            ? LabelExpression.isIn(.namespaceName, [namespace])
            : LabelExpression.selector(namespaces, LabelKey.namespace, checksSyntax: true, &defects)
        return .pods(
            place.and(
                LabelExpression.selector(pods, LabelKey.own, absent: .everything, checksSyntax: true, &defects)))
    }

    private mutating func block(_ node: Node) -> PeerSelector {
        defects.expect(node, ["cidr", "except"])
        guard let cidr = node["cidr"].string.flatMap({ CIDR($0) }) else {
            defects.refuse(node["cidr"], "\(node["cidr"].path): \"\(node["cidr"].text ?? "")\" is not a CIDR")
            return .nobody
        }
        strict(node["cidr"], cidr)
        var set = AddressSet(cidr)
        defects.expectList(node["except"])
        for except in node["except"].elements {
            guard let hole = except.string.flatMap({ CIDR($0) }) else {
                defects.refuse(except, "\(except.path): \"\(except.text ?? "")\" is not a CIDR")
                continue
            }
            if !cidr.contains(hole) || hole == cidr {
                defects.refuse(except, "\(except.path): \(hole) has to lie inside \(cidr) and be smaller")
            }
            strict(except, hole)
            set = set.subtracting(AddressSet(hole))
        }
        return .addresses(set, plugin.blockReach)
    }

    /// What bits behind the prefix mean is plain, and policies that were stored with them stay in force; an API server of
    /// 1.36 takes no new ones (StrictIPCIDRValidation).
    private mutating func strict(_ node: Node, _ cidr: CIDR) {
        guard let text = node.string, let slash = text.firstIndex(of: "/"),
            let address = IPAddress(String(text[..<slash])), address != cidr.base
        else { return }
        defects.warn(node, "\(node.path): \"\(text)\" has bits behind its prefix; write \(cidr)")
    }

    private mutating func traffic(_ ports: Node) -> TrafficSelector {
        defects.expectList(ports)
        guard !ports.isEmpty else { return .all }
        var out = TrafficSelector(TrafficSet())
        for port in ports.elements {
            defects.expect(port, ["protocol", "port", "endPort"])
            let name = port["protocol"].isNull ? "TCP" : port["protocol"].string ?? ""
            guard let transport = TransportProtocol(name: name), transport.hasPorts, name == transport.rawValue else {
                defects.refuse(port["protocol"], "\(port.path): the protocol is TCP, UDP or SCTP")
                continue
            }
            if port["port"].isNull {
                if !port["endPort"].isNull { defects.refuse(port["endPort"], "\(port.path): endPort needs a port") }
                out.known = out.known.union(TrafficSet(transport))
            } else if let name = port["port"].string {
                if !PortName.isValid(name) {
                    defects.refuse(port["port"], "\(port["port"].path): \"\(name)\" is not the name of a port")
                }
                if !port["endPort"].isNull {
                    defects.refuse(port["endPort"], "\(port.path): endPort needs a port that is a number")
                }
                out.named.append(NamedPort(protocols: [transport], name: name))
            } else if let number = port["port"].portNumber {
                let end = port["endPort"].isNull ? number : port["endPort"].portNumber
                guard let end, end >= number else {
                    defects.refuse(port["endPort"], "\(port.path): endPort is a port not below port")
                    continue
                }
                out.known = out.known.union(TrafficSet(transport, number...end))
            } else {
                defects.refuse(port["port"], "\(port["port"].path): a port is 1 to 65535, or a name")
            }
        }
        return out
    }
}
