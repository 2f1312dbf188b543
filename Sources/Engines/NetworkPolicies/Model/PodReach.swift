/// What a class of pods may send and receive at one moment.
struct PodReach {
    var incoming: [Row] = []
    var outgoing: [Row] = []

    typealias Row = (peers: Bits, traffic: TrafficSet)
}

/// Peers by what they may be sent, or may send.
private struct PeerRows {
    private(set) var rows: [PodReach.Row] = []
    private let count: Int

    init(_ count: Int) { self.count = count }

    /// The row of a kind of traffic, which is made where there is none.
    mutating func row(_ traffic: TrafficSet) -> Int {
        for index in rows.indices where rows[index].traffic == traffic { return index }
        rows.append((Bits(count: count), traffic))
        return rows.count - 1
    }

    mutating func insert(_ peer: Int, _ row: Int) { rows[row].peers.insert(peer) }
    mutating func insert(_ peers: Bits, _ row: Int) { rows[row].peers.formUnion(peers) }
}

extension NetworkModel {
    /// Both directions of a class, each joined with what the other end says.
    func reach(ofClass own: Int) -> PodReach {
        PodReach(
            incoming: meetings(own, ingress, egress, .ingress), outgoing: meetings(own, egress, ingress, .egress))
    }

    private func meetings(
        _ own: Int, _ table: DirectionTable, _ other: DirectionTable, _ direction: Direction
    ) -> [PodReach.Row] {
        guard !isInGap(direction, ofClass: own) else { return [] }
        let group = Int(table.groupOfClass[own])
        var rows = PeerRows(space.count)
        let isAlone = space.classes.members[own].count <= 1
        // Of peers that one group decides over, all are answered alike: -2 is not asked yet, -1 nothing.
        var rowOfGroup = [Int32](repeating: -2, count: other.groups.count)
        var asked: [Int] = []
        let silent = silentPeers
        for part in table.groups[group].allowed.indices {
            let traffic = table.groups[group].allowed[part].traffic
            let sure = table.groups[group].allowed[part].sure
            let met = sure.intersection(silent)
            if !met.isEmpty { rows.insert(met, rows.row(traffic)) }
            for (place, bits) in sure.words.prefix((space.podCount + 63) >> 6).enumerated() {
                var word = bits
                while word != 0 {
                    let peer = place << 6 + word.trailingZeroBitCount
                    word &= word &- 1
                    guard peer < space.podCount else { break }
                    let met = Int(other.groupOfClass[peer])
                    guard met >= 0, !space.classes.members[peer].isEmpty, peer != own || !isAlone else { continue }
                    if rowOfGroup[met] == -2 {
                        let answer = other.groups[met].traffic(with: own, traffic)
                        rowOfGroup[met] = answer.isEmpty ? -1 : Int32(rows.row(answer))
                        asked.append(met)
                    }
                    if rowOfGroup[met] >= 0 { rows.insert(peer, Int(rowOfGroup[met])) }
                }
            }
            for met in asked { rowOfGroup[met] = -2 }
            asked.removeAll(keepingCapacity: true)
        }
        return rows.rows
    }

    /// Peers that have no say: nodes, and the outside. Behind filters of nodes a model is made anew for each event.
    private var silentPeers: Bits {
        var bits = Bits(count: space.count)
        bits.insert(space.podCount..<space.count)
        return bits
    }

    func isInGap(_ direction: Direction, ofClass own: Int) -> Bool {
        guard !gaps.isEmpty else { return false }
        return state.gaps.indices.contains {
            (direction == .ingress ? state.gaps[$0].ingress : state.gaps[$0].egress) && gaps[$0].contains(own)
        }
    }
}

extension DirectionTable.Group {
    /// What of a kind of traffic is allowed with a peer for sure.
    fileprivate func traffic(with peer: Int, _ wanted: TrafficSet) -> TrafficSet {
        var out = TrafficSet()
        for part in allowed.indices
        where allowed[part].allowed.contains(peer) && !(allowed[part].denied?.contains(peer) ?? false) {
            guard allowed[part].traffic.intersects(wanted) else { continue }
            out = out.union(allowed[part].traffic.intersection(wanted))
        }
        return out
    }
}
