import Documents
import Kubernetes

/// AdminNetworkPolicy and BaselineAdminNetworkPolicy of policy.networking.k8s.io/v1alpha1, ClusterNetworkPolicy of
/// v1alpha2.
///
/// Source: network-policy-api, apis/v1alpha1 and apis/v1alpha2. Fields of older shapes (`sameLabels`, `podSelector`
/// straight under a peer …) are refused, as the API server refuses them.
struct AdminPolicyReader {
    var defects = PolicyDefects()

    mutating func read(_ object: KubernetesObject) -> Policy {
        let spec = object.node["spec"]
        let isCluster = object.kind == "ClusterNetworkPolicy"
        let isBaseline: Bool
        var order = Double(spec["priority"].int ?? 0)
        switch object.kind {
        case "ClusterNetworkPolicy":
            defects.expect(spec, ["tier", "priority", "subject", "ingress", "egress"])
            isBaseline = spec["tier"].equals("Baseline")
            if !isBaseline, !spec["tier"].equals("Admin") {
                defects.refuse(spec["tier"], "\(spec["tier"].path): the tier is Admin or Baseline")
            }
        case "AdminNetworkPolicy":
            defects.expect(spec, ["priority", "subject", "ingress", "egress"])
            isBaseline = false
        default:
            defects.expect(spec, ["subject", "ingress", "egress"])
            isBaseline = true
            // Where both exist, a ClusterNetworkPolicy of the baseline tier has a priority and this has none.
            order = .infinity
            if object.name != "default" {
                defects.refuse(object.metadata["name"], "a BaselineAdminNetworkPolicy is named \"default\"")
            }
        }
        if order != .infinity, !(0...1000).contains(spec["priority"].int ?? -1) {
            defects.refuse(spec["priority"], "\(spec["priority"].path): the priority is 0 to 1000")
        }
        var policy = Policy(
            reference: object.reference, node: object.node, stage: isBaseline ? .baseline : .admin, order: order,
            subjects: pods(spec["subject"], isSubject: true) ?? .nothing)
        let actions: [String: PolicyRule.Action] =
            isCluster
            ? ["Accept": .allow, "Deny": .deny, "Pass": .pass]
            : isBaseline ? ["Allow": .allow, "Deny": .deny] : ["Allow": .allow, "Deny": .deny, "Pass": .pass]
        let ports = isCluster ? "protocols" : "ports"
        for (key, peers, direction) in [("ingress", "from", Direction.ingress), ("egress", "to", .egress)] {
            guard !spec[key].isEmpty else { continue }
            let section = section(spec[key], peers, ports, actions, direction)
            if direction == .ingress { policy.ingress = section } else { policy.egress = section }
        }
        return policy
    }

    private mutating func section(
        _ node: Node, _ peersKey: String, _ portsKey: String, _ actions: [String: PolicyRule.Action],
        _ direction: Direction
    ) -> Policy.Section {
        var rules: [PolicyRule] = []
        for rule in node.elements {
            let known = defects.unknown.count
            defects.expect(rule, ["name", "action", peersKey, portsKey])
            guard let action = rule["action"].string.flatMap({ actions[$0] }) else {
                defects.refuse(
                    rule["action"],
                    "\(rule["action"].path): the action is \(actions.keys.sorted().joined(separator: ", "))")
                continue
            }
            if rule[peersKey].isEmpty {
                defects.refuse(rule[peersKey], "\(rule[peersKey].path): a rule needs a peer; an empty list is none")
            }
            let peers = rule[peersKey].elements.map { peer($0, direction, action) }
            let traffic = portsKey == "ports" ? ports(rule[portsKey], direction) : protocols(rule[portsKey])
            rules.append(
                PolicyRule(
                    action, peers: peers.count == 1 ? peers[0] : .union(peers), traffic: traffic, node: rule,
                    doubt: defects.doubt(since: known)))
        }
        return Policy.Section(rules: rules, end: .next, node: node)
    }

    /// `namespaces` or `pods`, of a subject or a peer. Pods on the network of their node are never selected.
    private mutating func pods(_ node: Node, isSubject: Bool) -> LabelExpression? {
        if isSubject {
            defects.expect(node, ["namespaces", "pods"])
            if node["namespaces"].isNull == node["pods"].isNull {
                defects.refuse(node, "\(node.path): a subject has either namespaces or pods")
            }
        }
        if !node["namespaces"].isNull {
            return .selector(node["namespaces"], LabelKey.namespace, &defects)
        }
        let pods = node["pods"]
        guard !pods.isNull else { return nil }
        defects.expect(pods, ["namespaceSelector", "podSelector"])
        return LabelExpression.selector(pods["namespaceSelector"], LabelKey.namespace, absent: .everything, &defects)
            .and(.selector(pods["podSelector"], LabelKey.own, absent: .everything, &defects))
    }

    private mutating func peer(_ node: Node, _ direction: Direction, _ action: PolicyRule.Action) -> PeerSelector {
        defects.expect(
            node, ["namespaces", "pods"] + (direction == .egress ? ["nodes", "networks", "domainNames"] : []))
        if node.count != 1 {
            defects.refuse(node, "\(node.path): a peer says exactly one thing")
        }
        if let pods = pods(node, isSubject: false) { return .pods(pods) }
        if !node["nodes"].isNull {
            return .nodes(.selector(node["nodes"], LabelKey.own, &defects), .any)
        }
        if !node["networks"].isNull {
            var set = AddressSet()
            for network in node["networks"].elements {
                guard let cidr = network.string.flatMap({ CIDR($0) }) else {
                    defects.refuse(network, "\(network.path): \"\(network.text ?? "")\" is not a CIDR")
                    continue
                }
                set = set.union(AddressSet(cidr))
            }
            return .addresses(set, .everywhere)
        }
        if !node["domainNames"].isNull {
            if action != .allow {
                defects.refuse(node["domainNames"], "\(node.path): names may only be accepted")
            }
            return .domains(node["domainNames"].strings.map { DomainPattern($0, .kubernetes) })
        }
        return .nobody
    }

    /// v1alpha1: `portNumber`, `portRange` or `namedPort`.
    private mutating func ports(_ node: Node, _ direction: Direction) -> TrafficSelector {
        guard !node.isEmpty else { return .all }
        var out = TrafficSelector(TrafficSet())
        for port in node.elements {
            defects.expect(port, ["portNumber", "portRange", "namedPort"])
            if let name = port["namedPort"].string {
                out.named.append(NamedPort(protocols: [.tcp, .udp, .sctp], name: name))
                continue
            }
            let isRange = !port["portRange"].isNull
            let entry = isRange ? port["portRange"] : port["portNumber"]
            defects.expect(entry, isRange ? ["protocol", "start", "end"] : ["protocol", "port"])
            let name = entry["protocol"].string ?? ""
            guard let transport = TransportProtocol(name: name.isEmpty ? "TCP" : name), transport.hasPorts else {
                defects.refuse(entry["protocol"], "\(entry.path): the protocol is TCP, UDP or SCTP")
                continue
            }
            let first = entry[isRange ? "start" : "port"].portNumber
            let last = isRange ? entry["end"].portNumber : first
            guard let first, let last, isRange ? first < last : first == last else {
                defects.refuse(entry, "\(entry.path): ports are 1 to 65535, and a range begins below its end")
                continue
            }
            out.known = out.known.union(TrafficSet(transport, first...last))
        }
        return out
    }

    /// v1alpha2: `tcp`, `udp`, `sctp` with an optional `destinationPort`, or `destinationNamedPort`.
    private mutating func protocols(_ node: Node) -> TrafficSelector {
        guard !node.isEmpty else { return .all }
        var out = TrafficSelector(TrafficSet())
        for entry in node.elements {
            defects.expect(entry, ["tcp", "udp", "sctp", "destinationNamedPort"])
            if entry.count != 1 { defects.refuse(entry, "\(entry.path): a protocol says exactly one thing") }
            if let name = entry["destinationNamedPort"].string {
                out.named.append(NamedPort(protocols: [.tcp, .udp, .sctp], name: name))
            }
            for (key, transport) in [("tcp", TransportProtocol.tcp), ("udp", .udp), ("sctp", .sctp)]
            where entry[key].isObject {
                defects.expect(entry[key], ["destinationPort"])
                let port = entry[key]["destinationPort"]
                guard !port.isNull else {
                    out.known = out.known.union(TrafficSet(transport))
                    continue
                }
                defects.expect(port, ["number", "range"])
                defects.expect(port["range"], ["start", "end"])
                let isRange = !port["range"].isNull
                let first = isRange ? port["range"]["start"].portNumber : port["number"].portNumber
                let last = isRange ? port["range"]["end"].portNumber : first
                guard let first, let last, isRange ? first < last : first == last else {
                    defects.refuse(port, "\(port.path): ports are 1 to 65535, and a range begins below its end")
                    continue
                }
                out.known = out.known.union(TrafficSet(transport, first...last))
            }
        }
        return out
    }
}
