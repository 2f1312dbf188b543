package import Documents

/// What an API server asks an admission plug-in.
///
/// Source: `admission.k8s.io/v1`, `AdmissionRequest`.
package struct AdmissionRequest: Sendable {
    package enum Operation: String, Sendable {
        case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT"
    }

    package var uid: String
    package var group: String
    package var kind: String
    package var resourceGroup: String
    /// `pods`, `deployments`
    package var resource: String
    /// The subresource the client asked for; empty for the object itself.
    package var subresource: String
    package var name: String
    package var namespace: String
    package var operation: Operation?
    package var username: String
    package var object: Node
    package var oldObject: Node

    package init(_ node: Node) {
        uid = node["uid"].string ?? ""
        group = node["kind"]["group"].string ?? ""
        kind = node["kind"]["kind"].string ?? ""
        resourceGroup = node["resource"]["group"].string ?? ""
        resource = node["resource"]["resource"].string ?? ""
        let asked = node["requestSubResource"].string ?? ""
        subresource = asked.isEmpty ? node["subResource"].string ?? "" : asked
        name = node["name"].string ?? ""
        namespace = node["namespace"].string ?? ""
        operation = node["operation"].string.flatMap(Operation.init)
        username = node["userInfo"]["username"].string ?? ""
        object = node["object"].asRoot
        oldObject = node["oldObject"].asRoot
    }

    /// `deployments.apps`
    var qualifiedResource: String { resourceGroup.isEmpty ? resource : "\(resource).\(resourceGroup)" }
    var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }
}
