/// Flow logs of Amazon VPC: the default fields of version 2, or the fields a header line names.
///
/// Source: "Flow log records", Amazon VPC user guide. The log has no direction of the connection: with `tcp-flags` a
/// SYN without ACK came from the client; without, the ports tell. `srcaddr` and `dstaddr` may be those of the network
/// interface; `pkt-srcaddr` and `pkt-dstaddr` are what the packet carried, and those count where they are logged.
struct VPCFlow: Sendable {
    private static let standard = [
        "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
        "bytes", "start", "end", "action", "log-status",
    ]

    private var places: [String: Int]
    private var count: Int
    private var hasHeader = false

    init() {
        count = Self.standard.count
        places = Self.index(Self.standard)
    }

    private static func index(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }

    /// Takes a line that names fields; false when it is none.
    mutating func takeHeader(_ fields: LineFields) -> Bool {
        // Most lines are records; they are not worth a String for each word.
        guard fields.count > 1, fields.holdsName("srcaddr") else { return false }
        let names = (0..<fields.count).map { index in
            // A format as it is configured: ${srcaddr} ${dstaddr}.
            fields.text(index).lowercased().filter { !"${}\"".contains($0) }.replacing("_", with: "-")
        }
        guard names.contains("srcaddr") || names.contains("pkt-srcaddr"),
            names.contains("dstaddr") || names.contains("pkt-dstaddr")
        else { return false }
        places = Self.index(names)
        count = names.count
        hasHeader = true
        return true
    }

    /// Nil when the line is no record of this format.
    func read(_ given: LineFields) -> FlowReading? {
        var fields = given
        if fields.count == count + 1, FlowTime.seconds(fields.text(0)) != nil {
            // Exports of CloudWatch put the time of the event in front.
            fields.dropFirst()
        }
        guard fields.count == count else { return nil }
        func field(_ name: String) -> String? {
            guard let place = places[name] else { return nil }
            let text = fields.text(place)
            return text == "-" ? nil : text
        }
        if let status = field("log-status"), status == "NODATA" || status == "SKIPDATA" { return .nothing }
        guard hasHeader || field("version").flatMap({ Int($0) }) != nil else { return nil }
        guard let from = field("pkt-srcaddr") ?? field("srcaddr"), let to = field("pkt-dstaddr") ?? field("dstaddr"),
            let source = IPAddress(from), let target = IPAddress(to)
        else { return nil }
        guard let number = field("protocol").flatMap({ UInt8($0) }) else { return nil }
        let (transport, other) = TransportProtocol.numbered(number)
        guard let sourcePort = UInt16(field("srcport") ?? "0"), let targetPort = UInt16(field("dstport") ?? "0") else {
            return nil
        }
        if transport.hasPorts, targetPort == 0, sourcePort == 0 { return .nothing }
        let action = field("action") ?? "ACCEPT"
        guard action == "ACCEPT" || action == "REJECT" else { return nil }
        var orientation = FlowRecord.Orientation.unknown
        if transport == .tcp, let flags = field("tcp-flags").flatMap({ Int($0) }) {
            if flags & 18 == 18 { orientation = .reply } else if flags & 2 == 2 { orientation = .forward }
        }
        if !transport.hasPorts || action == "REJECT" { orientation = .forward }
        return .record(
            FlowRecord(
                source: FlowEnd(address: source), target: FlowEnd(address: target), protocol: transport,
                sourcePort: sourcePort,
                targetPort: transport.hasPorts
                    ? targetPort : other ?? Traffic.icmp(transport, type: transport == .icmp ? 8 : 128, code: 0).port,
                orientation: orientation, outcome: action == "REJECT" ? .denied : .passed,
                first: field("start").flatMap { Int64($0) } ?? 0, last: field("end").flatMap { Int64($0) } ?? 0))
    }
}
