/// Entries of Linux' connection tracking: `conntrack -L`, `conntrack -E`, `/proc/net/nf_conntrack`.
///
/// An entry has two tuples: the packets as the client sent them, and the answers as they are expected. Where the
/// address was translated the second one tells who really answers: the pod behind a Service.
enum ConntrackFlow {
    /// Whether a line may be an entry, by its first word.
    static func isLikely(_ fields: LineFields) -> Bool {
        guard fields.count >= 4 else { return false }
        let first = fields.text(0)
        return first == "ipv4" || first == "ipv6" || first.hasPrefix("[")
            || ["tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "dccp", "udplite", "unknown"].contains(first)
    }

    /// Nil when the line is no entry.
    static func read(_ fields: LineFields) -> FlowReading? {
        var transport: TransportProtocol?
        var number: UInt8?
        // The two tuples; the second `src=` begins the second one.
        var tuples: [[String: String]] = []
        var isUnreplied = false
        var seen: Int64 = 0
        var isKnown = false
        for index in 0..<fields.count {
            if let (key, value) = fields.pair(index) {
                if key == "src" { tuples.append([:]) }
                guard let last = tuples.indices.last, last < 2 else { continue }
                if tuples[last][key] == nil { tuples[last][key] = value }
                continue
            }
            // Behind the tuples stand marks and zones.
            if tuples.count > 1, !fields.begins(index, with: UInt8(ascii: "[")) { continue }
            let word = fields.text(index)
            if word == "[UNREPLIED]" {
                isUnreplied = true
            } else if word.hasPrefix("["), word.hasSuffix("]") {
                // `[1700000000.123456]` is the time of an event; the rest are states.
                let inner = word.dropFirst().dropLast()
                if let dot = inner.firstIndex(of: "."), let time = Int64(inner[..<dot]) { seen = time }
            } else if !isKnown, index < 6, let found = TransportProtocol(name: word) {
                transport = found
                isKnown = true
            } else if !isKnown, word == "unknown" || word == "gre" || word == "dccp" || word == "udplite" {
                isKnown = true
            } else if isKnown, transport == nil, number == nil {
                number = UInt8(word)
            }
        }
        guard isKnown else { return nil }
        let sent = tuples.first ?? [:]
        let answered = tuples.count > 1 ? tuples[1] : [:]
        guard let client = sent["src"].flatMap({ IPAddress($0) }), let called = sent["dst"].flatMap({ IPAddress($0) })
        else { return nil }
        if transport == .icmp || transport == .icmp6, let kind = transport {
            guard let type = sent["type"].flatMap({ UInt8($0) }) else { return nil }
            let server = answered["src"].flatMap { IPAddress($0) } ?? called
            return .record(
                FlowRecord(
                    source: FlowEnd(address: client), target: FlowEnd(address: server), protocol: kind,
                    targetPort: Traffic.icmp(kind, type: type, code: sent["code"].flatMap { UInt8($0) } ?? 0).port,
                    outcome: isUnreplied ? .unanswered : .passed, first: seen, last: seen))
        }
        guard let transport else {
            return .record(
                FlowRecord(
                    source: FlowEnd(address: client), target: FlowEnd(address: called), protocol: .other,
                    targetPort: UInt16(number ?? 0), first: seen, last: seen))
        }
        guard let port = sent["dport"].flatMap({ UInt16($0) }) else { return nil }
        let server = answered["src"].flatMap { IPAddress($0) } ?? called
        let served = answered["sport"].flatMap { UInt16($0) } ?? port
        // Much of what goes by UDP (logs, figures) is never answered; a TCP connection that is not was not made.
        let outcome: FlowRecord.Outcome = isUnreplied && transport != .udp ? .unanswered : .passed
        return .record(
            FlowRecord(
                source: FlowEnd(address: client), target: FlowEnd(address: server), protocol: transport,
                sourcePort: sent["sport"].flatMap { UInt16($0) } ?? 0, targetPort: served, outcome: outcome,
                first: seen, last: seen))
    }
}
