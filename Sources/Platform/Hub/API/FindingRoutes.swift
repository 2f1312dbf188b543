import Documents
import Findings
import HTTPTypes
import Store

/// Findings with their history and remedy.
enum FindingRoutes {
    static let all: [Route] = [list, get]

    static let filters: [QueryParameter] = [
        .cluster, .namespace, QueryParameter("rule", "Only findings of this rule."),
        QueryParameter("kind", "Only owners of this kind."), QueryParameter("name", "Only owners of this name."),
        QueryParameter("source", "Only what this tool found."),
        QueryParameter(
            "severity", .choice(Severity.allCases.map(\.rawValue)), isList: true, "Only these severities."),
        QueryParameter(
            "status", .choice(FindingStatus.allCases.map(\.word)), isList: true,
            "Only these statuses; failing otherwise."),
        QueryParameter("system", .flag, "Only, or not, what is part of Kubernetes itself."),
        QueryParameter("q", "Part of the name, message, title or rule."),
        QueryParameter("since", "Only what changed since this moment, RFC 3339."),
        QueryParameter("sort", .choice(FindingQuery.Order.allCases.map(\.rawValue)), "severity, or changed."),
    ]

    private static let list = Route(
        .get, "/api/v1/findings", .read, query: filters + [.limit, .cursor]
    ) { request in
        let query = try query(request.query, scope: request.scope())
        let rows = try await request.hub.store.read { try $0.findings(query) }
        let next = rows.count == query.limit ? rows.last.map { cursor(FindingQuery.Cursor($0)) } : nil
        return .json { json in json.page(rows, next: next) { $0.finding($1) } }
    }

    private static let get = Route(.get, "/api/v1/findings/{cluster}/{fingerprint}", .read) { request in
        let (cluster, fingerprint) = (try request.path("cluster"), try request.path("fingerprint"))
        let scope = request.scope()
        let found = try await request.hub.store.read { db in
            (
                try db.finding(fingerprint, of: cluster),
                try db.history(of: fingerprint, cluster: cluster).map { HistoryEntry($0.at, $0.event, $0.detail) }
            )
        }
        guard let row = found.0, scope.allows(cluster: cluster, namespace: row.namespace) else {
            throw HubProblem.notFound("such finding")
        }
        let rule = request.hub.rules[row.rule]
        return .json { json in
            json.finding(row, evidence: true)
            json.member("why", rule?.why ?? "")
            json.member("remedy", rule?.remedy ?? "")
            json.member("references", rule?.references.map(\.description) ?? [])
            json.member(
                "history",
                array: { json in
                    for entry in found.1 {
                        json.object { json in
                            json.member("at", time: entry.at)
                            json.member("event", entry.event)
                            json.member("detail", entry.detail)
                        }
                    }
                })
        }
    }

    private struct HistoryEntry: Sendable {
        var at: Milliseconds
        var event: String
        var detail: String

        init(_ at: Milliseconds, _ event: String, _ detail: String) {
            self.at = at
            self.event = event
            self.detail = detail
        }
    }

    /// The question a query asks; also used by pages.
    static func query(_ values: QueryValues, scope: AccessScope) throws(HubProblem) -> FindingQuery {
        var since: Milliseconds?
        if let text = values["since"] {
            guard let time = TimeText.milliseconds(text) else {
                throw .invalid("\"since\" is a moment such as 2026-11-23T10:00:00Z")
            }
            since = time
        }
        var after: FindingQuery.Cursor?
        if let text = values["cursor"] {
            let parts = try PageCursor.parts(text, count: 4)
            guard let rank = Int(parts[0]), let changed = Int(parts[1]) else {
                throw HubProblem(.badRequest, "bad-cursor", "\"cursor\" is not the \"next\" of a page of this list")
            }
            after = FindingQuery.Cursor(rank: rank, changedAt: changed, cluster: parts[2], fingerprint: parts[3])
        }
        let statuses = Set(values.list("status").compactMap(FindingStatus.init(word:)))
        return FindingQuery(
            scope: scope, cluster: values["cluster"], namespace: values["namespace"], rule: values["rule"],
            kind: values["kind"], name: values["name"], source: values["source"],
            severities: Set(values.list("severity").compactMap(Severity.init(rawValue:))),
            statuses: statuses.isEmpty ? [.failing] : statuses, isSystem: values.flag("system"), text: values["q"],
            changedSince: since, order: values["sort"].flatMap(FindingQuery.Order.init(rawValue:)) ?? .severity,
            after: after, limit: values.limit)
    }

    static func cursor(_ cursor: FindingQuery.Cursor) -> String {
        PageCursor.text([String(cursor.rank), String(cursor.changedAt), cursor.cluster, cursor.fingerprint])
    }
}
