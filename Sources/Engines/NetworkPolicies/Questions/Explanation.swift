import Documents

extension NetworkModel {
    /// The name people know an end by.
    package func name(_ endpoint: Endpoint) -> String {
        switch endpoint {
        case .pod(let index):
            let pod = state.pods[index]
            return "\(state.namespaces[pod.namespace].name)/\(pod.name)"
        case .node(let index): return "node \(state.nodes[index].name)"
        case .address(let address): return address.description
        case .domain(let name): return name
        }
    }

    /// `shop/NetworkPolicy db spec.ingress[0]`, and the place in its file where there is one.
    package func place(_ identity: RuleIdentity) -> String {
        guard let rule = rule(identity) else { return "\(policy(identity).reference)" }
        return Self.place("\(policy(identity).reference) \(rule.node.path)", rule.node)
    }

    private static func place(_ name: String, _ node: Node) -> String {
        node.location.map { "\(name) (\($0))" } ?? name
    }

    /// One direction of an answer in words, with what decided it.
    package func explain(_ decision: Decision, _ direction: Direction) -> [String] {
        let verdict = decision.verdict == .unknown ? "not observable" : decision.verdict.rawValue
        let head = "\(direction.rawValue): \(verdict)"
        switch decision.reason {
        case .ownHost: return ["\(head): Calico drops what pods send to their own node (defaultEndpointToHostAction)"]
        case .filtered(let number):
            let one = state.guards[number]
            let name = one.document.map { Self.place("\(one.reference)", $0) } ?? "\(one.reference)"
            return ["\(head): no policy and no profile allows it at \(name)"]
        case .notSelected: return ["\(head): no policy decides over it"]
        case .itself: return ["\(head): a pod always reaches itself"]
        case .ownNode: return ["\(head): a pod and the node it runs on always reach each other"]
        case .notAPod: return ["\(head): policies for pods do not apply to nodes, their pods and the outside"]
        case .alwaysEnforced: return ["\(head): Cilium denies what no policy allows (enable-policy: always)"]
        case .rules(let rules):
            let inspected = decision.isInspected ? ["  the traffic is looked into; parts of it may be refused"] : []
            return [head + ":"] + rules.map { "  \(action($0)) by \(place($0))" } + inspected
        case .isolated(let policies):
            let subject = decision.isAboutHost ? "the node" : "the pod"
            return [head + ": these policies select \(subject), and none of their rules matches:"]
                + policies.map { index in
                    let policy = state.policy(numbered: index)
                    return "  " + Self.place("\(policy.reference)", policy.section(direction)?.node ?? policy.node)
                }
        case .unknown(let reasons): return [head + ":"] + reasons.map { "  \($0)" }
        }
    }

    private func action(_ identity: RuleIdentity) -> String {
        switch rule(identity)?.action {
        case .deny: "denied"
        case .pass: "passed on"
        default: "allowed"
        }
    }
}

extension NetworkModel {
    /// Reads an end as people write it: `shop/web`, `node:n1`, `10.0.0.1`, `dns:example.com`, `internet`.
    ///
    /// A workload stands for its first pod. "internet" is an address set aside for documentation (RFC 5737, RFC 3849), which no
    /// policy names unless it names everything.
    package func endpoint(named text: String) -> Endpoint? {
        if text == "internet" {
            return IPAddress(state.family == .v6 ? "2001:db8::1" : "203.0.113.1").map { endpoint(at: $0) }
        }
        if text.hasPrefix("node:") { return node(named: String(text.dropFirst(5))) }
        if text.hasPrefix("dns:") { return .domain(String(text.dropFirst(4))) }
        if let address = IPAddress(text) { return endpoint(at: address) }
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count == 2 || parts.count == 3 else { return nil }
        if parts.count == 2, let pod = pod(named: parts[1], in: parts[0]) { return pod }
        let name = parts.last ?? ""
        let index = state.pods.firstIndex { pod in
            state.namespaces[pod.namespace].name == parts[0] && pod.owner.name == name
                && (parts.count == 2 || pod.owner.kind.lowercased() == parts[1].lowercased())
        }
        return index.map(Endpoint.pod)
    }
}
