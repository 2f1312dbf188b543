import Kubernetes
import RBAC
import Store

/// Who can take over what, who can do one thing, and what to take away first.
enum IdentityScreens {
    static let all: [Route] = [screen, picture]

    private static let screen = LiveCluster.screen(
        "/identities",
        query: [
            QueryParameter("verb", "Who can do this."), QueryParameter("resource", "To this resource."), .namespace,
        ], page: page
    ) { view, request in
        let values = request.query
        let question = (values["verb"] ?? "get", values["resource"] ?? "secrets", values["namespace"] ?? "")
        return await Task.detached { content(view, question) }.value
    }

    private static func page(_ body: HTML) -> Page {
        Page(
            place: .identities, title: "Identities",
            lead: "Who can take over what, step by step, and the changes that cut most of these ways.", body: body)
    }

    /// Among files Kubernetes' own roles are there all the same; what the files say of them counts.
    private static func model(_ view: LiveView, _ objects: [KubernetesObject]) -> AccessModel {
        let own = objects.filter(AccessModel.concerns)
        guard view.isFiles else { return AccessModel(own) }
        return AccessModel(BootstrapPolicy.of(minor: BootstrapPolicy.minor(of: objects)).objects + own)
    }

    private static func graph(_ view: LiveView) -> (graph: EscalationGraph, model: AccessModel) {
        let objects = view.inventory.keys.compactMap { view.inventory[$0] }
        let model = model(view, objects)
        let accounts = objects.filter { $0.is("ServiceAccount") }
            .map { ServiceAccountName(namespace: $0.namespace, name: $0.name) }
        return (EscalationGraph(model, accounts: accounts, workloads: WorkloadMap(objects)), model)
    }

    private static func content(
        _ view: LiveView, _ question: (verb: String, resource: String, namespace: String)
    ) -> HTML {
        let (graph, model) = graph(view)
        let goals = EscalationEdge.Goal.allCases
        let cards = goals.map { goal -> HTML in
            let count = graph.count(reaching: goal, from: .subjectsAndWorkloads)
            return
                "<li class=\"card\"><div class=\"dim\">reach \(goal.rawValue)</div><div class=\"big\">\(count)</div></li>"
        }
        let paths = goals.flatMap { graph.shortestPaths(to: $0, from: .subjectsAndWorkloads) }
        let cuts = goals.compactMap { goal -> (EscalationEdge.Goal, EscalationCut)? in
            EscalationCuts(graph, to: goal).singles(limit: 1).first.map { (goal, $0) }
        }
        let cutRows = cuts.map { goal, cut in
            """
            <tr><td>\(goal.rawValue)</td><td>\(cut.changes.map(\.description).joined(separator: "; "))</td>\
            <td>\(cut.paths.cut) of \(cut.paths.of) ways gone</td><td>\(cut.starts.cut) of \(cut.starts.of) starts</td></tr>
            """ as HTML
        }
        let source = Link.to(["identities.svg"], [("cluster", view.cluster.id)])
        let picture: HTML =
            paths.isEmpty
            ? .empty
            : "<div class=\"scroll card\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of ways to take over\"><img src=\"\(source)\" alt=\"Ways to take over, left to right; the same as a list below\"></div>"
        return """
            <ul class="cards">\(cards)</ul>
            \(cutRows.isEmpty ? .empty : "<h2>One change that cuts most</h2>" + Page.table("Cuts", ["To", "Change", "Ways", "From"], cutRows))
            <h2>Shortest ways</h2>\(picture)\(table(paths))
            <h2>Who can</h2>\(whoCan(model, question, view.cluster))
            """
    }

    private static func table(_ paths: [EscalationPath]) -> HTML {
        guard !paths.isEmpty else { return Page.empty("Nobody but Kubernetes itself reaches one of the goals.") }
        let rows = paths.prefix(300).map { path -> HTML in
            let steps = path.steps.map { step -> HTML in
                "<li>\(step.actor.description): \(step.ways.first?.id ?? "")\(step.becomes.map { ", becomes \($0.description)" } ?? "")</li>"
            }
            return
                "<tr><td>\(path.start.description)</td><td class=\"tight\">\(path.goal.rawValue)</td><td><ol>\(steps)</ol></td></tr>"
        }
        return Page.table("Shortest ways", ["Who", "Reaches", "Steps"], rows)
    }

    private static func whoCan(
        _ model: AccessModel, _ question: (verb: String, resource: String, namespace: String), _ cluster: ClusterRow
    ) -> HTML {
        let parts = question.resource.split(separator: "/", maxSplits: 1).map(String.init)
        let name = parts[0].split(separator: ".", maxSplits: 1).map(String.init)
        let request = AccessRequest(
            question.verb,
            AccessRequest.Resource(
                group: name.count > 1 ? name[1] : "", name[0], subresource: parts.count > 1 ? parts[1] : "",
                namespace: question.namespace))
        let rows = model.whoCan(request).map { subject, grants -> HTML in
            let lines = grants.prefix(6).map { "<li>\("\($0)")</li>" as HTML }
            return "<tr><td>\(subject.description)</td><td><ul>\(lines)</ul></td></tr>"
        }
        return """
            <form class="filters"><input type="hidden" name="cluster" value="\(cluster.id)"><label>Verb<input name="verb" value="\(question.verb)"></label>\
            <label>Resource<input name="resource" value="\(question.resource)"></label>\
            <label>Namespace<input name="namespace" value="\(question.namespace)"></label><button>Ask</button></form>\
            \(rows.isEmpty ? Page.empty("Nobody.") : Page.table("Who can", ["Who", "Because of"], rows))
            """
    }

    private static let picture = LiveCluster.picture("/identities.svg") { view, _ in
        let graph = graph(view).graph
        let paths = EscalationEdge.Goal.allCases.flatMap { graph.shortestPaths(to: $0, from: .subjectsAndWorkloads) }
        return EscalationPicture(Array(paths.prefix(60))).svg
    }
}
