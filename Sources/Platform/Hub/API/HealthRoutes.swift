import Store

/// What a load balancer and a monitoring system ask.
enum HealthRoutes {
    static let all: [Route] = [
        Route(.get, "/healthz", nil) { _ in .text("ok\n") },
        Route(.get, "/readyz", nil) { request in
            // Ready is who can read what he is asked for.
            _ = try await request.hub.store.read { try $0.setting("ready") }
            return .text("ok\n")
        },
        Route(.get, "/metrics", .administer) { request in
            .text(try await metrics(request.hub), type: "text/plain; version=0.0.4; charset=utf-8")
        },
        Route(.get, "/api/v1", .read) { request in
            .json { json in
                json.member("version", request.hub.version)
                json.member("user", request.identity?.name ?? "")
                json.member("now", time: request.now)
            }
        },
    ]

    /// Series grow with clusters, routes and notifiers only; never with findings, users or addresses.
    private static func metrics(_ hub: HubContext) async throws -> String {
        let now = hub.now()
        let (clusters, rollups, pending) = try await hub.store.read { db in
            let pending = try db.row("SELECT COUNT(*) FROM deliveries WHERE state = 'pending'")?.int(0) ?? 0
            return (try db.clusters(), try db.rollups(.cluster), pending)
        }
        var out = MetricText()
        out.begin("martlet_cluster_up", "gauge", "1 while the cluster is watched.")
        for cluster in clusters {
            out.value(["cluster": cluster.id], cluster.state == .watching || cluster.state == .resting ? 1 : 0)
        }
        out.begin("martlet_cluster_event_age_seconds", "gauge", "Since the last change that was seen.")
        for cluster in clusters {
            if let at = cluster.eventAt { out.value(["cluster": cluster.id], Double(now - at) / 1000) }
        }
        out.begin("martlet_cluster_lag_seconds", "gauge", "From the last change to its result.")
        for cluster in clusters {
            if let lag = cluster.lag { out.value(["cluster": cluster.id], Double(lag) / 1000) }
        }
        out.begin("martlet_cluster_score", "gauge", "Part of the evaluations that pass, 0 to 1.")
        for cluster in clusters { if let score = cluster.score { out.value(["cluster": cluster.id], score) } }
        out.begin("martlet_findings", "gauge", "Findings by severity and status.")
        for row in rollups where row.status != .fixed {
            out.value(
                ["cluster": row.cluster, "severity": row.severity.rawValue, "status": row.status.word],
                Double(row.total))
        }
        out.begin("martlet_deliveries_pending", "gauge", "Notifications that wait.")
        out.value([:], Double(pending))
        out.begin("martlet_http_requests_total", "counter", "Requests by route and kind of status.")
        for entry in hub.requests.all {
            out.value(["route": entry.key.route, "status": entry.key.status], Double(entry.count))
        }
        out.begin("martlet_streams", "gauge", "Open streams of changes.")
        out.value([:], Double(hub.feed.listenerCount))
        return out.text
    }
}

/// Writes the text form of metrics (Prometheus exposition format 0.0.4).
struct MetricText {
    private(set) var text = ""
    private var name = ""

    mutating func begin(_ name: String, _ kind: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    mutating func value(_ labels: [String: String], _ value: Double) {
        let parts = labels.sorted { $0.key < $1.key }.map { key, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(key)=\"\(escaped)\""
        }
        let number = value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
        text += parts.isEmpty ? "\(name) \(number)\n" : "\(name){\(parts.joined(separator: ","))} \(number)\n"
    }
}
