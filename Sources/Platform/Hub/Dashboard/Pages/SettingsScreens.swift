import Store

/// Clusters and how fresh they are, waivers to decide, people, tokens, the audit chain.
enum SettingsScreens {
    static let all: [Route] =
        [screen, decide("approve"), decide("reject"), decide("revoke")] + SettingsAccess.all

    private static let screen = Route.screen(
        "/settings", query: [QueryParameter("tested", "The notifier that took a test.")]
    ) { request in
        let scope = request.scope()
        let isAdministrator = request.identity?.may(.administer) ?? false
        let found = try await request.hub.store.read { db in
            (
                try db.clusters(in: scope), try db.waivers().filter { WaiverRoutes.isVisible($0, scope) },
                isAdministrator ? try SettingsAccess.Facts(db) : SettingsAccess.Facts(),
                isAdministrator ? try db.auditEntries(limit: 20) : [],
                isAdministrator ? try db.verifyAudit() : nil
            )
        }
        let (clusters, waivers, access, audit, verdict) = found
        let clusterRows = clusters.map { row -> HTML in
            """
            <tr><td><a href="\(Link.to(["clusters", row.id]))">\(row.name)</a></td><td>\(row.source)</td><td>\(row.version)</td>\
            <td>\(FleetScreens.freshness(row, now: request.now))</td><td>\(holes(row, scope))</td></tr>
            """
        }
        return .page(
            Page(
                place: .settings, title: "Clusters and settings",
                body: """
                    <h2>Clusters</h2><div id="clusters" data-live>\(clusterRows.isEmpty ? Page.empty("No cluster is connected.") : Page.table("Clusters", ["Cluster", "Connected by", "Version", "Freshness", "Rights that are missing"], clusterRows))</div>
                    <div class="note"><p>Connect a cluster: start the hub with its context, <code>martlet serve --context NAME</code>. Martlet needs only to read: \
                    <code>martlet permissions</code> prints the role, <code>martlet permissions --check</code> says what is missing.</p></div>
                    <h2>Waivers</h2>\(table(waivers, request))
                    \(isAdministrator ? SettingsAccess.sections(access, request) + chain(audit, verdict, request) : .empty)
                    """, isLive: true), request)
    }

    private static func table(_ waivers: [WaiverRow], _ request: HubRequest) -> HTML {
        guard !waivers.isEmpty else {
            return Page.empty("Nobody has asked for a waiver. A finding's page has the form.")
        }
        let mayDecide = request.identity?.may(.decide) ?? false
        let rows = waivers.prefix(200).map { row -> HTML in
            func button(_ verb: String) -> HTML {
                """
                <form method="post" action="\(Link.to(["waivers", row.id, verb]))">\(Page.token(request))<button class="quiet">\(verb)</button></form>
                """
            }
            let actions: HTML =
                !mayDecide
                ? .empty
                : row.state == .requested && row.requestedBy != request.identity?.name
                    ? button("approve") + button("reject") : row.state == .approved ? button("revoke") : .empty
            let reach = [row.cluster, row.namespace, row.kind, row.name].compactMap(\.self).filter { !$0.isEmpty }
                .joined(separator: " / ")
            return """
                <tr><td><code>\(row.rule)</code><br><span class="dim">\(reach.isEmpty ? "everywhere" : reach)</span></td><td>\(row.owner): \(row.reason)</td>\
                <td class="tight">\(row.expires)</td><td>\(row.state.rawValue)\(row.decidedBy.map { " by \($0)" } ?? "")</td><td>asked by \(row.requestedBy)</td><td class="row">\(actions)</td></tr>
                """
        }
        return Page.table("Waivers", ["What", "Why", "Until", "State", "By", "Decide"], rows)
    }

    /// What the hub needs and does not hold, as the cluster itself said.
    private static func holes(_ row: ClusterRow, _ scope: AccessScope) -> HTML {
        let holes = ClusterRoutes.visible(row, scope).holes
        guard !holes.isEmpty else { return row.scanAt == nil ? .empty : "<span class=\"sev ok\">none</span>" }
        let lines = holes.prefix(50).map { "<li>\($0)</li>" as HTML }
        return "<details><summary>\(holes.count) could not be read</summary><ul>\(lines)</ul></details>"
    }

    private static func chain(_ rows: [AuditRow], _ verdict: AuditVerdict?, _ request: HubRequest) -> HTML {
        let state: HTML =
            switch verdict {
            case .whole?: "<span class=\"sev ok\">every link holds</span>"
            case nil: .empty
            default: "<span class=\"sev critical\">the chain is broken</span>"
            }
        return "<h2>Who did what \(state)</h2>"
            + Page.table(
                "Audit chain", ["When", "Who", "What", "On"],
                rows.map {
                    "<tr><td class=\"tight\">\(Page.time($0.at))</td><td>\($0.actor)</td><td>\($0.action)</td><td>\($0.target)</td></tr>"
                })
    }

    private static func decide(_ verb: String) -> Route {
        Route.action("/waivers/{waiver}/\(verb)", .decide) { request in
            _ = try await WaiverRoutes.decide(request, verb)
            return "/settings"
        }
    }
}
