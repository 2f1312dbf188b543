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
            guard case .isolated(let policies) = decision.reason,
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
