import Documents
import HTTPTypes
import Store

/// Who may log in, and what he may do.
enum UserRoutes {
    static let all: [Route] = [list, add, change, remove]

    private static let list = Route(.get, "/api/v1/users", .administer, query: [.limit, .cursor]) { request in
        let after = try request.query["cursor"].map { try PageCursor.parts($0, count: 1)[0] } ?? ""
        let limit = request.query.limit
        let rows = try await request.hub.store.read { db in
            try db.users(after: after, limit: limit).map { ($0, try db.grants(of: $0.id)) }
        }
        let next = rows.count == limit ? rows.last.map { PageCursor.text([$0.0.name]) } : nil
        return .json { json in json.page(rows, next: next) { $0.user($1.0, $1.1) } }
    }

    private static let add = Route(.post, "/api/v1/users", .administer) { request in
        let body = try request.json(["name", "password", "grants"])
        let name = try body.required("name", limit: 200)
        let password = try body.required("password", limit: 1024)
        if let fault = Password.fault(password) { throw HubProblem.invalid(fault) }
        let grants = try grants(body["grants"], of: request)
        let kept = try await Task.detached { try Password.keep(password) }.value
        let user = UserRow(id: request.hub.newID(), name: name, password: kept, createdAt: request.now)
        do {
            try await request.hub.store.write { db in
                try db.add(user)
                try db.setGrants(grants, of: user.id)
                try request.audit(db, "user.add", target: name) { $0.grants(grants) }
            }
        } catch let error as StoreError where error.code == .taken {
            throw HubProblem(.conflict, "taken", "there is a user of that name")
        }
        return .json(status: .created) { $0.user(user, grants) }
    }

    private static let change = Route(.patch, "/api/v1/users/{user}", .administer) { request in
        let id = try request.path("user")
        let body = try request.json(["password", "grants", "disabled"])
        let isOwn = request.identity?.id == id
        var kept: String?
        if let password = try body.optional("password", limit: 1024) {
            if let fault = Password.fault(password) { throw HubProblem.invalid(fault) }
            kept = try await Task.detached { try Password.keep(password) }.value
        }
        let grants = body["grants"].exists ? try grants(body["grants"], of: request) : nil
        let disabled = body["disabled"].bool
        guard disabled != nil || !body["disabled"].exists else {
            throw HubProblem.invalid("\"disabled\" is true or false")
        }
        if isOwn, grants != nil || disabled == true {
            throw HubProblem(.conflict, "own-rights", "nobody changes his own rights; ask another administrator")
        }
        let password = kept
        let changed = try await request.hub.store.write { db -> (UserRow, [GrantRow])? in
            guard let user = try db.user(id) else { return nil }
            try mayManage(user.id, db, request)
            if let password {
                try db.setPassword(of: id, password)
                try db.endSessions(of: id)
            }
            if let grants {
                try db.setGrants(grants, of: id)
                try db.endSessions(of: id)
            }
            if let disabled { try db.setDisabled(disabled, user: id) }
            try request.audit(db, "user.change", target: user.name) { json in
                json.member("password", password != nil)
                if let grants { json.grants(grants) }
                if let disabled { json.member("disabled", disabled) }
            }
            return try db.user(id).map { ($0, try db.grants(of: id)) }
        }
        guard let changed else { throw HubProblem.notFound("such user") }
        return .json { $0.user(changed.0, changed.1) }
    }

    private static let remove = Route(.delete, "/api/v1/users/{user}", .administer) { request in
        let id = try request.path("user")
        guard request.identity?.id != id else {
            throw HubProblem(.conflict, "own-rights", "nobody removes himself; ask another administrator")
        }
        let removed = try await request.hub.store.write { db in
            guard let user = try db.user(id) else { return false }
            try mayManage(id, db, request)
            try db.removeUser(id)
            try request.audit(db, "user.remove", target: user.name)
            return true
        }
        guard removed else { throw HubProblem.notFound("such user") }
        return .noContent
    }

    /// An administrator of some clusters manages those whose rights lie within his own.
    private static func mayManage(_ holder: String, _ db: any SQLConnection, _ request: HubRequest) throws {
        for grant in try db.grants(of: holder) { try mayGive(grant, request) }
    }

    static func mayGive(_ grant: GrantRow, _ request: HubRequest) throws(HubProblem) {
        let cluster = grant.cluster == "*" ? "" : grant.cluster
        // Labels may come to stand on any namespace.
        let isOne = !grant.namespace.hasSuffix("*") && grant.labels.isEmpty
        let namespace = isOne ? grant.namespace : nil
        try request.require(.administer, cluster: cluster, namespace: namespace)
    }

    /// Grants of a body; nobody gives what he does not administer.
    static func grants(_ node: Node, of request: HubRequest) throws(HubProblem) -> [GrantRow] {
        guard node.isArray, node.count <= 100 else { throw .invalid("\"grants\" must be a list of at most 100 roles") }
        var out: [GrantRow] = []
        for element in node.elements {
            // A limit that is misspelt must not become a right without one.
            for member in element.members
            where !["role", "cluster", "namespace", "labels"].contains(member.key) {
                throw .invalid("a grant has no member \"\(member.key.prefix(40))\"")
            }
            let role = try element.required("role")
            guard Role(rawValue: role) != nil else {
                throw .invalid("a role is one of \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            let grant = GrantRow(
                role: role, cluster: try element.optional("cluster") ?? "*",
                namespace: try element.optional("namespace") ?? "*", labels: try labels(element["labels"]))
            guard !grant.namespace.dropLast().contains("*"), grant.cluster == "*" || !grant.cluster.contains("*") else {
                throw .invalid("a cluster is an id or *; a namespace is a name, a prefix with * behind it, or *")
            }
            try mayGive(grant, request)
            out.append(grant)
        }
        return out
    }

    private static func labels(_ node: Node) throws(HubProblem) -> [String] {
        guard node.exists, !node.isNull else { return [] }
        guard node.isObject, node.count <= 10 else {
            throw .invalid("\"labels\" is an object of at most 10 labels of namespaces")
        }
        var out: [String: String] = [:]
        for member in node.members {
            guard let value = member.value.string else { throw .invalid("the value of a label is a text") }
            out[member.key] = value
        }
        guard let labels = GrantRow.labels(out) else { throw .invalid(GrantRow.labelForm) }
        return labels
    }
}
