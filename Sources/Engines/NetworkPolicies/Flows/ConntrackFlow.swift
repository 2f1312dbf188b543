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
            || TransportProtocol(name: first) != nil || first == "unknown"
    }

    /// Nil when the line is no entry.
    static func read(_ fields: LineFields) -> FlowReading? {
        var transport: TransportProtocol?
        var number: UInt8?
        var values: [(key: String, value: String)] = []
        var isUnreplied = false
        var seen: Int64 = 0
        var isKnown = false
        for index in 0..<fields.count {
            let word = fields.text(index)
            if let split = word.firstIndex(of: "=") {
                values.append((String(word[..<split]), String(word[word.index(after: split)...])))
            } else if word == "[UNREPLIED]" {
                isUnreplied = true
            } else if word.hasPrefix("["), word.hasSuffix("]") {
                // `[1700000000.123456]` is the time of an event; the rest are states.
                let inner = word.dropFirst().dropLast()
                if let dot = inner.firstIndex(of: "."), let time = Int64(inner[..<dot]) { seen = time }
            } else if transport == nil, !isKnown, index < 6, let found = TransportProtocol(name: word) {
                transport = found
                isKnown = true
            } else if transport == nil, word == "unknown" || word == "gre" || word == "dccp" || word == "udplite" {
                isKnown = true
            } else if isKnown, transport == nil, number == nil {
                number = UInt8(word)
            }
        }
        guard isKnown else { return nil }
        func tuple(_ skip: Int) -> [String: String] {
            // The second `src=` begins the second tuple.
            let starts = values.indices.filter { values[$0].key == "src" }
            guard starts.indices.contains(skip) else { return [:] }
            let end = starts.indices.contains(skip + 1) ? starts[skip + 1] : values.endIndex
            return Dictionary(values[starts[skip]..<end].map { ($0.key, $0.value) }) { first, _ in first }
        }
        let sent = tuple(0)
        let answered = tuple(1)
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
