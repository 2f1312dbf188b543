import Findings
import HTTPTypes
import Store

/// Alerts, what is done about them, and whether they were delivered.
enum AlertRoutes {
    static let all: [Route] = [list, get, acknowledge, silences, silence, endSilence, deliveries]

    private static let list = Route(
        .get, "/api/v1/alerts", .read,
        query: [
            .cluster, QueryParameter("state", .choice(AlertRow.State.allCases.map(\.rawValue)), "Only this state."),
            .limit, .cursor,
        ]
    ) { request in
        let (scope, values) = (request.scope(), request.query)
        let before = try values["cursor"].map { try PageCursor.parts($0, count: 1)[0] }
        let rows = try await request.hub.store.read { db in
            try db.alerts(
                in: scope, cluster: values["cluster"], state: values["state"].flatMap(AlertRow.State.init(rawValue:)),
                before: before, limit: values.limit)
        }
        let next = rows.count == values.limit ? rows.last.map { PageCursor.text([$0.id]) } : nil
        return .json { json in json.page(rows, next: next) { $0.alert($1) } }
    }

    private static func find(_ request: HubRequest) async throws -> AlertRow {
        let id = try request.path("alert")
        guard let row = try await request.hub.store.read({ try $0.alert(id) }),
            request.scope(.read).allows(cluster: row.cluster, namespace: row.namespace)
        else { throw HubProblem.notFound("such alert") }
        return row
    }

    private static let get = Route(.get, "/api/v1/alerts/{alert}", .read) { request in
        let row = try await find(request)
        return .json { $0.alert(row) }
    }

    private static let acknowledge = Route(.post, "/api/v1/alerts/{alert}/acknowledge", .operate) { request in
        let row = try await acknowledge(request)
        return .json { $0.alert(row) }
    }

    /// Notes that somebody has seen to an alert.
    static func acknowledge(_ request: HubRequest) async throws -> AlertRow {
        var row = try await find(request)
        try request.require(.operate, cluster: row.cluster, namespace: row.namespace)
        row.acknowledgedBy = try request.somebody().name
        row.acknowledgedAt = request.now
        let done = row
        try await request.hub.store.write { db in
            try db.run(
                "UPDATE alerts SET acknowledged_by = ?, acknowledged_at = ? WHERE cluster = ? AND id = ?",
                [SQLValue(done.acknowledgedBy), SQLValue(done.acknowledgedAt), .text(done.cluster), .text(done.id)])
            try request.audit(db, "alert.acknowledge", target: done.id)
        }
        return done
    }

    // MARK: Silences

    private static let silences = Route(.get, "/api/v1/silences", .read) { request in
        let scope = request.scope()
        let rows = try await request.hub.store.read { try $0.silences(at: request.now) }
            .filter { $0.cluster.isEmpty || scope.touches(cluster: $0.cluster) }
        return .json { json in
            json.page(rows, next: nil) { json, row in
                json.member("id", row.id)
                json.member("cluster", row.cluster)
                json.member("matcher", row.matcher)
                json.member("reason", row.reason)
                json.member("createdBy", row.createdBy)
                json.member("createdAt", time: row.createdAt)
                json.member("endsAt", time: row.endsAt)
            }
        }
    }

    private static let silence = Route(.post, "/api/v1/silences", .operate) { request in
        let body = try request.json(["cluster", "matcher", "reason", "endsAt"])
        guard let ends = TimeText.milliseconds(try body.required("endsAt")), ends > request.now,
            ends <= request.now + 30 * 86_400_000
        else { throw HubProblem.invalid("\"endsAt\" is a moment within the next 30 days, as 2026-11-23T10:00:00Z") }
        let row = SilenceRow(
            cluster: try body.optional("cluster") ?? "", id: request.hub.newID(),
            matcher: try body.required("matcher"), reason: try body.required("reason"),
            createdBy: try request.somebody().name, createdAt: request.now, endsAt: ends)
        try request.require(.operate, cluster: row.cluster)
        try await request.hub.store.write { db in
            try db.add(row)
            try request.audit(db, "silence.add", target: row.id) { $0.member("matcher", row.matcher) }
        }
        return .json(status: .created) { $0.member("id", row.id) }
    }

    private static let endSilence = Route(.delete, "/api/v1/silences/{silence}", .operate) { request in
        let id = try request.path("silence")
        let ended = try await request.hub.store.write { db in
            guard let row = try db.silences(at: request.now).first(where: { $0.id == id }) else { return false }
            try request.require(.operate, cluster: row.cluster)
            guard try db.endSilence(id, at: request.now) else { return false }
            try request.audit(db, "silence.end", target: id)
            return true
        }
        guard ended else { throw HubProblem.notFound("such silence") }
        return .noContent
    }

    // MARK: Deliveries

    private static let deliveries = Route(
        .get, "/api/v1/deliveries", .administer,
        query: [
            QueryParameter("state", .choice(DeliveryRow.State.allCases.map(\.rawValue)), "Only this state."),
            QueryParameter("notifier", "Only to this target."), .limit, .cursor,
        ]
    ) { request in
        let values = request.query
        let before = try values["cursor"].map { try PageCursor.parts($0, count: 1)[0] }
        let rows = try await request.hub.store.read { db in
            try db.deliveries(
                state: values["state"].flatMap(DeliveryRow.State.init(rawValue:)), notifier: values["notifier"],
                before: before, limit: values.limit)
        }
        let next = rows.count == values.limit ? rows.last.map { PageCursor.text([$0.id]) } : nil
        return .json { json in
            json.page(rows, next: next) { json, row in
                json.member("id", row.id)
                json.member("cluster", row.cluster)
                json.member("notifier", row.notifier)
                json.member("alert", row.alert)
                json.member("state", row.state.rawValue)
                json.member("attempts", row.attempts)
                json.member("createdAt", time: row.createdAt)
                json.member("sentAt", time: row.sentAt)
                json.member("dueAt", time: row.dueAt)
                json.member("error", row.error)
            }
        }
    }
}
