import Findings
import Store

/// One image: what is open in it, and the workloads that run it.
enum ImageScreen {
    private static let mostClusters = 20

    static let route = Route.screen(
        "/vulnerabilities/image", query: [.cluster, QueryParameter("name", "The image."), .limit, .cursor]
    ) { request in
        let values = request.query
        guard let name = values["name"] else { throw HubProblem.notFound("such image") }
        let scope = request.scope()
        var query = try FindingRoutes.query(values, scope: scope)
        query.kind = FindingRow.imageKind
        query.statuses = [.failing, .waived, .unobservable]
        let asked = query
        let found = try await request.hub.store.read { db in
            let clusters = try db.clusters(in: scope)
            var users: [ObjectRow] = []
            let running = try db.clusters(running: name, in: scope).filter { asked.cluster ?? $0 == $0 }
            for cluster in running.prefix(mostClusters) {
                users += try db.users(of: name, cluster: cluster).filter {
                    scope.allows(cluster: $0.cluster, namespace: $0.namespace)
                }
            }
            return (rows: try db.findings(asked), users: users, running: running, clusters: clusters)
        }
        guard !found.rows.isEmpty || !found.running.isEmpty else { throw HubProblem.notFound("such image") }
        let names = Dictionary(found.clusters.map { ($0.id, $0.name) }) { first, _ in first }
        let lines = found.rows.map { row -> HTML in
            let link = Link.to(["vulnerabilities", "advisory"], [("id", row.rule), ("cluster", asked.cluster)])
            let waived: HTML = row.waiver.map { "<br><span class=\"dim\">\($0)</span>" } ?? .empty
            return """
                <tr><td class="tight">\(Page.severity(row.severity))</td><td><a href="\(link)"><strong>\(row.rule)</strong></a></td>\
                <td><a href="\(FindingScreens.link(row))">\(row.message)</a></td><td>\(names[row.cluster] ?? row.cluster)</td>\
                <td>\(row.status.word)\(waived)</td>\
                <td class="tight">\(row.status == .failing ? Page.clock(row.firstSeen, row.severity, request) : .empty)</td></tr>
                """
        }
        let next: HTML =
            found.rows.count == query.limit
            ? found.rows.last.map { last in
                Page.next(
                    Link.to(
                        ["vulnerabilities", "image"],
                        values.all.filter { $0.0 != "cursor" }
                            + [("cursor", FindingRoutes.cursor(FindingQuery.Cursor(last)))]))
            } ?? .empty : .empty
        let users = found.users.map { row -> HTML in
            """
            <tr><td><a href="\(WorkloadScreens.link(row.cluster, row.kind, row.namespace, row.name))">\(row.name)</a> \
            <span class="dim">\(row.kind)</span></td><td>\(row.namespace)</td><td>\(names[row.cluster] ?? row.cluster)</td>\
            <td class="tight">\(row.worst.map(Page.severity))</td></tr>
            """
        }
        let more: HTML =
            found.running.count > mostClusters
            ? "<p class=\"dim\">\(found.running.count) clusters run it; those of the first \(mostClusters) are listed.</p>"
            : .empty
        return .page(
            Page(
                place: .vulnerabilities, title: name, lead: "What is open in this image, and who runs it.",
                body: """
                    <h2>Workloads that run it</h2>\(users.isEmpty ? Page.empty("No workload runs it, as far as was seen.") : Page.table("Workloads that run it", ["Workload", "Namespace", "Cluster", "Worst finding"], users))\(more)
                    <h2>Advisories</h2>\(lines.isEmpty ? Page.empty("No report names anything open in it. That does not mean that nothing is: was it scanned?") : Page.table("Advisories of the image", ["Severity", "Advisory", "What the report says", "Cluster", "State", "To be mended"], lines))\(next)
                    """), request)
    }
}
