import HTTPTypes
import Store

/// Who did what in the hub, and whether that record is whole.
enum AuditRoutes {
    static let all: [Route] = [list, verify]

    private static let list = Route(.get, "/api/v1/audit", .administer, query: [.limit, .cursor]) { request in
        try request.require(.administer, cluster: "")
        var before: Int?
        if let text = request.query["cursor"] {
            guard let seq = Int(try PageCursor.parts(text, count: 1)[0]) else {
                throw HubProblem(.badRequest, "bad-cursor", "\"cursor\" is not the \"next\" of a page of this list")
            }
            before = seq
        }
        let (start, limit) = (before, request.query.limit)
        let rows = try await request.hub.store.read { try $0.auditEntries(before: start, limit: limit) }
        let next = rows.count == limit ? rows.last.map { PageCursor.text([String($0.seq)]) } : nil
        return .json { json in
            json.page(rows, next: next) { json, row in
                json.member("seq", row.seq)
                json.member("at", time: row.at)
                json.member("actor", row.actor)
                json.member("action", row.action)
                json.member("target", row.target)
                json.key("detail")
                json.raw(row.detail)
                json.member("hash", row.hash)
            }
        }
    }

    private static let verify = Route(.get, "/api/v1/audit/verify", .administer) { request in
        try request.require(.administer, cluster: "")
        let verdict = try await request.hub.store.read { try $0.verifyAudit() }
        return .json { json in
            switch verdict {
            case .whole(let entries, let head):
                json.member("whole", true)
                json.member("entries", entries)
                json.member("head", head)
            case .broken(let seq):
                json.member("whole", false)
                json.member("brokenAt", seq)
            }
        }
    }
}
