package import Kubernetes

/// Observed connections, added up: who, to whom, on which port, how often, from when to when.
package struct FlowTable: Sendable {
    package struct Entry: Sendable, Hashable {
        /// Numbers of `parties`.
        package var source: Int32
        package var target: Int32
        package var traffic: Traffic
        /// Seen at one place, and said once more at others: from the target's side, by answers.
        var direct = 0
        var repeated = 0
        package var denied = 0
        package var unanswered = 0
        package var first: Int64 = 0
        package var last: Int64 = 0

        package init(source: Int32, target: Int32, traffic: Traffic) {
            self.source = source
            self.target = target
            self.traffic = traffic
        }

        /// How often the connection was seen to pass.
        package var count: Int { Swift.max(direct, repeated) }
        package var hasPassed: Bool { count > 0 }
    }

    private struct Key: Hashable {
        var source: Int32
        var target: Int32
        var point: UInt32
    }

    private struct EndKey: Hashable {
        var end: FlowEnd
        var port: UInt32
    }

    package private(set) var parties: [FlowParty] = []
    package private(set) var entries: [Entry] = []
    package var statistics = FlowStatistics()
    /// Names that outside addresses were looked up by, in order.
    package private(set) var domains: [IPAddress: [String]] = [:]
    private var partyIndex: [FlowParty: Int32] = [:]
    private var entryIndex: [Key: Int] = [:]
    private var known: [EndKey: FlowResolver.Found] = [:]
    private let resolver: FlowResolver

    /// A table of flows between the pods of a state; `inventory` is the one the state was read from.
    package init(_ state: NetworkState, _ inventory: Inventory) { resolver = FlowResolver(state, inventory) }

    /// The latest moment any flow was seen; 0 when no log said.
    package var latest: Int64 { entries.reduce(0) { Swift.max($0, $1.last) } }

    // MARK: Taking in

    /// Adds one record; who opened the connection is settled here where the log does not say.
    package mutating func add(_ given: FlowRecord) {
        var record = given
        switch record.orientation {
        case .forward: break
        case .reply: record = record.reversed
        case .unknown:
            if isAnswer(record) { record = record.reversed }
        }
        guard record.targetPort > 0 || !record.protocol.hasPorts else {
            statistics.skipped += 1
            return
        }
        if record.outcome == .unanswered { statistics.unanswered += 1 }
        let traffic = Traffic(record.protocol, record.targetPort)
        note(record.source, record.target)
        let sources = resolve(record.source, Traffic(record.protocol, record.sourcePort), record.last)
        let targets = resolve(record.target, traffic, record.last)
        if sources.isStale || targets.isStale {
            statistics.stale += 1
        } else if (sources.parties + targets.parties).contains(where: {
            if case .lost = $0.party { true } else { false }
        }) {
            statistics.unresolved += 1
        }
        for source in sources.parties {
            for target in targets.parties {
                var called = traffic
                if let port = target.port { called.port = port }
                add(number(source.party), number(target.party), called, record)
            }
        }
    }

    /// Adds a row that was aggregated and looked up already.
    package mutating func add(
        _ source: FlowParty, _ target: FlowParty, _ traffic: Traffic, count: Int, first: Int64 = 0, last: Int64 = 0
    ) {
        let record = FlowRecord(
            source: FlowEnd(), target: FlowEnd(), protocol: traffic.protocol, targetPort: traffic.port, count: count,
            first: first, last: last)
        add(number(source), number(target), traffic, record)
    }

    private mutating func note(_ source: FlowEnd, _ target: FlowEnd) {
        for end in [source, target] where !end.domains.isEmpty && end.role != .pod {
            guard let address = end.address else { continue }
            domains[address] = Array(Set((domains[address] ?? []) + end.domains)).sorted()
        }
    }

    /// Answers of a service have its port at their source. Told by who is known to listen, then by which port is one
    /// that clients are given (Linux: 32768 to 60999), then by the lower number.
    private mutating func isAnswer(_ record: FlowRecord) -> Bool {
        guard record.protocol.hasPorts, record.sourcePort > 0 else { return false }
        let atSource = resolver.listens(record.source, Traffic(record.protocol, record.sourcePort))
        let atTarget = resolver.listens(record.target, Traffic(record.protocol, record.targetPort))
        if atSource != atTarget { return atSource }
        statistics.guessed += 1
        let isClient = { (port: UInt16) in port >= 32_768 }
        if isClient(record.sourcePort) != isClient(record.targetPort) { return isClient(record.targetPort) }
        return record.sourcePort < record.targetPort
    }

    private mutating func resolve(_ end: FlowEnd, _ traffic: Traffic, _ seen: Int64) -> FlowResolver.Found {
        // Only a Service's answer depends on the port, and only an address may be too old for its pod.
        var bare = end
        bare.domains = []
        let key = EndKey(end: bare, port: traffic.point)
        if let found = known[key], !found.isStale { return found }
        let found = resolver.resolve(end, traffic, seen: seen)
        if !found.isStale, end.role == .pod || end.address == nil { known[key] = found }
        return found
    }

    private mutating func number(_ party: FlowParty) -> Int32 {
        if let number = partyIndex[party] { return number }
        let number = Int32(parties.count)
        partyIndex[party] = number
        parties.append(party)
        return number
    }

    private mutating func add(_ source: Int32, _ target: Int32, _ traffic: Traffic, _ record: FlowRecord) {
        let key = Key(source: source, target: target, point: traffic.point)
        let place: Int
        if let known = entryIndex[key] {
            place = known
        } else {
            place = entries.count
            entryIndex[key] = place
            entries.append(Entry(source: source, target: target, traffic: traffic))
        }
        switch record.outcome {
        case .denied: entries[place].denied += record.count
        case .unanswered: entries[place].unanswered += record.count
        case .passed:
            if record.isRepeat {
                entries[place].repeated += record.count
            } else {
                entries[place].direct += record.count
            }
        }
        if record.first > 0 {
            let first = entries[place].first
            entries[place].first = first == 0 ? record.first : Swift.min(first, record.first)
        }
        entries[place].last = Swift.max(entries[place].last, record.last)
    }

    // MARK: Asking

    package func source(_ entry: Entry) -> FlowParty { parties[Int(entry.source)] }
    package func target(_ entry: Entry) -> FlowParty { parties[Int(entry.target)] }

    /// The name of a party in the state the table was made for.
    package func name(_ party: FlowParty, in state: NetworkState) -> String {
        switch party {
        case .pod(let number):
            let pod = state.pods[number]
            return "\(state.namespaces[pod.namespace].name)/\(pod.owner.name)"
        case .node(let number): return "node \(state.nodes[number].name)"
        case .outside(FlowResolver.internet): return "internet"
        case .outside(let address): return domains[address]?.first.map { "\(address) (\($0))" } ?? "\(address)"
        case .lost(let name): return name
        }
    }
}
