import Documents
import Findings
import Kubernetes
import NetworkPolicies
import Store

/// Questions about the network of a cluster: why one may talk to another, and what a default-deny would cut.
enum NetworkQuestions {
    static let all: [Route] = [edge, simulation]

    // MARK: Why

    private static let edge = LiveCluster.screen(
        "/network/why",
        query: [
            QueryParameter("from", "namespace/pod, node:NAME, an address, or internet."),
            QueryParameter("to", "namespace/pod, node:NAME, an address, or internet."),
            QueryParameter("port", .integer(0...65_535), "The port of the target."),
            QueryParameter("protocol", .choice(["TCP", "UDP", "SCTP"]), "TCP otherwise."),
        ], page: { page("Why may one talk to another", "Both sides' answers, each with the policy that decides.", $0) }
    ) { view, request in
        let values = request.query
        let (from, to) = (values["from"] ?? "internet", values["to"] ?? "")
        let traffic = Traffic(
            TransportProtocol(name: values["protocol"] ?? "TCP") ?? .tcp, UInt16(values.int("port") ?? 80))
        let answer = to.isEmpty ? HTML.empty : await Task.detached { why(view, from, to, traffic) }.value
        let protocols = ["TCP", "UDP", "SCTP"].map { (value: $0, title: $0) }
        return """
            <form class="filters"><input type="hidden" name="cluster" value="\(view.cluster.id)">\
            <label>From<input name="from" value="\(from)" placeholder="shop/web or internet"></label>\
            <label>To<input name="to" value="\(to)" placeholder="shop/db-0" required></label>\
            <label>Port<input name="port" inputmode="numeric" size="6" value="\(values["port"] ?? "80")"></label>\
            \(Page.choice("Protocol", "protocol", protocols, values["protocol"] ?? "TCP"))<button>Ask</button></form>\(answer)
            """
    }

    private static func why(_ view: LiveView, _ from: String, _ to: String, _ traffic: Traffic) -> HTML {
        let parts = view.network.models.map { model -> HTML in
            guard let source = end(from, model), let target = end(to, model) else {
                let missing = end(from, model) == nil ? from : to
                return Page.empty(
                    "There is nothing here by the name \(missing): write namespace/pod or namespace/workload.")
            }
            let answer = model.verdict(from: source, to: target, traffic)
            let lines = model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress)
            return """
                <p><strong>\(model.name(source)) → \(model.name(target)), \(traffic.description)</strong>: \(LiveCluster.verdict(answer.verdict))</p>\
                <pre tabindex="0">\(lines.joined(separator: "\n"))</pre>
                """
        }
        return parts.reduce(.empty, +)
    }

    /// An end as people name it: as the engine reads it, or by the name of its workload.
    private static func end(_ text: String, _ model: NetworkModel) -> NetworkModel.Endpoint? {
        if let found = model.endpoint(named: text) { return found }
        let sides = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard sides.count == 2 else { return nil }
        let index = model.state.pods.firstIndex { pod in
            model.state.namespaces[pod.namespace].name == sides[0] && pod.name.hasPrefix(sides[1])
        }
        return index.map { .pod($0) }
    }

    // MARK: What if

    private static let simulation = LiveCluster.screen(
        "/network/deny",
        query: [
            .namespace, QueryParameter("dns", .flag, "Whether name lookups stay allowed; true otherwise."),
        ],
        page: {
            page(
                "What a default-deny would cut",
                "Every connection that is allowed today and would not be any more, worked out on a copy. Nothing is changed.",
                $0)
        }
    ) { view, request in
        let namespace = request.query["namespace"]
        let keepsDNS = request.query.flag("dns") ?? true
        let names = Set(view.inventory.keys.compactMap { view.inventory[$0]?.namespace }).filter { !$0.isEmpty }
            .sorted()
        let options = [(value: "", title: "every namespace")] + names.map { (value: $0, title: $0) }
        let result = await Task.detached { cut(view, namespace.map { [$0] } ?? names, keepsDNS: keepsDNS) }.value
        return """
            <form class="filters"><input type="hidden" name="cluster" value="\(view.cluster.id)">\
            \(Page.choice("Namespace", "namespace", options, namespace))\
            \(Page.choice("Name lookups", "dns", [("true", "stay allowed"), ("false", "are cut too")], keepsDNS ? "true" : "false"))\
            <button>Work it out</button></form>\(result)
            """
    }

    private static func cut(_ view: LiveView, _ namespaces: [String], keepsDNS: Bool) -> HTML {
        var inventory = view.inventory
        let text = namespaces.map { policy($0, keepsDNS: keepsDNS) }.joined(separator: "\n---\n")
        for document in DocumentReader.read(SourceText(name: "default-deny", bytes: Array(text.utf8))).documents {
            for object in KubernetesObject.objects(in: document).objects { _ = inventory.apply(.added(object)) }
        }
        var state = NetworkState(inventory)
        state.note(unlisted: view.unlistedKinds)
        let before = view.network.connections()
        let after = Dictionary(
            DualStack(state).connections().map { (Ends($0.source, $0.target), $0.traffic) }
        ) { $0.union($1) }
        let lost = before.compactMap { connection -> Connection? in
            let left = connection.traffic.subtracting(after[Ends(connection.source, connection.target)] ?? TrafficSet())
            guard !left.isEmpty else { return nil }
            var cut = connection
            cut.traffic = left
            return cut
        }
        guard !lost.isEmpty else {
            return Page.empty("Nothing that is allowed today would be cut: policies say already what may talk here.")
        }
        let rows = lost.prefix(TableExport.most / 10).map {
            "<tr><td>\($0.source.description)</td><td>\($0.target.description)</td><td>\($0.traffic.description)</td></tr>"
                as HTML
        }
        return """
            <p>Of \(before.count) pairs that may talk today, <strong>\(lost.count)</strong> would lose something. Which of them are used, \
            flows tell: <code>martlet network generate --flows FILE</code> writes the policies that keep those.</p>\
            \(Page.table("Connections that would be cut", ["From", "To", "Would be denied"], rows))
            """
    }

    private struct Ends: Hashable {
        var source: Party
        var target: Party

        init(_ source: Party, _ target: Party) { (self.source, self.target) = (source, target) }
    }

    private static func policy(_ namespace: String, keepsDNS: Bool) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("apiVersion", "networking.k8s.io/v1")
            json.member("kind", "NetworkPolicy")
            json.member(
                "metadata",
                object: { json in
                    json.member("name", "martlet-what-if-default-deny")
                    json.member("namespace", namespace)
                })
            json.member(
                "spec",
                object: { json in
                    json.member("podSelector", object: { _ in })
                    json.member("policyTypes", ["Ingress", "Egress"])
                    guard keepsDNS else { return }
                    json.member(
                        "egress",
                        array: { json in
                            json.object { json in
                                json.member(
                                    "ports",
                                    array: { json in
                                        for name in ["UDP", "TCP"] {
                                            json.object { json in
                                                json.member("protocol", name)
                                                json.member("port", 53)
                                            }
                                        }
                                    })
                            }
                        })
                })
        }
        return json.string
    }

    private static func page(_ title: String, _ lead: HTML, _ body: HTML) -> Page {
        Page(place: .network, title: title, lead: lead, body: body)
    }
}
