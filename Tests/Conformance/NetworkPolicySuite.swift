import Documents
import Findings
import Kubernetes
import NetworkPolicies

extension ConformanceSuite {
    static let networkPolicies = ConformanceSuite(
        name: "netpol",
        files: [
            truth("k8s-e2e"), truth("cyclonus"), truth("policy-assistant"), truth("cnp-v1alpha2-conformance"),
            truth("anp-v1alpha1-conformance"), truth("calico-handwritten", .calico),
            truth("cilium-handwritten", .cilium),
            followed("k8s-e2e"), followed("cyclonus"), followed("policy-assistant"),
            followed("cnp-v1alpha2-conformance"), followed("anp-v1alpha1-conformance"),
            followed("calico-handwritten", .calico), followed("cilium-handwritten", .cilium),
            ConformanceFile(name: "calico-programs", run: calicoPrograms),
            ConformanceFile(name: "calico-selectors", run: calicoSelectors),
            ConformanceFile(name: "fqdn-patterns", run: namePatterns),
            .analyzerLists, .analyzerNetworks, .analyzerExposures, .analyzerDifferences,
        ])

    private static func truth(_ name: String, _ plugin: NetworkPlugin = .standard) -> ConformanceFile {
        ConformanceFile(name: name) { folder in
            var agreement = Agreement()
            for line in try folder.lines("truth/\(name).jsonl") {
                for (index, step) in line["steps"].elements.enumerated() {
                    let id = "\(line["id"].string ?? "?")[\(index)]"
                    NetworkTruth(step, plugin: plugin).check(id, &agreement)
                }
            }
            return agreement
        }
    }

    /// The same verdicts of one network that follows the events from each step to the next.
    private static func followed(_ name: String, _ plugin: NetworkPlugin = .standard) -> ConformanceFile {
        ConformanceFile(name: "\(name)-incremental") { folder in
            var agreement = Agreement()
            for line in try folder.lines("truth/\(name).jsonl") {
                var live: LiveNetwork?
                var last: Node?
                for (index, step) in line["steps"].elements.enumerated() {
                    let id = "\(line["id"].string ?? "?")[\(index)]"
                    if var network = live, let before = last, before["config"].json() == step["config"].json() {
                        NetworkTruth.follow(&network, from: before, to: step)
                        live = network
                    } else {
                        live = NetworkTruth.live(step, plugin: plugin)
                    }
                    last = step
                    if let model = live?.model { NetworkTruth(step, model: model).check(id, &agreement) }
                }
            }
            return agreement
        }
    }

    private static func calicoSelectors(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let file = try folder.json("calico/selectors.json")
        for entry in file["selectors"].elements {
            let text = entry["selector"].string ?? ""
            let selector = try? CalicoSelector(text)
            for (key, expected) in [("match", true), ("noMatch", false)] {
                for labels in entry[key].elements {
                    let found = selector.map { "\($0.matches(labels.stringMap))" } ?? "refused"
                    agreement.note("\(text) on \(labels.json())", expected: "\(expected)", found: found)
                }
            }
        }
        for entry in file["invalid"].elements {
            let text = entry.string ?? ""
            agreement.note(text, (try? CalicoSelector(text)) == nil ? nil : "was accepted")
        }
        for entry in file["canonical"].elements {
            let text = entry["input"].string ?? ""
            agreement.note(
                text, expected: entry["canonical"].string ?? "",
                found: (try? CalicoSelector(text))?.canonical ?? "refused")
        }
        return agreement
    }

    private static func namePatterns(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let file = try folder.json("truth/fqdn-patterns.json")
        for (key, dialect) in [
            ("cilium_toFQDNs_matchPattern", DomainPattern.Dialect.cilium),
            ("clusterNetworkPolicy_domainNames", .kubernetes),
        ] {
            for entry in file[key]["cases"].elements {
                let pattern = DomainPattern(entry[0].string ?? "", dialect)
                let name = entry[1].string ?? ""
                agreement.note(
                    "\(pattern.text) on \(name)", expected: "\(entry[2].bool ?? false)",
                    found: "\(pattern.matches(name))")
            }
        }
        return agreement
    }

    private static func calicoPrograms(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("calico/policy-programs.jsonl") {
            let program = CalicoProgramText.program(line)
            for (index, packet) in line["packets"].elements.enumerated() {
                let id = "\(line["id"].string ?? "?")[\(index)]"
                guard let parsed = CalicoProgramText.packet(packet) else {
                    agreement.note(id, "the packet cannot be read")
                    continue
                }
                let found = line["kind"].equals("xdp") ? program.earlyVerdict(parsed) : program.verdict(parsed)
                agreement.note(id, expected: packet["verdict"].string ?? "", found: found.rawValue)
            }
        }
        return agreement
    }
}

/// One moment of a cluster with the verdicts that hold in it.
struct NetworkTruth {
    private let step: Node
    private let model: NetworkModel

    init(_ step: Node, model: NetworkModel) {
        self.step = step
        self.model = model
    }

    init(_ step: Node, plugin: NetworkPlugin) {
        var state = Self.state(step, plugin)
        let objects = Self.objects(step)
        state.read(policies: objects.filter(PolicyCatalogue.isPolicy), among: objects)
        self.init(step, model: NetworkModel(state))
    }

    static func live(_ step: Node, plugin: NetworkPlugin) -> LiveNetwork {
        LiveNetwork(state(step, plugin), objects: objects(step))
    }

    /// Applies what differs between two steps, pods and namespaces first.
    static func follow(_ live: inout LiveNetwork, from before: Node, to after: Node) {
        for member in after["namespaces"].members {
            _ = live.put(namespace: member.key, labels: member.value.stringMap)
        }
        for node in nodes(after) where !nodes(before).contains(where: { $0.json() == node.json() }) {
            _ = live.put(node: networkNode(node))
        }
        var old: [String: String] = [:]
        for pod in before["pods"].elements { old[podName(pod)] = pod.json() }
        for pod in after["pods"].elements {
            let known = old.removeValue(forKey: podName(pod))
            if known != pod.json() { _ = live.put(description(pod)) }
        }
        for name in old.keys.sorted() {
            let parts = name.split(separator: "/").map(String.init)
            if parts.count == 2 { _ = live.remove(pod: parts[1], in: parts[0]) }
        }
        var gone: [ObjectReference: KubernetesObject] = [:]
        for object in objects(before) { gone[object.reference] = object }
        for object in objects(after) {
            let known = gone.removeValue(forKey: object.reference)
            if known?.node.json() != object.node.json() { _ = live.apply(.modified(object)) }
        }
        for object in gone.values.sorted(by: { $0.reference < $1.reference }) { _ = live.apply(.deleted(object)) }
    }

    private static func nodes(_ step: Node) -> [Node] { Array(step["nodes"].elements) }
    private static func podName(_ pod: Node) -> String {
        "\(pod["namespace"].string ?? "")/\(pod["name"].string ?? "")"
    }
    private static func objects(_ step: Node) -> [KubernetesObject] {
        step["policies"].elements.compactMap { KubernetesObject($0) }
    }

    private static func networkNode(_ node: Node) -> NetworkNode {
        NetworkNode(
            name: node["name"].string ?? "", labels: node["labels"].stringMap,
            addresses: node["ip"].string.flatMap { IPAddress($0) }.map { [$0] } ?? [])
    }

    private static func description(_ pod: Node) -> LiveNetwork.PodDescription {
        var out = LiveNetwork.PodDescription(
            name: pod["name"].string ?? "", namespace: pod["namespace"].string ?? "", labels: pod["labels"].stringMap)
        out.ports = pod["ports"].elements.compactMap { port in
            guard let number = port["containerPort"].int.flatMap({ UInt16(exactly: $0) }),
                let transport = TransportProtocol(name: port["protocol"].string ?? "TCP")
            else { return nil }
            return ContainerPort(name: port["name"].string ?? "", number: number, protocol: transport)
        }
        out.addresses = pod["ip"].string.flatMap { IPAddress($0) }.map { [$0] } ?? []
        out.serviceAccount = pod["serviceAccount"].string ?? "default"
        out.isOnHostNetwork = pod["hostNetwork"].bool ?? false
        out.node = pod["node"].string
        return out
    }

    private static func state(_ step: Node, _ given: NetworkPlugin) -> NetworkState {
        var plugin = given
        plugin.apply { key in setting(key, step["config"]) }
        var state = NetworkState(plugin: plugin)
        for member in step["namespaces"].members { state.add(namespace: member.key, labels: member.value.stringMap) }
        for node in nodes(step) { state.add(node: networkNode(node)) }
        for pod in step["pods"].elements { state.add(description(pod)) }
        return state
    }

    /// Settings are written in Cilium's ConfigMap's words or in those of its Helm chart.
    private static func setting(_ key: String, _ config: Node) -> String? {
        let other = [
            "enable-policy": "policyEnforcementMode", "allow-localhost": "allowLocalhost",
            "cluster-name": "clusterName",
            "policy-cidr-match-mode": "policyCIDRMatchMode", "enable-node-selector-labels": "nodeSelectorLabels",
        ]
        let node = config[key].exists ? config[key] : config[other[key] ?? key]
        return node.text ?? (node.isArray ? node.strings.joined(separator: ",") : nil)
    }

    func check(_ id: String, _ agreement: inout Agreement) {
        let order = step["order"].strings
        for table in step["tables"].elements {
            guard let traffic = traffic(table) else { continue }
            for (key, pick) in [
                ("combined", { (answer: Answer) in answer.verdict }), ("ingress", { $0.ingress.verdict }),
                ("egress", { $0.egress.verdict }),
            ] as [(String, (Answer) -> Verdict)] where table[key].isArray {
                for (row, line) in table[key].strings.enumerated() {
                    for (column, letter) in line.enumerated() where letter != "#" {
                        let found = answer(order[row], order[column], traffic).map(pick)
                        let expected = letter == "." ? Verdict.allowed : .denied
                        agreement.note(
                            "\(id) \(key) \(order[row]) to \(order[column]) \(traffic)",
                            found == expected
                                ? nil : "expected \(expected), found \(found.map { "\($0)" } ?? "no such pod")")
                    }
                }
            }
        }
        for probe in step["probes"].elements {
            guard let traffic = traffic(probe), let from = probe["from"].string, let to = probe["to"].string else {
                continue
            }
            let found = answer(from, to, traffic)
            let expected = probe["allowed"].bool == true ? Verdict.allowed : .denied
            agreement.note(
                "\(id) \(from) to \(to) \(traffic)",
                found?.verdict == expected
                    ? nil : "expected \(expected), found \(found.map { "\($0)" } ?? "no such end")")
        }
    }

    private func traffic(_ node: Node) -> Traffic? {
        guard let transport = TransportProtocol(name: node["protocol"].string ?? "TCP"),
            let port = node["port"].int.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        return transport == .icmp && port == 0 ? .icmp(.icmp, type: 8, code: 0) : Traffic(transport, port)
    }

    private func answer(_ from: String, _ to: String, _ traffic: Traffic) -> Answer? {
        guard let source = end(from), let target = end(to) else { return nil }
        return model.verdict(from: source, to: target, traffic)
    }

    private func end(_ text: String) -> NetworkModel.Endpoint? {
        if text.hasPrefix("ip:") { return IPAddress(String(text.dropFirst(3))).map { model.endpoint(at: $0) } }
        if text.hasPrefix("node:") { return model.node(named: String(text.dropFirst(5))) }
        if text.hasPrefix("fqdn:") || text.hasPrefix("dns:") {
            return text.split(separator: ":", maxSplits: 1).last.map { .domain(String($0)) }
        }
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        return parts.count == 2 ? model.pod(named: parts[1], in: parts[0]) : nil
    }
}

/// The suite's way to write Calico's dataplane rules.
enum CalicoProgramText {
    static func program(_ line: Node) -> CalicoProgram {
        let policy = line["policy"]
        var sets: [String: Node] = [:]
        for member in line["ipSets"].members { sets[member.key] = member.value }
        var out = CalicoProgram()
        out.tiers = tiers(policy["tiers"], sets)
        out.profiles = policy["profiles"].elements.map { rules($0["rules"], sets) }
        out.preDNATTiers = tiers(policy["hostPreDNATTiers"], sets)
        out.forwardTiers = tiers(policy["hostForwardTiers"], sets)
        out.normalTiers = tiers(policy["hostNormalTiers"], sets)
        out.hostProfiles = policy["hostProfiles"].elements.map { rules($0["rules"], sets) }
        out.isForHostInterface = policy["forHostInterface"].bool ?? false
        out.skipsNormalHostPolicy = policy["suppressNormalHostPolicy"].bool ?? false
        return out
    }

    static func packet(_ node: Node) -> CalicoProgram.Packet? {
        guard let number = node["protocol"].int.flatMap({ UInt8(exactly: $0) }),
            let source = node["src"].string.flatMap({ IPAddress($0) }),
            let destination = node["dst"].string.flatMap({ IPAddress($0) })
        else { return nil }
        let (transport, own) = TransportProtocol.numbered(number)
        let traffic: Traffic
        if let type = node["icmpType"].int.flatMap({ UInt8(exactly: $0) }) {
            traffic = .icmp(transport, type: type, code: UInt8(truncatingIfNeeded: node["icmpCode"].int ?? 0))
        } else {
            traffic = Traffic(transport, own ?? UInt16(truncatingIfNeeded: node["dstPort"].int ?? 0))
        }
        return CalicoProgram.Packet(
            traffic, sourcePort: UInt16(truncatingIfNeeded: node["srcPort"].int ?? 0), from: source, to: destination,
            beforeNAT: node["preDNATDst"].string.flatMap { IPAddress($0) }, isFromHost: node["fromHost"].bool ?? false,
            isToHost: node["toHost"].bool ?? false)
    }

    private static func tiers(_ node: Node, _ sets: [String: Node]) -> [CalicoProgram.Tier] {
        node.elements.map { tier in
            CalicoProgram.Tier(
                policies: tier["policies"].elements.map { rules($0["rules"], sets) },
                passesAtEnd: tier["endAction"].equals("pass"))
        }
    }

    private static func rules(_ node: Node, _ sets: [String: Node]) -> [CalicoProgram.Rule] {
        node.elements.map { rule($0, sets) }
    }

    private static func rule(_ node: Node, _ sets: [String: Node]) -> CalicoProgram.Rule {
        let actions: [String: CalicoProgram.Rule.Action] = [
            "allow": .allow, "deny": .deny, "pass": .pass, "next-tier": .pass, "log": .log,
        ]
        var out = CalicoProgram.Rule(actions[node["action"].string?.lowercased() ?? ""] ?? .deny)
        var traffic = CalicoTraffic()
        traffic.protocol = transport(node["protocol"])
        traffic.notProtocol = transport(node["notProtocol"])
        traffic.icmp = icmp(node["icmp"])
        traffic.notICMP = icmp(node["notIcmp"])
        out.traffic = traffic.selector.known
        out.destinationPorts = ranges(node["dstPorts"])
        out.notDestinationPorts = ranges(node["notDstPorts"]) ?? []
        out.sourcePorts = ranges(node["srcPorts"])
        out.notSourcePorts = ranges(node["notSrcPorts"]) ?? []
        out.sourceNets = nets(node["srcNets"])
        out.notSourceNets = nets(node["notSrcNets"])
        out.destinationNets = nets(node["dstNets"])
        out.notDestinationNets = nets(node["notDstNets"])
        out.sourceSets = addressSets(node["srcIPSets"], sets)
        out.notSourceSets = addressSets(node["notSrcIPSets"], sets)
        out.destinationSets = addressSets(node["dstIPSets"], sets)
        out.notDestinationSets = addressSets(node["notDstIPSets"], sets)
        out.sourcePortSets = portSets(node["srcNamedPortSets"], sets)
        out.notSourcePortSets = portSets(node["notSrcNamedPortSets"], sets)
        out.destinationPortSets = portSets(node["dstNamedPortSets"], sets)
        out.notDestinationPortSets = portSets(node["notDstNamedPortSets"], sets)
        return out
    }

    private static func transport(_ node: Node) -> CalicoTraffic.Named? {
        if let number = (node.int ?? node.string.flatMap { Int($0) }).flatMap({ UInt8(exactly: $0) }) {
            let (transport, own) = TransportProtocol.numbered(number)
            return (transport, own)
        }
        return node.string.flatMap { TransportProtocol(name: $0) }.map { ($0, nil) }
    }

    private static func icmp(_ node: Node) -> (type: UInt8?, code: UInt8?)? {
        guard node.isObject else { return nil }
        return (node["type"].int.flatMap { UInt8(exactly: $0) }, node["code"].int.flatMap { UInt8(exactly: $0) })
    }

    private static func ranges(_ node: Node) -> [ClosedRange<UInt16>]? {
        guard node.isArray, !node.isEmpty else { return nil }
        return node.elements.compactMap { range in
            guard let first = range[0].int.flatMap({ UInt16(exactly: $0) }),
                let last = range[1].int.flatMap({ UInt16(exactly: $0) }), first <= last
            else { return nil }
            return first...last
        }
    }

    private static func nets(_ node: Node) -> AddressSet? {
        guard node.isArray, !node.isEmpty else { return nil }
        return AddressSet(node.strings.compactMap { CIDR(orAddress: $0) })
    }

    private static func addressSets(_ names: Node, _ sets: [String: Node]) -> [AddressSet] {
        names.strings.map { AddressSet((sets[$0]?.strings ?? []).compactMap { CIDR(orAddress: $0) }) }
    }

    private static func portSets(_ names: Node, _ sets: [String: Node]) -> [CalicoProgram.Rule.PortSet] {
        names.strings.map { name in
            (sets[name]?.strings ?? []).compactMap { member in
                let parts = member.split(separator: ",").map(String.init)
                guard parts.count == 2, let cidr = CIDR(orAddress: parts[0]) else { return nil }
                let port = parts[1].split(separator: ":").map(String.init)
                guard port.count == 2, let transport = TransportProtocol(name: port[0]), let number = UInt16(port[1])
                else {
                    return nil
                }
                return (AddressSet(cidr), TrafficSet(transport, number...number))
            }
        }
    }
}
