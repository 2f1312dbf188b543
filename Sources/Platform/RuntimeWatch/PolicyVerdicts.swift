package import Detection
internal import Documents
package import Kubernetes
package import NetworkPolicies
package import Sensor

/// What the network policies of a cluster, as it was read, say of connections that were seen.
package final class PolicyVerdicts: ConnectionVerdicts {
    private let model: NetworkModel
    private var services: [IPAddress: String] = [:]
    /// Answers by what they depend on: a busy workload asks the same again and again.
    private var known: [Question: ConnectionVerdict] = [:]
    private static let mostKnown = 4096

    private struct Question: Hashable {
        var source: NetworkModel.Endpoint
        var target: NetworkModel.Endpoint
        var traffic: Traffic
    }

    /// - Parameter unlistedKinds: kinds that a cluster did not show; what policies of them may touch is not observable.
    package init(_ inventory: Inventory, plugin: NetworkPlugin? = nil, unlistedKinds: Set<String> = []) {
        var state = NetworkState(inventory, plugin: plugin)
        state.note(unlisted: unlistedKinds)
        model = NetworkModel(state)
        for object in inventory.objects.values where object.is("Service") {
            let spec = object.node["spec"]
            for text in spec["clusterIPs"].strings + [spec["clusterIP"].string].compactMap({ $0 }) {
                if let address = IPAddress(text) { services[address] = "\(object.namespace)/\(object.name)" }
            }
        }
    }

    package func verdict(
        _ connection: ConnectionClass, from container: SensorContainer, to address: [UInt8], port: UInt16
    ) -> ConnectionVerdict? {
        guard let own = endpoint(of: container), let other = IPAddress(bytes: address),
            let transport = TransportProtocol(rawValue: connection.transport.uppercased())
        else { return nil }
        // A Service's address is nobody's: policies see the pods behind it, and which it was is not known here.
        guard services[other] == nil else { return nil }
        let isOutbound = connection.direction == .outbound
        let peer = model.endpoint(at: other)
        let question = Question(
            source: isOutbound ? own : peer, target: isOutbound ? peer : own, traffic: Traffic(transport, port))
        if let found = known[question] { return found }
        let found = decide(question)
        if known.count >= Self.mostKnown { known.removeAll() }
        known[question] = found
        return found
    }

    private func decide(_ question: Question) -> ConnectionVerdict {
        let answer = model.verdict(from: question.source, to: question.target, question.traffic)
        var reasons: [String] = []
        switch answer.verdict {
        case .allowed:
            reasons = model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress)
        case .denied, .unknown:
            if answer.egress.verdict != .allowed { reasons += model.explain(answer.egress, .egress) }
            if answer.ingress.verdict != .allowed { reasons += model.explain(answer.ingress, .ingress) }
        }
        var out = ConnectionVerdict(
            verdict: answer.verdict.rawValue, reasons: reasons.map { $0.trimmed() }, proposals: [])
        switch answer.verdict {
        case .allowed:
            out.proposals = model.edits(toDeny: question.source, to: question.target, question.traffic).map {
                "to deny it: \($0.text) (\($0.also))"
            }
        case .denied:
            let edits = model.edits(toAllow: question.source, to: question.target, question.traffic) ?? []
            out.proposals = edits.map {
                "to allow it: add \(Self.text($0.rule)) to \($0.path) of \($0.policy)"
            }
        case .unknown: break
        }
        return out
    }

    private static func text(_ rule: DocumentValue) -> String {
        var writer = JSONWriter()
        writer.value(rule)
        return writer.string
    }

    package func peer(_ address: [UInt8]) -> PeerName? {
        guard let address = IPAddress(bytes: address) else { return nil }
        if let service = services[address] { return PeerName(service: service) }
        switch model.endpoint(at: address) {
        case .pod(let number):
            let pod = model.state.pods[number]
            return PeerName(workload: "\(model.state.namespaceName(of: pod))/\(pod.owner.name)")
        case .node(let number): return PeerName(workload: "node \(model.state.nodes[number].name)")
        case .address, .domain: return nil
        }
    }

    private func endpoint(of container: SensorContainer) -> NetworkModel.Endpoint? {
        guard let name = container.facts.podName, let namespace = container.facts.namespace else { return nil }
        if let pod = model.pod(named: name, in: namespace) { return pod }
        // Manifests know the workload and not its pods.
        return model.endpoint(named: "\(namespace)/\(AlertGroups.workloadName(name))")
    }
}

extension IPAddress {
    /// Four bytes or sixteen, as the kernel has them.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.init(
            family: bytes.count == 4 ? .v4 : .v6, value: bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
    }
}

extension String {
    fileprivate func trimmed() -> String { String(drop { $0 == " " }) }
}
