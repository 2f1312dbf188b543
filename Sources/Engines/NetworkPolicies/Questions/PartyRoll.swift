/// The parties of a model by number, in their order, and those behind every peer.
struct PartyRoll {
    private(set) var parties: [Party] = []
    private var ofPeer: [[UInt32]]
    /// The same without pods that have no node yet; where nodes are told apart.
    private var placedOfPeer: [[UInt32]] = []
    /// Pods that have no node yet, by class; where nodes are told apart.
    private var unplaced: [Int: [UInt32]] = [:]
    /// Pods and the nodes they run on, by the number of the node as their own and by class; where nodes are told apart.
    private var neighbours: [Int: [Int: Set<Neighbours>]] = [:]
    /// Pods that all run on the one node of a party, which is no other node to any of them.
    private var homeOnly: Set<Neighbours> = []
    private let space: PeerSpace
    private let tellsNodes: Bool

    private struct Neighbours: Hashable {
        var pod: UInt32
        var node: UInt32
    }

    init(_ model: NetworkModel, byNamespace: Bool) {
        let (state, space) = (model.state, model.space)
        self.space = space
        tellsNodes = model.tellsNodes
        var found: [Party: UInt32] = [:]
        var unsorted: [Party] = []
        func number(_ party: Party) -> UInt32 {
            if let known = found[party] { return known }
            found[party] = UInt32(unsorted.count)
            unsorted.append(party)
            return UInt32(unsorted.count - 1)
        }
        func number(of pod: NetworkPod) -> UInt32 {
            number(byNamespace ? Party.namespace(state.namespaces[pod.namespace].name) : model.party(of: pod))
        }
        ofPeer = [[UInt32]](repeating: [], count: space.count)
        for (index, members) in space.classes.members.enumerated() {
            var last: UInt32?
            for member in members {
                let new = number(of: state.pods[Int(member)])
                // Pods of one workload mostly stand behind each other.
                if new != last, !ofPeer[index].contains(new) { ofPeer[index].append(new) }
                last = new
            }
        }
        for index in space.nodes where !model.tellsNodes || !space.ownNodes.contains(index) {
            ofPeer[index] = Set(space.nodes(at: index).map { number(model.nodeParties[$0]) }).sorted()
        }
        for (index, range) in space.atoms.ranges.enumerated() {
            ofPeer[space.outside.lowerBound + Int(space.atoms.numbers[index])] = [number(.outside(range))]
        }
        if model.tellsNodes {
            placedOfPeer = ofPeer
            for index in 0..<space.podCount { placedOfPeer[index] = [] }
            var homes: [UInt32: Set<Int>] = [:]
            for (index, pod) in state.pods.enumerated() where space.classes.classOfPod[index] >= 0 {
                let own = Int(space.classes.classOfPod[index])
                let party = number(of: pod)
                guard let node = pod.node.flatMap({ state.nodeIndex[$0] }) else {
                    // It may come to run on any.
                    homes[party, default: []].formUnion(state.nodes.indices)
                    if !unplaced[own, default: []].contains(party) { unplaced[own, default: []].append(party) }
                    continue
                }
                homes[party, default: []].insert(node)
                if !placedOfPeer[own].contains(party) { placedOfPeer[own].append(party) }
                let peer = space.ownNodes.lowerBound + Int(space.nodeClassOf[node])
                let pair = Neighbours(pod: party, node: number(model.nodeParties[node]))
                neighbours[peer, default: [:]][own, default: []].insert(pair)
            }
            for (party, nodes) in homes {
                guard let node = nodes.first, nodes.count == 1 else { continue }
                let home = model.nodeParties[node]
                guard model.nodeParties.count(where: { $0 == home }) == 1 else { continue }
                homeOnly.insert(Neighbours(pod: party, node: number(home)))
            }
        }
        let order = unsorted.indices.sorted { unsorted[$0] < unsorted[$1] }
        var place = [UInt32](repeating: 0, count: unsorted.count)
        for (new, old) in order.enumerated() { place[old] = UInt32(new) }
        parties = order.map { unsorted[$0] }
        func move(_ lists: inout [[UInt32]]) {
            for index in lists.indices {
                for entry in lists[index].indices { lists[index][entry] = place[Int(lists[index][entry])] }
            }
        }
        move(&ofPeer)
        move(&placedOfPeer)
        unplaced = unplaced.mapValues { $0.map { place[Int($0)] } }
        let moved = { (pairs: Set<Neighbours>) in
            Set(pairs.map { Neighbours(pod: place[Int($0.pod)], node: place[Int($0.node)]) })
        }
        neighbours = neighbours.mapValues { $0.mapValues(moved) }
        homeOnly = moved(homeOnly)
    }

    /// Traffic by pair: the source's number in the upper half, the target's in the lower one.
    struct Pairs {
        fileprivate(set) var found: [UInt64: TrafficSet] = [:]

        fileprivate mutating func note(_ source: UInt32, _ target: UInt32, _ traffic: TrafficSet) {
            let pair = UInt64(source) << 32 | UInt64(target)
            if let known = found[pair] {
                if known != traffic { found[pair] = known.union(traffic) }
            } else {
                found[pair] = traffic
            }
        }
    }

    /// - Parameter isPossible: what the blocks tell may be, and need not.
    func traffic(_ blocks: [ConnectivityBlock], isPossible: Bool) -> [UInt64: TrafficSet] {
        var pairs = Pairs()
        for block in blocks {
            let sources = numbers(block.sources, tellsNodes ? placedOfPeer : ofPeer)
            let targets = numbers(block.targets, tellsNodes ? placedOfPeer : ofPeer)
            for source in sources {
                for target in targets where source != target {
                    if !homeOnly.isEmpty,
                        homeOnly.contains(Neighbours(pod: source, node: target))
                            || homeOnly.contains(Neighbours(pod: target, node: source))
                    {
                        continue
                    }
                    pairs.note(source, target, block.traffic)
                }
            }
            for (peer, classes) in neighbours {
                let (isSource, isTarget) = (block.sources.contains(peer), block.targets.contains(peer))
                guard isSource || isTarget else { continue }
                for (own, list) in classes {
                    if isTarget, block.sources.contains(own) {
                        for pair in list { pairs.note(pair.pod, pair.node, block.traffic) }
                    }
                    if isSource, block.targets.contains(own) {
                        for pair in list { pairs.note(pair.node, pair.pod, block.traffic) }
                    }
                }
            }
        }
        if !unplaced.isEmpty { addUnplaced(blocks, isPossible, &pairs) }
        return pairs.found
    }

    /// Pods that have no node yet: with nodes that is certain which holds for their own and for any other one.
    private func addUnplaced(_ blocks: [ConnectivityBlock], _ isPossible: Bool, _ pairs: inout Pairs) {
        struct Meeting: Hashable {
            var own: Int
            var nodeClass: Int
            var isSource: Bool
        }
        var asOwn: [Meeting: TrafficSet] = [:]
        var asOther: [Meeting: TrafficSet] = [:]
        var nodes = Bits(count: space.count)
        nodes.insert(space.nodes)
        for block in blocks {
            for isSource in [true, false] {
                let (near, far) = isSource ? (block.sources, block.targets) : (block.targets, block.sources)
                let classes = unplaced.keys.filter { near.contains($0) }
                guard !classes.isEmpty else { continue }
                let others = numbers(far.subtracting(nodes), ofPeer)
                for own in classes {
                    for pod in unplaced[own] ?? [] {
                        for other in others where other != pod {
                            pairs.note(isSource ? pod : other, isSource ? other : pod, block.traffic)
                        }
                    }
                    for number in 0..<space.nodeCount {
                        let meeting = Meeting(own: own, nodeClass: number, isSource: isSource)
                        if far.contains(space.ownNodes.lowerBound + number) {
                            asOwn[meeting] = (asOwn[meeting] ?? TrafficSet()).union(block.traffic)
                        }
                        if far.contains(space.otherNodes.lowerBound + number) {
                            asOther[meeting] = (asOther[meeting] ?? TrafficSet()).union(block.traffic)
                        }
                    }
                }
            }
        }
        for meeting in Set(asOwn.keys).union(asOther.keys) {
            let (own, other) = (asOwn[meeting] ?? TrafficSet(), asOther[meeting] ?? TrafficSet())
            let traffic = isPossible ? own.union(other) : own.intersection(other)
            guard !traffic.isEmpty else { continue }
            for node in ofPeer[space.otherNodes.lowerBound + meeting.nodeClass] {
                for pod in unplaced[meeting.own] ?? [] {
                    pairs.note(meeting.isSource ? pod : node, meeting.isSource ? node : pod, traffic)
                }
            }
        }
    }

    private func numbers(_ peers: Bits, _ list: [[UInt32]]) -> [UInt32] {
        var out: [UInt32] = []
        peers.forEach { out += list[$0] }
        guard out.count > 1 else { return out }
        out.sort()
        var last: UInt32?
        return out.filter { number in
            defer { last = number }
            return number != last
        }
    }
}
