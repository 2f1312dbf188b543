package import HTTPTypes

/// One thing the hub can be asked: method, path, who may, which parameters, and the function that answers.
package struct Route: Sendable {
    package typealias Handler = @Sendable (HubRequest) async throws -> HubReply

    package let method: HTTPRequest.Method
    /// `/api/v1/clusters/{cluster}`.
    package let path: String
    /// What the caller must be allowed somewhere; the handler asks where. Nil: anybody.
    package let permission: Permission?
    package let query: [QueryParameter]
    /// Most bytes of a body.
    package var bodyLimit = 1 << 20
    /// Whether a browser's session may change something here without the CSRF token: only logging in.
    package var needsToken = true
    package let handler: Handler

    package init(
        _ method: HTTPRequest.Method, _ path: String, _ permission: Permission?, query: [QueryParameter] = [],
        bodyLimit: Int = 1 << 20, handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.permission = permission
        self.query = query
        self.bodyLimit = bodyLimit
        self.handler = handler
    }
}

/// All routes by path.
package struct RouteTable: Sendable {
    package enum Match: Sendable {
        case route(Route, [String: String])
        /// The path is known with other methods.
        case otherMethod([HTTPRequest.Method])
        case nothing
    }

    private final class Branch: Sendable {
        let literal: [String: Branch]
        let parameter: (name: String, branch: Branch)?
        let routes: [Route]

        init(_ entries: [(segments: ArraySlice<String>, route: Route)]) {
            routes = entries.filter(\.segments.isEmpty).map(\.route)
            var literals: [String: [(segments: ArraySlice<String>, route: Route)]] = [:]
            var parameters: [(segments: ArraySlice<String>, route: Route)] = []
            var name = ""
            for entry in entries {
                guard let first = entry.segments.first else { continue }
                let rest = (entry.segments.dropFirst(), entry.route)
                if first.hasPrefix("{") {
                    name = String(first.dropFirst().dropLast())
                    parameters.append(rest)
                } else {
                    literals[first, default: []].append(rest)
                }
            }
            literal = literals.mapValues(Branch.init)
            parameter = parameters.isEmpty ? nil : (name, Branch(parameters))
        }
    }

    package let routes: [Route]
    private let root: Branch

    package init(_ routes: [Route]) {
        self.routes = routes
        root = Branch(routes.map { (Self.segments($0.path)[...], $0) })
    }

    private static func segments(_ path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    }

    package func match(_ method: HTTPRequest.Method, _ path: String) throws(HubProblem) -> Match {
        var branch = root
        var values: [String: String] = [:]
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            let text = try QueryValues.decoded(part)
            if let next = branch.literal[text] {
                branch = next
            } else if let parameter = branch.parameter {
                guard text.utf8.count <= 1024, !text.utf8.contains(0) else { return .nothing }
                values[parameter.name] = text
                branch = parameter.branch
            } else {
                return .nothing
            }
        }
        let wanted = method == .head ? .get : method
        if let route = branch.routes.first(where: { $0.method == wanted }) { return .route(route, values) }
        return branch.routes.isEmpty ? .nothing : .otherMethod(branch.routes.map(\.method))
    }
}
