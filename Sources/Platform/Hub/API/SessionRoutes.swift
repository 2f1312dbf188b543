import HTTPTypes
import Store

/// Logging in and out, and one's own sessions.
enum SessionRoutes {
    static let all: [Route] = [logIn, whoAmI, logOut, changePassword]

    private static let logIn: Route = {
        var route = Route(.post, "/api/v1/session", nil) { request in
            let body = try request.json(["name", "password"])
            let name = try body.required("name", limit: 200)
            let password = try body.required("password", limit: 1024)
            let (secret, identity) = try await request.hub.authenticator.logIn(
                name: name, password: password, address: request.address,
                agent: request.headers[.userAgent] ?? "")
            var reply = describe(identity)
            reply.headers[.setCookie] = Authenticator.setCookie(secret, isSecure: request.isSecure)
            return reply
        }
        route.needsToken = false
        return route
    }()

    private static let whoAmI = Route(.get, "/api/v1/session", nil) { request in
        describe(try request.somebody())
    }

    private static let logOut = Route(.delete, "/api/v1/session", nil) { request in
        let identity = try request.somebody()
        guard case .session(let digest) = identity.kind else {
            throw HubProblem.invalid("a token has no session; revoke it at /api/v1/tokens")
        }
        try await request.hub.store.write { db in
            try db.endSession(digest)
            try request.audit(db, "session.close", target: identity.name)
        }
        var reply = HubReply.noContent
        reply.headers[.setCookie] = Authenticator.setCookie(nil, isSecure: request.isSecure)
        return reply
    }

    private static let changePassword = Route(.put, "/api/v1/session/password", nil) { request in
        let identity = try request.somebody()
        let body = try request.json(["old", "new"])
        let old = try body.required("old", limit: 1024)
        let new = try body.required("new", limit: 1024)
        if let fault = Password.fault(new) { throw HubProblem.invalid(fault) }
        guard let user = try await request.hub.store.read({ try $0.user(identity.id) }), user.source == "local",
            await Task.detached(operation: { Password.verify(old, against: user.password) }).value
        else { throw HubProblem(.forbidden, "bad-login", "the old password is wrong") }
        let kept = try await Task.detached { try Password.keep(new) }.value
        try await request.hub.store.write { db in
            try db.setPassword(of: user.id, kept)
            try db.endSessions(of: user.id)
            try request.audit(db, "user.password", target: user.name)
        }
        return .noContent
    }

    private static func describe(_ identity: Identity) -> HubReply {
        var reply = HubReply.json { json in
            json.member("user", identity.name)
            json.member("csrf", identity.csrf)
            json.grants(identity.grants)
        }
        reply.hasTag = false
        reply.headers[.cacheControl] = "no-store"
        return reply
    }
}
