import Kubernetes

/// Needs that were seen: every connection of a flow table that passed.
struct ObservedIntent: Sendable {
    private(set) var needs: [NetworkNeed] = []
    private(set) var notes: [String] = []
    /// Workloads whose connections were seen, by direction.
    private(set) var seenFrom: Set<Int> = []
    private(set) var seenTo: Set<Int> = []

    /// More single addresses than this on one port are written as the whole of the internet.
    static let addressLimit = 16

    init(_ table: FlowTable, _ state: NetworkState, _ selectors: WorkloadSelectors) {
        var lost: [String: Int] = [:]
        var outside: [NetworkNeed.Key: Set<IPAddress>] = [:]
        var found: [NetworkNeed] = []
        for (number, entry) in table.entries.enumerated() where entry.hasPassed {
            guard let source = Self.end(table.source(entry), table, selectors, &lost, entry.count),
                let target = Self.end(table.target(entry), table, selectors, &lost, entry.count)
            else { continue }
            let isOurs = [source, target].contains { if case .workload = $0 { true } else { false } }
            guard isOurs else { continue }
            if case .workload(let own) = source { seenFrom.insert(own) }
            if case .workload(let own) = target { seenTo.insert(own) }
            let port = entry.traffic.protocol.hasPorts ? entry.traffic.port : nil
            var need = NetworkNeed(
                source, target, entry.traffic.protocol, port, reason: .observed, why: "seen \(entry.count) times",
                flow: number)
            if case .workload(let target) = target {
                let pod = state.pods[selectors.workloads[target].pods[0]]
                let declared = state.ports(of: pod).filter {
                    $0.number == entry.traffic.port && $0.protocol == entry.traffic.protocol
                }
                if let name = declared.first?.name, !name.isEmpty { need.portName = name }
            }
            found.append(need)
            for (end, isSource) in [(source, true), (target, false)] {
                if let address = Self.address(end) {
                    outside[Self.group(need, isSource), default: []].insert(address)
                }
            }
        }
        for var need in found {
            if case .block = need.source, let all = outside[Self.group(need, true)], all.count > Self.addressLimit {
                need.source = Self.isPublic(all) ? .internet : .outside
            }
            if case .block = need.target, let all = outside[Self.group(need, false)], all.count > Self.addressLimit {
                need.target = Self.isPublic(all) ? .internet : .outside
            }
            needs.append(need)
        }
        for name in lost.keys.sorted() {
            notes.append("\(name) is not in the inventory; its flows, seen \(lost[name] ?? 0) times, say nothing")
        }
    }

    private static func group(_ need: NetworkNeed, _ isSource: Bool) -> NetworkNeed.Key {
        NetworkNeed.Key(
            source: isSource ? .outside : need.source, target: isSource ? need.target : .outside,
            transport: need.protocol, port: need.port)
    }

    private static func address(_ end: NetworkNeed.End) -> IPAddress? {
        if case .block(let block) = end { block.base } else { nil }
    }

    private static func isPublic(_ addresses: Set<IPAddress>) -> Bool {
        addresses.allSatisfy { !AddressSet.reserved.contains($0) }
    }

    private static func end(
        _ party: FlowParty, _ table: FlowTable, _ selectors: WorkloadSelectors, _ lost: inout [String: Int],
        _ count: Int
    ) -> NetworkNeed.End? {
        switch party {
        case .pod(let pod): return selectors.workload(ofPod: pod).map { .workload($0) }
        case .node(let node): return .node(node)
        case .outside(FlowResolver.internet): return .internet
        case .outside(let address):
            if let name = table.domains[address]?.first { return .domain(name) }
            return .block(CIDR(address: address))
        case .lost(let name):
            lost[name, default: 0] += count
            return nil
        }
    }
}
