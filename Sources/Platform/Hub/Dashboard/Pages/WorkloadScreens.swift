import Findings
import Kubernetes
import Posture
import Store

/// Workloads, worst first, and everything known of one.
enum WorkloadScreens {
    static let all: [Route] = [list, one]

    static func link(_ cluster: String, _ kind: String, _ namespace: String, _ name: String) -> String {
        Link.to(["workload"], [("cluster", cluster), ("kind", kind), ("namespace", namespace), ("name", name)])
    }

    private static let list = Route.screen(
        "/workloads",
        query: [
            .cluster, .namespace, QueryParameter("kind", "Only this kind."), QueryParameter("q", "Part of the name."),
            .limit, .cursor,
        ]
    ) { request in
        let values = request.query
        var query = ObjectQuery(
            scope: request.scope(), cluster: values["cluster"], namespace: values["namespace"], kind: values["kind"],
            text: values["q"], limit: values.limit)
        if let cursor = values["cursor"] { query.after = try WorkloadRoutes.row(of: cursor) }
        let asked = query
        let (rows, clusters) = try await request.hub.store.read { db in
            (try db.objects(asked), try db.clusters(in: asked.scope))
        }
        let names = Dictionary(clusters.map { ($0.id, $0.name) }) { first, _ in first }
        let lines = rows.map { row -> HTML in
            let worst: HTML = row.worst.map(Page.severity) ?? "<span class=\"sev ok\">none</span>"
            let images = row.images.prefix(2).map { "<code>\($0)</code> " as HTML }
            let more: HTML =
                row.images.count > 2 ? "<span class=\"dim\">and \(row.images.count - 2) more</span>" : .empty
            return """
                <tr><td class="tight">\(worst)</td><td><a href="\(link(row.cluster, row.kind, row.namespace, row.name))"><strong>\(row.name)</strong></a>\
                <br><span class="dim">\(row.kind)</span></td><td>\(row.namespace)</td><td>\(names[row.cluster] ?? row.cluster)</td>\
                <td class="num">\(row.failing)</td><td>\(images)\(more)</td></tr>
                """
        }
        let next: HTML =
            rows.count == query.limit
            ? rows.last.map { last in
                let address = Link.to(
                    ["workloads"],
                    [
                        ("cluster", values["cluster"]), ("namespace", values["namespace"]), ("kind", values["kind"]),
                        ("q", values["q"]), ("cursor", WorkloadRoutes.cursor(last)),
                    ])
                return Page.next(address)
            } ?? .empty : .empty
        let options = [(value: "", title: "all")] + clusters.map { (value: $0.id, title: $0.name) }
        return .page(
            Page(
                place: .workloads, title: "Workloads", lead: "What runs, worst first.",
                body: """
                    <form class="filters"><label>Name<input name="q" type="search" value="\(values["q"] ?? "")"></label>\
                    <label>Namespace<input name="namespace" value="\(values["namespace"] ?? "")"></label>\
                    \(Page.choice("Cluster", "cluster", options, values["cluster"]))<button>Show</button></form>
                    <div id="list" data-live>\(lines.isEmpty ? Page.empty("No workload fits.") : Page.table("Workloads", ["Worst", "Workload", "Namespace", "Cluster", "Findings#", "Images"], lines))</div>\(next)
                    """, isLive: true), request)
    }

    private static let one = Route.screen(
        "/workload",
        query: [
            .cluster, .namespace, QueryParameter("kind", "Its kind."), QueryParameter("name", "Its name."),
        ]
    ) { request in
        let values = request.query
        let cluster = values["cluster"] ?? ""
        let (kind, namespace, name) = (values["kind"] ?? "", values["namespace"] ?? "", values["name"] ?? "")
        let scope = request.scope()
        guard scope.allows(cluster: cluster, namespace: namespace) else { throw HubProblem.notFound("such workload") }
        let found = try await request.hub.store.read { db in
            (
                try db.findings(
                    FindingQuery(
                        scope: scope, cluster: cluster, namespace: namespace, kind: kind, name: name,
                        statuses: [.failing, .waived, .unobservable], limit: 500)),
                try db.objects(
                    ObjectQuery(
                        scope: scope, cluster: cluster, namespace: namespace, kind: kind, name: name,
                        workloadsOnly: false, limit: 1)
                ).first, try db.cluster(cluster)?.name ?? cluster,
                try db.events(in: scope, cluster: cluster, limit: 200).filter {
                    $0.namespace == namespace && $0.subject.contains(name)
                }
            )
        }
        let (findings, object, clusterName, events) = found
        guard object != nil || !findings.isEmpty else { throw HubProblem.notFound("such workload") }
        let live = await LiveWorkload.facts(request.hub, cluster: cluster, kind: kind, namespace: namespace, name: name)
        return .page(
            Page(
                place: .workloads, title: "\(name)",
                lead:
                    "\(kind) in \(namespace.isEmpty ? "no namespace" : namespace) of <a href=\"\(Link.to(["clusters", cluster]))\">\(clusterName)</a>",
                body: """
                    <div class="grid2"><div><h2>Findings</h2>\(list(findings, request))</div><div>\(facts(object))\
                    \(live.identity)\(live.reach)\(happened(events))</div></div>
                    <h2>Verified fix</h2>\(live.fix)
                    """), request)
    }

    private static func list(_ findings: [FindingRow], _ request: HubRequest) -> HTML {
        guard !findings.isEmpty else { return Page.empty("Nothing is open here.") }
        let rows = findings.map { row -> HTML in
            """
            <tr><td class="tight">\(Page.severity(row.severity))</td><td><a href="\(FindingScreens.link(row))"><strong>\(row.title)</strong></a>\
            \(FindingScreens.evidence(row))</td><td class="tight">\(row.status.word)</td></tr>
            """
        }
        return Page.table("Findings of this workload", ["Severity", "Finding", "State"], rows)
    }

    private static func facts(_ row: ObjectRow?) -> HTML {
        guard let row else { return .empty }
        let images = row.images.map { "<code>\($0)</code><br>" as HTML }
        return """
            <h2>Facts</h2><dl class="facts"><dt>Images</dt><dd>\(images)</dd><dt>Service account</dt><dd>\(row.serviceAccount.isEmpty ? "default" : row.serviceAccount)</dd>\
            <dt>Labels</dt><dd>\(row.labels.map { "<code>\($0)</code> " as HTML })</dd><dt>Last read</dt><dd>\(Page.time(row.seenAt))</dd></dl>
            """
    }

    private static func happened(_ rows: [EventRow]) -> HTML {
        let lines = rows.prefix(10).map {
            "<li>\(Page.severity($0.severity)) \($0.message) <span class=\"dim\">\(Page.time($0.at))</span></li>"
                as HTML
        }
        return lines.isEmpty ? .empty : "<h2>Runtime events</h2><ul>\(lines)</ul>"
    }
}
