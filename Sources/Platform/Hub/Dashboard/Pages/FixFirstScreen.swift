import Findings
import Store

/// The home: what to do first, not what is wrong. One entry for each thing that can be done, with what it removes.
enum FixFirstScreen {
    static let all: [Route] = [screen]

    /// One thing to do: the remedy of a check, everywhere it fails.
    struct Action {
        var rule: String
        var title: String
        var remedy: String
        var worst: Severity
        var places = 0
        var clusters: Set<String> = []
        /// Explained below the list: the sum of what each severity weighs.
        var risk = 0.0
    }

    /// What a finding of each severity weighs: one critical finding outweighs ten of the next but one.
    static func weight(_ severity: Severity) -> Double {
        switch severity {
        case .critical: 10
        case .high: 5
        case .medium: 2
        case .low: 0.5
        case .info: 0.1
        }
    }

    static func actions(_ rows: [RollupRow], rules: [String: Rule]) -> [Action] {
        var actions: [String: Action] = [:]
        for row in rows where row.status == .failing && row.total > 0 {
            let rule = rules[row.item]
            var action =
                actions[row.item]
                ?? Action(
                    rule: row.item, title: rule?.title ?? row.item, remedy: rule?.remedy ?? "", worst: row.severity)
            action.worst = max(action.worst, row.severity)
            action.places += row.total
            action.clusters.insert(row.cluster)
            action.risk += weight(row.severity) * Double(row.total)
            actions[row.item] = action
        }
        return actions.values.sorted {
            if $0.risk != $1.risk { return $0.risk > $1.risk }
            return $0.worst == $1.worst ? $0.rule < $1.rule : $0.worst > $1.worst
        }
    }

    private static let screen = Route.screen(
        "/", query: [.cluster, QueryParameter("all", .flag, "Every action, not the first twenty.")]
    ) { request in
        let scope = request.scope()
        let cluster = request.query["cluster"]
        let (clusters, rows) = try await request.hub.store.read { db in
            (try db.clusters(in: scope), try db.rollups(.rule, cluster: cluster, in: scope))
        }
        let actions = actions(rows, rules: request.hub.rules)
        let shown = request.query.flag("all") == true ? actions[...] : actions.prefix(20)
        let total = actions.reduce(0) { $0 + $1.risk }
        return .page(
            Page(
                place: .fixFirst, title: "Fix first",
                lead:
                    "What to do, in the order of the risk it removes. Each entry is one remedy; its findings carry the field and a patch that was tried on a copy.",
                body: """
                    \(filters(clusters, cluster))
                    <div id="actions" data-live>\(list(shown, total, clusters: clusters, cluster: cluster))</div>
                    \(more(actions.count - shown.count, cluster))
                    <p class="dim">Risk is the sum over open findings: critical 10, high 5, medium 2, low 0.5, info 0.1. \
                    What is waived or part of Kubernetes itself is not in it.</p>
                    """, isLive: true), request)
    }

    private static func filters(_ clusters: [ClusterRow], _ chosen: String?) -> HTML {
        guard clusters.count > 1 else { return .empty }
        let options = [(value: "", title: "all clusters")] + clusters.map { (value: $0.id, title: $0.name) }
        return
            "<form class=\"filters\">\(Page.choice("Cluster", "cluster", options, chosen))<noscript><button>Show</button></noscript></form>"
    }

    private static func list(
        _ actions: ArraySlice<Action>, _ total: Double, clusters: [ClusterRow], cluster: String?
    ) -> HTML {
        guard !actions.isEmpty else {
            if clusters.isEmpty {
                return Page.empty("No cluster is connected yet. <a href=\"/settings\">Connect one</a>.")
            }
            let starting = clusters.count { $0.state == .starting }
            return starting > 0
                ? Page.empty("\(starting) clusters are being read for the first time; this page fills by itself.")
                : Page.empty(
                    "Nothing is open that a check can see. What could not be seen stands on <a href=\"/fleet\">Fleet</a>."
                )
        }
        let rows = actions.map { action -> HTML in
            let link = Link.to(["findings"], [("rule", action.rule), ("cluster", cluster)])
            let share = total > 0 ? action.risk / total : 0
            let width = Charts.tenths(max(2, share * 160))
            return """
                <tr><td class="tight">\(Page.severity(action.worst))</td><td><a href="\(link)"><strong>\(action.title)</strong></a>\
                <br><span class="dim">\(Page.prose(action.remedy))</span></td><td class="num">\(Page.number(action.places))</td>\
                <td class="num">\(action.clusters.count)</td><td class="tight"><svg width="160" height="10" viewBox="0 0 160 10" role="img" \
                aria-label="\(Page.percent(share)) of all risk"><title>\(Page.percent(share)) of all risk</title>\
                <rect class="c-line" width="160" height="10" rx="5"/><rect class="c-accent" width="\(width)" height="10" rx="5"/></svg>\
                <span class="dim">\(Page.percent(share))</span></td></tr>
                """
        }
        return Page.table(
            "Actions by the risk they remove", ["Worst", "Action", "Places#", "Clusters#", "Risk removed"], rows)
    }

    private static func more(_ count: Int, _ cluster: String?) -> HTML {
        guard count > 0 else { return .empty }
        return "<p><a href=\"\(Link.to([], [("all", "true"), ("cluster", cluster)]))\">\(count) more actions</a></p>"
    }
}
