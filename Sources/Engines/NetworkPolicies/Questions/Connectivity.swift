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
    case outside(AddressRange)

    package var description: String {
        switch self {
        case .workload(let reference): "\(reference.namespace)/\(reference.name) (\(reference.kind))"
        case .namespace(let name): "namespace \(name)"
        case .nodes: "nodes"
        case .outside(let range): "\(range)"
        }
    }

    private var rank: Int {
        switch self {
        case .workload: 0
        case .namespace: 1
        case .nodes: 2
        case .outside: 3
        }
    }

    package static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.workload(let x), .workload(let y)): x < y
        case (.namespace(let x), .namespace(let y)): x < y
        case (.outside(let x), .outside(let y)): x < y
        default: a.rank < b.rank
        }
    }
}

/// One line of a matrix: what a source may send to a target.
package struct Connection: Sendable, Hashable, Comparable {
    package var source: Party
    package var target: Party
    package var traffic: TrafficSet

    package static func < (a: Self, b: Self) -> Bool { (a.source, a.target) < (b.source, b.target) }
}

extension NetworkModel {
    /// All connectivity as rectangles, what is certain only.
    ///
    /// Groups of sources meet groups of targets; pairs of pods are never visited.
    func blocks() -> [ConnectivityBlock] {
        var out: [ConnectivityBlock] = []
        let outsiders = Bits(full: space.count).subtracting(podBits)
        let sources = parts(egress) + [Part(members: outsiders, allowed: [AllowedPeers.everything(space.count)])]
        let targets = parts(ingress) + [Part(members: outsiders, allowed: [AllowedPeers.everything(space.count)])]
        // Which part of the sources each peer is in.
        var partOf = [Int](repeating: 0, count: space.count)
        for (number, part) in sources.enumerated() { part.members.forEach { partOf[$0] = number } }
        var isHit = [Bool](repeating: false, count: sources.count)
        for (number, target) in targets.enumerated() {
            for into in target.allowed {
                let allowed = into.sure
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
                    let from = sources[part].members.intersection(allowed)
                    for out_ in sources[part].allowed {
                        let to = target.members.intersection(out_.sure)
                        guard !to.isEmpty else { continue }
                        let traffic = into.traffic.intersection(out_.traffic)
                        guard !traffic.isEmpty else { continue }
                        out.append(ConnectivityBlock(sources: from, targets: to, traffic: traffic))
                    }
                }
            }
        }
        return out
    }

    /// Number of rectangles that all connectivity comes to.
    package var blockCount: Int { blocks().count }

    private struct Part {
        var members: Bits
        var allowed: [AllowedPeers]
    }

    private var podBits: Bits {
        var bits = Bits(count: space.count)
        bits.insert(0..<space.podCount)
        return bits
    }

    private func parts(_ table: DirectionTable) -> [Part] {
        table.groups.map { group in
            var members = Bits(count: space.count)
            for index in group.classes { members.insert(Int(index)) }
            return Part(members: members, allowed: group.allowed)
        }
    }

    /// Who may talk to whom, by workload or by namespace, in order; what a party may do to itself is left out.
    package func connections(byNamespace: Bool = false, mergesRanges: Bool = true) -> [Connection] {
        let parties = parties(byNamespace: byNamespace)
        var found: [Party: [Party: TrafficSet]] = [:]
        for block in blocks() {
            var sources: Set<Party> = []
            var targets: Set<Party> = []
            block.sources.forEach { sources.formUnion(parties[$0]) }
            block.targets.forEach { targets.formUnion(parties[$0]) }
            for source in sources {
                for target in targets where source != target {
                    let known = found[source]?[target] ?? TrafficSet()
                    found[source, default: [:]][target] = known.union(block.traffic)
                }
            }
        }
        var out: [Connection] = []
        for source in found.keys.sorted() {
            for (target, traffic) in (found[source] ?? [:]).sorted(by: { $0.key < $1.key }) {
                out.append(Connection(source: source, target: target, traffic: traffic))
            }
        }
        return mergesRanges ? Connection.merged(out) : out
    }

    /// The parties behind every number of the space.
    private func parties(byNamespace: Bool) -> [[Party]] {
        var out = [[Party]](repeating: [], count: space.count)
        for (index, members) in space.classes.members.enumerated() {
            var seen: Set<Party> = []
            for member in members {
                let pod = state.pods[Int(member)]
                let name = state.namespaces[pod.namespace].name
                var owner = pod.owner
                owner.namespace = name
                let party = byNamespace ? Party.namespace(name) : .workload(owner)
                if seen.insert(party).inserted { out[index].append(party) }
            }
        }
        for index in space.nodes { out[index] = [.nodes] }
        for (index, range) in space.atoms.ranges.enumerated() {
            out[space.outside.lowerBound + index] = [.outside(range)]
        }
        return out
    }

    /// What a pod may send to, or receive from, every peer: for questions about whole ranges.
    func allowed(_ direction: Direction, pod: Int) -> [AllowedPeers] {
        guard !state.pods[pod].isOnHostNetwork else { return [AllowedPeers.everything(space.count)] }
        let table = table(direction)
        return table.groups[Int(table.groupOfClass[Int(space.classes.classOfPod[pod])])].allowed
    }
}

extension AllowedPeers {
    static func everything(_ count: Int) -> AllowedPeers { AllowedPeers(traffic: .all, allowed: Bits(full: count)) }
}
