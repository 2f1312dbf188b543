import Documents
import Findings
import HTTPTypes
import Store

/// The list of findings under filters, one finding with its history, and both as files.
enum FindingScreens {
    static let all: [Route] = [list, export, one, FindingWaivers.request]

    static func link(_ row: FindingRow) -> String { Link.to(["findings", row.cluster, row.fingerprint]) }

    static func owner(_ row: FindingRow) -> HTML {
        let name = "\(row.kind) \(row.namespace.isEmpty ? "" : "\(row.namespace)/")\(row.name)"
        guard !row.kind.isEmpty else { return "<span class=\"dim\">the cluster</span>" }
        return "<a href=\"\(WorkloadScreens.link(row.cluster, row.kind, row.namespace, row.name))\">\(name)</a>"
    }

    private static let list = Route.screen("/findings", query: FindingRoutes.filters + [.limit, .cursor]) { request in
        let query = try FindingRoutes.query(request.query, scope: request.scope())
        let (rows, clusters) = try await request.hub.store.read { db in
            (try db.findings(query), try db.clusters(in: query.scope))
        }
        let names = Dictionary(clusters.map { ($0.id, $0.name) }) { first, _ in first }
        let lines = rows.map { row -> HTML in
            """
            <tr><td class="tight">\(Page.severity(row.severity))</td><td><a href="\(link(row))"><strong>\(row.title)</strong></a>\
            <br><span class="dim">\(row.message)</span></td><td>\(owner(row))</td><td>\(names[row.cluster] ?? row.cluster)</td>\
            <td class="tight">\(row.status.word)</td><td class="tight">\(Page.ago(row.firstSeen, now: request.now))</td>\
            <td class="tight">\(row.status == .failing ? Page.clock(row.firstSeen, row.severity, request) : .empty)</td></tr>
            """
        }
        let next: HTML =
            rows.count == query.limit
            ? rows.last.map { last in
                let cursor = FindingRoutes.cursor(FindingQuery.Cursor(last))
                return
                    Page.next(address(request, "/findings", cursor: cursor))
            } ?? .empty : .empty
        let table: HTML =
            lines.isEmpty
            ? Page.empty("No finding fits these filters. <a href=\"/findings\">Show all that are open</a>.")
            : Page.table(
                "Findings", ["Severity", "Finding", "Where", "Cluster", "State", "First seen", "To be mended"], lines)
        return .page(
            Page(
                place: .findings, title: request.query["rule"].flatMap { request.hub.rules[$0]?.title } ?? "Findings",
                lead: request.query["rule"].flatMap { request.hub.rules[$0] }.map {
                    "\(Page.prose($0.why)) \(Page.prose($0.remedy))"
                }
                    ?? .empty,
                body: """
                    \(filters(request, clusters))<div id="list" data-live>\(table)</div>\(next)
                    \(FindingWaivers.form(for: query, among: clusters, request))
                    <p class="no-print"><a href="\(address(request, "/findings.csv", cursor: nil))">Every field of these findings as CSV</a> · \
                    <a href="\(address(request, "/api/v1/findings", cursor: nil))">from the API as JSON</a></p>
                    """, isLive: true), request)
    }

    private static func filters(_ request: HubRequest, _ clusters: [ClusterRow]) -> HTML {
        let values = request.query
        let severities =
            [(value: "", title: "any")] + Severity.allCases.reversed().map { (value: $0.rawValue, title: $0.rawValue) }
        let statuses = FindingStatus.allCases.map { (value: $0.word, title: $0.word) }
        let hidden = ["rule", "kind", "name", "source"].compactMap { name in
            values[name].map { "<input type=\"hidden\" name=\"\(name)\" value=\"\($0)\">" as HTML }
        }
        let options = [(value: "", title: "all")] + clusters.map { (value: $0.id, title: $0.name) }
        return """
            <form class="filters" action="/findings">\(hidden)\
            <label>Words<input name="q" value="\(values["q"] ?? "")" type="search"></label>\
            \(Page.choice("Severity", "severity", severities, values.list("severity").first))\
            \(Page.choice("State", "status", statuses, values.list("status").first ?? FindingStatus.failing.word))\
            \(Page.choice("Cluster", "cluster", options, values["cluster"]))\
            <label>Namespace<input name="namespace" value="\(values["namespace"] ?? "")"></label>\
            <button>Show</button></form>
            """
    }

    /// The same question at another address, from another place on.
    private static func address(_ request: HubRequest, _ path: String, cursor: String?) -> String {
        var query: [(String, String?)] = []
        for parameter in FindingRoutes.filters {
            for value in request.query.list(parameter.name) { query.append((parameter.name, value)) }
        }
        query.append(("cursor", cursor))
        return Link.to(path.split(separator: "/").map(String.init), query)
    }

    // MARK: CSV

    private static let export = Route.screen("/findings.csv", query: FindingRoutes.filters) { request in
        var query = try FindingRoutes.query(request.query, scope: request.scope())
        query.limit = 500
        var text = "severity,rule,title,cluster,kind,namespace,name,state,firstSeen,message,fingerprint\r\n"
        var written = 0
        while true {
            let page = query
            let rows = try await request.hub.store.read { try $0.findings(page) }
            for row in rows {
                let fields = [
                    row.severity.rawValue, row.rule, row.title, row.cluster, row.kind, row.namespace, row.name,
                    row.status.word, TimeText.rfc3339(row.firstSeen), row.message, row.fingerprint,
                ]
                text += fields.map(CSVReport.cell).joined(separator: ",") + "\r\n"
            }
            written += rows.count
            guard rows.count == query.limit, let last = rows.last, written < 100_000 else { break }
            query.after = FindingQuery.Cursor(last)
        }
        var reply = HubReply.text(text, type: "text/csv; charset=utf-8")
        reply.headers[.contentDisposition] = "attachment; filename=\"findings.csv\""
        return reply
    }

    // MARK: One

    private static let one = Route.screen("/findings/{cluster}/{fingerprint}") { request in
        let (cluster, fingerprint) = (try request.path("cluster"), try request.path("fingerprint"))
        let found = try await request.hub.store.read { db in
            (
                try db.finding(fingerprint, of: cluster), try db.cluster(cluster),
                try db.history(of: fingerprint, cluster: cluster).map {
                    Step(at: $0.at, event: $0.event, detail: $0.detail)
                }
            )
        }
        guard let row = found.0, request.scope().allows(cluster: cluster, namespace: row.namespace) else {
            throw HubProblem.notFound("such finding")
        }
        let rule = request.hub.rules[row.rule]
        let steps = found.2.map { step -> HTML in
            "<tr><td class=\"tight\">\(Page.time(step.at))</td><td>\(step.event)</td><td>\(step.detail)</td></tr>"
        }
        let references = (rule?.references ?? []).map { "<li>\($0.description)</li>" as HTML }
        return .page(
            Page(
                place: .findings, title: row.title,
                body: """
                    <p class="row">\(Page.severity(row.severity)) <span>\(row.status.word)</span> <code>\(row.rule)</code></p>
                    <dl class="facts"><dt>Where</dt><dd>\(owner(row))</dd><dt>Cluster</dt><dd>\
                    <a href="\(Link.to(["clusters", cluster]))">\(found.1?.name ?? cluster)</a></dd>\
                    <dt>First seen</dt><dd>\(Page.time(row.firstSeen))</dd><dt>Last change</dt><dd>\(Page.time(row.changedAt))</dd>\
                    \(row.origin.isEmpty ? .empty : "<dt>Installed by</dt><dd>\(row.origin)</dd>" as HTML)\
                    \(row.waiver.map { "<dt>Waived</dt><dd>\($0)</dd>" as HTML })</dl>
                    <h2>Proof</h2>\(evidence(row))
                    <h2>Why it matters</h2><p>\(Page.prose(rule?.why ?? row.message))</p><h2>What to do</h2><p>\(Page.prose(rule?.remedy ?? ""))</p>
                    <p><a href="\(WorkloadScreens.link(row.cluster, row.kind, row.namespace, row.name))">All of this workload, with verified patches</a></p>
                    \(references.isEmpty ? .empty : "<h2>References</h2><ul>\(references)</ul>" as HTML)
                    <h2>History</h2>\(Page.table("History", ["When", "What", "Detail"], steps))
                    \(FindingWaivers.form(for: row, request))
                    """), request)
    }

    private struct Step: Sendable {
        var at: Milliseconds
        var event: String
        var detail: String
    }

    /// The places, as the store keeps them: path, message, and the value where it can be no secret.
    static func evidence(_ row: FindingRow) -> HTML {
        let places: Node
        do throws(DocumentError) {
            places = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(row.evidence.utf8)))
        } catch {
            return "<p>\(row.message)</p>"
        }
        let lines = places.elements.map { place -> HTML in
            if let more = place["more"].int { return "<li class=\"dim\">and \(more) more places</li>" }
            let value: HTML = place["value"].string.map { "<br>is <code>\($0)</code>" } ?? .empty
            let location: HTML = place["location"].string.map { "<br><span class=\"dim\">\($0)</span>" } ?? .empty
            let object: HTML = place["object"].string.map { " in \($0)" } ?? .empty
            let origin: HTML = place["provenance"].string.map { "<br><span class=\"dim\">from \($0)</span>" } ?? .empty
            return
                "<li><code>\(place["path"].string ?? "")</code>\(object): \(place["message"].string ?? "")\(value)\(origin)\(location)</li>"
        }
        return lines.isEmpty ? "<p>\(row.message)</p>" : "<ul>\(lines)</ul>"
    }
}
