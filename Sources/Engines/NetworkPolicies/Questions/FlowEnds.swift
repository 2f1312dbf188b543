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
        var byOwner: [String: Int] = [:]
        for (index, pod) in model.state.pods.enumerated() {
            let key = "\(model.state.namespaces[pod.namespace].name)/\(pod.owner.kind)/\(pod.owner.name)"
            if byOwner[key] == nil { byOwner[key] = index }
        }
        for party in table.parties {
            switch party {
            case .pod(let number):
                let pod = state.pods[number]
                let place = state.namespaces[pod.namespace].name
                let owner = byOwner["\(place)/\(pod.owner.kind)/\(pod.owner.name)"].map(NetworkModel.Endpoint.pod)
                // The same pod with the same labels; else whatever the workload's pods are now.
                let same = model.pod(named: pod.name, in: place)
                ends.append((same ?? owner).map { end(of: $0) })
            case .node(let number):
                ends.append(model.node(named: state.nodes[number].name).map { End(endpoint: $0) })
            case .outside(let address):
                ends.append(end(of: .address(address)))
            case .lost: ends.append(nil)
            }
        }
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
