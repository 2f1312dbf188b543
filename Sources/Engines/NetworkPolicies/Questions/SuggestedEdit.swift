package import Documents
package import Kubernetes

/// A change of one policy that turns a denied connection into an allowed one, tried before it is offered.
package struct SuggestedEdit: Sendable {
    package var policy: ObjectReference
    /// The list the rule is added to.
    package var path: FieldPath
    package var rule: DocumentValue
    /// Other connections that the rule opens beside the one asked for: pairs of workloads.
    package var alsoOpens: Int
}

extension NetworkModel {
    /// Rules to add, one for every direction that denies; nil when adding NetworkPolicy rules cannot help, because
    /// another policy denies or nothing denies.
    package func edits(toAllow source: Endpoint, to target: Endpoint, _ traffic: Traffic) -> [SuggestedEdit]? {
        let answer = verdict(from: source, to: target, traffic)
        guard answer.verdict == .denied, traffic.protocol.hasPorts else { return nil }
        var changed = state
        var edits: [SuggestedEdit] = []
        for (direction, decision, peer) in [
            (Direction.egress, answer.egress, target), (.ingress, answer.ingress, source),
        ] where decision.verdict == .denied {
            guard case .isolated(let policies) = decision.reason, !decision.isAboutHost,
                let number = policies.first(where: {
                    state.policies[$0].reference.kind == "NetworkPolicy" && state.policies[$0].stage == .standard
                        && state.policies[$0].reference.group == "networking.k8s.io"
                }), let (written, selector) = describe(peer), let section = state.policies[number].section(direction)
            else { return nil }
            var rule = PolicyRule(.allow, peers: selector, node: section.node)
            rule.traffic = TrafficSelector(TrafficSet(traffic.protocol, traffic.port...traffic.port))
            if direction == .ingress {
                changed.policies[number].ingress?.rules.append(rule)
            } else {
                changed.policies[number].egress?.rules.append(rule)
            }
            let key = direction == .ingress ? "from" : "to"
            let port: DocumentValue = ["port": .int(Int(traffic.port)), "protocol": .string(traffic.protocol.rawValue)]
            edits.append(
                SuggestedEdit(
                    policy: state.policies[number].reference,
                    path: FieldPath([.key("spec"), .key(direction.rawValue)]),
                    rule: .object([.init(key, .array([written])), .init("ports", .array([port]))]), alsoOpens: 0))
        }
        guard !edits.isEmpty,
            NetworkModel(changed).verdict(from: source, to: target, traffic).verdict == .allowed
        else { return nil }
        let opened = ConnectivityChange(from: state, to: changed).added.count
        for index in edits.indices { edits[index].alsoOpens = max(0, opened - 1) }
        return edits
    }

    /// The smallest change that turns an allowed connection into a denied one.
    package struct Cut: Sendable {
        /// What to do, in words.
        package var text: String
        /// Connections that are cut beside the one asked for: pairs of parties.
        package var others: Int
        /// All that is cut, where that is one connection and wider than was asked about.
        package var whole: String?
        /// `cuts nothing else`, `cuts 3 more connections`, `cuts shop/a → 0.0.0.0/0: TCP 80,443`.
        package var also: String {
            if let whole { return "cuts \(whole)" }
            return others == 0 ? "cuts nothing else" : "cuts \(others) more connection\(others == 1 ? "" : "s")"
        }
    }

    /// One change that denies: leaving out the only rule that allows, or else a policy that isolates the destination or
    /// the source; each is tried, and the one that cuts least is given.
    package func edits(toDeny source: Endpoint, to target: Endpoint, _ traffic: Traffic) -> [Cut] {
        let answer = verdict(from: source, to: target, traffic)
        guard answer.verdict == .allowed else { return [] }
        var best: Cut?
        func take(_ text: String, _ changed: NetworkState) {
            guard NetworkModel(changed).verdict(from: source, to: target, traffic).verdict == .denied else { return }
            let removed = ConnectivityChange(from: state, to: changed).removed
            var cut = Cut(text: text, others: max(0, removed.count - 1))
            if let own = removed.first, removed.count == 1, traffic.protocol.hasPorts,
                own.traffic != TrafficSet(traffic.protocol, traffic.port...traffic.port)
            {
                cut.whole = "\(own.source) → \(own.target): \(own.traffic)"
            }
            if cut.others < best?.others ?? .max { best = cut }
        }
        for (direction, decision, own) in [
            (Direction.ingress, answer.ingress, target), (.egress, answer.egress, source),
        ] {
            switch decision.reason {
            case .rules(let rules):
                guard let rule = rules.last, rule.policy < state.policies.count else { continue }
                var changed = state
                if direction == .ingress {
                    changed.policies[rule.policy].ingress?.rules.remove(at: rule.rule)
                } else {
                    changed.policies[rule.policy].egress?.rules.remove(at: rule.rule)
                }
                take("remove \(place(rule))", changed)
            case .notSelected:
                guard case .pod(let number) = own else { continue }
                let pod = state.pods[number]
                let labels = Self.telling(state.labels(of: pod))
                guard !pod.isOnHostNetwork, !labels.isEmpty, let node = pod.object?.node else { continue }
                let place = state.namespaces[pod.namespace].name
                let selected = LabelExpression.all(
                    [.isIn(.namespaceName, [place])] + labels.map { .isIn(.own($0.key), [$0.value]) })
                var policy = Policy(
                    reference: ObjectReference(
                        group: "networking.k8s.io", kind: "NetworkPolicy", namespace: place, name: "isolate"),
                    node: node, stage: .standard, order: 1_000, subjects: selected)
                let section = Policy.Section(rules: [], end: .deny, node: node)
                if direction == .ingress { policy.ingress = section } else { policy.egress = section }
                var changed = state
                changed.policies.append(policy)
                let words = labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
                take(
                    "add a NetworkPolicy to \(place) that selects \(words) for \(direction.rawValue) and allows what is"
                        + " needed", changed)
            default: continue
            }
        }
        return best.map { [$0] } ?? []
    }

    /// A peer as a NetworkPolicy writes it, and as the model reads it.
    private func describe(_ endpoint: Endpoint) -> (DocumentValue, PeerSelector)? {
        switch endpoint {
        case .pod(let number):
            let pod = state.pods[number]
            guard !pod.isOnHostNetwork else { return nil }
            let labels = Self.telling(state.labels(of: pod))
            guard !labels.isEmpty else { return nil }
            let place = state.namespaces[pod.namespace].name
            let written: DocumentValue = [
                "namespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": .string(place)]],
                "podSelector": ["matchLabels": .object(labels.map { .init($0.key, .string($0.value)) })],
            ]
            let parts = labels.map { LabelExpression.isIn(.own($0.key), [$0.value]) }
            return (written, .pods(.all([.isIn(.namespace("kubernetes.io/metadata.name"), [place])] + parts)))
        case .address(let address):
            let block = CIDR(address: address)
            return (["ipBlock": ["cidr": .string("\(block)")]], .addresses(AddressSet(block), state.plugin.blockReach))
        case .node, .domain: return nil
        }
    }

    /// The labels people name an application by; all that do not change with every rollout where there are none.
    private static func telling(_ labels: [String: String]) -> [(key: String, value: String)] {
        for sign in [["app.kubernetes.io/name", "app.kubernetes.io/instance"], ["app"], ["k8s-app"], ["name"]] {
            let found = sign.compactMap { key in labels[key].map { (key: key, value: $0) } }
            if !found.isEmpty { return found }
        }
        let passing: Set<String> = [
            "pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name",
            "apps.kubernetes.io/pod-index", "pod-template-generation",
        ]
        return labels.filter { !passing.contains($0.key) }.sorted { $0.key < $1.key }.map {
            (key: $0.key, value: $0.value)
        }
    }
}
