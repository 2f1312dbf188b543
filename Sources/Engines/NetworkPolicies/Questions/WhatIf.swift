/// An observed connection that a change treats otherwise.
package struct FlowEffect: Sendable, Hashable {
    /// Number of the entry of the flow table.
    package var entry: Int
    package var source: String
    package var target: String
    package var traffic: Traffic
    /// How often it was seen to pass, or for opened ones how often it was refused.
    package var count: Int
    package var last: Int64
    /// The connection is not known to be allowed after the change, and not known to be denied.
    package var isUnknown = false

    /// What was seen most comes first.
    static func areInOrder(_ a: FlowEffect, _ b: FlowEffect) -> Bool {
        if a.count != b.count { return a.count > b.count }
        return (a.source, a.target, a.traffic.point) < (b.source, b.target, b.traffic.point)
    }
}

/// What a change does to connectivity, and to the connections that were seen.
package struct WhatIf: Sendable {
    package var change: ConnectivityChange
    /// Seen to pass, allowed before, and denied after the change.
    package var cut: [FlowEffect] = []
    /// Refused when they were seen, denied before, and allowed after the change.
    package var opened: [FlowEffect] = []
    /// Flows that were looked at, and those of ends nobody knows.
    package var flows = 0
    package var unknownEnds = 0
    /// Flows of workloads that are not there any more after the change.
    package var gone = 0

    package init(from before: NetworkState, to after: NetworkState, flows table: FlowTable? = nil) {
        change = ConnectivityChange(from: before, to: after)
        guard let table else { return }
        match(table, NetworkModel(before), NetworkModel(after))
    }

    /// Only the effect on flows, of two models that stand already.
    package init(from before: NetworkModel, to after: NetworkModel, flows table: FlowTable) {
        change = ConnectivityChange()
        match(table, before, after)
    }

    /// How often all that is cut was seen, and when last.
    package var cutCount: Int { cut.reduce(0) { $0 + $1.count } }
    package var cutLast: Int64 { cut.reduce(0) { max($0, $1.last) } }

    private mutating func match(_ table: FlowTable, _ before: NetworkModel, _ after: NetworkModel) {
        let old = FlowEnds(table, before.state, in: before)
        let new = FlowEnds(table, before.state, in: after)
        for (number, entry) in table.entries.enumerated() {
            guard entry.hasPassed || entry.denied > 0 else { continue }
            flows += 1
            guard let from = old.ends[Int(entry.source)], let to = old.ends[Int(entry.target)] else {
                unknownEnds += 1
                continue
            }
            guard let newFrom = new.ends[Int(entry.source)], let newTo = new.ends[Int(entry.target)] else {
                gone += 1
                continue
            }
            let now = new.verdict(newFrom, newTo, entry.traffic)
            // What passed and may pass is no effect, whatever was.
            if entry.hasPassed, now == .allowed { continue }
            let was = old.verdict(from, to, entry.traffic)
            guard was != now else { continue }
            let isCut = entry.hasPassed && was != .denied && now != .allowed
            let isOpened = !entry.hasPassed && was != .allowed && now == .allowed
            guard isCut || isOpened else { continue }
            let effect = FlowEffect(
                entry: number, source: table.name(table.source(entry), in: before.state),
                target: table.name(table.target(entry), in: before.state), traffic: entry.traffic,
                count: isCut ? entry.count : entry.denied, last: entry.last, isUnknown: now == .unknown)
            if isCut { cut.append(effect) } else { opened.append(effect) }
        }
        cut.sort(by: FlowEffect.areInOrder)
        opened.sort(by: FlowEffect.areInOrder)
    }
}
