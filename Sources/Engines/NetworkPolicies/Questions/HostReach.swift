/// What the filters of hosts say of one connection.
extension NetworkModel {
    /// The node an end is on: itself, or the one of a pod; nil where that is not known.
    private func node(of endpoint: Endpoint) -> Int? {
        switch endpoint {
        case .node(let number): number
        case .pod(let number): state.pods[number].node.flatMap { state.nodeIndex[$0] }
        case .address, .domain: nil
        }
    }

    /// What decides over the own traffic of a node, or of a pod on its network.
    func decideHost(
        _ direction: Direction, _ own: Endpoint, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision {
        let free = Decision(verdict: .allowed, reason: .notAPod)
        guard !hosts.isEmpty else { return free }
        switch own {
        case .address, .domain: return free
        case .node, .pod: break
        }
        if let node = node(of: own) { return decideHost(direction, at: node, peer, traffic, sourcePort) }
        guard !state.guards.isEmpty else { return free }
        return anywhere(own, "nodes are filtered") { decideHost(direction, at: $0, peer, traffic, sourcePort) }
    }

    private func decideHost(
        _ direction: Direction, at node: Int, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision {
        let isNeighbour = self.node(of: peer) == node
        guard case .pod(let number) = peer, !state.pods[number].isOnHostNetwork else {
            // Nodes, and pods on their network, speak to themselves without leaving.
            if isNeighbour { return Decision(verdict: .allowed, reason: .itself) }
            let table = hosts.table(direction)
            return settle(node, direction, table, [target(of: peer, false)], traffic, sourcePort)
        }
        if isNeighbour { return decideOwnPod(direction, node, peer, traffic, sourcePort) }
        let targets = direction == .ingress ? senders(of: number) : [target(of: peer, false)]
        let fromElsewhere = settle(node, direction, hosts.table(direction), targets, traffic, sourcePort)
        guard self.node(of: peer) == nil else { return fromElsewhere }
        // A pod that has no node yet may come to run on this one.
        let fromHere = decideOwnPod(direction, node, peer, traffic, sourcePort)
        if fromHere.verdict == fromElsewhere.verdict || fromElsewhere.verdict == .unknown { return fromElsewhere }
        guard fromHere.verdict != .unknown else { return fromHere }
        return Decision(
            verdict: .unknown,
            reason: .unknown(["which node the pod runs on is not known, and its own node treats it otherwise"]),
            isAboutHost: true)
    }

    /// What holds wherever a pod comes to run that has no node yet; where nodes differ, or one it names was not seen,
    /// nothing is certain.
    private func anywhere(_ own: Endpoint, _ what: String, _ decide: (Int) -> Decision) -> Decision {
        let doubt = Decision(
            verdict: .unknown, reason: .unknown(["which node it runs on is not known, and \(what)"]),
            isAboutHost: true)
        guard case .pod(let pod) = own, state.pods[pod].node == nil, state.seesAllFilteredNodes else { return doubt }
        var common: Decision?
        for node in state.nodes.indices {
            let decision = decide(node)
            if decision.verdict == .unknown { return decision }
            if let common, common.verdict != decision.verdict { return doubt }
            common = common ?? decision
        }
        return common ?? doubt
    }

    /// What becomes of traffic between a node and a pod it runs.
    private func decideOwnPod(
        _ direction: Direction, _ node: Int, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision {
        let free = Decision(verdict: .allowed, reason: .ownNode)
        let settings = state.hostSettings
        if direction == .egress, !settings.filtersOwnPods { return free }
        if direction == .ingress {
            switch settings.ownHost {
            case .allowed: return free
            case .dropped: return Decision(verdict: .denied, reason: .ownHost)
            case .unknown:
                return Decision(
                    verdict: .unknown,
                    reason: .unknown(["defaultEndpointToHostAction is Return: the node's own rules decide"]))
            case .filtered: break
            }
        }
        let everywhere = (state.guardsOfNode[state.nodes[node].name] ?? []).filter { state.guards[$0].isEverywhere }
        guard !everywhere.isEmpty else { return free }
        let isDoubtful = everywhere.contains { state.guards[$0].doubt != nil }
        return settle(
            (everywhere, isDoubtful), hosts.table(direction), [target(of: peer, true)], traffic, sourcePort)
    }

    /// Whose address the traffic of a pod to another node may carry: its own, or that of its node.
    private func senders(of pod: Int) -> [Target] {
        let itself = target(of: .pod(pod), false)
        guard state.hostSettings.sender != .pod else { return [itself] }
        var out: [Target]
        if let node = node(of: .pod(pod)) {
            out = [target(of: .node(node), false)]
        } else {
            out = space.otherNodes.map { .index($0) }
        }
        if state.hostSettings.sender == .either || out.isEmpty { out.append(itself) }
        return out
    }

    private func settle(
        _ node: Int, _ direction: Direction, _ table: DirectionTable?, _ targets: [Target], _ traffic: Traffic,
        _ sourcePort: UInt16?
    ) -> Decision {
        let way = state.guards(of: node, direction)
        guard !way.numbers.isEmpty else { return Decision(verdict: .allowed, reason: .notAPod) }
        return settle(way, table, targets, traffic, sourcePort)
    }

    /// Asks every filter that the traffic may meet; where they differ, nothing is certain.
    private func settle(
        _ way: (numbers: [Int], mayPassBy: Bool), _ table: DirectionTable?, _ targets: [Target], _ traffic: Traffic,
        _ sourcePort: UInt16?
    ) -> Decision {
        guard let table else { return Decision(verdict: .allowed, reason: .notAPod) }
        var decisions: [Decision] = []
        for number in way.numbers {
            let one = state.guards[number]
            let holes = state.gaps.filter { gap in
                (table.direction == .ingress ? gap.ingress : gap.egress)
                    && gap.hosts.map { one.isSubject(of: $0) } ?? false
            }.map(\.reason)
            if one.isOpaque || !holes.isEmpty {
                decisions.append(
                    Decision(
                        verdict: .unknown, reason: .unknown(holes.isEmpty ? [one.doubt ?? ""] : holes),
                        isAboutHost: true))
                continue
            }
            let group = table.groups[Int(table.groupOfClass[number])]
            for target in targets {
                var decision = walk(table, group, number, target, traffic, sourcePort)
                decision.isAboutHost = true
                decisions.append(decision)
            }
        }
        guard let first = decisions.first else { return Decision(verdict: .allowed, reason: .notAPod) }
        var verdicts = Set(decisions.map(\.verdict))
        if way.mayPassBy { verdicts.insert(.allowed) }
        if verdicts.count == 1 { return first }
        if let unknown = decisions.first(where: { $0.verdict == .unknown }) { return unknown }
        return Decision(verdict: .unknown, reason: .unknown(doubts(way, decisions)), isAboutHost: true)
    }

    /// Why filters do not tell one answer.
    private func doubts(_ way: (numbers: [Int], mayPassBy: Bool), _ decisions: [Decision]) -> [String] {
        var out: [String] = []
        for number in way.numbers {
            let one = state.guards[number]
            if let doubt = one.doubt {
                if !out.contains(doubt) { out.append(doubt) }
            } else if way.mayPassBy || way.numbers.count > 1 {
                let place = one.interface.isEmpty ? "" : " (interface \(one.interface))"
                out.append("whether the traffic passes \(one.reference)\(place) is not known")
            }
        }
        if out.isEmpty {
            out.append("whether a pod's traffic carries its own address or its node's is not known (natOutgoing)")
        }
        return out
    }

    // MARK: What a node hands on

    /// What the filters of its node say of traffic to a pod, or from it.
    func decideForwarding(
        _ direction: Direction, _ pod: Int, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision? {
        guard state.filtersForwarded, let table = hosts.forwardTable(direction) else { return nil }
        if let node = node(of: .pod(pod)) {
            return decideForwarding(direction, table, at: node, peer, traffic, sourcePort)
        }
        return anywhere(.pod(pod), "nodes filter what they hand on") { node in
            decideForwarding(direction, table, at: node, peer, traffic, sourcePort)
                ?? Decision(verdict: .allowed, reason: .notAPod)
        }
    }

    private func decideForwarding(
        _ direction: Direction, _ table: DirectionTable, at node: Int, _ peer: Endpoint, _ traffic: Traffic,
        _ sourcePort: UInt16?
    ) -> Decision? {
        let way = state.guards(of: node, direction)
        guard !way.numbers.isEmpty, self.node(of: peer) != node else { return nil }
        let decision = settle(way, table, [target(of: peer, false)], traffic, sourcePort)
        guard decision.verdict == .denied, case .pod(let other) = peer, !state.pods[other].isOnHostNetwork else {
            return decision
        }
        return Decision(
            verdict: .unknown,
            reason: .unknown(["whether traffic between pods passes the filters of nodes is not known"]),
            isAboutHost: true)
    }

    /// Whether the filters of nodes let public addresses reach a port of the nodes that a Service opens, before its
    /// address is exchanged; nil where no filter looks there.
    func nodePort(_ traffic: Traffic) -> Verdict? {
        guard !hosts.isEmpty, !state.guards.isEmpty else { return nil }
        let internet = publicPeers
        var verdicts: Set<Verdict> = []
        for node in state.nodes.indices {
            let way = state.guards(of: node, .ingress)
            let isCilium = state.plugin.family == .cilium
            if isCilium, state.plugin.replacesKubeProxy == true { return nil }
            guard !way.numbers.isEmpty, let table = isCilium ? hosts.table(.ingress) : hosts.early else {
                verdicts.insert(.allowed)
                continue
            }
            for number in way.numbers {
                let allowed = table.groups[Int(table.groupOfClass[number])].allowed.filter {
                    $0.traffic.contains(traffic)
                }
                if state.guards[number].isOpaque {
                    verdicts.insert(.unknown)
                } else if allowed.contains(where: { $0.sure.intersects(internet) }) {
                    verdicts.insert(.allowed)
                } else {
                    verdicts.insert(allowed.contains { $0.allowed.intersects(internet) } ? .unknown : .denied)
                }
            }
            if way.mayPassBy { verdicts.insert(.allowed) }
            if isCilium, state.plugin.replacesKubeProxy == nil { verdicts.insert(.allowed) }
        }
        // One node that lets it in is enough, where it is not a filter that may or may not be passed.
        if verdicts.isEmpty || verdicts == [.allowed] { return nil }
        return verdicts == [.denied] ? .denied : .unknown
    }
}
