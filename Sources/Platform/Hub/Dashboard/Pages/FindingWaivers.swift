import Store

/// Forms that ask for a waiver: of one finding, or of all that a filter shows.
enum FindingWaivers {
    static func form(for row: FindingRow, _ request: HubRequest) -> HTML {
        guard row.status == .failing, request.scope(.propose).allows(cluster: row.cluster, namespace: row.namespace)
        else { return .empty }
        return form(
            title: "Ask for a waiver",
            [
                ("cluster", row.cluster), ("rule", row.rule), ("kind", row.kind), ("namespace", row.namespace),
                ("subject", row.name), ("back", FindingScreens.link(row)),
            ], note: "Somebody else has to approve it; it ends by itself.", request)
    }

    /// One waiver for everything of one rule, as far as the filter reaches.
    static func form(for query: FindingQuery, among clusters: [ClusterRow], _ request: HubRequest) -> HTML {
        guard let rule = query.rule,
            request.scope(.propose).allows(cluster: query.cluster ?? "", namespace: query.namespace)
        else { return .empty }
        let cluster = clusters.first { $0.id == query.cluster }?.name
        let reach = [
            cluster.map { "of the cluster \($0)" }, query.namespace.map { "in the namespace \($0)" },
            query.kind.map { "of the kind \($0)" }, query.name.map { "of \($0)" },
        ].compactMap(\.self)
        return form(
            title: "Ask for one waiver of all of these",
            [
                ("cluster", query.cluster ?? ""), ("rule", rule), ("kind", query.kind ?? ""),
                ("namespace", query.namespace ?? ""), ("subject", query.name ?? ""),
                ("back", Link.to(["findings"], [("rule", rule), ("cluster", query.cluster)])),
            ],
            note:
                "Every finding of this rule\(reach.isEmpty ? ", in every cluster" : " " + reach.joined(separator: " ")), "
                + "those to come too. Somebody else has to approve it; it ends by itself.", request)
    }

    static func form(
        title: String, _ hidden: [(String, String)], fields: HTML = .empty, note: String, _ request: HubRequest
    ) -> HTML {
        let hidden = hidden.map { "<input type=\"hidden\" name=\"\($0)\" value=\"\($1)\">" as HTML }
        return """
            <details class="no-print"><summary>\(title)</summary><form class="filters" method="post" action="/waivers">\
            \(Page.token(request))\(hidden)\(fields)<label>Owner<input name="owner" required></label>\
            <label>Reason<input name="reason" required size="40"></label>\
            <label>Until<input name="expires" type="date" required></label><button>Ask</button></form>\
            <p class="dim">\(note)</p></details>
            """
    }

    static let request = Route.action("/waivers", .propose) { request in
        let form = try request.form()
        func text(_ name: String) -> String? { form[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard let rule = text("rule"), let owner = text("owner"), let reason = text("reason"),
            let expires = text("expires")
        else { throw HubProblem.invalid("owner, reason and the last day are needed") }
        let row = WaiverRow(
            cluster: text("cluster") ?? "", id: request.hub.newID(), rule: rule, kind: text("kind"),
            namespace: text("namespace"), name: text("subject"), path: nil, owner: owner, reason: reason,
            expires: expires, requestedBy: try request.somebody().name, requestedAt: request.now)
        try await WaiverRoutes.add(row, request)
        return LoginScreens.safe(form["back"])
    }
}
