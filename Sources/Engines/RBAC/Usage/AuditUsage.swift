package import Documents

/// What identities did, learned from an audit log event by event; memory grows with what is different, not with the
/// log.
///
/// Source: audit.k8s.io/v1. What the authorizers were asked and the log shows only by its effects is added: create for
/// an apply or update that made the object, impersonate for requests made as somebody else, what a kubelet or an
/// aggregated server asked in a SubjectAccessReview, bind and escalate for roles that were written.
package struct AuditUsage: Sendable {
    /// What one identity was seen to do.
    package struct Record: Sendable {
        /// How often, and on which days (first and last, `2026-09-01`).
        package var count = 0
        package var first = ""
        package var last = ""
        package var days: Set<String> = []

        /// In place: a log has millions of lines and few different ones.
        mutating func note(_ time: String) {
            count += 1
            if first.isEmpty || time < first { first = time }
            if !last.utf8.prefix(10).elementsEqual(time.utf8.prefix(10)) { days.insert(String(time.prefix(10))) }
            if time > last { last = time }
        }
    }

    package struct Summary: Sendable, Hashable {
        package var events = 0
        /// Lines that are no event, or half of one.
        package var malformed = 0
        /// Events before the period asked for, of other stages, or refused by the authorizers.
        package var passedOver = 0
        package var first = ""
        package var last = ""
    }

    package private(set) var used: [Identity: [AccessRequest: Record]] = [:]
    package private(set) var summary = Summary()
    /// Who was refused before any authorizer decided: by impersonation that was not allowed as a whole.
    package private(set) var refused: Set<Identity> = []
    /// Requests without their name, of which more names were seen than are kept: what is left out is like them.
    package private(set) var overflowed: [Identity: Set<AccessRequest>] = [:]
    private var nameCounts: [Identity: [AccessRequest: Int]] = [:]
    /// What an event led to the last time one said the same; emptied when full, so that it stays small.
    private var known: [Signature: (identity: Identity, request: AccessRequest)] = [:]

    /// Most different names (or paths) kept of one identity, verb, resource and namespace. A log of a year has
    /// millions of pods; what they are called decides nothing beyond this many.
    package static let nameLimit = 256
    private static let knownLimit = 1 << 15

    /// What decides how a plain read is understood.
    private struct Signature: Hashable {
        var user: String
        var groups: [String]
        var verb: String
        var uri: String
    }

    /// Only events from this moment on, `2026-09-01T00:00:00Z`; empty for all.
    private let since: String

    package init(since: String = "") { self.since = since }

    /// Learns from one line of a JSON Lines log.
    package mutating func read(line: [UInt8]) {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
        let read = DocumentReader.read(
            SourceText(name: "", bytes: line), options: DocumentReader.Options(checkDuplicateKeys: false))
        guard read.problems.isEmpty, read.documents.count == 1, let root = read.documents.first?.root, root.isObject
        else {
            summary.malformed += 1
            return
        }
        self.read(root)
    }

    /// Notes a line that was too long to take.
    package mutating func skipLine() { summary.malformed += 1 }

    /// Learns from an event, or from every one of an EventList.
    package mutating func read(_ node: Node) {
        if node["items"].isArray {
            for item in node["items"].elements { self.read(item) }
            return
        }
        guard let verb = node["verb"].string, let user = node["user"]["username"].string,
            let uri = node["requestURI"].string, let stage = node["stage"].string
        else {
            summary.malformed += 1
            return
        }
        summary.events += 1
        let time = node["requestReceivedTimestamp"].string ?? node["stageTimestamp"].string ?? ""
        let code = node["responseStatus"]["code"].int ?? 0
        let decision = node["annotations"]["authorization.k8s.io/decision"].string
        // A watch that lasts has no other stage yet; every other request is told once, when it is complete.
        guard stage == "ResponseComplete" || stage == "ResponseStarted" || stage == "Panic", time >= since,
            decision != "forbid", decision != nil || (code != 401 && code != 403)
        else {
            if code == 403, decision == nil, time >= since {
                refused.insert(Identity(user: user, groups: node["user"]["groups"].strings))
            }
            summary.passedOver += 1
            return
        }
        if summary.first.isEmpty || time < summary.first { summary.first = time }
        if time > summary.last { summary.last = time }
        let groups = node["user"]["groups"].strings
        let impersonated = node["impersonatedUser"]
        let object = node["objectRef"]
        // Reads and deletions need no right beside their own, and most of a log is the same few again and again.
        let isPlain =
            !impersonated.isObject && object.isObject
            && (verb == "get" || verb == "list" || verb == "watch" || verb == "delete")
        let signature = Signature(user: user, groups: groups, verb: verb, uri: uri)
        if isPlain, let (identity, request) = known[signature] {
            used[identity]?[request]?.note(time)
            return
        }
        let requester = Identity(user: user, groups: groups)
        var actor = requester
        if impersonated.isObject {
            actor = Identity(
                user: impersonated["username"].string ?? "", groups: impersonated["groups"].strings)
            for request in Self.impersonation(impersonated) { note(requester, request, time) }
        }
        let request = note(actor, Self.request(verb, uri, object), time)
        if isPlain {
            if known.count >= Self.knownLimit { known.removeAll(keepingCapacity: true) }
            known[signature] = (actor, request)
            return
        }
        for implied in Self.implied(by: request, code, node) { note(actor, implied, time) }
        if let asked = Self.review(node) { note(asked.identity, asked.request, time) }
    }

    /// Counts a request; gives the one it is counted as, which has no name where too many are known already.
    @discardableResult
    private mutating func note(_ identity: Identity, _ request: AccessRequest, _ time: String) -> AccessRequest {
        if used[identity]?[request] != nil {
            used[identity]?[request]?.note(time)
            return request
        }
        let bare = request.withoutName
        if bare != request {
            let count = nameCounts[identity]?[bare] ?? 0
            guard count < Self.nameLimit else {
                overflowed[identity, default: []].insert(bare)
                used[identity, default: [:]][bare, default: Record()].note(time)
                return bare
            }
            nameCounts[identity, default: [:]][bare] = count + 1
        }
        used[identity, default: [:]][request, default: Record()].note(time)
        return request
    }

    // MARK: From events to requests

    /// What the authorizers were asked: the name in the log is the object's, also where the request had none.
    static func request(_ verb: String, _ uri: String, _ object: Node) -> AccessRequest {
        let methods = [
            "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE",
        ]
        let info = RequestInfo(method: methods[verb] ?? "GET", url: uri)
        guard info.isResourceRequest, object.isObject else { return AccessRequest(verb, path: info.path) }
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
