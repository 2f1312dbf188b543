import Findings
import HTTPTypes
import Store

/// Waivers: asked for by one, decided by another.
enum WaiverRoutes {
    static let all: [Route] = [
        list, request, decision("approve"), decision("reject"), decision("revoke"),
    ]

    private static let list = Route(
        .get, "/api/v1/waivers", .read,
        query: [
            .cluster, QueryParameter("state", .choice(WaiverRow.State.allCases.map(\.rawValue)), "Only this state."),
            .limit, .cursor,
        ]
    ) { request in
        let scope = request.scope()
        let values = request.query
        let state = values["state"].flatMap(WaiverRow.State.init(rawValue:))
        let cluster = values["cluster"]
        let before = try values["cursor"].map { try PageCursor.parts($0, count: 1)[0] }
        let limit = values.limit
        let rows = try await request.hub.store.read { db in
            try db.waivers(cluster: cluster, state: state, before: before)
        }
        let seen = Array(rows.filter { isVisible($0, scope) }.prefix(limit))
        let next = seen.count == limit ? seen.last.map { PageCursor.text([$0.id]) } : nil
        return .json { json in json.page(seen, next: next) { $0.waiver($1) } }
    }

    /// Waivers of all clusters concern everybody; those of one, who may see it; those of a namespace, who may see that.
    static func isVisible(_ row: WaiverRow, _ scope: AccessScope) -> Bool {
        row.cluster.isEmpty ? !scope.parts.isEmpty : scope.allows(cluster: row.cluster, namespace: row.namespace)
    }

    private static let request = Route(.post, "/api/v1/waivers", .propose) { request in
        let body = try request.json([
            "cluster", "rule", "kind", "namespace", "name", "path", "owner", "reason", "expires",
        ])
        let row = WaiverRow(
            cluster: try body.optional("cluster") ?? "", id: request.hub.newID(), rule: try body.required("rule"),
            kind: try body.optional("kind"), namespace: try body.optional("namespace"),
            name: try body.optional("name"), path: try body.optional("path"), owner: try body.required("owner"),
            reason: try body.required("reason"), expires: try body.required("expires"),
            requestedBy: try request.somebody().name, requestedAt: request.now)
        try await add(row, request)
        return .json(status: .created) { $0.waiver(row) }
    }

    /// Asks for a waiver.
    static func add(_ row: WaiverRow, _ request: HubRequest) async throws {
        try check(row, request)
        try await request.hub.store.write { db in
            if !row.cluster.isEmpty, try db.cluster(row.cluster) == nil { throw HubProblem.notFound("such cluster") }
            try db.add(row)
            try request.audit(db, "waiver.request", target: row.id) { $0.waiver(row) }
        }
    }

    private static func check(_ row: WaiverRow, _ request: HubRequest) throws(HubProblem) {
        guard let day = CalendarDate(row.expires), row.expires == "\(day)" else {
            throw .invalid("\"expires\" is a day such as 2027-03-31")
        }
        let today = CalendarDate.of(request.now)
        guard day >= today, day <= today.inOneYear else {
            throw .invalid("a waiver ends between today and a year from now")
        }
        let scope = Waiver.Scope(
            check: row.rule, kind: row.kind, namespace: row.namespace, name: row.name, path: row.path)
        guard scope.isBounded || !row.cluster.isEmpty || !Glob(row.rule).matchesAll else {
            throw .invalid("a waiver of everything is none; name a cluster, a namespace, a name or a rule")
        }
        // A pattern reaches further than one name: it needs the right to the whole.
        let namespace = row.namespace.flatMap { $0.contains("*") ? nil : $0 }
        try request.require(.propose, cluster: row.cluster, namespace: namespace)
    }

    private static func decision(_ verb: String) -> Route {
        Route(.post, "/api/v1/waivers/{waiver}/\(verb)", .decide) { request in
            let decided = try await decide(request, verb)
            return .json { $0.waiver(decided) }
        }
    }

    /// What each decision makes of a waiver, and in which states it may be.
    private static let decisions: [String: (state: WaiverRow.State, from: Set<WaiverRow.State>)] = [
        "approve": (.approved, [.requested]), "reject": (.rejected, [.requested]),
        "revoke": (.revoked, [.requested, .approved]),
    ]

    /// Decides over the waiver of the path.
    static func decide(_ request: HubRequest, _ verb: String) async throws -> WaiverRow {
        guard let (state, from) = decisions[verb] else { throw HubProblem.notFound("such decision") }
        let id = try request.path("waiver")
        let person = try request.somebody()
        guard let row = try await request.hub.store.read({ try $0.waiver(id) }),
            isVisible(row, request.scope(.read))
        else { throw HubProblem.notFound("such waiver") }
        let namespace = row.namespace.flatMap { $0.contains("*") ? nil : $0 }
        try request.require(.decide, cluster: row.cluster, namespace: namespace)
        if state == .approved, row.requestedBy == person.name {
            throw HubProblem(.forbidden, "own-request", "somebody else must approve what you asked for")
        }
        let decided = try await request.hub.store.write { db -> WaiverRow? in
            guard try db.decide(waiver: id, state, from: from, by: person.name, at: request.now) else { return nil }
            try request.audit(db, "waiver.\(verb)", target: id)
            return try db.waiver(id)
        }
        guard let decided else {
            throw HubProblem(.conflict, "state", "the waiver is \(row.state.rawValue); this cannot be done with it")
        }
        let (hub, now) = (request.hub, request.now)
        let changes = try await hub.store.write { try ReportedWaivers.reconsider(decided, in: $0, at: now) }
        for (cluster, changes) in Dictionary(grouping: changes, by: \.finding.cluster) {
            hub.supervisor.tell(changes, of: cluster)
        }
        await hub.supervisor.waiversChanged(decided.cluster)
        return decided
    }
}
