import Crypto
import Documents
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Store

/// One connection's request as the server hands it over.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let address: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

/// Answers every request: finds the route, who asks, whether he may, and puts the headers on.
struct HubResponder: HTTPResponder {
    let hub: HubContext
    let table: RouteTable
    let isSecure: Bool

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        var matched: Route?
        var reply: HubReply
        do {
            reply = try await answer(request, context, &matched)
        } catch let problem as HubProblem {
            reply = Self.reply(problem)
        } catch let error as StoreError where error.code == .tooMany {
            reply = Self.reply(HubProblem(.forbidden, "too-many", error.message))
        } catch let error as StoreError {
            hub.log.error("the store refused", metadata: ["error": "\(error.message)"])
            reply = Self.reply(
                HubProblem(
                    .serviceUnavailable, "store-\(error.code.rawValue)", "the database does not answer as it should"))
        } catch is CancellationError {
            reply = Self.reply(HubProblem(.serviceUnavailable, "stopping", "the hub is stopping"))
        } catch {
            hub.log.error("a request failed", metadata: ["error": "\(error)", "path": "\(matched?.path ?? "")"])
            reply = Self.reply(HubProblem(.internalServerError, "internal", "this failed; the hub's log says why"))
        }
        hub.requests.note(matched, status: reply.status.code)
        return finish(reply, request)
    }

    private func answer(
        _ request: Request, _ context: ConnectionContext, _ matched: inout Route?
    ) async throws -> HubReply {
        let method = request.method
        let route: Route
        let path: [String: String]
        switch try table.match(method, request.uri.path) {
        case .route(let found, let values): (route, path) = (found, values)
        case .otherMethod(let methods):
            var problem = HubProblem(.methodNotAllowed, "method", "this address knows other methods")
            let names = methods.map(\.rawValue) + (methods.contains(.get) ? ["HEAD"] : [])
            problem.headers[.allow] = names.sorted().joined(separator: ", ")
            throw problem
        case .nothing: throw HubProblem.notFound("such address")
        }
        matched = route
        let identity = try await hub.authenticator.identity(request.headers, isSecure: isSecure)
        let key = identity?.id ?? context.address
        if let wait = hub.limits.wait(key, at: hub.now()) { throw HubProblem.tooMany(after: min(wait, 5)) }
        hub.limits.note(key, at: hub.now())
        if let permission = route.permission {
            guard let identity else { throw HubProblem.unauthenticated }
            guard identity.may(permission) else { throw HubProblem.forbidden(permission) }
        }
        let query = try QueryValues(request.uri.query ?? "", of: route.query)
        let body = try await body(of: request, route)
        try checkToken(request, route, identity, body)
        return try await route.handler(
            HubRequest(
                route: route, hub: hub, identity: identity, path: path, query: query, headers: request.headers,
                body: body, address: context.address, isSecure: isSecure, authority: request.head.authority))
    }

    private func body(of request: Request, _ route: Route) async throws -> [UInt8] {
        guard request.method != .get, request.method != .head else { return [] }
        let tooLarge = HubProblem(
            .contentTooLarge, "too-large", "the body is larger than \(route.bodyLimit) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > route.bodyLimit {
            throw tooLarge
        }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= route.bodyLimit else { throw tooLarge }
            bytes += chunk.readableBytesView
        }
        return bytes
    }

    /// A browser sends its cookie whoever made the page; only our own pages know the token.
    private func checkToken(_ request: Request, _ route: Route, _ identity: Identity?, _ body: [UInt8]) throws {
        guard route.needsToken, request.method != .get, request.method != .head, let identity,
            case .session = identity.kind
        else { return }
        var sent = request.headers[HTTPField.Name("X-CSRF-Token") ?? .cookie]
        let isForm = request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") ?? false
        if sent == nil, isForm {
            sent = try QueryValues.pairs(String(decoding: body, as: UTF8.self)).first { $0.0 == "csrf" }?.1
        }
        guard let sent, SecretText.areSame(Array(sent.utf8), Array(identity.csrf.utf8)) else {
            throw HubProblem(.forbidden, "csrf", "send the session's token in the header X-CSRF-Token")
        }
    }

    // MARK: Writing

    static func reply(_ problem: HubProblem) -> HubReply {
        var reply = HubReply.json(status: problem.status) { json in
            json.member("type", "https://martlet.dev/problems/\(problem.code)")
            json.member("title", problem.status.reasonPhrase)
            json.member("status", problem.status.code)
            json.member("code", problem.code)
            json.member("detail", problem.detail)
        }
        if case .bytes(let bytes, _) = reply.content {
            reply.content = .bytes(bytes, type: "application/problem+json")
        }
        reply.headers = problem.headers
        reply.hasTag = false
        if problem.status == .unauthorized { reply.headers[.wwwAuthenticate] = "Bearer realm=\"martlet\"" }
        return reply
    }

    private func finish(_ reply: HubReply, _ request: Request) -> Response {
        var headers = reply.headers
        let isRead = request.method == .get || request.method == .head
        var status = reply.status
        var body = ResponseBody()
        switch reply.content {
        case .none: headers[.contentLength] = status == .noContent ? nil : "0"
        case .stream(let stream, let type):
            headers[.contentType] = type
            body = stream
        case .bytes(let bytes, let type):
            headers[.contentType] = type
            if isRead, reply.hasTag, status == .ok {
                let tag = "\"\(Base64URL.encode(Array(SHA256.hash(data: bytes).prefix(12))))\""
                headers[.eTag] = tag
                if let known = request.headers[.ifNoneMatch], Self.matches(known, tag) {
                    status = .notModified
                    headers[.contentType] = nil
                    break
                }
            }
            if request.method == .head {
                headers[.contentLength] = String(bytes.count)
            } else {
                body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            }
        }
        // A browser takes the headers of "not modified" for those of the page it has: they must be the same.
        var isPage = false
        if case .bytes(_, let type) = reply.content { isPage = type.hasPrefix("text/html") }
        Self.harden(&headers, isPage: isPage, isSecure: isSecure)
        return Response(status: status, headers: headers, body: body)
    }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").contains { part in
            let known = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            let text = String(known)
            return text == "*" || text == tag || text == "W/\(tag)"
        }
    }

    /// Headers that keep a browser from doing what nobody meant.
    private static func harden(_ headers: inout HTTPFields, isPage: Bool, isSecure: Bool) {
        func set(_ name: String, _ value: String) {
            guard let name = HTTPField.Name(name), headers[name] == nil else { return }
            headers[name] = value
        }
        set(
            "Content-Security-Policy",
            isPage
                ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
                    + "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
                : "default-src 'none'; frame-ancestors 'none'")
        set("X-Content-Type-Options", "nosniff")
        set("X-Frame-Options", "DENY")
        set("Referrer-Policy", "no-referrer")
        set("Cross-Origin-Opener-Policy", "same-origin")
        set("Cross-Origin-Resource-Policy", "same-origin")
        set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        set("Cache-Control", "private, no-cache")
        if isSecure { set("Strict-Transport-Security", "max-age=31536000") }
    }
}
