package import Documents
package import HTTPTypes
package import Store

/// A request that has been read, checked against its route and attributed to somebody.
package struct HubRequest: Sendable {
    package let route: Route
    package let hub: HubContext
    /// Who asks; nobody on routes that need nobody.
    package let identity: Identity?
    /// Values of `{…}` in the path, decoded.
    package let path: [String: String]
    package let query: QueryValues
    package let headers: HTTPFields
    package let body: [UInt8]
    /// The peer's address.
    package let address: String
    package let isSecure: Bool
    /// Host and port by which the hub was reached, as the caller says.
    package var authority: String?

    package var now: Milliseconds { hub.now() }

    /// The value of a part of the path.
    package func path(_ name: String) throws(HubProblem) -> String {
        guard let value = path[name] else {
            throw HubProblem(.internalServerError, "no-such-part", "the route has no part \"\(name)\"")
        }
        return value
    }

    package func somebody() throws(HubProblem) -> Identity {
        guard let identity else { throw .unauthenticated }
        return identity
    }

    /// What the caller may see or do with the route's permission.
    package func scope(_ permission: Permission? = nil) -> AccessScope {
        identity?.scope(permission ?? route.permission ?? .read) ?? .nothing
    }

    /// Throws unless the caller may do this on a cluster (all where empty), in a namespace or as a whole.
    package func require(_ permission: Permission, cluster: String, namespace: String? = nil) throws(HubProblem) {
        let scope = scope(permission)
        let allowed =
            cluster.isEmpty
            ? scope.parts.contains { part in
                part.cluster == nil && (part.namespace == nil || part.allows(cluster: "", namespace: namespace))
            } : scope.allows(cluster: cluster, namespace: namespace)
        guard allowed else { throw .forbidden(permission) }
    }

    /// The body as a JSON object whose members are all known.
    package func json(_ members: Set<String>) throws(HubProblem) -> Node {
        guard !body.isEmpty else { throw .invalid("a JSON object is needed as body") }
        let node: Node
        do throws(DocumentError) {
            node = try DocumentReader.readJSON(SourceText(name: "", bytes: body))
        } catch {
            throw .invalid("the body is not JSON: \(error.message)")
        }
        guard node.isObject else { throw .invalid("the body is not a JSON object") }
        for member in node.members where !members.contains(member.key) {
            throw .invalid("there is no member \"\(member.key.prefix(40))\"; known are \(members.sorted())")
        }
        return node
    }

    /// Fields of a form that a page sent.
    package func form() throws(HubProblem) -> [String: String] {
        var out: [String: String] = [:]
        for (name, value) in try QueryValues.pairs(String(decoding: body, as: UTF8.self)) { out[name] = value }
        return out
    }

    /// Writes an administrative action into the audit chain, in the transaction of the action.
    package func audit(
        _ db: any SQLConnection, _ action: String, target: String, _ detail: (inout JSONWriter) -> Void = { _ in }
    ) throws {
        var writer = JSONWriter()
        writer.object(detail)
        try db.audit(
            action, target: target, by: identity?.name ?? "nobody", at: now, detail: writer.string)
    }
}

extension Node {
    /// A text that must be there and not be empty, at most `limit` bytes long.
    package func required(_ name: String, limit: Int = 4096) throws(HubProblem) -> String {
        guard let text = self[name].string, !text.isEmpty else {
            throw .invalid("\"\(name)\" must be a text that is not empty")
        }
        guard text.utf8.count <= limit else { throw .invalid("\"\(name)\" is longer than \(limit) bytes") }
        return text
    }

    /// A text that may be missing.
    package func optional(_ name: String, limit: Int = 4096) throws(HubProblem) -> String? {
        let node = self[name]
        guard node.exists, !node.isNull else { return nil }
        guard let text = node.string else { throw .invalid("\"\(name)\" must be a text") }
        guard text.utf8.count <= limit else { throw .invalid("\"\(name)\" is longer than \(limit) bytes") }
        return text.isEmpty ? nil : text
    }
}
