/// A protocol that carries traffic, as policies name them.
package enum TransportProtocol: String, Sendable, Hashable, CaseIterable {
    case tcp = "TCP", udp = "UDP", sctp = "SCTP", icmp = "ICMP", icmp6 = "ICMPv6"
    /// Any other IP protocol; the "port" is its number.
    case other = "IP"

    var lane: UInt32 {
        switch self {
        case .tcp: 0
        case .udp: 1
        case .sctp: 2
        case .icmp: 3
        case .icmp6: 4
        case .other: 5
        }
    }

    package var hasPorts: Bool { self == .tcp || self == .udp || self == .sctp }

    /// Reads `TCP`, `udp`, `ICMPv6`.
    package init?(name: String) {
        let upper = name.uppercased()
        guard let found = Self.allCases.first(where: { $0.rawValue.uppercased() == upper }), found != .other else {
            return nil
        }
        self = found
    }

    /// Protocol and "port" for a number of the IANA registry.
    package static func numbered(_ number: UInt8) -> (TransportProtocol, UInt16?) {
        switch number {
        case 6: (.tcp, nil)
        case 17: (.udp, nil)
        case 132: (.sctp, nil)
        case 1: (.icmp, nil)
        case 58: (.icmp6, nil)
        default: (.other, UInt16(number))
        }
    }
}

/// One kind of packet: a protocol and a destination port; for ICMP type and code, for the rest the protocol's number.
package struct Traffic: Sendable, Hashable, CustomStringConvertible {
    package var `protocol`: TransportProtocol
    package var port: UInt16

    package init(_ transport: TransportProtocol, _ port: UInt16) {
        self.protocol = transport
        self.port = port
    }

    package static func icmp(_ transport: TransportProtocol, type: UInt8, code: UInt8) -> Traffic {
        Traffic(transport, UInt16(type) << 8 | UInt16(code))
    }

    /// Every packet has a place on one line: protocols lie behind each other, 65,536 ports each.
    var point: UInt32 { self.protocol.lane << 16 | UInt32(port) }

    package var description: String {
        self.protocol.hasPorts ? "\(self.protocol.rawValue) \(port)" : self.protocol.rawValue
    }
}

/// Kinds of packets, as intervals on the line of `Traffic.point`.
package struct TrafficSet: Sendable, Hashable, CustomStringConvertible {
    var points: IntervalSet<UInt32>

    package init() { points = IntervalSet() }
    init(points: IntervalSet<UInt32>) { self.points = points }

    /// The ports of a protocol.
    package init(_ transport: TransportProtocol, _ ports: ClosedRange<UInt16> = 0...UInt16.max) {
        let base = transport.lane << 16
        points = IntervalSet(base | UInt32(ports.lowerBound), through: base | UInt32(ports.upperBound))
    }

    package init(_ transports: some Sequence<TransportProtocol>) {
        self.init()
        for transport in transports { self = union(TrafficSet(transport)) }
    }

    package static let all = TrafficSet(TransportProtocol.allCases)
    /// TCP, UDP and SCTP.
    package static let withPorts = TrafficSet([TransportProtocol.tcp, .udp, .sctp])

    package var isEmpty: Bool { points.isEmpty }

    /// One packet of the set.
    var sample: Traffic? {
        guard let point = points.intervals.first?.first,
            let transport = TransportProtocol.allCases.first(where: { $0.lane == point >> 16 })
        else { return nil }
        return Traffic(transport, UInt16(point & 0xFFFF))
    }

    package func contains(_ traffic: Traffic) -> Bool { points.contains(traffic.point) }
    package func union(_ other: Self) -> Self { Self(points: points.union(other.points)) }
    package func intersection(_ other: Self) -> Self { Self(points: points.intersection(other.points)) }
    package func subtracting(_ other: Self) -> Self { Self(points: points.subtracting(other.points)) }
    package func intersects(_ other: Self) -> Bool { points.intersects(other.points) }
    package func isSubset(of other: Self) -> Bool { points.isSubset(of: other.points) }

    /// The ports of one protocol, as ranges.
    package func ports(of transport: TransportProtocol) -> [ClosedRange<UInt16>] {
        let base = transport.lane << 16
        return points.intersection(IntervalSet(base, through: base | 0xFFFF)).intervals.map {
            UInt16($0.first & 0xFFFF)...UInt16($0.last & 0xFFFF)
        }
    }

    /// `TCP 80,443,8000-9000 UDP 53`; `all` for everything, `none` for nothing.
    package var description: String {
        if self == .all { return "all" }
        if isEmpty { return "none" }
        var parts: [String] = []
        for transport in TransportProtocol.allCases {
            let ranges = ports(of: transport)
            guard !ranges.isEmpty else { continue }
            if ranges == [0...UInt16.max] || ranges == [1...UInt16.max] {
                parts.append(transport == .other ? "other" : transport.rawValue)
            } else {
                let list = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                parts.append("\(transport.rawValue) \(list.joined(separator: ","))")
            }
        }
        return parts.joined(separator: ", ")
    }
}

/// A port by the name a container gives it; what it is depends on the destination.
package struct NamedPort: Sendable, Hashable {
    package var protocols: [TransportProtocol]
    package var name: String
}

/// The packets a rule speaks of, named ports not yet looked up.
package struct TrafficSelector: Sendable, Hashable {
    package var known: TrafficSet
    package var named: [NamedPort]
    package var excluded: TrafficSet
    package var excludedNames: [NamedPort]

    package init(
        _ known: TrafficSet, named: [NamedPort] = [], excluded: TrafficSet = TrafficSet(),
        excludedNames: [NamedPort] = []
    ) {
        self.known = known
        self.named = named
        self.excluded = excluded
        self.excludedNames = excludedNames
    }

    package static let all = TrafficSelector(.all)

    var hasNames: Bool { !named.isEmpty || !excludedNames.isEmpty }

    /// The packets, for a destination with these ports.
    func resolved(_ ports: [ContainerPort]) -> TrafficSet {
        var out = known
        for port in named { out = out.union(port.resolved(ports)) }
        out = out.subtracting(excluded)
        for port in excludedNames { out = out.subtracting(port.resolved(ports)) }
        return out
    }
}

extension NamedPort {
    func resolved(_ ports: [ContainerPort]) -> TrafficSet {
        var out = TrafficSet()
        for port in ports where port.name == name && protocols.contains(port.protocol) {
            out = out.union(TrafficSet(port.protocol, port.number...port.number))
        }
        return out
    }
}
