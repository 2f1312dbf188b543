/// The packets a Calico rule speaks of, from its positive and negated matches.
///
/// Source: Calico API reference, "Rule", "EntityRule". All matches have to hold; a port match holds for no protocol
/// without ports, and a match on ICMP types for no other protocol.
package struct CalicoTraffic: Sendable {
    /// A protocol, or one by number.
    package typealias Named = (transport: TransportProtocol, number: UInt16?)

    package var `protocol`: Named?
    package var notProtocol: Named?
    /// Type and code; no code means any.
    package var icmp: (type: UInt8?, code: UInt8?)?
    package var notICMP: (type: UInt8?, code: UInt8?)?
    /// Nil where ports play no part.
    package var ports: [ClosedRange<UInt16>]?
    package var notPorts: [ClosedRange<UInt16>] = []
    package var names: [String] = []
    package var notNames: [String] = []

    package init() {}

    package static func set(_ named: Named) -> TrafficSet {
        guard let number = named.number else { return TrafficSet(named.transport) }
        return TrafficSet(named.transport, number...number)
    }

    package static func ports(_ ranges: [ClosedRange<UInt16>]) -> TrafficSet {
        var out = TrafficSet()
        for transport in [TransportProtocol.tcp, .udp, .sctp] {
            for range in ranges { out = out.union(TrafficSet(transport, range)) }
        }
        return out
    }

    private static func icmp(_ match: (type: UInt8?, code: UInt8?)) -> TrafficSet {
        var out = TrafficSet()
        for transport in [TransportProtocol.icmp, .icmp6] {
            guard let type = match.type else {
                guard let code = match.code else { return TrafficSet([.icmp, .icmp6]) }
                for type in UInt8.min...UInt8.max {
                    let point = UInt16(type) << 8 | UInt16(code)
                    out = out.union(TrafficSet(transport, point...point))
                }
                continue
            }
            let base = UInt16(type) << 8
            let first = base | UInt16(match.code ?? 0)
            out = out.union(TrafficSet(transport, first...(base | UInt16(match.code ?? 0xFF))))
        }
        return out
    }

    package var selector: TrafficSelector {
        var base = TrafficSet.all
        if let named = self.protocol { base = base.intersection(Self.set(named)) }
        if let notProtocol { base = base.subtracting(Self.set(notProtocol)) }
        if let icmp { base = base.intersection(Self.icmp(icmp)) }
        if let notICMP { base = base.intersection(TrafficSet([.icmp, .icmp6])).subtracting(Self.icmp(notICMP)) }
        let withPorts = [TransportProtocol.tcp, .udp, .sctp].filter { base.intersects(TrafficSet($0)) }
        var out = TrafficSelector(base)
        if ports != nil || !names.isEmpty { out.known = base.intersection(Self.ports(ports ?? [])) }
        out.named = names.map { NamedPort(protocols: withPorts, name: $0) }
        if !notPorts.isEmpty || !notNames.isEmpty { out.known = out.known.intersection(.withPorts) }
        out.excluded = Self.ports(notPorts)
        out.excludedNames = notNames.map { NamedPort(protocols: withPorts, name: $0) }
        return out
    }
}
