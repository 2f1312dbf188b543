package import Kubernetes

/// Every source of a set may reach every target of another with this traffic.
struct ConnectivityBlock: Sendable {
    var sources: Bits
    var targets: Bits
    var traffic: TrafficSet
}

/// A party to connections as people speak of it: a workload, the nodes, a range of outside addresses.
package enum Party: Sendable, Hashable, Comparable, CustomStringConvertible {
    case workload(ObjectReference)
    case namespace(String)
    case nodes
    /// Nodes that policies about nodes treat otherwise than the rest, by name.
    case someNodes(String)
    case outside(AddressRange)

    package var description: String {
        switch self {
        case .workload(let reference): "\(reference.namespace)/\(reference.name) (\(reference.kind))"
        case .namespace(let name): "namespace \(name)"
        case .nodes: "nodes"
        case .someNodes(let names): names.contains(",") ? "nodes \(names)" : "node \(names)"
        case .outside(let range): "\(range)"
        }
    }

    private var rank: Int {
        switch self {
        case .workload: 0
        case .namespace: 1
        case .nodes: 2
        case .someNodes: 3
        case .outside: 4
        }
    }

    package static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.workload(let x), .workload(let y)): x < y
        case (.namespace(let x), .namespace(let y)): x < y
        case (.outside(let x), .outside(let y)): x < y
        case (.someNodes(let x), .someNodes(let y)): x < y
        default: a.rank < b.rank
        }
    }
}

/// One line of a matrix: what a source may send to a target.
package struct Connection: Sendable, Hashable, Comparable {
    package var source: Party
    package var target: Party
    /// What is allowed for certain.
    package var traffic: TrafficSet
    /// What may be allowed: something that decides over it cannot be read or is not known.
    package var doubtful = TrafficSet()

    package static func < (a: Self, b: Self) -> Bool { (a.source, a.target) < (b.source, b.target) }
}

extension NetworkModel {
    /// All connectivity as rectangles: what is certain, or with `possible` what may be.
    ///
    /// Groups of sources meet groups of targets; pairs of pods are never visited.
    func blocks(possible: Bool = false) -> [ConnectivityBlock] {
        var out: [ConnectivityBlock] = []
        let outsiders = Bits(full: space.count).subtracting(podBits)
        let sources = parts(.egress, possible) + others(.egress, possible, outsiders)
        let targets = parts(.ingress, possible) + others(.ingress, possible, outsiders)
        // Which part of the sources each peer is in.
        var partOf = [Int](repeating: 0, count: space.count)
        for (number, part) in sources.enumerated() { part.members.forEach { partOf[$0] = number } }
        var isHit = [Bool](repeating: false, count: sources.count)
        for (number, target) in targets.enumerated() {
            for into in target.allowed {
                let allowed = into.allowed
                var hit: [Int] = []
                allowed.forEach { peer in
                    if !isHit[partOf[peer]] {
                        isHit[partOf[peer]] = true
                        hit.append(partOf[peer])
                    }
                }
                for part in hit {
                    isHit[part] = false
                    if part == sources.count - 1, number == targets.count - 1 { continue }
                    // Most meetings come to nothing: that is found out before any set is made.
                    for leaving in sources[part].allowed where leaving.traffic.intersects(into.traffic) {
                        guard target.meets(leaving.allowed) else { continue }
                        let to = target.members.intersection(leaving.allowed)
                        let traffic = into.traffic.intersection(leaving.traffic)
                        let from = sources[part].members.intersection(allowed)
                        out.append(ConnectivityBlock(sources: from, targets: to, traffic: traffic))
                    }
                }
            }
        }
        return out
    }

    /// What is no pod: nodes behind a filter by themselves, then all that is free.
    private func others(_ direction: Direction, _ possible: Bool, _ outsiders: Bits) -> [Part] {
        let everything = [AllowedPeers.everything(space.count)]
        guard tellsNodes else { return [Part(members: outsiders, allowed: everything)] }
        var out: [Part] = []
        func add(_ number: Int, _ list: [AllowedPeers]) {
            let allowed = list.map {
                AllowedPeers(traffic: $0.traffic, allowed: possible ? $0.allowed : $0.sure)
            }
            out.append(Part(members: Bits(count: space.count, holding: number), allowed: allowed))
        }
        for number in 0..<space.nodeCount {
            let (local, remote) = (space.ownNodes.lowerBound + number, space.otherNodes.lowerBound + number)
            add(local, hosts.isEmpty ? everything : hosts.ownPods(direction, nodeClass: number))
            add(remote, hosts.isEmpty ? everything : hosts.peers(direction, nodeClass: number))
        }
        var nodes = Bits(count: space.count)
        nodes.insert(space.nodes)
        // What nodes and the outside say to each other is told too, once something decides over it.
        return out + [Part(members: outsiders.subtracting(nodes), allowed: everything)]
    }

    /// Number of rectangles that all connectivity comes to.
    package var blockCount: Int { blocks().count }

    private struct Part {
        var members: Bits
        var allowed: [AllowedPeers]
        /// The members one by one, where there are few.
        private var few: [Int]?

        init(members: Bits, allowed: [AllowedPeers]) {
            self.members = members
            self.allowed = allowed
            few = members.count <= 16 ? members.members : nil
        }

        func meets(_ bits: Bits) -> Bool {
            guard let few else { return members.intersects(bits) }
            for member in few where bits.contains(member) { return true }
            return false
        }
    }

    var podBits: Bits {
        var bits = Bits(count: space.count)
        bits.insert(0..<space.podCount)
        return bits
    }

    /// The groups of a direction with what they are allowed; classes that a hole touches stand apart, for of them
    /// nothing is certain and everything possible.
    private func parts(_ direction: Direction, _ possible: Bool) -> [Part] {
        var inGap = Bits(count: space.count)
        for (index, gap) in state.gaps.enumerated() where direction == .ingress ? gap.ingress : gap.egress {
            gaps[index].forEach { inGap.insert($0) }
        }
        var out: [Part] = []
        for group in table(direction).groups {
            var members = Bits(count: space.count)
            for index in group.classes where !inGap.contains(Int(index)) { members.insert(Int(index)) }
            guard !members.isEmpty else { continue }
            let allowed = group.allowed.map {
                AllowedPeers(traffic: $0.traffic, allowed: possible ? $0.allowed : $0.sure)
            }
            out.append(Part(members: members, allowed: allowed))
        }
        guard !inGap.isEmpty else { return out }
        return out + [Part(members: inGap, allowed: possible ? [AllowedPeers.everything(space.count)] : [])]
    }

    /// Whether anything at all is in doubt.
    private var hasDoubt: Bool {
        !state.gaps.isEmpty || tellsNodes
            || Direction.allCases.contains { table($0).groups.contains { $0.allowed.contains { $0.denied != nil } } }
    }

    /// Who may talk to whom, by workload or by namespace, in order; what a party may do to itself is left out.
    package func connections(byNamespace: Bool = false, mergesRanges: Bool = true) -> [Connection] {
        let roll = PartyRoll(self, byNamespace: byNamespace)
        let certain = roll.traffic(blocks(), isPossible: false)
        let possible = hasDoubt ? roll.traffic(blocks(possible: true), isPossible: true) : certain
        var out: [Connection] = []
        out.reserveCapacity(possible.count)
        for pair in possible.keys.sorted() {
            let most = possible[pair] ?? TrafficSet()
            let sure = certain[pair] ?? TrafficSet()
            out.append(
                Connection(
                    source: roll.parties[Int(pair >> 32)], target: roll.parties[Int(pair & 0xFFFF_FFFF)],
                    traffic: sure, doubtful: most.subtracting(sure)))
        }
        return mergesRanges ? Connection.merged(out) : out
    }

    /// The workloads, or the namespaces with pods, in order: also those that talk to nobody. Pods on the network of
    /// their node are the node.
    package func podParties(byNamespace: Bool = false) -> [Party] {
        Set(
            state.pods.filter { !$0.isOnHostNetwork }.map {
                byNamespace ? .namespace(state.namespaces[$0.namespace].name) : party(of: $0)
            }
        ).sorted()
    }

    /// What a pod may send to, or receive from, every peer: for questions about whole ranges.
    func allowed(_ direction: Direction, pod: Int) -> [AllowedPeers] {
        guard !state.pods[pod].isOnHostNetwork else { return hostAllowed(direction, pod: pod) }
        let table = table(direction)
        return table.groups[Int(table.groupOfClass[Int(space.classes.classOfPod[pod])])].allowed
    }
}

extension NetworkModel {
    /// What the filters of its node leave a pod on the node's network.
    private func hostAllowed(_ direction: Direction, pod: Int) -> [AllowedPeers] {
        guard !state.guards.isEmpty else { return [AllowedPeers.everything(space.count)] }
        guard let node = state.pods[pod].node.flatMap({ state.nodeIndex[$0] }) else {
            return [AllowedPeers.anything(space.count)]
        }
        return hosts.peers(direction, nodeClass: Int(space.nodeClassOf[node]))
    }
}

extension AllowedPeers {
    static func everything(_ count: Int) -> AllowedPeers { AllowedPeers(traffic: .all, allowed: Bits(full: count)) }
}
