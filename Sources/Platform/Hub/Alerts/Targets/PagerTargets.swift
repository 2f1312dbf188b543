import Documents
import Findings

/// PagerDuty's Events API, version 2: the alert's id is the key by which it tells repetitions.
struct PagerDutyTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let alert = notification.alert
        var json = JSONWriter()
        json.object { json in
            json.member("routing_key", settings.secret)
            json.member("event_action", notification.isResolved ? "resolve" : "trigger")
            json.member("dedup_key", "martlet-\(alert.id)")
            json.member(
                "payload",
                object: { json in
                    json.member("summary", String(notification.headline.prefix(1024)))
                    json.member("source", alert.cluster)
                    json.member("severity", Self.word(alert.severity))
                    json.member("timestamp", TimeText.rfc3339(alert.startedAt))
                    json.member("component", alert.namespace)
                    json.member("group", alert.groupKey)
                    json.member("class", alert.rule)
                    json.member("custom_details", object: { notification.write(to: &$0) })
                })
        }
        try await wire.post(settings.request("/v2/enqueue", json))
    }

    private static func word(_ severity: Severity) -> String {
        switch severity {
        case .critical: "critical"
        case .high: "error"
        case .medium: "warning"
        case .low, .info: "info"
        }
    }
}

/// Opsgenie's alert API: the alert's id is its alias.
struct OpsgenieTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let alert = notification.alert
        let alias = "martlet-\(alert.id)"
        var json = JSONWriter()
        json.object { json in
            json.member("source", "martlet")
            guard !notification.isResolved else { return }
            json.member("message", String(alert.title.prefix(130)))
            json.member("alias", alias)
            json.member("description", String(notification.text.prefix(15_000)))
            json.member("priority", "P\(alert.severity.storedPriority)")
            json.member("entity", alert.cluster)
            json.member("tags", ["martlet", alert.severity.rawValue])
        }
        let path = notification.isResolved ? "/v2/alerts/\(alias)/close?identifierType=alias" : "/v2/alerts"
        try await wire.post(settings.request(path, json, ["Authorization": "GenieKey \(settings.secret)"]))
    }
}

extension Severity {
    /// 1 for critical to 5 for info.
    var storedPriority: Int { 5 - rank }
}
