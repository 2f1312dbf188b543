import Findings
import Store

/// Alerts that wait for somebody, and what happened, as it happens.
enum AlertScreens {
    static let all: [Route] = [screen, acknowledge]

    private static let screen = Route.screen(
        "/alerts",
        query: [
            .cluster, QueryParameter("state", .choice(["firing", "resolved"]), "Only this state."),
            QueryParameter("source", "Only events of this source."), .limit, .cursor,
            QueryParameter("events", "Where the page of events before ended."),
        ]
    ) { request in
        let scope = request.scope()
        let values = request.query
        let state = values["state"].flatMap(AlertRow.State.init(rawValue:))
        let before = try values["cursor"].map { try PageCursor.parts($0, count: 1)[0] }
        let eventsBefore = try values["events"].map { try PageCursor.parts($0, count: 1)[0] }
        let (alerts, events, told, silences, deliveries) = try await request.hub.store.read { db in
            let alerts = try db.alerts(
                in: scope, cluster: values["cluster"], state: state ?? .firing, before: before, limit: values.limit)
            return (
                alerts,
                try db.events(
                    in: scope, cluster: values["cluster"], source: values["source"], before: eventsBefore,
                    limit: values.limit),
                try db.deliveries(of: alerts.map(\.id)),
                try db.silences(at: request.now).filter { $0.cluster.isEmpty || scope.touches(cluster: $0.cluster) },
                request.identity?.may(.administer) == true ? try db.deliveries(limit: 20) : []
            )
        }
        func next(_ name: String, _ id: String?, _ count: Int) -> HTML {
            guard count == values.limit, let id else { return .empty }
            let kept = values.all.filter { $0.0 != name }
            return Page.next(Link.to(["alerts"], kept + [(name, PageCursor.text([id]))]))
        }
        let mayOperate = request.identity?.may(.operate) ?? false
        return .page(
            Page(
                place: .alerts, title: "Alerts",
                lead: "What wants somebody's attention now, grouped; then what happened, newest first.",
                body: """
                    <form class="filters">\(Page.choice("State", "state", [("firing", "firing"), ("resolved", "resolved")], values["state"] ?? "firing"))<noscript><button>Show</button></noscript></form>
                    <div id="alerts" data-live>\(table(alerts, told, request, mayOperate))</div>\(next("cursor", alerts.last?.id, alerts.count))
                    <h2>Events</h2><div id="events" data-live>\(table(events))</div>\(next("events", events.last?.id, events.count))
                    \(silences.isEmpty ? .empty : "<h2>Silences</h2><ul>\(silences.map { "<li><code>\($0.matcher)</code> until \(Page.time($0.endsAt)) by \($0.createdBy): \($0.reason)</li>" as HTML })</ul>" as HTML)
                    \(deliveries.isEmpty ? .empty : "<h2>Deliveries</h2>" + table(deliveries))
                    """, isLive: true), request)
    }

    /// Whether those who are to be told were: one line for each receiver.
    private static func delivery(_ rows: [DeliveryRow]) -> HTML {
        guard !rows.isEmpty else { return "<span class=\"dim\">nobody is told</span>" }
        let lines = rows.map { row -> HTML in
            let look =
                switch row.state {
                case .sent: "ok"
                case .dead: "critical"
                default: "medium"
                }
            return "<span class=\"sev \(look)\" title=\"\(row.error)\">\(row.notifier): \(row.state.rawValue)</span> "
        }
        return HTML.empty + lines.reduce(.empty, +)
    }

    private static func table(
        _ alerts: [AlertRow], _ told: [String: [DeliveryRow]], _ request: HubRequest, _ mayOperate: Bool
    ) -> HTML {
        guard !alerts.isEmpty else { return Page.empty("No alert is in this state.") }
        let rows = alerts.map { alert -> HTML in
            let done: HTML =
                if let who = alert.acknowledgedBy {
                    "<span class=\"dim\">\(who), \(Page.ago(alert.acknowledgedAt, now: request.now))</span>"
                } else if mayOperate {
                    """
                    <form class="triage" method="post" action="\(Link.to(["alerts", alert.id, "acknowledge"]))">\(Page.token(request))<button class="quiet">Acknowledge</button></form>
                    """
                } else { "<span class=\"dim\">nobody yet</span>" }
            return """
                <tr><td class="tight">\(Page.severity(alert.severity))</td><td><a href="\(Link.to(["findings"], [("cluster", alert.cluster), ("namespace", alert.namespace)]))"><strong>\(alert.title)</strong></a><br>\
                <span class="dim">\(alert.rule)</span></td><td>\(alert.cluster) \(alert.namespace)</td><td class="num">\(alert.total)</td>\
                <td class="tight">\(Page.ago(alert.startedAt, now: request.now))</td><td>\(delivery(told[alert.id] ?? []))</td><td>\(done)</td></tr>
                """
        }
        return Page.table("Alerts", ["Severity", "Alert", "Where", "Count#", "Since", "Told", "Taken by"], rows)
    }

    private static func table(_ events: [EventRow]) -> HTML {
        guard !events.isEmpty else {
            return Page.empty(
                "No event has come. Send Falco's, audit or other tools' events to <code>/api/v1/ingest</code>.")
        }
        let rows = events.map { event -> HTML in
            """
            <tr><td class="tight">\(Page.time(event.at))</td><td class="tight">\(Page.severity(event.severity))</td><td>\(event.message)</td>\
            <td>\(event.subject)</td><td>\(event.source)</td><td>\(event.cluster)</td></tr>
            """
        }
        return Page.table("Events", ["When", "Severity", "What", "Who", "Source", "Cluster"], rows)
    }

    private static func table(_ deliveries: [DeliveryRow]) -> HTML {
        Page.table(
            "Deliveries", ["To", "State", "Attempts#", "When", "Answer"],
            deliveries.map {
                "<tr><td>\($0.notifier)</td><td>\($0.state.rawValue)</td><td class=\"num\">\($0.attempts)</td><td>\(Page.time($0.sentAt ?? $0.dueAt))</td><td>\($0.error)</td></tr>"
            })
    }

    private static let acknowledge = Route.action("/alerts/{alert}/acknowledge", .operate) { request in
        _ = try await AlertRoutes.acknowledge(request)
        return "/alerts"
    }
}
