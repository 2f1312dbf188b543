import Documents

/// Writes planned policies in a language, as YAML that a person can read and change.
struct PolicyWriter: Sendable {
    let form: PolicyForm
    /// Whether Cilium has to look into DNS answers, because rules name domains.
    let looksIntoNames: Bool

    init(_ form: PolicyForm, for policies: [PlannedPolicy]) {
        self.form = form
        looksIntoNames = policies.contains { policy in
            policy.egress.contains { $0.peers.contains { if case .domain = $0 { true } else { false } } }
        }
    }

    func value(_ policy: PlannedPolicy) -> DocumentValue {
        switch form {
        case .kubernetes:
            object("networking.k8s.io/v1", "NetworkPolicy", policy, standard(policy))
        case .cilium:
            object("cilium.io/v2", "CiliumNetworkPolicy", policy, cilium(policy))
        case .calico:
            object("projectcalico.org/v3", "NetworkPolicy", policy, calico(policy))
        }
    }

    private func object(
        _ version: String, _ kind: String, _ policy: PlannedPolicy, _ spec: [DocumentValue.Member]
    ) -> DocumentValue {
        [
            "apiVersion": .string(version), "kind": .string(kind),
            "metadata": ["name": .string(policy.name), "namespace": .string(policy.namespace)], "spec": .object(spec),
        ]
    }

    private static func labels(_ labels: [LabelPair]) -> DocumentValue {
        .object(labels.map { .init($0.key, .string($0.value)) })
    }

    private static func types(_ directions: [Direction]) -> DocumentValue {
        .array(directions.map { .string($0 == .ingress ? "Ingress" : "Egress") })
    }

    /// Selects pods by labels, or all but some.
    private func selector(_ subjects: PlannedPolicy.Subjects) -> DocumentValue {
        switch subjects {
        case .labels(let labels): return ["matchLabels": Self.labels(labels)]
        case .allBut(let but):
            guard !but.isEmpty else { return [:] }
            let expressions = but.sorted { $0.key < $1.key }.map { key, values -> DocumentValue in
                ["key": .string(key), "operator": "NotIn", "values": .array(values.map { .string($0) })]
            }
            return ["matchExpressions": .array(expressions)]
        }
    }

    // MARK: Kubernetes

    private func standard(_ policy: PlannedPolicy) -> [DocumentValue.Member] {
        var spec: [DocumentValue.Member] = [
            .init("podSelector", selector(policy.subjects)), .init("policyTypes", Self.types(policy.directions)),
        ]
        for direction in policy.directions {
            let rules = direction == .ingress ? policy.ingress : policy.egress
            guard !rules.isEmpty else { continue }
            let written = rules.map { standard($0, direction, in: policy.namespace) }
            spec.append(.init(direction.rawValue, .array(written)))
        }
        return spec
    }

    /// One rule of a NetworkPolicy.
    func standard(_ rule: PlannedPolicy.Rule, _ direction: Direction, in namespace: String) -> DocumentValue {
        var members: [DocumentValue.Member] = []
        if !rule.peers.isEmpty {
            let peers = rule.peers.map { standard($0, in: namespace) }
            members.append(.init(direction == .ingress ? "from" : "to", .array(peers)))
        }
        let ports = rule.ports.map { port -> DocumentValue in
            var members: [DocumentValue.Member] = [.init("protocol", .string(port.transport.rawValue))]
            if let name = port.name {
                members.append(.init("port", .string(name)))
            } else if let number = port.number {
                members.append(.init("port", .int(Int(number))))
            }
            return .object(members)
        }
        members.append(.init("ports", .array(ports)))
        return .object(members)
    }

    private func standard(_ peer: PlannedPolicy.Peer, in own: String) -> DocumentValue {
        switch peer {
        case .pods(let namespace, let labels):
            var members: [DocumentValue.Member] = []
            if namespace.isEmpty {
                members.append(.init("namespaceSelector", [:]))
            } else if namespace != own {
                members.append(
                    .init(
                        "namespaceSelector",
                        ["matchLabels": ["kubernetes.io/metadata.name": .string(namespace)]]))
            }
            if !labels.isEmpty || members.isEmpty {
                members.append(.init("podSelector", labels.isEmpty ? [:] : ["matchLabels": Self.labels(labels)]))
            }
            return .object(members)
        case .block(let block, let except):
            var members: [DocumentValue.Member] = [.init("cidr", .string("\(block)"))]
            if !except.isEmpty { members.append(.init("except", .array(except.map { .string("\($0)") }))) }
            return ["ipBlock": .object(members)]
        case .domain, .entity: return ["ipBlock": ["cidr": "0.0.0.0/0"]]
        }
    }

    // MARK: Cilium

    private func cilium(_ policy: PlannedPolicy) -> [DocumentValue.Member] {
        var spec: [DocumentValue.Member] = [.init("endpointSelector", selector(policy.subjects))]
        for direction in policy.directions {
            let rules = direction == .ingress ? policy.ingress : policy.egress
            var written: [DocumentValue] = []
            for rule in rules { written += cilium(rule, direction, policy) }
            // A rule that says nothing allows nothing, and having it isolates.
            spec.append(.init(direction.rawValue, .array(written.isEmpty ? [[:]] : written)))
        }
        return spec
    }

    /// Kinds of peers do not stand together in one rule of Cilium.
    private func cilium(
        _ rule: PlannedPolicy.Rule, _ direction: Direction, _ policy: PlannedPolicy
    ) -> [DocumentValue] {
        let word = direction == .ingress ? "from" : "to"
        var endpoints: [DocumentValue] = []
        var blocks: [DocumentValue] = []
        var domains: [DocumentValue] = []
        var entities: [DocumentValue] = rule.peers.isEmpty ? ["all"] : []
        for peer in rule.peers {
            switch peer {
            case .pods(let namespace, let labels): endpoints.append(Self.endpoint(namespace, labels, policy.namespace))
            case .block(let block, let except):
                var members: [DocumentValue.Member] = [.init("cidr", .string("\(block)"))]
                if !except.isEmpty { members.append(.init("except", .array(except.map { .string("\($0)") }))) }
                blocks.append(.object(members))
            case .domain(let name): domains.append(["matchName": .string(name)])
            case .entity(let name): entities.append(.string(name))
            }
        }
        var ports: [DocumentValue] = []
        var messages: [DocumentValue] = []
        for port in rule.ports {
            if port.transport.hasPorts {
                let number = port.name ?? "\(port.number ?? 0)"
                ports.append(["port": .string(number), "protocol": .string(port.transport.rawValue)])
            } else {
                let family = port.transport == .icmp6 ? "IPv6" : "IPv4"
                messages.append(["type": .int(port.transport == .icmp6 ? 128 : 8), "family": .string(family)])
            }
        }
        var out: [DocumentValue] = []
        for (key, peers) in [
            ("Endpoints", endpoints), ("CIDRSet", blocks), ("FQDNs", domains), ("Entities", entities),
        ] where !peers.isEmpty {
            let first = DocumentValue.Member("\(word)\(key)", .array(peers))
            if !ports.isEmpty {
                var group: [DocumentValue.Member] = [.init("ports", .array(ports))]
                if looksIntoNames, policy.name == "allow-dns" {
                    group.append(.init("rules", ["dns": [["matchPattern": "*"]]]))
                }
                out.append(.object([first, .init("toPorts", [.object(group)])]))
            }
            if !messages.isEmpty { out.append(.object([first, .init("icmps", [["fields": .array(messages)]])])) }
        }
        return out
    }

    private static func endpoint(_ namespace: String, _ labels: [LabelPair], _ own: String) -> DocumentValue {
        let key = "k8s:io.kubernetes.pod.namespace"
        var wanted = labels.map { DocumentValue.Member($0.key, .string($0.value)) }
        var members: [DocumentValue.Member] = []
        if !namespace.isEmpty, namespace != own { wanted.append(.init(key, .string(namespace))) }
        if !wanted.isEmpty { members.append(.init("matchLabels", .object(wanted))) }
        if namespace.isEmpty {
            members.append(.init("matchExpressions", [["key": .string(key), "operator": "Exists"]]))
        }
        return .object(members)
    }

    // MARK: Calico

    private func calico(_ policy: PlannedPolicy) -> [DocumentValue.Member] {
        var spec: [DocumentValue.Member] = [
            .init("selector", .string(Self.expression(policy.subjects))),
            .init("types", Self.types(policy.directions)),
        ]
        for direction in policy.directions {
            let rules = direction == .ingress ? policy.ingress : policy.egress
            let written = rules.flatMap { calico($0, direction, policy) }
            if !written.isEmpty { spec.append(.init(direction.rawValue, .array(written))) }
        }
        return spec
    }

    private static func expression(_ subjects: PlannedPolicy.Subjects) -> String {
        switch subjects {
        case .labels(let labels): expression(labels)
        case .allBut(let but):
            but.isEmpty
                ? "all()"
                : but.sorted { $0.key < $1.key }.map { key, values in
                    "\(key) not in {\(values.map { "'\($0)'" }.joined(separator: ", "))}"
                }.joined(separator: " && ")
        }
    }

    private static func expression(_ labels: [LabelPair]) -> String {
        labels.isEmpty ? "all()" : labels.map { "\($0.key) == '\($0.value)'" }.joined(separator: " && ")
    }

    /// One protocol a rule, and one sort of peers.
    private func calico(
        _ rule: PlannedPolicy.Rule, _ direction: Direction, _ policy: PlannedPolicy
    ) -> [DocumentValue] {
        var ends: [[DocumentValue.Member]] = rule.peers.isEmpty ? [[]] : []
        var nets: [DocumentValue] = []
        for peer in rule.peers {
            switch peer {
            case .pods(let namespace, let labels):
                var members = [DocumentValue.Member("selector", .string(Self.expression(labels)))]
                if namespace.isEmpty {
                    members.append(.init("namespaceSelector", "all()"))
                } else if namespace != policy.namespace {
                    members.append(.init("namespaceSelector", .string("projectcalico.org/name == '\(namespace)'")))
                }
                ends.append(members)
            case .block(let block, let except) where except.isEmpty: nets.append(.string("\(block)"))
            case .block(let block, let except):
                ends.append([
                    .init("nets", [.string("\(block)")]),
                    .init("notNets", .array(except.map { .string("\($0)") })),
                ])
            case .domain, .entity: continue
            }
        }
        if !nets.isEmpty { ends.append([.init("nets", .array(nets))]) }
        var out: [DocumentValue] = []
        for transport in TransportProtocol.allCases {
            let ports = rule.ports.filter { $0.transport == transport }
            guard !ports.isEmpty else { continue }
            for end in ends {
                var members: [DocumentValue.Member] = [
                    .init("action", "Allow"), .init("protocol", .string(transport.rawValue)),
                ]
                let numbers = ports.compactMap { port -> DocumentValue? in
                    port.name.map { .string($0) } ?? port.number.map { .int(Int($0)) }
                }
                let isMessage = transport == .icmp || transport == .icmp6
                if isMessage { members.append(.init("icmp", ["type": .int(transport == .icmp ? 8 : 128)])) }
                var target = direction == .egress ? end : []
                if transport.hasPorts, !numbers.isEmpty { target.append(.init("ports", .array(numbers))) }
                if direction == .ingress, !end.isEmpty { members.append(.init("source", .object(end))) }
                if !target.isEmpty { members.append(.init("destination", .object(target))) }
                out.append(.object(members))
            }
        }
        return out
    }
}
