import Documents

/// Flows of Cilium's Hubble: `hubble observe -o json` (one object a line, bare or under `flow`) and its exporter's file.
///
/// Source: `flow.proto` of Cilium. `is_reply` may be missing, which means that it is not known; `reply` is the older
/// field and only worth something when true.
enum HubbleFlow {
    /// Nil when the node is no flow of Hubble.
    static func read(_ node: Node) -> FlowReading? {
        let flow = node["flow"].isObject ? node["flow"] : node
        guard flow["verdict"].exists || flow["l4"].isObject || flow["IP"].isObject || flow["l7"].isObject,
            flow["Key"].isNull, flow["key"].isNull
        else {
            // Lost events and node status changes stand in the same stream.
            return node["lost_events"].isObject || node["node_status"].isObject ? .nothing : nil
        }
        // Before a socket's address is translated the target is a Service's address and no policy has been asked.
        if flow["Type"].equals("SOCK") { return .nothing }
        guard let (transport, from, to) = ports(flow["l4"]) else { return .nothing }
        let outcome: FlowRecord.Outcome
        switch flow["verdict"].string {
        case "DROPPED":
            let reason = flow["drop_reason_desc"].string ?? ""
            // Drops for other reasons than policies and authentication say nothing of what is allowed.
            let isPolicy = reason.isEmpty || reason.contains("POLICY") || reason.contains("AUTH")
            guard isPolicy else { return .nothing }
            outcome = .denied
        case "ERROR", "TRANSLATED": return .nothing
        default: outcome = .passed
        }
        var orientation = FlowRecord.Orientation.unknown
        if let isReply = flow["is_reply"].bool {
            orientation = isReply ? .reply : .forward
        } else if flow["reply"].bool == true {
            orientation = .reply
        } else if flow["l4"]["TCP"]["flags"]["SYN"].bool == true {
            orientation = flow["l4"]["TCP"]["flags"]["ACK"].bool == true ? .reply : .forward
        } else if outcome == .denied {
            // Policies look at the first packet; what they drop was on its way forward.
            orientation = .forward
        } else if flow["l7"]["type"].equals("REQUEST") {
            orientation = .forward
        } else if flow["l7"]["type"].equals("RESPONSE") {
            orientation = .reply
        }
        if transport == .icmp || transport == .icmp6 { orientation = isEchoReply(transport, to) ? .reply : .forward }
        let seen = (flow["time"].string ?? node["time"].string).flatMap(FlowTime.seconds) ?? 0
        return .record(
            FlowRecord(
                source: end(flow["source"], flow["IP"]["source"], flow["source_names"], flow["source_service"]),
                target: end(
                    flow["destination"], flow["IP"]["destination"], flow["destination_names"],
                    flow["destination_service"]),
                protocol: transport, sourcePort: from, targetPort: to, orientation: orientation, outcome: outcome,
                first: seen, last: seen))
    }

    private static func isEchoReply(_ transport: TransportProtocol, _ port: UInt16) -> Bool {
        port >> 8 == (transport == .icmp ? 0 : 129)
    }

    private static func ports(_ node: Node) -> (TransportProtocol, UInt16, UInt16)? {
        for (key, transport) in [("TCP", TransportProtocol.tcp), ("UDP", .udp), ("SCTP", .sctp)] {
            let part = node[key]
            guard part.isObject else { continue }
            guard let to = part["destination_port"].portNumber else { return nil }
            return (transport, part["source_port"].portNumber ?? 0, to)
        }
        for (key, transport) in [("ICMPv4", TransportProtocol.icmp), ("ICMPv6", .icmp6)] where node[key].isObject {
            let type = node[key]["type"].int.flatMap { UInt8(exactly: $0) } ?? 0
            let code = node[key]["code"].int.flatMap { UInt8(exactly: $0) } ?? 0
            return (transport, 0, Traffic.icmp(transport, type: type, code: code).port)
        }
        return nil
    }

    private static func end(_ node: Node, _ address: Node, _ names: Node, _ service: Node) -> FlowEnd {
        var end = FlowEnd()
        end.namespace = node["namespace"].string ?? ""
        end.name = node["pod_name"].string ?? ""
        end.workload = node["workloads"][0]["name"].string ?? ""
        end.address = address.string.flatMap { IPAddress($0) }
        end.domains = names.strings
        let labels = node["labels"].strings
        if !end.name.isEmpty || !end.namespace.isEmpty {
            end.role = .pod
        } else if labels.contains("reserved:host") || labels.contains("reserved:remote-node")
            || labels.contains("reserved:kube-apiserver")
        {
            end.role = .node
        } else if labels.contains("reserved:world") || labels.contains(where: { $0.hasPrefix("cidr:") }) {
            end.role = .outside
        }
        // Labels of Kubernetes itself, not those Cilium adds to an identity.
        end.labels = labels.filter { $0.hasPrefix("k8s:") && !$0.hasPrefix("k8s:io.") }.map { String($0.dropFirst(4)) }
            .sorted()
        if let name = service["name"].string, !name.isEmpty {
            end.service = "\(service["namespace"].string ?? "default")/\(name)"
        }
        return end
    }
}
