import Documents

/// Alertmanager's API, version 2: alerts are labels; the same labels are the same alert.
struct AlertmanagerTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let alert = notification.alert
        var json = JSONWriter()
        json.array { json in
            json.object { json in
                json.member(
                    "labels",
                    object: { json in
                        json.member("alertname", alert.rule)
                        json.member("cluster", alert.cluster)
                        if !alert.namespace.isEmpty { json.member("namespace", alert.namespace) }
                        json.member("group", alert.groupKey)
                        json.member("martlet_alert", alert.id)
                        // Not the severity: it may rise, and other labels would be another alert.
                        json.member("source", "martlet")
                    })
                json.member(
                    "annotations",
                    object: { json in
                        json.member("summary", alert.title)
                        json.member("severity", alert.severity.rawValue)
                        json.member("description", notification.text)
                    })
                json.member("startsAt", TimeText.rfc3339(alert.startedAt))
                // Alertmanager forgets what is not told again; an end far away keeps it until it is resolved.
                let end = notification.isResolved ? notification.at : notification.at + 7 * 86_400_000
                json.member("endsAt", TimeText.rfc3339(end))
            }
        }
        try await wire.post(settings.request("/api/v2/alerts", json))
    }
}

extension NotifierSettings {
    /// A request below the target's address, with its own headers.
    func request(_ path: String, _ json: JSONWriter, _ headers: [String: String] = [:]) -> OutgoingRequest {
        let base = path.isEmpty || !url.hasSuffix("/") ? url : String(url.dropLast())
        return OutgoingRequest(
            url: base + path, headers: self.headers.merging(headers) { first, _ in first }, json: json.bytes)
    }
}
