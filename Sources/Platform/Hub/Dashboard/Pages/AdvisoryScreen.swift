import Findings
import Store

/// One advisory: which images have it, where they run, and one waiver for all of it.
enum AdvisoryScreen {
    static let route = Route.screen(
        "/vulnerabilities/advisory",
        query: [
            .cluster, QueryParameter("id", "The advisory."),
            QueryParameter("status", .choice(FindingStatus.allCases.map(\.word)), "Only this state."), .limit, .cursor,
        ]
    ) { request in
        let values = request.query
        guard let id = values["id"] else { throw HubProblem.notFound("such advisory") }
        let scope = request.scope()
        var query = try FindingRoutes.query(values, scope: scope)
        query.rule = id
        query.kind = FindingRow.imageKind
        if values["status"] == nil { query.statuses = [.failing, .waived, .unobservable] }
        let asked = query
        let found = try await request.hub.store.read { db in
            (
                rows: try db.findings(asked), known: try db.advisories([id])[id], clusters: try db.clusters(in: scope),
                places: try db.clusters(with: id, of: .advisory, in: scope).map { (id: $0.cluster, total: $0.total) }
            )
        }
        guard !found.rows.isEmpty || found.known != nil else { throw HubProblem.notFound("such advisory") }
        let names = Dictionary(found.clusters.map { ($0.id, $0.name) }) { first, _ in first }
        let lines = found.rows.map { row(of: $0, names, request) }
        let next: HTML =
            found.rows.count == query.limit
            ? found.rows.last.map { last in
                Page.next(
                    Link.to(
                        ["vulnerabilities", "advisory"],
                        values.all.filter { $0.0 != "cursor" }
                            + [("cursor", FindingRoutes.cursor(FindingQuery.Cursor(last)))]))
            } ?? .empty : .empty
        let places = found.places.prefix(30).map { place -> HTML in
            let link = Link.to(["vulnerabilities", "advisory"], [("id", id), ("cluster", place.id)])
            return
                "<li><a href=\"\(link)\">\(names[place.id] ?? place.id)</a> <span class=\"dim\">\(place.total) open</span></li>"
        }
        let more: HTML =
            found.places.count > places.count
            ? "<li class=\"dim\">and \(found.places.count - places.count) more clusters</li>" : .empty
        return .page(
            Page(
                place: .vulnerabilities, title: id,
                lead: found.known.map {
                    "in \($0.package); \($0.fixed.isEmpty ? "no fixed version is known" : "fixed in \($0.fixed)")"
                }
                    ?? .empty,
                body: """
                    <div class="grid2"><div><h2>Images that have it</h2>\
                    \(lines.isEmpty ? Page.empty("Nothing of it is open here.") : Page.table("Images that have it", ["Severity", "Image", "What the report says", "Cluster", "State", "To be mended"], lines))\(next)\
                    \(waiver(id, asked, found.clusters, request))</div>\
                    <div><h2>Where it is open</h2><ul>\(places)\(more)</ul>\
                    <p class="no-print"><a href="\(Link.to(["vulnerabilities"]))">All advisories</a></p></div></div>
                    """), request)
    }

    private static func row(of row: FindingRow, _ names: [String: String], _ request: HubRequest) -> HTML {
        let link = Link.to(["vulnerabilities", "image"], [("name", row.name), ("cluster", row.cluster)])
        let waived: HTML = row.waiver.map { "<br><span class=\"dim\">\($0)</span>" } ?? .empty
        return """
            <tr><td class="tight">\(Page.severity(row.severity))</td><td><a href="\(link)"><code>\(row.name)</code></a></td>\
            <td><a href="\(FindingScreens.link(row))">\(row.message)</a></td><td>\(names[row.cluster] ?? row.cluster)</td>\
            <td>\(row.status.word)\(waived)</td>\
            <td class="tight">\(row.status == .failing ? Page.clock(row.firstSeen, row.severity, request) : .empty)</td></tr>
            """
    }

    private static func waiver(
        _ id: String, _ query: FindingQuery, _ clusters: [ClusterRow], _ request: HubRequest
    ) -> HTML {
        guard request.scope(.propose).allows(cluster: query.cluster ?? "", namespace: nil) else { return .empty }
        let cluster = clusters.first { $0.id == query.cluster }?.name
        return FindingWaivers.form(
            title: "Ask for one waiver of \(id) in many images",
            [
                ("cluster", query.cluster ?? ""), ("rule", id), ("kind", FindingRow.imageKind),
                ("back", Link.to(["vulnerabilities", "advisory"], [("id", id), ("cluster", query.cluster)])),
            ],
            fields: "<label>Images (* for any)<input name=\"subject\" placeholder=\"registry.example/team/*\"></label>",
            note:
                "Holds \(cluster.map { "in the cluster \($0)" } ?? "in every cluster"). Somebody else has to approve it.",
            request)
    }
}
