import Findings
import Store

/// What to do first: remedies, not findings, in the order of the risk they remove.
enum FixFirstScreen {
    static let all: [Route] = [screen]

    /// One thing to do: the remedy of a rule wherever it fails, or a new build of an image.
    struct Action: Sendable {
        enum Kind: Sendable { case rule, image }
        var kind: Kind
        var item: RankedItem
        var clusters = 0
        /// Workloads that run the image, of those clusters.
        var workloads = 0
    }

    private static let screen = Route.screen(
        "/", query: [.cluster, QueryParameter("all", .flag, "Every action, not the first twenty.")]
    ) { request in
        let scope = request.scope()
        let cluster = request.query["cluster"]
        let most =
            request.query.flag("all") == true || request.query[TableExport.form.name] != nil ? TableExport.most : 20
        let found = try await request.hub.store.read { db in
            var actions: [Action] = []
            var (count, risk) = (0, 0.0)
            for (kind, dimension) in [(Action.Kind.rule, RollupDimension.rule), (.image, .image)] {
                let query = RankingQuery(dimension, scope: scope, cluster: cluster, limit: most)
                actions += try db.ranking(query).map { Action(kind: kind, item: $0) }
                let totals = try db.rankingTotals(query)
                count += totals.items
                risk += totals.risk
            }
            actions.sort { ($1.item.risk, $0.item.item) < ($0.item.risk, $1.item.item) }
            actions = Array(actions.prefix(most))
            for index in actions.indices.prefix(500) {
                let action = actions[index]
                let places = try db.clusters(
                    with: action.item.item, of: action.kind == .image ? .image : .rule, in: scope)
                actions[index].clusters = cluster == nil ? places.count : 1
                guard action.kind == .image else { continue }
                actions[index].workloads = try db.workloads(running: action.item.item, cluster: cluster, in: scope)
            }
            return (clusters: try db.clusters(in: scope), actions: actions, count: count, risk: risk)
        }
        return .page(
            Page(
                place: .fixFirst, title: "Fix first",
                lead:
                    "What to do, in the order of the risk it removes. Each entry is one remedy; its findings carry the field and a patch that was tried on a copy.",
                body: """
                    \(filters(found.clusters, cluster))
                    <div id="actions" data-live>\(list(found.actions, found.risk, clusters: found.clusters, cluster: cluster, request))</div>
                    \(more(found.count - found.actions.count, cluster))
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
        _ actions: [Action], _ total: Double, clusters: [ClusterRow], cluster: String?, _ request: HubRequest
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
            let share = total > 0 ? action.item.risk / total : 0
            let width = Charts.tenths(max(2, share * 160))
            return """
                <tr><td class="tight">\(Page.severity(action.item.worst))</td><td>\(words(action, cluster, request))</td>\
                <td class="tight">\(effort(action))</td><td class="num">\(Page.number(action.item.total))</td>\
                <td class="num">\(action.clusters)</td><td class="tight"><svg width="160" height="10" viewBox="0 0 160 10" role="img" \
                aria-label="\(Page.percent(share)) of all risk"><title>\(Page.percent(share)) of all risk</title>\
                <rect class="c-line" width="160" height="10" rx="5"/><rect class="c-accent" width="\(width)" height="10" rx="5"/></svg>\
                <span class="dim" aria-hidden="true">\(Page.percent(share))</span></td></tr>
                """
        }
        return Page.table(
            "Actions by the risk they remove", ["Worst", "Action", "Effort", "Places#", "Clusters#", "Risk removed"],
            rows)
    }

    private static func words(_ action: Action, _ cluster: String?, _ request: HubRequest) -> HTML {
        let item = action.item
        switch action.kind {
        case .rule:
            let rule = request.hub.rules[item.item]
            let link = Link.to(["findings"], [("rule", item.item), ("cluster", cluster)])
            return """
                <a href="\(link)"><strong>\(rule?.title ?? item.item)</strong></a><br>\
                <span class="dim">\(Page.prose(rule?.remedy ?? ""))</span>
                """
        case .image:
            let link = Link.to(["vulnerabilities", "image"], [("name", item.item), ("cluster", cluster)])
            let counts = zip([Severity.critical, .high, .medium, .low], item.counts).filter { $1 > 0 }
                .map { "\(Page.number($1)) \($0.rawValue)" }.joined(separator: ", ")
            return """
                <a href="\(link)"><strong>Build <code>\(item.item)</code> anew</strong></a><br>\
                <span class="dim">removes \(counts.isEmpty ? "\(item.total) findings" : counts) in \(action.workloads == 1 ? "one workload" : "\(action.workloads) workloads")</span>
                """
        }
    }

    /// What kind of work it is, which says more than a number would.
    private static func effort(_ action: Action) -> String {
        guard action.kind == .rule else { return "a rebuild" }
        switch action.item.item.prefix(while: { $0 != "/" }) {
        case "rbac": return "a role"
        case "network": return "a policy"
        case "pod", "workload", "service": return "a field"
        case "secrets": return "a Secret"
        case "cis": return "a setting"
        default: return "a change"
        }
    }

    private static func more(_ count: Int, _ cluster: String?) -> HTML {
        guard count > 0 else { return .empty }
        return "<p><a href=\"\(Link.to([], [("all", "true"), ("cluster", cluster)]))\">\(count) more actions</a></p>"
    }
}
