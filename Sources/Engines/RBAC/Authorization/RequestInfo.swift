/// What a URL asks for, as the API server reads it.
///
/// Source: `apiserver/pkg/endpoints/request`, `RequestInfoFactory`.
package struct RequestInfo: Sendable, Hashable {
    package var isResourceRequest = false
    package var path: String
    package var verb: String
    package var apiPrefix = ""
    package var apiGroup = ""
    package var apiVersion = ""
    package var namespace = ""
    package var resource = ""
    package var subresource = ""
    package var name = ""

    /// Subresources of a namespace itself; everything else behind its name is a resource in it.
    private static let namespaceSubresources: Set<String> = ["status", "finalize"]
    /// Parts of a path that stand for a verb, from before there were methods for it.
    private static let pathVerbs: Set<String> = ["proxy", "watch"]

    package init(method: String, url: String) {
        let question = url.firstIndex(of: "?")
        path = String(question.map { url[..<$0] } ?? url[...])
        let query = question.map { Self.query(url[url.index(after: $0)...]) } ?? [:]
        verb = method.lowercased()
        var parts = Self.segments(path)[...]
        // Paths with too little behind the prefix are no resources: `/api/v1/`, `/apis/apps/v1`.
        guard parts.count >= 3, parts.first == "api" || parts.first == "apis" else { return }
        apiPrefix = parts.removeFirst()
        if apiPrefix == "apis" {
            guard parts.count >= 3 else { return }
            apiGroup = parts.removeFirst()
        }
        isResourceRequest = true
        apiVersion = parts.removeFirst()
        if let first = parts.first, Self.pathVerbs.contains(first) {
            guard parts.count >= 2 else {
                isResourceRequest = false
                return
            }
            verb = parts.removeFirst()
        } else {
            switch method {
            case "POST": verb = "create"
            case "GET", "HEAD": verb = "get"
            case "PUT": verb = "update"
            case "PATCH": verb = "patch"
            case "DELETE": verb = "delete"
            default: verb = ""
            }
        }
        if parts.first == "namespaces" {
            if parts.count > 1 {
                namespace = parts[parts.startIndex + 1]
                // With something behind the name that is no subresource, the namespace only says where.
                if parts.count > 2, !Self.namespaceSubresources.contains(parts[parts.startIndex + 2]) {
                    parts = parts.dropFirst(2)
                }
            }
        }
        var left = parts
        resource = left.popFirst() ?? ""
        name = left.popFirst() ?? ""
        if let sub = left.popFirst(), verb != "proxy" { subresource = sub }
        if name.isEmpty, verb == "get" {
            verb = Self.isTrue(query["watch"]) ? "watch" : "list"
            name = Self.selectedName(query["fieldSelector"] ?? "")
        }
        if name.isEmpty, verb == "delete" { verb = "deletecollection" }
    }

    /// What the authorizers are asked.
    package var accessRequest: AccessRequest {
        guard isResourceRequest else { return AccessRequest(verb, path: path) }
        return AccessRequest(
            verb,
            AccessRequest.Resource(
                group: apiGroup, resource, subresource: subresource, name: name, namespace: namespace))
    }

    private static func segments(_ path: String) -> [String] {
        var path = path[...]
        while path.first == "/" { path.removeFirst() }
        while path.last == "/" { path.removeLast() }
        return path.isEmpty ? [] : path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    private static func query(_ text: Substring) -> [String: String] {
        var out: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = Impersonation.unescaped(String(parts[0]))
            let raw = parts.count == 2 ? parts[1] : ""
            let value = Impersonation.unescaped(
                raw.split(separator: "+", omittingEmptySubsequences: false).joined(separator: " "))
            if out[key] == nil { out[key] = value }
        }
        return out
    }

    /// `watch`, `watch=true`, `watch=1` and anything else that is not no.
    private static func isTrue(_ value: String?) -> Bool {
        guard let value else { return false }
        return value != "0" && value.lowercased() != "false"
    }

    /// The name in `metadata.name=x`, the one selector authorizers see as a name; a selector that is not understood
    /// as a whole names nothing.
    private static func selectedName(_ selector: String) -> String {
        var name = ""
        for term in selector.split(separator: ",") {
            guard let equals = term.firstIndex(of: "=") else { return "" }
            var value = term[term.index(after: equals)...]
            if value.first == "=" { value.removeFirst() }
            let isNegated = term[..<equals].last == "!"
            if !isNegated, term[..<equals] == "metadata.name" { name = String(value) }
        }
        return name.contains("/") || name == "." || name == ".." || name.contains("%") ? "" : name
    }
}

/// What a kubelet asks the API server before it answers on its own port.
///
/// Source: `pkg/kubelet/server/auth.go`, with fine-grained authorization (default since 1.33): any of the subresources
/// of `nodes` is enough.
package enum KubeletRequest {
    /// Verb and subresources for a request to a kubelet.
    package static func attributes(method: String, path: String) -> (verb: String, subresources: [String]) {
        let verb =
            switch method {
            case "POST": "create"
            case "GET": "get"
            case "PUT": "update"
            case "PATCH": "patch"
            case "DELETE": "delete"
            default: ""
            }
        func isBelow(_ prefix: String) -> Bool { path == prefix || path.hasPrefix("\(prefix)/") }
        let subresources: [String] =
            if isBelow("/stats") {
                ["stats"]
            } else if isBelow("/metrics") {
                ["metrics"]
            } else if isBelow("/logs") {
                ["log"]
            } else if isBelow("/checkpoint") {
                ["checkpoint"]
            } else if isBelow("/statusz") {
                ["statusz"]
            } else if isBelow("/flagz") {
                ["configz"]
            } else if isBelow("/healthz") {
                ["healthz", "proxy"]
            } else if isBelow("/configz") {
                ["configz", "proxy"]
            } else if isBelow("/pods") || isBelow("/runningpods") {
                ["pods", "proxy"]
            } else {
                ["proxy"]
            }
        return (verb, subresources)
    }
}
