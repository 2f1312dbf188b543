import Documents

/// Flows of Calico: the flow log files of Calico Enterprise and Cloud, Goldmane's flows, and what Whisker shows of them.
///
/// Sources: the flow log data types of Tigera's documentation; `goldmane/proto/api.proto`. A flow is reported at both
/// of its ends where both run Calico; the two are one connection.
enum CalicoFlow {
    /// Nil when the node is no flow of Calico.
    static func read(_ node: Node) -> FlowReading? {
        let flow = node["flow"].isObject ? node["flow"] : node["_source"].isObject ? node["_source"] : node
        let key = flow["Key"].isObject ? flow["Key"] : flow["key"].isObject ? flow["key"] : flow
        func field(_ snake: String, _ camel: String) -> Node { key[snake].isNull ? key[camel] : key[snake] }
        let action = field("action", "action")
        guard action.exists || field("reporter", "reporter").exists,
            field("dest_namespace", "destNamespace").exists || field("dest_name", "destName").exists
                || key["dest_name_aggr"].exists || key["dest_ip"].exists
        else { return nil }
        let name = (field("proto", "proto").text ?? key["protocol"].text ?? "").lowercased()
        guard let transport = transport(name) else { return .nothing }
        let port = whole(field("dest_port", "destPort")) ?? whole(key["dest_port_num"]) ?? 0
        guard let number = UInt16(exactly: port), number > 0 || !transport.hasPorts else { return .nothing }
        let isDenied: Bool
        switch (action.text ?? "").lowercased() {
        case "deny", "2": isDenied = true
        case "allow", "1", "": isDenied = false
        default: return .nothing
        }
        let isAtTarget = ["dst", "2"].contains((field("reporter", "reporter").text ?? "").lowercased())
        let started =
            whole(flow["num_flows_started"]) ?? whole(flow["num_connections_started"])
            ?? whole(flow["numConnectionsStarted"]) ?? 0
        let live = whole(flow["num_connections_live"]) ?? whole(flow["numConnectionsLive"]) ?? 0
        let flows = whole(flow["num_flows"]) ?? 0
        var source = end(key, flow, "source", "source", service: nil)
        var target = end(key, flow, "dest", "dest", service: isAtTarget ? nil : key)
        source.labels = source.labels.sorted()
        target.labels = target.labels.sorted()
        return .record(
            FlowRecord(
                source: source, target: target, protocol: transport,
                sourcePort: whole(key["source_port"]).flatMap { UInt16(exactly: $0) } ?? 0,
                targetPort: transport.hasPorts ? number : Traffic.icmp(transport, type: 8, code: 0).port,
                outcome: isDenied ? .denied : .passed,
                count: Int(clamping: Swift.max(1, started, live, flows)), isRepeat: isAtTarget,
                first: time(flow["start_time"], flow["startTime"]), last: time(flow["end_time"], flow["endTime"])))
    }

    private static func transport(_ name: String) -> TransportProtocol? {
        if let number = UInt8(name) {
            let (transport, _) = TransportProtocol.numbered(number)
            return transport == .other ? nil : transport
        }
        return TransportProtocol(name: name)
    }

    private static func whole(_ node: Node) -> Int64? {
        if let int = node.int { return Int64(int) }
        // Protobuf's JSON writes 64-bit numbers as text.
        return node.string.flatMap { Int64($0) }
    }

    private static func time(_ snake: Node, _ camel: Node) -> Int64 {
        let node = snake.isNull ? camel : snake
        if let seconds = whole(node) { return seconds > 100_000_000_000 ? seconds / 1_000 : Swift.max(0, seconds) }
        return node.string.flatMap(FlowTime.seconds) ?? 0
    }

    private static func end(
        _ key: Node, _ flow: Node, _ snake: String, _ camel: String, service: Node?
    ) -> FlowEnd {
        func text(_ suffix: String, _ camelSuffix: String) -> String {
            let found = key["\(snake)_\(suffix)"].text ?? key["\(camel)\(camelSuffix)"].text ?? ""
            return found == "-" ? "" : found
        }
        var end = FlowEnd()
        end.namespace = text("namespace", "Namespace")
        end.name = text("name", "Name")
        if end.name.isEmpty { end.name = text("name_aggr", "NameAggr") }
        end.address = text("ip", "Ip").isEmpty ? nil : IPAddress(text("ip", "Ip"))
        switch text("type", "Type").lowercased() {
        case "wep", "workloadendpoint", "1": end.role = .pod
        case "hep", "hostendpoint", "2": end.role = .node
        case "net", "network", "4", "ns", "networkset", "3":
            end.role = .outside
            end.namespace = ""
        default:
            // Whisker leaves the type out; a name without a namespace is `pub`, `pvt` or a network set.
            end.role = end.namespace.isEmpty ? .outside : .pod
        }
        end.labels = labels(flow["\(snake)_labels"], flow["\(camel)Labels"])
        if let service, end.role != .pod {
            let name = service["dest_service_name"].string ?? service["destServiceName"].string ?? "-"
            let place = service["dest_service_namespace"].string ?? service["destServiceNamespace"].string ?? "-"
            if name != "-", !name.isEmpty, place != "-", !place.isEmpty { end.service = "\(place)/\(name)" }
        }
        return end
    }

    private static func labels(_ snake: Node, _ camel: Node) -> [String] {
        let node = snake.isNull ? camel : snake
        if node.isArray { return node.strings }
        if node["labels"].isArray { return node["labels"].strings }
        guard let text = node.string else { return [] }
        return text.split(separator: "|").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { $0.contains("=") }
    }
}
