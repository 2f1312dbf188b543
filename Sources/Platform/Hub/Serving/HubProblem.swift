package import HTTPTypes

/// Why a request was refused, as RFC 9457 writes it.
package struct HubProblem: Error, Sendable {
    package var status: HTTPResponse.Status
    /// A word for programs, forever: `unknown-parameter`.
    package var code: String
    /// One sentence for people, which says what to do.
    package var detail: String
    package var headers: HTTPFields = [:]

    package init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    /// The same answer for what is not there and for what must not be known to be there.
    package static func notFound(_ what: String) -> Self {
        Self(.notFound, "not-found", "there is no \(what) here, or you may not see it")
    }

    package static func invalid(_ detail: String) -> Self { Self(.badRequest, "invalid", detail) }

    package static let unauthenticated = Self(
        .unauthorized, "unauthenticated", "log in at /api/v1/session, or send a token: Authorization: Bearer …")

    package static func forbidden(_ permission: Permission) -> Self {
        Self(
            .forbidden, "forbidden", "this needs the permission \"\(permission.rawValue)\", which you do not have here")
    }

    package static func tooMany(after seconds: Int) -> Self {
        var problem = Self(.tooManyRequests, "too-many-requests", "too many requests; try again in \(seconds) s")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }
}

extension HTTPField.Name {
    static let retryAfter = Self("Retry-After") ?? .date
}
