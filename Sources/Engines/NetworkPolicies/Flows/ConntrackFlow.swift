/// Entries of Linux' connection tracking: `conntrack -L`, `conntrack -E`, `/proc/net/nf_conntrack`.
///
/// An entry has two tuples: the packets as the client sent them, and the answers as they are expected. Where the
/// address was translated the second one tells who really answers: the pod behind a Service.
enum ConntrackFlow {
    /// One tuple; what a line does not say stays nil.
    private struct Tuple {
        var source: IPAddress?
        var target: IPAddress?
        var sourcePort: UInt16?
        var targetPort: UInt16?
        var type: UInt8?
        var code: UInt8?

        mutating func take(_ key: LineFields.Key, _ fields: LineFields, _ range: Range<Int>) {
            switch key {
            case .src: source = source ?? fields.address(range)
            case .dst: target = target ?? fields.address(range)
            case .sport: sourcePort = sourcePort ?? fields.number(range)
            case .dport: targetPort = targetPort ?? fields.number(range)
            case .type: type = type ?? fields.number(range)
            case .code: code = code ?? fields.number(range)
            }
        }
    }

    private static let openings = [
        "ipv4", "ipv6", "tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "dccp", "udplite", "unknown",
    ]

    /// Whether a line may be an entry, by its first word.
    static func isLikely(_ fields: LineFields) -> Bool {
        guard fields.count >= 4 else { return false }
        return fields.begins(0, with: UInt8(ascii: "[")) || openings.contains { fields.holds(0, $0) }
    }

    /// Nil when the line is no entry.
    static func read(_ fields: LineFields) -> FlowReading? {
        var transport: TransportProtocol?
        var number: UInt8?
        // The two tuples; the second `src=` begins the second one.
        var (sent, answered) = (Tuple(), Tuple())
        var tuples = 0
        var isUnreplied = false
        var seen: Int64 = 0
        var isKnown = false
        for index in 0..<fields.count {
            if let (key, value) = fields.pair(index) {
                if key == .src { tuples += 1 }
                guard let key else { continue }
                if tuples == 1 { sent.take(key, fields, value) }
                if tuples == 2 { answered.take(key, fields, value) }
                continue
            }
            if fields.begins(index, with: UInt8(ascii: "[")) {
                let word = fields.text(index)
                if word == "[UNREPLIED]" {
                    isUnreplied = true
                } else if word.hasSuffix("]") {
                    // `[1700000000.123456]` is the time of an event; the rest are states.
                    let inner = word.dropFirst().dropLast()
                    if let dot = inner.firstIndex(of: "."), let time = Int64(inner[..<dot]) { seen = time }
                }
                continue
            }
            // Behind the tuples stand marks and zones; behind the protocol its number, and then words of no interest.
            if tuples > 1 || (isKnown && (transport != nil || number != nil)) { continue }
            if !isKnown, index < 6, let found = TransportProtocol(conntrack: fields, index) {
                transport = found
                isKnown = true
            } else if !isKnown, ["unknown", "gre", "dccp", "udplite"].contains(where: { fields.holds(index, $0) }) {
                isKnown = true
            } else if isKnown {
                number = fields.number(fields.ranges[index])
            }
        }
        guard isKnown, let client = sent.source, let called = sent.target else { return nil }
        let server = answered.source ?? called
        if transport == .icmp || transport == .icmp6, let kind = transport {
            guard let type = sent.type else { return nil }
            return .record(
                FlowRecord(
                    source: FlowEnd(address: client), target: FlowEnd(address: server), protocol: kind,
                    targetPort: Traffic.icmp(kind, type: type, code: sent.code ?? 0).port,
                    outcome: isUnreplied ? .unanswered : .passed, first: seen, last: seen))
        }
        guard let transport else {
            return .record(
                FlowRecord(
                    source: FlowEnd(address: client), target: FlowEnd(address: called), protocol: .other,
                    targetPort: UInt16(number ?? 0), first: seen, last: seen))
        }
        guard let port = sent.targetPort else { return nil }
        // Much of what goes by UDP (logs, figures) is never answered; a TCP connection that is not was not made.
        let outcome: FlowRecord.Outcome = isUnreplied && transport != .udp ? .unanswered : .passed
        return .record(
            FlowRecord(
                source: FlowEnd(address: client), target: FlowEnd(address: server), protocol: transport,
                sourcePort: sent.sourcePort ?? 0, targetPort: answered.sourcePort ?? port, outcome: outcome,
                first: seen, last: seen))
    }
}

extension TransportProtocol {
    /// A protocol as connection tracking writes it.
    fileprivate init?(conntrack fields: LineFields, _ index: Int) {
        let known: [(String, TransportProtocol)] = [
            ("tcp", .tcp), ("udp", .udp), ("icmp", .icmp), ("icmpv6", .icmp6), ("sctp", .sctp),
        ]
        guard let found = known.first(where: { fields.holds(index, $0.0) }) else { return nil }
        self = found.1
    }
}
