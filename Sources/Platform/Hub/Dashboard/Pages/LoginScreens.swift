import HTTPTypes
import Store

/// Logging in and out with a browser.
enum LoginScreens {
    static let all: [Route] = [form, logIn, logOut]

    private static let form = Route(.get, "/login", nil, query: [QueryParameter("next", "Where to go then.")]) {
        request in
        if request.identity != nil { return .redirect(to: safe(request.query["next"])) }
        return .page(page(request, next: request.query["next"] ?? "/", fault: nil), request)
    }

    private static let logIn: Route = {
        var route = Route(.post, "/login", nil) { request in
            let form = try request.form()
            let next = safe(form["next"])
            do {
                let (secret, _) = try await request.hub.authenticator.logIn(
                    name: String((form["name"] ?? "").prefix(200)),
                    password: String((form["password"] ?? "").prefix(1024)),
                    address: request.address, agent: request.headers[.userAgent] ?? "")
                var reply = HubReply.redirect(to: next)
                reply.headers[.setCookie] = Authenticator.setCookie(secret, isSecure: request.isSecure)
                return reply
            } catch let problem as HubProblem {
                return .page(page(request, next: next, fault: problem.detail), request, status: problem.status)
            }
        }
        route.needsToken = false
        return route
    }()

    private static let logOut = Route(.post, "/logout", nil) { request in
        if let identity = request.identity, case .session(let digest) = identity.kind {
            try await request.hub.store.write { db in
                try db.endSession(digest)
                try request.audit(db, "session.close", target: identity.name)
            }
        }
        var reply = HubReply.redirect(to: "/login")
        reply.headers[.setCookie] = Authenticator.setCookie(nil, isSecure: request.isSecure)
        return reply
    }

    /// Only places of this hub: a link somebody made must not lead a login elsewhere.
    static func safe(_ next: String?) -> String {
        guard let next, next.hasPrefix("/"), !next.hasPrefix("//"), !next.contains("\\"),
            next.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return "/" }
        return next
    }

    private static func page(_ request: HubRequest, next: String, fault: String?) -> Page {
        let provider: HTML =
            request.hub.settings.openID == nil
            ? .empty
            : "<p><a class=\"button\" href=\"\(Link.to(["login", "openid"], [("next", next)]))\">Log in with your organisation</a></p>"
        let fault: HTML = fault.map { "<div class=\"note warn\" role=\"alert\">\($0)</div>" } ?? .empty
        return Page(
            title: "Log in",
            body: """
                <div class="card login">\(fault)\(provider)<form method="post" action="/login">\
                <input type="hidden" name="next" value="\(next)">\
                <label>Name<input name="name" autocomplete="username" required autofocus></label>\
                <label>Password<input name="password" type="password" autocomplete="current-password" required></label>\
                <button>Log in</button></form>\
                <p class="dim">The first administrator's password was printed once when the hub started for the first time.</p></div>
                """)
    }
}
