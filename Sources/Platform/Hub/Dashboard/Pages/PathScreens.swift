import Findings
import Kubernetes
import Posture
import Store

/// Ways from outside to what matters, the changes that end most of them, and why each step is possible.
enum PathScreens {
    static let all: [Route] = [screen, picture]

    private static let fromPods = QueryParameter("from", .choice(["internet", "pods"]), "Where ways begin.")

    private static func graph(_ view: LiveView) -> RiskGraph {
        RiskGraph(view.inventory, isCluster: !view.isFiles, unlistedKinds: view.unlistedKinds)
    }

    private static let screen = LiveCluster.screen("/paths", query: [fromPods], page: page) { view, request in
        let from = request.query["from"] ?? "internet"
        return await Task.detached { content(view, from: from) }.value
    }

    private static func page(_ body: HTML) -> Page {
        Page(
            place: .paths, title: "Attack paths",
            lead: """
                From the internet over services, pods, flaws, service accounts and nodes to what matters: each step with the grant or \
                field that makes it, and the changes that take most risk away, each computed again with it made.
                """, body: body)
    }

    private static func content(_ view: LiveView, from: String) -> HTML {
        let (cluster, graph) = (view.cluster, graph(view))
        let answers = graph.answers()
        let score = graph.score(answers)
        let paths = graph.paths(answers, fromInternetOnly: from == "internet", limit: 100)
        let fixes = graph.rankedFixes(answers, limit: 8)
        let fixRows = fixes.map { fix -> HTML in
            """
            <tr><td>\(fix.fix.description)</td><td class="num">\(RiskScore.text(fix.removed))</td>\
            <td>\(fix.paths.of == 0 ? "only ways that begin in a pod" : "\(fix.paths.cut) of \(fix.paths.of) from the internet gone")</td><td>\(fix.closed.map(\.description).joined(separator: ", "))</td></tr>
            """
        }
        let other = from == "internet" ? "pods" : "internet"
        let source = Link.to(["paths.svg"], [("cluster", cluster.id), ("from", from)])
        let map: HTML =
            paths.isEmpty
            ? Page.empty("No way of this kind leads to what matters, as far as could be seen.")
            : "<div class=\"scroll card\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of the ways\"><img src=\"\(source)\" alt=\"Ways from left to right; the same as a list below\"></div>"
        return """
            <ul class="cards"><li class="card"><div class="dim">Risk</div><div class="big">\(RiskScore.text(score.total))</div>\
            <span class="dim">of it \(RiskScore.text(score.fromInternet)) from the internet</span></li>\
            <li class="card"><div class="dim">Ways from the internet</div><div class="big">\(score.terms.count { $0.start != .pod })</div></li></ul>
            \(fixRows.isEmpty ? .empty : "<h2>What ends them cheapest</h2>" + Page.table("Changes by the risk they take away", ["Change", "Risk removed#", "Ways", "Closed"], fixRows))
            <h2>Ways</h2><p class="no-print"><a href="\(Link.to(["paths"], [("cluster", cluster.id), ("from", other)]))">Ways from \(other)</a></p>\
            \(map)\(table(paths))\(terms(score))
            """
    }

    private static func table(_ paths: [RiskPath]) -> HTML {
        guard !paths.isEmpty else { return .empty }
        let rows = paths.map { path -> HTML in
            let steps = path.steps.map { step -> HTML in
                let proof = step.evidence.prefix(2).map {
                    "<br><span class=\"dim\">\($0.text) \($0.location)</span>" as HTML
                }
                let condition: HTML = step.condition.map { "<br><span class=\"dim\">if \($0)</span>" } ?? .empty
                return "<li>\(step.from) → \(step.to): \(step.by)\(condition)\(proof)</li>"
            }
            return """
                <tr><td>\(path.workload.description)</td><td class="tight">\(path.target.description)</td><td><ol>\(steps)</ol></td>\
                <td class="num">\(RiskScore.text(path.points))</td></tr>
                """
        }
        return Page.table("Ways", ["Begins in", "Reaches", "Steps", "Risk#"], rows)
    }

    private static func terms(_ score: RiskScore) -> HTML {
        let lines = score.terms.prefix(60).map { "<li>\($0.workload.description): \($0.words)</li>" as HTML }
        return lines.isEmpty
            ? .empty : "<details><summary>Every term of the sum</summary><ul>\(lines)</ul></details>"
    }

    private static let picture = LiveCluster.picture("/paths.svg", query: [fromPods]) { view, values in
        let graph = graph(view)
        let paths = graph.paths(
            graph.answers(), fromInternetOnly: values["from"] != "pods", limit: RiskPicture.mostPaths)
        return RiskPicture(paths, title: "Ways to what matters").svg
    }
}
