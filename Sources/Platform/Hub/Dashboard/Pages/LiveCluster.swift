import Findings
import Kubernetes
import NetworkPolicies
import Posture
import RBAC
import Store
import Workloads

/// Questions that need the objects themselves, asked of what the hub's worker has of a cluster in memory.
enum LiveCluster {
    /// The cluster the reader chose, or the only or first one he may see whole.
    static func choose(_ request: HubRequest) async throws -> (rows: [ClusterRow], chosen: ClusterRow?) {
        let scope = request.scope()
        let rows = try await request.hub.store.read { try $0.clusters(in: scope) }
            .filter { scope.allows(cluster: $0.id, namespace: nil) }
        guard let wanted = request.query["cluster"] else {
            // One whose objects are here answers; the first of many others may not.
            return (rows, rows.first { request.hub.supervisor.isRunning($0.id) } ?? rows.first)
        }
        guard let row = rows.first(where: { $0.id == wanted }) else { throw HubProblem.notFound("such cluster") }
        return (rows, row)
    }

    /// A screen about the objects of one cluster, or what there is instead: no cluster, or none in memory.
    static func screen(
        _ path: String, query: [QueryParameter] = [], page: @escaping @Sendable (HTML) -> Page,
        _ content: @escaping @Sendable (LiveView, HubRequest) async throws -> HTML
    ) -> Route {
        Route.screen(path, query: [.cluster] + query) { request in
            try await answer(request, page: page, content)
        }
    }

    /// The answer of such a screen.
    static func answer(
        _ request: HubRequest, page: (HTML) -> Page, _ content: (LiveView, HubRequest) async throws -> HTML
    ) async throws -> HubReply {
        let (rows, chosen) = try await choose(request)
        guard let chosen else {
            return .page(
                page(Page.empty("No cluster is connected yet. <a href=\"/settings\">Connect one</a>.")), request)
        }
        guard let view = await view(request, chosen) else {
            return .page(page(filter(rows, chosen) + absent), request)
        }
        let body = try await content(view, request)
        return .page(page(filter(rows, chosen) + view.holes + body), request)
    }

    /// A picture of the objects of one cluster; drawing keeps a core busy for a moment.
    static func picture(
        _ path: String, query: [QueryParameter] = [],
        _ draw: @escaping @Sendable (LiveView, QueryValues) -> String
    ) -> Route {
        Route.screen(path, query: [.cluster] + query) { request in
            guard let chosen = try await choose(request).chosen, let view = await view(request, chosen) else {
                throw HubProblem.notFound("such picture")
            }
            return .picture(await Task.detached { draw(view, request.query) }.value)
        }
    }

    static func view(_ request: HubRequest, _ cluster: ClusterRow) async -> LiveView? {
        guard let current = await request.hub.supervisor.worker(cluster.id)?.current else { return nil }
        return LiveView(cluster: cluster, scan: current.scan, unlistedKinds: current.unlistedKinds)
    }

    /// The choice of a cluster above such a screen.
    static func filter(_ rows: [ClusterRow], _ chosen: ClusterRow?) -> HTML {
        guard rows.count > 1 else { return .empty }
        let options = rows.map { (value: $0.id, title: $0.name) }
        return """
            <form class="filters">\(Page.choice("Cluster", "cluster", options, chosen?.id))<noscript><button>Show</button></noscript></form>
            """
    }

    /// Said where no worker of this hub holds the objects: an agent's cluster, reports somebody sent, a cluster another
    /// replica watches.
    static let absent: HTML = Page.empty(
        """
        This hub does not hold the cluster's objects right now: it is being read for the first time, an agent watches it \
        from within, it was sent in as reports, or another replica watches it.
        """
    )

    static func verdict(_ verdict: Verdict) -> HTML {
        switch verdict {
        case .allowed: "<span class=\"sev high\">yes</span>"
        case .denied: "<span class=\"sev ok\">no</span>"
        case .unknown: "<span class=\"sev info\">not observable</span>"
        }
    }
}

/// A cluster's objects as they are in memory, and what they stand without.
struct LiveView: Sendable {
    let cluster: ClusterRow
    let scan: PostureScan
    let unlistedKinds: Set<String>

    var inventory: Inventory { scan.inventory }
    var isFiles: Bool { cluster.source == "files" }

    /// What the network engine knows, with the holes of what could not be listed.
    var network: DualStack {
        var state = NetworkState(inventory)
        state.note(unlisted: unlistedKinds)
        return DualStack(state)
    }

    /// Said above everything that stands on what was not seen: what is missing there is not absent.
    var holes: HTML {
        guard !unlistedKinds.isEmpty else { return .empty }
        let kinds = unlistedKinds.sorted().joined(separator: ", ")
        return "<p class=\"note warn\">\(kinds) objects could not be listed: what stands on them is not observable.</p>"
    }
}

/// What the objects say of one workload: who it is, what reaches it, and what would mend it.
struct LiveWorkload {
    var identity: HTML = .empty
    var reach: HTML = .empty
    var fix: HTML = LiveCluster.absent

    static func facts(
        _ hub: HubContext, cluster: String, kind: String, namespace: String, name: String
    ) async -> LiveWorkload {
        guard let current = await hub.supervisor.worker(cluster)?.current else { return LiveWorkload() }
        let (inventory, unlisted) = (current.scan.inventory, current.unlistedKinds)
        guard
            let key = inventory.keys(in: namespace).first(where: { key in
                inventory[key].map { $0.kind == kind && $0.name == name } ?? false
            }), let object = inventory[key]
        else { return LiveWorkload() }
        // Evaluation keeps a core busy for a moment: not on a thread that serves others.
        return await Task.detached {
            var out = LiveWorkload()
            out.fix = fix(
                FixPlanner(
                    engines: inventory, options: WorkloadOptions(unlistedKinds: unlisted),
                    isCluster: object.file.isEmpty
                ).fix(key))
            guard let template = object.podTemplates.first else { return out }
            out.identity = rights(template.spec.serviceAccountName, in: namespace, inventory)
            out.reach = reach(object, inventory, unlisted)
            return out
        }.value
    }

    private static func fix(_ fix: VerifiedFix?) -> HTML {
        guard let fix, !fix.isEmpty || !fix.decisions.isEmpty else {
            return Page.empty("No patch is known for what is open here.")
        }
        let steps = fix.steps.map { step -> HTML in
            let risk: HTML = step.risk.isEmpty ? .empty : "<br><span class=\"dim\">may break: \(step.risk)</span>"
            return "<li><code>\(step.operation.path.description)</code>: \(step.why)\(risk)</li>"
        }
        let decisions = fix.decisions.map {
            "<li><code>\($0.path.description)</code>: \($0.reason)</li>" as HTML
        }
        let command = fix.kubectl(context: nil)
        return """
            <p>\(fix.steps.count) changes, tried on a copy: <strong>\(fix.closed.count) findings closed, \(fix.opened.count) opened, \
            \(fix.unchanged.count) unchanged</strong>.</p><ol>\(steps)</ol>\(command.map { "<pre tabindex=\"0\">\($0)</pre>" as HTML })\
            \(decisions.isEmpty ? .empty : "<h3>Left to you</h3><ul>\(decisions)</ul>" as HTML)
            """
    }

    private static func rights(_ account: String, in namespace: String, _ inventory: Inventory) -> HTML {
        let model = AccessModel(inventory.keys.compactMap { inventory[$0] }.filter(AccessModel.concerns))
        let subject = Subject(.serviceAccount, namespace: namespace, account)
        let bindings = model.bindings(of: subject)
        let lines = bindings.map { "<li>\($0.binding.reference.description) gives \($0.role.description)</li>" as HTML }
        return """
            <h2>Service account</h2><p><code>\(namespace)/\(account)</code></p>\
            \(lines.isEmpty ? "<p class=\"dim\">No binding names it.</p>" : "<ul>\(lines)</ul>" as HTML)
            """
    }

    private static func reach(_ object: KubernetesObject, _ inventory: Inventory, _ unlisted: Set<String>) -> HTML {
        var state = NetworkState(inventory)
        state.note(unlisted: unlisted)
        let network = DualStack(state)
        let ways = network.exposures(inventory).filter { $0.workload == object.reference }
        let out = network.outreach().first { $0.workload == object.reference }
        let lines = ways.prefix(12).map {
            "<li>\($0.route.rawValue) \($0.through.description), port \("\($0.port)"): \(LiveCluster.verdict($0.verdict))</li>"
                as HTML
        }
        let outward: HTML =
            out.map {
                """
                <dl class="facts"><dt>To the internet</dt><dd>\(LiveCluster.verdict($0.internet))</dd>\
                <dt>To cloud metadata</dt><dd>\(LiveCluster.verdict($0.metadata))</dd>\
                <dt>To the API server</dt><dd>\(LiveCluster.verdict($0.apiServer))</dd>\
                <dt>To other namespaces</dt><dd>\(LiveCluster.verdict($0.otherNamespaces))</dd></dl>
                """
            } ?? .empty
        return """
            <h2>Who can reach it</h2>\(lines.isEmpty ? "<p class=\"dim\">Nothing leads to it from outside the cluster.</p>" : "<ul>\(lines)</ul>" as HTML)\
            <h2>What it can reach</h2>\(outward)
            """
    }
}
