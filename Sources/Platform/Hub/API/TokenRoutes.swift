import HTTPTypes
import Store

/// Keys for programs.
enum TokenRoutes {
    static let all: [Route] = [list, add, revoke]

    private static let list = Route(.get, "/api/v1/tokens", .administer) { request in
        let rows = try await request.hub.store.read { db in
            try db.tokens().map { ($0, try db.grants(of: $0.id)) }
        }
        return .json { json in json.page(rows, next: nil) { $0.token($1.0, $1.1) } }
    }

    private static let add = Route(.post, "/api/v1/tokens", .administer) { request in
        let body = try request.json(["name", "grants", "days"])
        let name = try body.required("name", limit: 200)
        let days = body["days"].exists ? body["days"].int ?? 0 : 90
        guard 1...366 ~= days else { throw HubProblem.invalid("\"days\" is from 1 to 366") }
        let grants = try UserRoutes.grants(body["grants"], of: request)
        let secret = SecretText.make(prefix: Authenticator.tokenPrefix)
        let token = TokenRow(
            id: request.hub.newID(), digest: SecretText.digest(secret), name: name,
            createdBy: try request.somebody().name, createdAt: request.now, expiresAt: request.now + days * 86_400_000)
        try await request.hub.store.write { db in
            try db.add(token)
            try db.setGrants(grants, of: token.id)
            try request.audit(db, "token.add", target: name) { $0.grants(grants) }
        }
        return .json(status: .created) { json in
            json.token(token, grants)
            // Shown this once; the hub keeps its digest only.
            json.member("secret", secret)
        }
    }

    private static let revoke = Route(.delete, "/api/v1/tokens/{token}", .administer) { request in
        let id = try request.path("token")
        let revoked = try await request.hub.store.write { db in
            for grant in try db.grants(of: id) { try UserRoutes.mayGive(grant, request) }
            guard try db.revokeToken(id) else { return false }
            try request.audit(db, "token.revoke", target: id)
            return true
        }
        guard revoked else { throw HubProblem.notFound("such token") }
        return .noContent
    }
}
