import FoundationEssentials
import HTTPTypes
import Store

/// Logging in with the provider of the settings: there and back.
enum OpenIDRoutes {
    static let all: [Route] = [start, back]

    private static let cookie = "martlet-openid"
    private static let path = "/login/openid/callback"

    private static func openID(_ request: HubRequest) throws -> OpenID {
        guard let settings = request.hub.settings.openID else { throw HubProblem.notFound("provider to log in with") }
        guard let wire = request.hub.wire as? NetworkWire else {
            throw HubProblem(.serviceUnavailable, "stopping", "the hub is not running yet")
        }
        return OpenID(settings: settings, client: wire.client, now: request.now)
    }

    private static func backAddress(_ request: HubRequest, _ settings: OpenIDSettings) -> String {
        if let address = settings.address { return address + path }
        return "\(request.isSecure ? "https" : "http")://\(request.authority ?? "127.0.0.1")\(path)"
    }

    private static func setCookie(_ value: String?, _ request: HubRequest) -> String {
        let flags = "; Path=/login; HttpOnly; SameSite=Lax" + (request.isSecure ? "; Secure" : "")
        guard let value else { return "\(cookie)=; Max-Age=0\(flags)" }
        return "\(cookie)=\(value); Max-Age=\(OpenID.Journey.life / 1000)\(flags)"
    }

    private static let start = Route(
        .get, "/login/openid", nil, query: [QueryParameter("next", "Where to go then.")]
    ) { request in
        let openID = try openID(request)
        let journey = OpenID.Journey(next: LoginScreens.safe(request.query["next"]), now: request.now)
        let provider = try await openID.provider()
        var reply = HubReply.redirect(
            to: openID.address(provider, journey, back: backAddress(request, openID.settings)))
        reply.headers[.setCookie] = setCookie(
            try journey.sealed(SecretBox(request.hub.key, purpose: "openid")), request)
        return reply
    }

    /// Providers add what they like; what is used is checked.
    private static let parameters: [QueryParameter] = [
        "code", "state", "error", "error_description", "error_uri", "iss", "session_state", "scope", "authuser", "hd",
        "prompt",
    ].map { QueryParameter($0, "Of the provider.") }

    private static let back = Route(.get, path, nil, query: parameters) { request in
        let openID = try openID(request)
        let box = SecretBox(request.hub.key, purpose: "openid")
        guard let kept = Authenticator.cookie(cookie, request.headers),
            let journey = OpenID.Journey(kept, box, now: request.now), let state = request.query["state"],
            SecretText.areSame(Array(state.utf8), Array(journey.state.utf8))
        else { throw HubProblem(.forbidden, "openid", "this login was not begun here, or took too long; begin again") }
        if let error = request.query["error"] {
            throw HubProblem(.forbidden, "openid", "the provider refuses: \(error.prefix(100))")
        }
        guard let code = request.query["code"] else { throw HubProblem.invalid("\"code\" is missing") }
        let person = try await openID.person(code, journey, back: backAddress(request, openID.settings))
        let user = try await enter(person, openID.settings, request)
        let (secret, _) = try await request.hub.authenticator.open(
            user, address: request.address, agent: request.headers[.userAgent] ?? "")
        var reply = HubReply.redirect(to: journey.next)
        reply.headers[.setCookie] = Authenticator.setCookie(secret, isSecure: request.isSecure)
        reply.headers.append(HTTPField(name: .setCookie, value: setCookie(nil, request)))
        return reply
    }

    /// The user of a person, with the rights that his groups give today.
    private static func enter(
        _ person: OpenID.Person, _ settings: OpenIDSettings, _ request: HubRequest
    ) async throws -> UserRow {
        let grants = settings.grants(of: person.groups)
        guard !grants.isEmpty else {
            throw HubProblem(
                .forbidden, "openid", "\(person.name) is in no group that has a role here; ask an administrator")
        }
        let id = "openid-" + Base64URL.encode(SecretText.digest("\(settings.issuer)\n\(person.subject)")).prefix(24)
        return try await request.hub.store.write { db in
            if let known = try db.user(id) {
                guard !known.isDisabled else { throw HubProblem(.forbidden, "openid", "this user is disabled") }
                if try db.grants(of: id) != grants {
                    try db.setGrants(grants, of: id)
                    try db.audit("user.groups", target: known.name, by: settings.issuer, at: request.now)
                }
                return known
            }
            // A local user of the same name is somebody else.
            let isTaken = try db.user(named: person.name) != nil
            let user = UserRow(
                id: id, name: isTaken ? "\(person.name) (\(person.subject))" : person.name, source: settings.issuer,
                password: "", createdAt: request.now)
            try db.add(user)
            try db.setGrants(grants, of: id)
            try db.audit("user.add", target: user.name, by: settings.issuer, at: request.now)
            return user
        }
    }
}
