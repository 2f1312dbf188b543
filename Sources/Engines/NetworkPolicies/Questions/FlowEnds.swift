/// The parties of a flow table as a model knows them: looked up once, so that a million flows cost a table look-up each.
struct FlowEnds: Sendable {
    struct End: Sendable {
        var endpoint: NetworkModel.Endpoint
        /// Its number among the peers of the model, and whether policies for pods apply to it. Nil where an answer
        /// depends on more: on nodes, and on whether a pod runs on one.
        var peer: Int?
        var isPod = false
    }

    private let model: NetworkModel
    private(set) var ends: [End?] = []
    /// `state` is the one the table was made for; the model may be of another moment.
    init(_ table: FlowTable, _ state: NetworkState, in model: NetworkModel) {
        self.model = model
        var owners: [String: Int]?
        let pods = model.state.pods
        for party in table.parties {
            switch party {
            case .pod(let number):
                let pod = state.pods[number]
                let place = state.namespaces[pod.namespace].name
                // Most often the other moment has the same pods in the same order.
                if pods.indices.contains(number), pods[number].name == pod.name,
                    model.state.namespaces[pods[number].namespace].name == place
                {
                    ends.append(end(of: .pod(number)))
                    continue
                }
                if let same = model.pod(named: pod.name, in: place) {
                    ends.append(end(of: same))
                    continue
                }
                // The pod is gone: whatever the workload's pods are now.
                let known = owners ?? Self.owners(model.state)
                owners = known
                ends.append(known[Self.key(pod, place)].map { end(of: .pod($0)) })
            case .node(let number):
                ends.append(model.node(named: state.nodes[number].name).map { End(endpoint: $0) })
            case .outside(let address):
                ends.append(end(of: .address(address)))
            case .lost: ends.append(nil)
            }
        }
    }

    private static func key(_ pod: NetworkPod, _ place: String) -> String {
        "\(place)/\(pod.owner.kind)/\(pod.owner.name)"
    }

    private static func owners(_ state: NetworkState) -> [String: Int] {
        var out: [String: Int] = [:]
        for (index, pod) in state.pods.enumerated() {
            let key = key(pod, state.namespaces[pod.namespace].name)
            if out[key] == nil { out[key] = index }
        }
        return out
    }

    private func end(of endpoint: NetworkModel.Endpoint) -> End {
        switch endpoint {
        case .pod(let number):
            // What a policy that cannot be read may touch is asked the long way.
            let isPlain = !Direction.allCases.contains { model.isInGap($0, number) }
            guard !model.state.pods[number].isOnHostNetwork, isPlain else { return End(endpoint: endpoint) }
            return End(endpoint: endpoint, peer: Int(model.space.classes.classOfPod[number]), isPod: true)
        case .address(let address):
            return End(endpoint: endpoint, peer: model.space.outside.lowerBound + model.space.atoms.index(of: address))
        case .node, .domain: return End(endpoint: endpoint)
        }
    }

    func verdict(_ source: End, _ target: End, _ traffic: Traffic) -> Verdict {
        guard let from = source.peer, let to = target.peer else {
            return exact(source, target, traffic)
        }
        let out = source.isPod ? Self.verdict(model.egress, from, to, traffic) : .allowed
        guard out != .denied else { return .denied }
        let into = target.isPod ? Self.verdict(model.ingress, to, from, traffic) : .allowed
        return NetworkModel.both(out, into)
    }

    private func exact(_ source: End, _ target: End, _ traffic: Traffic) -> Verdict {
        guard source.endpoint == target.endpoint, case .pod(let number) = source.endpoint else {
            return model.verdict(from: source.endpoint, to: target.endpoint, traffic).verdict
        }
        // Two pods of one workload stand behind one end; that a pod reaches itself is no answer for them.
        return model.state.pods[number].isOnHostNetwork ? .allowed : .unknown
    }

    private static func verdict(_ table: DirectionTable, _ own: Int, _ peer: Int, _ traffic: Traffic) -> Verdict {
        for part in table.groups[Int(table.groupOfClass[own])].allowed where part.traffic.contains(traffic) {
            guard part.allowed.contains(peer) else { return .denied }
            return part.denied?.contains(peer) ?? false ? .unknown : .allowed
        }
        return .denied
    }
}
