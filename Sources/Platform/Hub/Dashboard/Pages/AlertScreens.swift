import Findings
import Store

/// Alerts that wait for somebody, and what happened, as it happens.
enum AlertScreens {
    static let all: [Route] = [screen, acknowledge]

    private static let screen = Route.screen(
        "/alerts",
        query: [
            .cluster, QueryParameter("state", .choice(["firing", "resolved"]), "Only this state."),
            QueryParameter("source", "Only events of this source."), .limit,
        ]
    ) { request in
        let scope = request.scope()
        let values = request.query
        let state = values["state"].flatMap(AlertRow.State.init(rawValue:))
        let (alerts, events, silences, deliveries) = try await request.hub.store.read { db in
            (
                try db.alerts(in: scope, cluster: values["cluster"], state: state ?? .firing, limit: 100),
                try db.events(in: scope, cluster: values["cluster"], source: values["source"], limit: values.limit),
                try db.silences(at: request.now).filter { $0.cluster.isEmpty || scope.touches(cluster: $0.cluster) },
                request.identity?.may(.administer) == true ? try db.deliveries(limit: 20) : []
            )
        }
        let mayOperate = request.identity?.may(.operate) ?? false
        return .page(
            Page(
                place: .alerts, title: "Alerts",
                lead: "What wants somebody's attention now, grouped; then what happened, newest first.",
                body: """
                    <form class="filters">\(Page.choice("State", "state", [("firing", "firing"), ("resolved", "resolved")], values["state"] ?? "firing"))<noscript><button>Show</button></noscript></form>
                    <div id="alerts" data-live>\(table(alerts, request, mayOperate))</div>
                    <h2>Events</h2><div id="events" data-live>\(table(events))</div>
                    \(silences.isEmpty ? .empty : "<h2>Silences</h2><ul>\(silences.map { "<li><code>\($0.matcher)</code> until \(Page.time($0.endsAt)) by \($0.createdBy): \($0.reason)</li>" as HTML })</ul>" as HTML)
                    \(deliveries.isEmpty ? .empty : "<h2>Deliveries</h2>" + table(deliveries))
                    """, isLive: true), request)
    }

    private static func table(_ alerts: [AlertRow], _ request: HubRequest, _ mayOperate: Bool) -> HTML {
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
                <td class="tight">\(Page.ago(alert.startedAt, now: request.now))</td><td>\(done)</td></tr>
                """
        }
        return Page.table("Alerts", ["Severity", "Alert", "Where", "Count#", "Since", "Taken by"], rows)
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
