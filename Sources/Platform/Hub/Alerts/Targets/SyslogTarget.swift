import Findings

/// Syslog as RFC 5424 writes it, with the Common Event Format as its text.
///
/// `udp://host:514`, `tcp://host:601`, `tls://host:6514`; over streams each message has its length before it (RFC 6587).
struct SyslogTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        guard let (scheme, address) = StreamAddress.parse(settings.url, ports: ["udp": 514, "tcp": 601, "tls": 6514])
        else { throw DeliveryFailure("the address is like udp://host:514, tcp:// or tls://", isTransient: false) }
        let message = Array(Self.message(notification).utf8)
        guard scheme != "udp" else {
            try await wire.datagram(message, to: address)
            return
        }
        let stream = try await wire.open(address)
        do {
            try await stream.write(Array("\(message.count) ".utf8) + message)
        } catch {
            await stream.close()
            throw error
        }
        await stream.close()
    }

    static func message(_ notification: AlertNotification) -> String {
        let alert = notification.alert
        // Facility 13 (log audit); severities of syslog count from 0.
        let level =
            switch alert.severity {
            case .critical: 2
            case .high: 3
            case .medium: 4
            case .low: 5
            case .info: 6
            }
        let head = "<\(13 * 8 + level)>1 \(TimeText.rfc3339(notification.at)) martlet martlet - alert -"
        return "\(head) \(cef(notification))"
    }

    /// `CEF:0|vendor|product|version|id|name|severity|extension`.
    static func cef(_ notification: AlertNotification) -> String {
        let alert = notification.alert
        func header(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("|", with: "\\|").replacing("\n", with: " ")
        }
        func value(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("=", with: "\\=").replacing("\n", with: "\\n")
        }
        let severity = [1, 3, 5, 8, 10][alert.severity.rank]
        let head = ["CEF:0", "Martlet", "martlet", notification.version, alert.rule, alert.title].map(header)
        let fields = [
            ("externalId", alert.id), ("act", notification.word), ("cnt", String(alert.total)),
            ("cs1Label", "cluster"), ("cs1", alert.cluster), ("cs2Label", "namespace"), ("cs2", alert.namespace),
            ("rt", String(notification.at)), ("msg", notification.text),
        ]
        let extensions = fields.map { "\($0.0)=\(value($0.1))" }.joined(separator: " ")
        return head.joined(separator: "|") + "|\(severity)|\(extensions)"
    }
}

extension StreamAddress {
    /// Reads `scheme://host:port`; the port may be left out where its scheme has a usual one.
    static func parse(_ text: String, ports: [String: Int]) -> (scheme: String, address: StreamAddress)? {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let scheme = String(text[..<mark.lowerBound])
        guard let usual = ports[scheme] else { return nil }
        var rest = String(text[mark.upperBound...])
        while rest.hasSuffix("/") { rest.removeLast() }
        var port = usual
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") {
            guard let number = Int(rest[rest.index(after: colon)...]), 1...65535 ~= number else { return nil }
            port = number
            rest = String(rest[..<colon])
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") { rest = String(rest.dropFirst().dropLast()) }
        guard !rest.isEmpty else { return nil }
        let usesTLS = scheme == "tls" || scheme == "smtps"
        return (scheme, StreamAddress(host: rest, port: port, usesTLS: usesTLS))
    }
}
