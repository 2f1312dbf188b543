import Documents
import Findings

/// Splunk's HTTP event collector.
struct SplunkTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        var json = JSONWriter()
        json.object { json in
            json.member("time", notification.at / 1000)
            json.member("source", "martlet")
            json.member("sourcetype", "martlet:alert")
            if let index = settings.options["index"] { json.member("index", index) }
            json.member("event", object: { notification.write(to: &$0) })
        }
        try await wire.post(
            settings.request("/services/collector/event", json, ["Authorization": "Splunk \(settings.secret)"]))
    }
}

/// OCSF 1.8, class "Detection Finding" (2004): activity 1 is create, 3 is close.
struct OCSFTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let alert = notification.alert
        let activity = notification.isResolved ? 3 : 1
        var json = JSONWriter()
        json.object { json in
            json.member("class_uid", 2004)
            json.member("class_name", "Detection Finding")
            json.member("category_uid", 2)
            json.member("category_name", "Findings")
            json.member("activity_id", activity)
            json.member("activity_name", notification.isResolved ? "Close" : "Create")
            json.member("type_uid", 200_400 + activity)
            json.member("time", notification.at)
            json.member("start_time", alert.startedAt)
            json.member("severity_id", alert.severity.rank + 1)
            json.member("severity", alert.severity.rawValue.capitalised)
            json.member("status_id", notification.isResolved ? 4 : 1)
            json.member("status", notification.isResolved ? "Resolved" : "New")
            json.member("message", notification.headline)
            json.member("count", max(1, alert.total))
            json.member(
                "finding_info",
                object: { json in
                    json.member("uid", alert.id)
                    json.member("title", alert.title)
                    json.member("desc", notification.text)
                    json.member("created_time", alert.startedAt)
                    json.member("types", [alert.rule])
                })
            json.member(
                "resources",
                array: { json in
                    for item in notification.items.prefix(50) {
                        json.object { json in
                            json.member("name", item.subject)
                            json.member("type", "kubernetes")
                            json.member("namespace", alert.namespace)
                            json.member("uid", item.fingerprint)
                        }
                    }
                })
            json.member(
                "metadata",
                object: { json in
                    json.member("version", "1.8.0")
                    json.member("uid", notification.dedup)
                    json.member(
                        "product",
                        object: { json in
                            json.member("name", "Martlet")
                            json.member("vendor_name", "Martlet")
                            json.member("version", notification.version)
                        })
                })
            json.member("cloud", object: { $0.member("provider", "kubernetes") })
        }
        try await wire.post(settings.request("", json))
    }
}

extension String {
    /// `high` as `High`; info is what OCSF calls informational.
    fileprivate var capitalised: String { self == "info" ? "Informational" : prefix(1).uppercased() + dropFirst() }
}

/// OpenTelemetry logs over HTTP, as JSON.
struct OTLPTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let alert = notification.alert
        var json = JSONWriter()
        json.object { json in
            json.member(
                "resourceLogs",
                array: { json in
                    json.object { json in
                        json.member(
                            "resource",
                            object: { json in
                                json.member(
                                    "attributes",
                                    array: { json in
                                        Self.attribute("service.name", "martlet", &json)
                                        Self.attribute("k8s.cluster.name", alert.cluster, &json)
                                    })
                            })
                        json.member(
                            "scopeLogs",
                            array: { json in
                                json.object { json in
                                    json.member("scope", object: { $0.member("name", "martlet.alerts") })
                                    json.member(
                                        "logRecords",
                                        array: { json in
                                            json.object { Self.record(notification, &$0) }
                                        })
                                }
                            })
                    }
                })
        }
        try await wire.post(settings.request("/v1/logs", json))
    }

    private static func record(_ notification: AlertNotification, _ json: inout JSONWriter) {
        let alert = notification.alert
        // 64-bit numbers are texts in this JSON (protobuf's mapping).
        json.member("timeUnixNano", "\(notification.at)000000")
        json.member("severityNumber", severity(alert.severity))
        json.member("severityText", alert.severity.rawValue)
        json.member("body", object: { $0.member("stringValue", notification.headline) })
        json.member(
            "attributes",
            array: { json in
                for (name, value) in [
                    ("event.name", "martlet.alert"), ("martlet.alert.id", alert.id),
                    ("martlet.alert.state", notification.word), ("martlet.alert.rule", alert.rule),
                    ("martlet.dedup", notification.dedup), ("k8s.namespace.name", alert.namespace),
                    ("martlet.text", notification.text),
                ] {
                    attribute(name, value, &json)
                }
            })
    }

    private static func severity(_ severity: Severity) -> Int {
        switch severity {
        case .info: 9
        case .low: 10
        case .medium: 13
        case .high: 17
        case .critical: 21
        }
    }

    private static func attribute(_ key: String, _ value: String, _ json: inout JSONWriter) {
        json.object { json in
            json.member("key", key)
            json.member("value", object: { $0.member("stringValue", value) })
        }
    }
}

/// A CloudEvent in structured form.
struct CloudEventsTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        var json = JSONWriter()
        json.object { json in
            json.member("specversion", "1.0")
            json.member("id", notification.dedup)
            json.member("source", "/martlet/clusters/\(notification.alert.cluster)")
            json.member("type", "dev.martlet.alert.\(notification.word)")
            json.member("time", TimeText.rfc3339(notification.at))
            json.member("subject", notification.alert.id)
            json.member("datacontenttype", "application/json")
            json.member("data", object: { notification.write(to: &$0) })
        }
        try await wire.post(
            settings.request("", json, ["Content-Type": "application/cloudevents+json; charset=utf-8"]))
    }
}
