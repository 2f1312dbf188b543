internal import Detection
internal import Documents
package import Sensor

/// Connections as flow logs have them: what Cilium's Hubble prints, one object a line, so that everything that reads
/// those logs (`martlet network generate --flows`) reads these.
package struct FlowLog {
    private let network: (any ConnectionVerdicts)?

    package init(network: (any ConnectionVerdicts)? = nil) { self.network = network }

    /// The line of a connection that a container opened or took; nil for every other event.
    package func line(_ event: SensorEvent) -> [UInt8]? {
        guard case .call(let call) = event.kind, let container = event.process.container, let socket = event.socket,
            let client = socket.client, let server = socket.server
        else { return nil }
        switch call {
        // On its way counts: what no policy lets through comes back with another error or none.
        case .connect, .sendto, .sendmsg: guard event.result >= 0 || event.result == -115 else { return nil }
        case .accept, .accept4: guard event.result >= 0 else { return nil }
        default: return nil
        }
        let transport: String
        switch socket.transport {
        case 6: transport = "TCP"
        case 17: transport = "UDP"
        case 132: transport = "SCTP"
        default: return nil
        }
        // A local end that is not decided yet has no address of its own.
        let own = socket.isServer ? server : client
        let ownAddress = own.bytes.allSatisfy { $0 == 0 } ? nil : own.bytes
        var writer = JSONWriter()
        writer.object { writer in
            writer.member(
                "flow",
                object: { writer in
                    writer.member("time", Timestamp.text(event.time))
                    writer.member("verdict", "FORWARDED")
                    writer.member("is_reply", false)
                    writer.member(
                        "IP",
                        object: { writer in
                            let source = socket.isServer ? client.bytes : ownAddress
                            let target = socket.isServer ? ownAddress : server.bytes
                            if let source { writer.member("source", AddressText.text(source)) }
                            if let target { writer.member("destination", AddressText.text(target)) }
                        })
                    writer.member(
                        "l4",
                        object: { writer in
                            writer.member(
                                transport,
                                object: { writer in
                                    writer.member("source_port", Int(client.port))
                                    writer.member("destination_port", Int(server.port))
                                })
                        })
                    writer.member(
                        socket.isServer ? "destination" : "source", object: { Self.write(container, to: &$0) })
                    if let peer = network?.peer(socket.isServer ? client.bytes : server.bytes),
                        let service = peer.service
                    {
                        let parts = service.split(separator: "/").map(String.init)
                        writer.member(
                            "destination_service",
                            object: { writer in
                                writer.member("namespace", parts.first ?? "")
                                writer.member("name", parts.last ?? "")
                            })
                    }
                })
        }
        return writer.takeBytes()
    }

    private static func write(_ container: SensorContainer, to writer: inout JSONWriter) {
        let facts = container.facts
        if let namespace = facts.namespace { writer.member("namespace", namespace) }
        if let pod = facts.podName { writer.member("pod_name", pod) }
    }
}
