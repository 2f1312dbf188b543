package import Documents

/// What identities did, learned from an audit log event by event; memory grows with what is different, not with the
/// log.
///
/// Source: audit.k8s.io/v1. What the authorizers were asked and the log shows only by its effects is added: create for
/// an apply or update that made the object, impersonate for requests made as somebody else, what a kubelet or an
/// aggregated server asked in a SubjectAccessReview, bind and escalate for roles that were written.
package struct AuditUsage: Sendable {
    package struct Summary: Sendable, Hashable {
        package var events = 0
        /// Lines that are no event, or half of one.
        package var malformed = 0
        /// Events before the period asked for, of other stages, or refused by the authorizers.
        package var passedOver = 0
        package var first = ""
        package var last = ""
    }

    private var table: UsageTable
    private var counted = Summary()
    package var summary: Summary {
        var out = counted
        out.first = String(decoding: firstTime, as: UTF8.self)
        out.last = String(decoding: lastTime, as: UTF8.self)
        return out
    }
    /// Who was refused before any authorizer decided: by impersonation that was not allowed as a whole.
    package private(set) var refused: Set<Identity> = []
    /// Who wrote bindings of which the log does not tell the role.
    package private(set) var binders: Set<Identity> = []
    /// What plain lines say, as they were written the last time: who, what, and the row of the two.
    private var people = GlanceMemory<Int32>(limit: AuditUsage.knownLimit)
    private var requests = GlanceMemory<(number: UInt32, request: AccessRequest)>(limit: AuditUsage.knownLimit)
    private var requestCount: UInt32 = 0
    private var rows: [UInt64: Int32] = [:]
    /// Most different names (or paths) kept of one identity, verb, resource and namespace. A log of a year has
    /// millions of pods; what they are called decides nothing beyond this many.
    package static let nameLimit = UsageTable.nameLimit
    private static let knownLimit = 1 << 15
    private static let knownRows = 1 << 18
    /// The first and the last time as they stand in lines; texts are made when somebody asks.
    private var firstTime: [UInt8] = []
    private var lastTime: [UInt8] = []

    /// Only events from this moment on, `2026-09-01T00:00:00Z`; empty for all.
    private let since: String

    /// - Parameter subjects: whom bindings name. They are kept apart however many identities there are.
    package init(since: String = "", subjects: [Subject]? = nil) {
        self.since = since
        table = UsageTable(bound: subjects.map(Set.init))
    }

    /// Every identity with how often it asked for what.
    package var used: [Identity: [AccessRequest: Int]] {
        var out: [Identity: [AccessRequest: Int]] = [:]
        for row in table.rows { out[table.people[Int(row.identity)].identity, default: [:]][row.request] = row.count }
        return out
    }

    /// The days an identity was seen on, `2026-09-01`, in order.
    package var days: [Identity: [String]] {
        var out: [Identity: [String]] = [:]
        for person in table.people { out[person.identity] = person.days.sorted().map(DayNumber.text) }
        return out
    }

    /// Requests that stand for more than were kept apart: names and namespaces that were too many.
    package var overflowed: [Identity: Set<AccessRequest>] {
        var out: [Identity: Set<AccessRequest>] = [:]
        for number in table.widened {
            let row = table.rows[Int(number)]
            out[table.people[Int(row.identity)].identity, default: []].insert(row.request)
        }
        return out
    }

    /// What was put together because there was too much of it, for a sentence; nil where nothing was.
    package var simplification: String? {
        var parts: [String] = []
        if table.folded > 0 {
            parts.append(
                "more than \(UsageTable.identityLimit) identities: those no binding names were put together by their groups"
            )
        }
        if !table.widened.isEmpty {
            parts.append(
                "more names or namespaces than are kept apart (\(UsageTable.nameLimit), fewer from "
                    + "\(UsageTable.rowLimit / 2) different requests on): \(table.widened.count) kinds of requests stand for all"
            )
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// Learns from one line of a JSON Lines log.
    package mutating func read(line: [UInt8]) {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
        if glance(line) { return }
        let read = DocumentReader.read(
            SourceText(name: "", bytes: line), options: DocumentReader.Options(checkDuplicateKeys: false))
        guard read.problems.isEmpty, read.documents.count == 1, let root = read.documents.first?.root, root.isObject
        else {
            counted.malformed += 1
            return
        }
        guard !root["items"].isArray else { return self.read(root) }
        take(root)
    }

    /// Counts a plain request from what tells it apart alone; false where the event has to be read.
    private mutating func glance(_ line: [UInt8]) -> Bool {
        let bytes = line.span
        guard let glance = AuditGlance(bytes), let day = DayNumber.of(line[glance.time]) else { return false }
        guard since.isEmpty || !line[glance.time].lexicographicallyPrecedes(since.utf8) else {
            counted.events += 1
            counted.passedOver += 1
            return true
        }
        guard let row = row(of: glance, line, bytes) else { return false }
        counted.events += 1
        note(line[glance.time])
        table.note(row, day: day)
        return true
    }

    /// The row of a plain line; nil where its words are not what they look like.
    private mutating func row(of glance: AuditGlance, _ line: [UInt8], _ bytes: Span<UInt8>) -> Int32? {
        let who = GlanceMemory<Int32>.hash(bytes, glance.user, glance.groups)
        let what = GlanceMemory<Int32>.hash(bytes, glance.verb, glance.uri)
        let knownPerson = people.value(bytes, glance.user, glance.groups, who)
        let knownRequest = requests.value(bytes, glance.verb, glance.uri, what)
        if let knownPerson, let knownRequest,
            let row = rows[UInt64(UInt32(bitPattern: knownPerson)) << 32 | UInt64(knownRequest.number)]
        {
            return row
        }
        if knownPerson == nil || knownRequest == nil, glance.hasEscapes(bytes) { return nil }
        let request = knownRequest ?? (requestCount, glance.request(line))
        if knownRequest == nil {
            requestCount &+= 1
            requests.keep(request, bytes, glance.verb, glance.uri, what)
        }
        let person = knownPerson ?? table.number(of: glance.identity(line))
        if knownPerson == nil { people.keep(person, bytes, glance.user, glance.groups, who) }
        let row = table.row(person, request.request)
        if rows.count >= Self.knownRows { rows.removeAll(keepingCapacity: true) }
        rows[UInt64(UInt32(bitPattern: person)) << 32 | UInt64(request.number)] = row
        return row
    }

    private mutating func note(_ time: some Collection<UInt8>) {
        if firstTime.isEmpty || time.lexicographicallyPrecedes(firstTime) { firstTime = Array(time) }
        if lastTime.lexicographicallyPrecedes(time) { lastTime = Array(time) }
    }

    /// Notes a line that was too long to take.
    package mutating func skipLine() { counted.malformed += 1 }

    /// Learns from an event, or from every one of an EventList.
    package mutating func read(_ node: Node) {
        if node["items"].isArray {
            for item in node["items"].elements { self.read(item) }
            return
        }
        take(node)
    }

    private mutating func take(_ node: Node) {
        guard let verb = node["verb"].string, let user = node["user"]["username"].string,
            let uri = node["requestURI"].string, let stage = node["stage"].string
        else {
            counted.malformed += 1
            return
        }
        counted.events += 1
        let time = node["requestReceivedTimestamp"].string ?? node["stageTimestamp"].string ?? ""
        let code = node["responseStatus"]["code"].int ?? 0
        let decision = node["annotations"]["authorization.k8s.io/decision"].string
        // A watch that lasts has no other stage yet; every other request is told once, when it is complete.
        guard stage == "ResponseComplete" || stage == "ResponseStarted" || stage == "Panic", time >= since,
            decision != "forbid", decision != nil || (code != 401 && code != 403)
        else {
            if code == 403, decision == nil, time >= since, refused.count < UsageTable.identityLimit {
                refused.insert(Identity(user: user, groups: node["user"]["groups"].strings))
            }
            counted.passedOver += 1
            return
        }
        note(Array(time.utf8))
        let day = DayNumber.of(time.utf8) ?? 0
        let impersonated = node["impersonatedUser"]
        let object = node["objectRef"]
        let requester = Identity(user: user, groups: node["user"]["groups"].strings)
        var actor = requester
        if impersonated.isObject {
            actor = Identity(
                user: impersonated["username"].string ?? "", groups: impersonated["groups"].strings)
            let number = table.number(of: requester)
            for request in Self.impersonation(impersonated) { _ = table.note(number, request, day: day) }
        }
        let number = table.number(of: actor)
        let request = Self.request(verb, uri, hasObject: object.isObject)
        _ = table.note(number, request, day: day)
        if Self.isBindingOfUnknown(request, code, node), binders.count < UsageTable.identityLimit {
            binders.insert(table.people[Int(number)].identity)
        }
        for implied in Self.implied(by: request, code, node) { _ = table.note(number, implied, day: day) }
        if let asked = Self.review(node) {
            _ = table.note(table.number(of: asked.identity), asked.request, day: day)
        }
    }

    // MARK: From events to requests

    /// What the authorizers were asked: the name in the log is the object's, also where the request had none.
    static func request(_ verb: String, _ uri: String, hasObject: Bool) -> AccessRequest {
        let methods = [
            "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE",
        ]
        let info = RequestInfo(method: methods[verb] ?? "GET", url: uri)
        guard info.isResourceRequest, hasObject else { return AccessRequest(verb, path: info.path) }
        var request = info.accessRequest
        request.verb = verb
        return request
    }

    /// Rights the request needed beside its own.
    private static func implied(by request: AccessRequest, _ code: Int, _ event: Node) -> [AccessRequest] {
        guard case .resource(let target) = request.target else { return [] }
        var out: [AccessRequest] = []
        let writes = ["create", "update", "patch"].contains(request.verb)
        // An apply or update of what was not there made it, and was checked for create with its name.
        if code == 201, request.verb == "update" || request.verb == "patch" {
            out.append(AccessRequest("create", target))
        }
        guard writes, target.group == AccessModel.group, code < 300 else { return out }
        switch target.resource {
        case "roles", "clusterroles": out.append(AccessRequest("escalate", target))
        case "rolebindings", "clusterrolebindings":
            let roleRef = event["requestObject"]["roleRef"]
            guard let name = roleRef["name"].string else { break }
            let resource = roleRef["kind"].equals("Role") ? "roles" : "clusterroles"
            out.append(
                AccessRequest(
                    "bind",
                    AccessRequest.Resource(
                        group: AccessModel.group, resource, name: name, namespace: target.namespace)))
        default: break
        }
        return out
    }

    /// A binding that was written, in a log that holds no bodies of requests.
    private static func isBindingOfUnknown(_ request: AccessRequest, _ code: Int, _ event: Node) -> Bool {
        guard case .resource(let target) = request.target, target.group == AccessModel.group, code < 300 else {
            return false
        }
        return (target.resource == "rolebindings" || target.resource == "clusterrolebindings")
            && (request.verb == "create" || code == 201) && !event["requestObject"]["roleRef"].exists
    }

    private static func impersonation(_ user: Node) -> [AccessRequest] {
        let name = user["username"].string ?? ""
        var groups = Set(user["groups"].strings).subtracting(["system:authenticated", "system:unauthenticated"])
        var out: [AccessRequest] = []
        if let account = ServiceAccountName(userName: name) {
            groups.subtract(ServiceAccountName.groups(of: account.namespace))
            out.append(
                AccessRequest("impersonate", .init("serviceaccounts", name: account.name, namespace: account.namespace))
            )
        } else {
            out.append(AccessRequest("impersonate", .init("users", name: name)))
        }
        for group in groups.sorted() { out.append(AccessRequest("impersonate", .init("groups", name: group))) }
        for member in user["extra"].members {
            for value in member.value.strings {
                out.append(
                    AccessRequest(
                        "impersonate",
                        .init(
                            group: "authentication.k8s.io", "userextras", subresource: member.key, name: value)))
            }
        }
        return out
    }

    /// The question of a SubjectAccessReview somebody asked about somebody else: a kubelet that was called, an
    /// aggregated API server. Seen only where the policy logs requests.
    private static func review(_ event: Node) -> (identity: Identity, request: AccessRequest)? {
        guard event["objectRef"]["resource"].equals("subjectaccessreviews") else { return nil }
        let spec = event["requestObject"]["spec"]
        guard let user = spec["user"].string, user != event["user"]["username"].string else { return nil }
        let identity = Identity(user: user, groups: spec["groups"].strings)
        let path = spec["nonResourceAttributes"]
        if path.isObject {
            return (identity, AccessRequest(path["verb"].string ?? "", path: path["path"].string ?? ""))
        }
        let node = spec["resourceAttributes"]
        func text(_ key: String) -> String { node[key].string ?? "" }
        return (
            identity,
            AccessRequest(
                text("verb"),
                AccessRequest.Resource(
                    group: text("group"), text("resource"), subresource: text("subresource"), name: text("name"),
                    namespace: text("namespace")))
        )
    }
}

extension AccessRequest {
    /// The same in no namespace in particular.
    var withoutPlace: AccessRequest {
        guard case .resource(var resource) = target, !resource.namespace.isEmpty else { return self }
        resource.namespace = ""
        return AccessRequest(verb, resource)
    }

    /// The same about no object in particular; a path keeps its first part.
    var withoutName: AccessRequest {
        switch target {
        case .resource(var resource):
            resource.name = ""
            return AccessRequest(verb, resource)
        case .path(let path):
            guard let first = path.split(separator: "/").first, path.utf8.count > first.utf8.count + 1 else {
                return self
            }
            return AccessRequest(verb, path: "/\(first)/*")
        }
    }
}
