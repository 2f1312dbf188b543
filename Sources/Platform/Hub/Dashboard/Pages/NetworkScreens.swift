import HTTPTypes
import Kubernetes
import NetworkPolicies
import Store

/// Who can talk to whom in a cluster, and what the outside reaches.
enum NetworkScreens {
    static let all: [Route] = [screen, picture] + NetworkQuestions.all

    private static let parties = QueryParameter("by", .choice(["namespace", "workload"]), "namespace, or workload.")

    private static let screen = LiveCluster.screen("/network", query: [parties], page: page) { view, request in
        let by = request.query["by"] ?? "namespace"
        return await Task.detached { content(view, by: by) }.value
    }

    private static func page(_ body: HTML) -> Page {
        Page(
            place: .network, title: "Network",
            lead: "Who can talk to whom as the policies stand, what comes in from outside, and what may go out.",
            body: body)
    }

    private static func content(_ view: LiveView, by: String) -> HTML {
        let (cluster, network) = (view.cluster, view.network)
        let score = network.isolation()
        let exposures = network.exposures(view.inventory)
        let outreach = network.outreach()
        let connections = network.connections(byNamespace: by == "namespace")
        let isReadable = MatrixPicture(connections, among: network.models[0].podParties(byNamespace: by == "namespace"))
            .isReadable
        let source = Link.to(["network.svg"], [("cluster", cluster.id), ("by", by)])
        let other = by == "namespace" ? "workload" : "namespace"
        let map: HTML =
            isReadable
            ? """
            <div class="card"><img src="\(source)" alt="Matrix of who may talk to whom, by \(by); the same as a table below"></div>
            """
            : Page.empty("Too many rows to read as a picture; the table below holds all of them.")
        let terms = score.terms.map {
            "<li>\($0.name): \($0.good) of \($0.count) (weight \("\($0.weight)"))</li>" as HTML
        }
        return """
            <div class="grid2"><div><h2>Map</h2><p class="no-print"><a href="\(Link.to(["network"], [("cluster", cluster.id), ("by", other)]))">By \(other)</a></p>\(map)</div>
            <div><h2>Isolation</h2><p class="big">\(score.value.map { "\($0)" } ?? "?")<span class="dim"> of 100</span></p>\
            \(score.isEnforced ? .empty : "<p class=\"note warn\">The network plugin enforces no policy.</p>" as HTML)<ul>\(terms)</ul></div></div>
            <p class="row no-print"><a class="button quiet" href="\(Link.to(["network", "why"], [("cluster", cluster.id)]))">Why may one talk to another</a> \
            <a class="button quiet" href="\(Link.to(["network", "deny"], [("cluster", cluster.id)]))">What a default-deny would cut</a></p>
            <h2>From outside</h2>\(table(exposures))<h2>To the outside</h2>\(table(outreach))
            <h2>Connections</h2>\(table(connections))
            """
    }

    private static func table(_ exposures: [Exposure]) -> HTML {
        guard !exposures.isEmpty else { return Page.empty("Nothing in the cluster is opened to the outside.") }
        return Page.table(
            "What the outside can reach", ["Workload", "Port", "By", "Through", "Passes", "Why"],
            exposures.prefix(500).map {
                """
                <tr><td>\($0.workload.namespace)/\($0.workload.name)</td><td class="tight">\("\($0.port)")</td><td>\($0.route.rawValue)</td>\
                <td>\($0.through.description)</td><td>\(LiveCluster.verdict($0.verdict))</td><td>\($0.reason)</td></tr>
                """
            })
    }

    private static func table(_ outreach: [Outreach]) -> HTML {
        guard !outreach.isEmpty else { return Page.empty("No workload was seen.") }
        return Page.table(
            "What may go out", ["Workload", "Internet", "Cloud metadata", "API server", "Other namespaces"],
            outreach.prefix(500).map {
                """
                <tr><td>\($0.workload.namespace)/\($0.workload.name)</td><td>\(LiveCluster.verdict($0.internet))</td>\
                <td>\(LiveCluster.verdict($0.metadata))</td><td>\(LiveCluster.verdict($0.apiServer))</td><td>\(LiveCluster.verdict($0.otherNamespaces))</td></tr>
                """
            })
    }

    private static func table(_ connections: [Connection]) -> HTML {
        let shown = connections.prefix(1000)
        let more: HTML =
            connections.count > shown.count
            ? "<p class=\"dim\">and \(connections.count - shown.count) more: <code>martlet network matrix</code> lists all</p>"
            : .empty
        return Page.table(
            "Connections", ["From", "To", "Allowed", "Not observable"],
            shown.map {
                """
                <tr><td>\("\($0.source)")</td><td>\("\($0.target)")</td><td>\($0.traffic.isEmpty ? "" : "\($0.traffic)")</td>\
                <td>\($0.doubtful.isEmpty ? "" : "\($0.doubtful)")</td></tr>
                """
            }) + more
    }

    private static let picture = LiveCluster.picture("/network.svg", query: [parties]) { view, values in
        let isByNamespace = values["by"] != "workload"
        let network = view.network
        return MatrixPicture(
            network.connections(byNamespace: isByNamespace),
            among: network.models[0].podParties(byNamespace: isByNamespace)
        ).svg(title: "Who may talk to whom in \(view.cluster.name)")
    }
}

extension HubReply {
    /// A picture of our own: its styles stand inside it, and nothing else may.
    static func picture(_ svg: String) -> HubReply {
        var reply = HubReply.text(svg, type: "image/svg+xml")
        reply.headers[HTTPField.Name("Content-Security-Policy") ?? .contentType] =
            "default-src 'none'; style-src 'unsafe-inline'"
        return reply
    }
}
