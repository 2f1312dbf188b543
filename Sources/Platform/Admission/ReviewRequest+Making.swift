package import Documents
package import Kubernetes
import PodSecurity

extension ReviewRequest {
    /// The request that would bring an object in, as an API server would make it of the object as written.
    package init(
        creating object: KubernetesObject, username: String = "simulation", groups: [String] = ["system:authenticated"]
    ) {
        let node = Self.request(
            uid: object.uid ?? "simulated", operation: "CREATE", group: object.apiVersion.group,
            version: object.apiVersion.version, kind: object.kind, resource: object.pluralName, subresource: "",
            namespace: object.namespace, name: object.name, username: username, groups: groups, isDryRun: true)
        self.init(request: node, object: object.admitted().node, oldObject: nil)
    }

    /// What an audit event tells of a request.
    package enum Recorded: Sendable {
        case request(ReviewRequest)
        /// No change that admission is asked about.
        case nothing
        /// A change whose object is not in the event; why.
        case unseen(String)
    }

    /// Standard: `audit.k8s.io/v1`, `Event`. Only events of level `Request` or `RequestResponse` hold objects; what the
    /// server stored counts more than what was sent.
    package static func recorded(_ event: Node) -> Recorded {
        let stage = event["stage"].string ?? ""
        guard stage == "ResponseComplete" || stage.isEmpty else { return .nothing }
        let operation: String
        switch event["verb"].string {
        case "create": operation = "CREATE"
        case "update", "patch": operation = "UPDATE"
        case "delete": operation = "DELETE"
        default: return .nothing
        }
        let reference = event["objectRef"]
        guard let resource = reference["resource"].string else { return .nothing }
        let subresource = reference["subresource"].string ?? ""
        guard subresource.isEmpty || subresource == "ephemeralcontainers" else { return .nothing }
        var object = event["responseObject"]
        if !object.isObject || object["kind"].equals("Status") {
            // A patch is no object, and what it made is not told.
            guard event["verb"].string != "patch" else { return .unseen("a patch without its result") }
            object = event["requestObject"]
        }
        let code = event["responseStatus"]["code"].int ?? 200
        if operation == "DELETE" { return .nothing }
        guard object.isObject, let kind = object["kind"].string else {
            return .unseen(code >= 400 ? "a refused request without its object" : "an event without its object")
        }
        let version = GroupVersion(object["apiVersion"].string ?? reference["apiVersion"].string ?? "")
        let group = reference["apiGroup"].string ?? version.group
        let node = request(
            uid: event["auditID"].string ?? "replayed", operation: operation, group: group,
            version: reference["apiVersion"].string ?? version.version, kind: kind, resource: resource,
            subresource: subresource, namespace: reference["namespace"].string ?? "",
            name: reference["name"].string ?? object["metadata"]["name"].string ?? "",
            username: event["user"]["username"].string ?? "", groups: event["user"]["groups"].strings, isDryRun: true)
        return .request(ReviewRequest(request: node, object: object.asRoot, oldObject: nil))
    }

    private static func request(
        uid: String, operation: String, group: String, version: String, kind: String, resource: String,
        subresource: String, namespace: String, name: String, username: String, groups: [String], isDryRun: Bool
    ) -> Node {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("uid", uid)
            for key in ["kind", "requestKind"] {
                writer.member(
                    key,
                    object: {
                        $0.member("group", group)
                        $0.member("version", version)
                        $0.member("kind", kind)
                    })
            }
            for key in ["resource", "requestResource"] {
                writer.member(
                    key,
                    object: {
                        $0.member("group", group)
                        $0.member("version", version)
                        $0.member("resource", resource)
                    })
            }
            if !subresource.isEmpty { writer.member("subResource", subresource) }
            writer.member("name", name)
            if !namespace.isEmpty { writer.member("namespace", namespace) }
            writer.member("operation", operation)
            writer.member(
                "userInfo",
                object: {
                    $0.member("username", username)
                    $0.member("groups", groups)
                })
            writer.member("dryRun", isDryRun)
        }
        do throws(DocumentError) {
            return try DocumentReader.readJSON(SourceText(name: "", bytes: writer.takeBytes()))
        } catch {
            preconditionFailure("a writer's own JSON can be read")
        }
    }
}

extension KubernetesObject {
    /// The resource's name in the API: the kind in lower case and many.
    var pluralName: String { Self.pluralName(kind) }

    /// Right for what is built in and for most that is not; only a cluster's own discovery knows.
    package static func pluralName(_ kind: String) -> String {
        let word = kind.lowercased()
        if word == "endpoints" { return word }
        if word.hasSuffix("s") || word.hasSuffix("x") || word.hasSuffix("ch") { return word + "es" }
        if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
            return word.dropLast() + "ies"
        }
        return word + "s"
    }
}
