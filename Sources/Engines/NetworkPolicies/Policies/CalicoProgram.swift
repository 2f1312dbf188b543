/// What Calico's dataplane does to one packet: the rules of an interface, after selectors were turned to addresses.
///
/// Source: Calico documentation, "Host endpoints", "Pre-DNAT policy", "Apply on forward"; felix' policy programs. A
/// workload's interface runs its tiers and profiles; the policies of the host come before them.
package struct CalicoProgram: Sendable {
    package struct Packet: Sendable {
        package var traffic: Traffic
        package var sourcePort: UInt16
        package var source: IPAddress
        package var destination: IPAddress
        /// Where the packet went before a Service's address was exchanged for a pod's.
        package var destinationBeforeNAT: IPAddress
        package var isFromHost: Bool
        package var isToHost: Bool

        package init(
            _ traffic: Traffic, sourcePort: UInt16, from source: IPAddress, to destination: IPAddress,
            beforeNAT: IPAddress? = nil, isFromHost: Bool = false, isToHost: Bool = false
        ) {
            self.traffic = traffic
            self.sourcePort = sourcePort
            self.source = source
            self.destination = destination
            destinationBeforeNAT = beforeNAT ?? destination
            self.isFromHost = isFromHost
            self.isToHost = isToHost
        }
    }

    package struct Rule: Sendable {
        package enum Action: Sendable { case allow, deny, pass, log }

        /// Addresses with the ports that a name stands for there.
        package typealias PortSet = [(addresses: AddressSet, traffic: TrafficSet)]

        package var action: Action
        /// Protocol, ICMP and destination ports; nil ports in it match everything.
        package var traffic = TrafficSet.all
        package var destinationPorts: [ClosedRange<UInt16>]?
        package var notDestinationPorts: [ClosedRange<UInt16>] = []
        package var sourcePorts: [ClosedRange<UInt16>]?
        package var notSourcePorts: [ClosedRange<UInt16>] = []
        package var sourceNets: AddressSet?
        package var notSourceNets: AddressSet?
        package var destinationNets: AddressSet?
        package var notDestinationNets: AddressSet?
        /// The address has to be in every one of these, and in none of the negated ones.
        package var sourceSets: [AddressSet] = []
        package var notSourceSets: [AddressSet] = []
        package var destinationSets: [AddressSet] = []
        package var notDestinationSets: [AddressSet] = []
        package var sourcePortSets: [PortSet] = []
        package var notSourcePortSets: [PortSet] = []
        package var destinationPortSets: [PortSet] = []
        package var notDestinationPortSets: [PortSet] = []

        package init(_ action: Action) { self.action = action }
    }

    package struct Tier: Sendable {
        package var policies: [[Rule]]
        package var passesAtEnd: Bool

        package init(policies: [[Rule]], passesAtEnd: Bool) {
            self.policies = policies
            self.passesAtEnd = passesAtEnd
        }
    }

    package enum Result: String, Sendable { case allow, deny, unmatched }

    package var tiers: [Tier] = []
    package var profiles: [[Rule]] = []
    package var preDNATTiers: [Tier] = []
    package var forwardTiers: [Tier] = []
    package var normalTiers: [Tier] = []
    package var hostProfiles: [[Rule]] = []
    package var isForHostInterface = false
    package var skipsNormalHostPolicy = false

    package init() {}

    package func verdict(_ packet: Packet) -> Result {
        switch Self.run(preDNATTiers, packet, packet.destinationBeforeNAT) {
        case .deny: return .deny
        // On the host's own interface an early allow is the last word; in front of a pod its policies still follow.
        case .allow where isForHostInterface: return .allow
        case .allow, .unmatched: break
        }
        if packet.isToHost || packet.isFromHost {
            if !skipsNormalHostPolicy, isForHostInterface || !normalTiers.isEmpty || !hostProfiles.isEmpty,
                normal(packet) != .allow
            {
                return .deny
            }
        } else if Self.run(forwardTiers, packet, packet.destination) == .deny {
            return .deny
        }
        return isForHostInterface ? .allow : workload(packet)
    }

    /// The program at a network card, which only drops or passes on what it was not told to let through.
    package func earlyVerdict(_ packet: Packet) -> Result { Self.run(normalTiers, packet, packet.destination) }

    private func normal(_ packet: Packet) -> Result {
        let result = Self.run(normalTiers, packet, packet.destination)
        return result == .unmatched ? Self.run(hostProfiles, packet) : result
    }

    private func workload(_ packet: Packet) -> Result {
        let result = Self.run(tiers, packet, packet.destination)
        guard result == .unmatched else { return result }
        return Self.run(profiles, packet) == .allow ? .allow : .deny
    }

    private static func run(_ tiers: [Tier], _ packet: Packet, _ destination: IPAddress) -> Result {
        tiers: for tier in tiers where !tier.policies.isEmpty {
            for rule in tier.policies.joined() where rule.matches(packet, destination) {
                switch rule.action {
                case .allow: return .allow
                case .deny: return .deny
                case .pass: continue tiers
                case .log: continue
                }
            }
            if !tier.passesAtEnd { return .deny }
        }
        return .unmatched
    }

    private static func run(_ profiles: [[Rule]], _ packet: Packet) -> Result {
        for rule in profiles.joined() where rule.matches(packet, packet.destination) {
            switch rule.action {
            case .allow: return .allow
            case .deny: return .deny
            case .pass, .log: continue
            }
        }
        return .unmatched
    }
}

extension CalicoProgram.Rule {
    func matches(_ packet: CalicoProgram.Packet, _ destination: IPAddress) -> Bool {
        traffic.contains(packet.traffic)
            && addresses(packet.source, sourceNets, notSourceNets, sourceSets, notSourceSets)
            && addresses(destination, destinationNets, notDestinationNets, destinationSets, notDestinationSets)
            && ports(
                packet.traffic.protocol, packet.sourcePort, packet.source, sourcePorts, notSourcePorts, sourcePortSets,
                notSourcePortSets)
            && ports(
                packet.traffic.protocol, packet.traffic.port, destination, destinationPorts, notDestinationPorts,
                destinationPortSets, notDestinationPortSets)
    }

    private func addresses(
        _ address: IPAddress, _ nets: AddressSet?, _ notNets: AddressSet?, _ sets: [AddressSet], _ notSets: [AddressSet]
    ) -> Bool {
        (nets?.contains(address) ?? true) && !(notNets?.contains(address) ?? false)
            && sets.allSatisfy { $0.contains(address) } && !notSets.contains { $0.contains(address) }
    }

    /// Numbers and named sets are alternatives of one match.
    private func ports(
        _ transport: TransportProtocol, _ port: UInt16, _ address: IPAddress, _ ranges: [ClosedRange<UInt16>]?,
        _ notRanges: [ClosedRange<UInt16>], _ sets: [PortSet], _ notSets: [PortSet]
    ) -> Bool {
        guard ranges != nil || !notRanges.isEmpty || !sets.isEmpty || !notSets.isEmpty else { return true }
        guard transport.hasPorts else { return false }
        func isIn(_ set: PortSet) -> Bool {
            set.contains { $0.addresses.contains(address) && $0.traffic.contains(Traffic(transport, port)) }
        }
        if notRanges.contains(where: { $0.contains(port) }) || notSets.contains(where: isIn) { return false }
        guard ranges != nil || !sets.isEmpty else { return true }
        return (ranges ?? []).contains { $0.contains(port) } || sets.contains(where: isIn)
    }
}
