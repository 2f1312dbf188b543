/// What a change opens and what it cuts, exactly.
package struct ConnectivityChange: Sendable {
    /// Traffic that was not allowed before.
    package var added: [Connection]
    /// Traffic that is not allowed any more.
    package var removed: [Connection]
    /// Pods of either side about which a policy that cannot be read leaves something open.
    package var isObservable: Bool

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty }

    package init(from before: NetworkState, to after: NetworkState) {
        let old = NetworkModel(before, comparedWith: [after])
        let new = NetworkModel(after, comparedWith: [before])
        let was = Self.index(old.connections(mergesRanges: false))
        let now = Self.index(new.connections(mergesRanges: false))
        added = Self.difference(now, was)
        removed = Self.difference(was, now)
        isObservable = before.gaps.isEmpty && after.gaps.isEmpty
    }

    private struct Pair: Hashable {
        var source: Party
        var target: Party
    }

    private static func index(_ connections: [Connection]) -> [Pair: TrafficSet] {
        Dictionary(connections.map { (Pair(source: $0.source, target: $0.target), $0.traffic) }) { $0.union($1) }
    }

    private static func difference(_ a: [Pair: TrafficSet], _ b: [Pair: TrafficSet]) -> [Connection] {
        var out: [Connection] = []
        for (pair, traffic) in a {
            let rest = b[pair].map { traffic.subtracting($0) } ?? traffic
            if !rest.isEmpty { out.append(Connection(source: pair.source, target: pair.target, traffic: rest)) }
        }
        return Connection.merged(out.sorted())
    }
}

extension Connection {
    /// Joins ranges of addresses that lie side by side and have the same traffic with the same party.
    static func merged(_ connections: [Connection]) -> [Connection] {
        var out: [Connection] = []
        var lastSource: [Party: Int] = [:]
        for connection in connections {
            if case .outside(let range) = connection.target, let last = out.last, last.source == connection.source,
                last.traffic == connection.traffic, case .outside(let before) = last.target, before.touches(range)
            {
                out[out.count - 1].target = .outside(AddressRange(first: before.first, last: range.last))
                continue
            }
            if case .outside(let range) = connection.source, let place = lastSource[connection.target],
                out[place].traffic == connection.traffic, case .outside(let before) = out[place].source,
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
