import Findings
import Store

/// One field for everything: clusters, workloads, findings, checks.
enum SearchScreen {
    static let all: [Route] = [screen]

    private static let screen = Route.screen("/search", query: [QueryParameter("q", "Words to look for.")]) { request in
        let words = request.query["q"] ?? ""
        let scope = request.scope()
        guard !words.isEmpty else {
            return .page(
                Page(title: "Search", body: Page.empty("Write what to look for: a name, a check, an image, a CVE.")),
                request)
        }
        let (clusters, objects, findings) = try await request.hub.store.read { db in
            (
                try db.clusters(in: scope).filter { $0.name.lowercased().contains(words.lowercased()) },
                try db.objects(ObjectQuery(scope: scope, text: words, workloadsOnly: false, limit: 25)),
                try db.findings(FindingQuery(scope: scope, text: words, limit: 25))
            )
        }
        let rules = request.hub.rules.values.filter {
            $0.id.contains(words.lowercased()) || $0.title.lowercased().contains(words.lowercased())
        }.sorted { $0.id < $1.id }.prefix(15)
        var body: HTML = .empty
        func section(_ title: String, _ lines: [HTML]) {
            guard !lines.isEmpty else { return }
            body += "<h2>\(title)</h2><ul>\(lines)</ul>"
        }
        section("Clusters", clusters.map { "<li><a href=\"\(Link.to(["clusters", $0.id]))\">\($0.name)</a></li>" })
        section(
            "Workloads and objects",
            objects.map {
                "<li><a href=\"\(WorkloadScreens.link($0.cluster, $0.kind, $0.namespace, $0.name))\">\($0.kind) \($0.namespace)/\($0.name)</a> <span class=\"dim\">\($0.cluster)</span></li>"
            })
        section(
            "Findings",
            findings.map {
                "<li>\(Page.severity($0.severity)) <a href=\"\(FindingScreens.link($0))\">\($0.title)</a> \(FindingScreens.owner($0))</li>"
            })
        section(
            "Checks",
            rules.map {
                "<li><a href=\"\(Link.to(["findings"], [("rule", $0.id)]))\">\($0.title)</a> <code>\($0.id)</code></li>"
            })
        return .page(
            Page(
                title: "Search: \(words)",
                body: body.text.isEmpty
                    ? Page.empty(
                        "Nothing holds these words. Findings that are fixed are not searched: use the filters of <a href=\"/findings\">Findings</a>."
                    )
                    : body), request)
    }
}
