import Findings
import Store

/// Which clusters are worst, how sure that is, and what changed since yesterday.
enum FleetScreens {
    static let all: [Route] = [fleet, cluster]

    private static let day: Milliseconds = 86_400_000

    private struct Facts: Sendable {
        var clusters: [ClusterRow]
        var counts: [String: [RollupRow]]
        var scores: [String: [ScoreRow]]
        var changed: [FindingRow]
    }

    /// Clusters on one page of the fleet.
    private static let pageSize = 50

    private static func facts(_ request: HubRequest, cluster: String? = nil) async throws -> Facts {
        let (scope, now) = (request.scope(), request.now)
        let since = "\(CalendarDate.of(now - 30 * day))"
        return try await request.hub.store.read { db in
            var clusters = try db.clusters(in: scope)
            if let cluster { clusters.removeAll { $0.id != cluster } }
            var scores: [String: [ScoreRow]] = [:]
            let shown = page(clusters.map { ClusterRoutes.visible($0, scope) }, request)
            for row in cluster == nil ? shown : clusters[...] where scope.allows(cluster: row.id, namespace: nil) {
                scores[row.id] = try db.scores(of: row.id, since: since)
            }
            let changed = try db.findings(
                FindingQuery(
                    scope: scope, cluster: cluster, statuses: [.failing, .fixed], isSystem: false,
                    changedSince: now - day, order: .changed, limit: 12))
            return Facts(
                clusters: clusters, counts: try ClusterRoutes.counters(db, scope, cluster: cluster), scores: scores,
                changed: changed)
        }
    }

    /// The clusters of the page that was asked for, worst first.
    private static func page(_ rows: [ClusterRow], _ request: HubRequest) -> ArraySlice<ClusterRow> {
        let words = request.query["q"]?.lowercased() ?? ""
        let sorted = rows.filter { words.isEmpty || $0.name.lowercased().contains(words) }
            .sorted { ($0.score ?? -1, $0.id) < ($1.score ?? -1, $1.id) }
        guard request.query[TableExport.form.name] == nil else { return sorted[...] }
        return sorted.dropFirst(((request.query.int("page") ?? 1) - 1) * pageSize).prefix(pageSize)
    }

    private static let fleet = Route.screen(
        "/fleet",
        query: [
            QueryParameter("q", "Part of a cluster's name."),
            QueryParameter("page", .integer(1...10_000), "Which page."),
        ]
    ) { request in
        let facts = try await facts(request)
        let scope = request.scope()
        let rows = facts.clusters.map { ClusterRoutes.visible($0, scope) }
        let shown = page(rows, request)
        let number = request.query.int("page") ?? 1
        let words = request.query["q"]
        let find: HTML =
            rows.count <= pageSize
            ? .empty
            : """
            <form class="filters"><label>Cluster<input name="q" type="search" value="\(words ?? "")"></label><button>Show</button></form>
            """
        let next: HTML =
            shown.count < pageSize || (words == nil && number * pageSize >= rows.count)
            ? .empty : Page.next(Link.to(["fleet"], [("q", words), ("page", "\(number + 1)")]))
        let all = facts.counts.values.flatMap(\.self)
        let body: HTML =
            rows.isEmpty
            ? Page.empty("No cluster is connected yet. <a href=\"/settings\">Connect one</a>.")
            : """
            <div id="fleet" data-live>\(summary(rows, all))
            \(find)\(Page.table("Clusters, worst first", ["Cluster", "Score", "Coverage", "Findings", "30 days", "Freshness"], shown.map { row($0, facts, now: request.now) }))\(next)
            <h2>Since yesterday</h2>\(changes(facts.changed, clusters: rows))</div>
            """
        return .page(
            Page(
                place: .fleet, title: "Fleet",
                lead:
                    "Clusters, worst first. The score is the part of all evaluations that pass; coverage says how many had an answer at all.",
                body: body, isLive: true), request)
    }

    private static func count(_ rows: [RollupRow], _ severity: Severity) -> Int {
        rows.reduce(0) { $1.status == .failing && $1.severity == severity ? $0 + $1.total : $0 }
    }

    private static func bar(_ rows: [RollupRow]) -> HTML {
        Charts.severities([Severity.critical, .high, .medium, .low].map { ($0, count(rows, $0)) })
    }

    private static func summary(_ clusters: [ClusterRow], _ all: [RollupRow]) -> HTML {
        let lost = clusters.count { $0.state == .lost }
        let workloads = clusters.reduce(0) { $0 + $1.counts.workloads }
        let holes = clusters.reduce(0) { $0 + $1.holes.count }
        func card(_ title: String, _ value: Int, _ note: HTML) -> HTML {
            "<li class=\"card\"><div class=\"dim\">\(title)</div><div class=\"big\">\(Page.number(value))</div>\(note)</li>"
        }
        return """
            <ul class="cards">\(card("Clusters", clusters.count, lost > 0 ? "<span class=\"sev high\">\(lost) lost</span>" : "<span class=\"sev ok\">all answer</span>"))\
            \(card("Workloads", workloads, .empty))\
            \(card("Critical findings", count(all, .critical), "<a href=\"/findings?severity=critical\">show</a>"))\
            \(card("High findings", count(all, .high), "<a href=\"/findings?severity=high\">show</a>"))\
            \(card("Could not be seen", holes, holes > 0 ? "<span class=\"dim\">kinds or files, listed with each cluster</span>" : .empty))</ul>
            """
    }

    private static func row(_ cluster: ClusterRow, _ facts: Facts, now: Milliseconds) -> HTML {
        let scores = facts.scores[cluster.id] ?? []
        let words = scores.last.map {
            "from \(Page.percent(scores.first?.score)) to \(Page.percent($0.score)) in \(scores.count) days"
        }
        return """
            <tr><td><a href="\(Link.to(["clusters", cluster.id]))"><strong>\(cluster.name)</strong></a><br>\
            <span class="dim">\(cluster.version.isEmpty ? cluster.source : cluster.version)</span></td>\
            <td>\(Charts.ring(cluster.score, coverage: cluster.counts.coverage))</td>\
            <td>\(Page.percent(cluster.counts.coverage))</td><td>\(bar(facts.counts[cluster.id] ?? []))</td>\
            <td>\(Charts.sparkline(scores.map(\.score), words: words ?? "no history yet"))</td>\
            <td>\(freshness(cluster, now: now))</td></tr>
            """
    }

    static func freshness(_ cluster: ClusterRow, now: Milliseconds) -> HTML {
        let state: HTML =
            switch cluster.state {
            case .starting: "<span class=\"sev info\">first reading</span>"
            case .watching: "<span class=\"sev ok\">watching</span>"
            case .lost: "<span class=\"sev high\">lost</span>"
            case .resting: "<span class=\"sev info\">files</span>"
            }
        let detail: HTML = cluster.detail.isEmpty ? .empty : "<br><span class=\"dim\">\(cluster.detail)</span>"
        return "\(state) <span class=\"dim\">\(Page.ago(cluster.eventAt ?? cluster.scanAt, now: now))</span>\(detail)"
    }

    static func changes(_ rows: [FindingRow], clusters: [ClusterRow]) -> HTML {
        guard !rows.isEmpty else { return Page.empty("Nothing changed in the last 24 hours.") }
        let names = Dictionary(clusters.map { ($0.id, $0.name) }) { first, _ in first }
        let lines = rows.map { row -> HTML in
            let what: HTML =
                row.status == .fixed
                ? "<span class=\"sev ok\">fixed</span>"
                : row.reopened > 0 && row.changedAt > row.firstSeen
                    ? "<span class=\"sev high\">came back</span>" : "<span class=\"sev medium\">new or changed</span>"
            return """
                <tr><td class="tight">\(what)</td><td class="tight">\(Page.severity(row.severity))</td>\
                <td><a href="\(FindingScreens.link(row))">\(row.title)</a></td><td>\(FindingScreens.owner(row))</td>\
                <td>\(names[row.cluster] ?? row.cluster)</td><td class="tight">\(Page.time(row.changedAt))</td></tr>
                """
        }
        return Page.table("What changed", ["Change", "Severity", "Finding", "Where", "Cluster", "When"], lines)
    }

    private static let cluster = Route.screen("/clusters/{cluster}") { request in
        let id = try request.path("cluster")
        let scope = request.scope()
        let facts = try await facts(request, cluster: id)
        guard let found = facts.clusters.first, scope.touches(cluster: id) else {
            throw HubProblem.notFound("such cluster")
        }
        let row = ClusterRoutes.visible(found, scope)
        let namespaces = try await request.hub.store.read { try $0.rollups(.namespace, cluster: id, in: scope) }
        let groups = Dictionary(grouping: namespaces, by: \.item).sorted {
            (count($0.value, .critical), count($0.value, .high), $1.key)
                > (count($1.value, .critical), count($1.value, .high), $0.key)
        }
        let holes: HTML =
            row.holes.isEmpty
            ? .empty
            : "<h2>What could not be seen</h2><ul>\(row.holes.map { "<li>\($0)</li>" as HTML })</ul>"
        let table = groups.map { name, rows -> HTML in
            """
            <tr><td><a href="\(Link.to(["findings"], [("cluster", id), ("namespace", name)]))">\(name.isEmpty ? "(the cluster itself)" : name)</a></td>\
            <td>\(bar(rows))</td></tr>
            """
        }
        return .page(
            Page(
                place: .fleet, title: row.name,
                body: """
                    <div id="cluster" data-live><div class="row"><div>\(Charts.ring(row.score, coverage: row.counts.coverage))</div>\
                    <dl class="facts"><dt>Score</dt><dd>\(Page.percent(row.score)), coverage \(Page.percent(row.counts.coverage))</dd>\
                    <dt>Freshness</dt><dd>\(freshness(row, now: request.now))</dd><dt>Server</dt><dd>\(row.server.isEmpty ? "files" : row.server) \(row.version)</dd>\
                    <dt>Objects</dt><dd>\(Page.number(row.counts.objects)), of them \(Page.number(row.counts.workloads)) workloads</dd></dl></div>\
                    <p class="row no-print"><a class="button quiet" href="\(Link.to(["workloads"], [("cluster", id)]))">Workloads</a> \
                    <a class="button quiet" href="\(Link.to(["findings"], [("cluster", id)]))">Findings</a> \
                    <a class="button quiet" href="\(Link.to(["network"], [("cluster", id)]))">Network</a> \
                    <a class="button quiet" href="\(Link.to(["identities"], [("cluster", id)]))">Identities</a></p>
                    <h2>Namespaces</h2>\(Page.table("Findings by namespace", ["Namespace", "Findings"], table))
                    <h2>Since yesterday</h2>\(changes(facts.changed, clusters: [row]))\(holes)</div>
                    """, isLive: true), request)
    }
}
