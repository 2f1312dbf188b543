/// What a change opens and what it cuts, exactly.
package struct ConnectivityChange: Sendable {
    /// Traffic that was not allowed before.
    package var added: [Connection]
    /// Traffic that is not allowed any more.
    package var removed: [Connection]
    /// Traffic of which it is not known on one side whether it is allowed, and which the other side treats otherwise.
    package var unclear: [Connection]

    /// Pairs of which part is not known before and not known after: nothing is said of that part.
    package var undecided = 0

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && unclear.isEmpty }

    /// A change of nothing.
    init() { (added, removed, unclear) = ([], [], []) }

    package init(from before: NetworkState, to after: NetworkState) {
        // Both are asked over the same families of addresses.
        let isDual = before.family == nil && after.family == nil && (before.isDualStack || after.isDualStack)
        let families: [IPAddress.Family?] = isDual ? [.v4, .v6] : [nil]
        func connections(_ state: NetworkState, _ other: NetworkState) -> [Connection] {
            Connection.joined(
                families.map { family in
                    var (own, compared) = (state, other)
                    if let family { (own.family, compared.family) = (family, family) }
                    return NetworkModel(own, comparedWith: [compared]).connections(mergesRanges: false)
                })
        }
        var was: [Pair: Connection] = [:]
        var now: [Pair: Connection] = [:]
        for connection in connections(before, after) { was[Pair(connection)] = connection }
        for connection in connections(after, before) { now[Pair(connection)] = connection }
        var added: [Connection] = []
        var removed: [Connection] = []
        var unclear: [Connection] = []
        for pair in Set(was.keys).union(now.keys) {
            let (before, beforeDoubt) = (was[pair]?.traffic ?? TrafficSet(), was[pair]?.doubtful ?? TrafficSet())
            let (after, afterDoubt) = (now[pair]?.traffic ?? TrafficSet(), now[pair]?.doubtful ?? TrafficSet())
            func note(_ list: inout [Connection], _ traffic: TrafficSet) {
                guard !traffic.isEmpty else { return }
                list.append(Connection(source: pair.source, target: pair.target, traffic: traffic))
            }
            note(&added, after.subtracting(before).subtracting(beforeDoubt))
            note(&removed, before.subtracting(after).subtracting(afterDoubt))
            if beforeDoubt.intersects(afterDoubt) { undecided += 1 }
            note(&unclear, beforeDoubt.subtracting(afterDoubt).union(afterDoubt.subtracting(beforeDoubt)))
        }
        self.added = Connection.merged(added.sorted())
        self.removed = Connection.merged(removed.sorted())
        self.unclear = Connection.merged(unclear.sorted())
    }

    private struct Pair: Hashable {
        var source: Party
        var target: Party

        init(_ connection: Connection) {
            source = connection.source
            target = connection.target
        }
    }
}

extension Connection {
    /// Joins ranges of addresses that lie side by side and have the same traffic with the same party.
    static func merged(_ connections: [Connection]) -> [Connection] {
        var out: [Connection] = []
        var lastSource: [Party: Int] = [:]
        for connection in connections {
            if case .outside(let range) = connection.target, let last = out.last, last.source == connection.source,
                last.traffic == connection.traffic, last.doubtful == connection.doubtful,
                case .outside(let before) = last.target, before.touches(range)
            {
                out[out.count - 1].target = .outside(AddressRange(first: before.first, last: range.last))
                continue
            }
            if case .outside(let range) = connection.source, let place = lastSource[connection.target],
                out[place].traffic == connection.traffic, out[place].doubtful == connection.doubtful,
                case .outside(let before) = out[place].source,
                before.touches(range)
            {
                out[place].source = .outside(AddressRange(first: before.first, last: range.last))
                continue
            }
            if case .outside = connection.source { lastSource[connection.target] = out.count }
            out.append(connection)
        }
        return out
    }
}

extension AddressRange {
    fileprivate func touches(_ next: AddressRange) -> Bool {
        last.family == next.first.family && last.value != .max && last.value + 1 == next.first.value
    }
}
