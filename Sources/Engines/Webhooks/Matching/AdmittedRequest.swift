/// A request as far as webhooks and policies select by it.
package struct AdmittedRequest: Sendable, Hashable {
    package var operation: String
    package var group: String
    package var version: String
    /// `pods`
    package var resource: String
    /// Empty for the object itself.
    package var subresource: String
    package var kind: String
    /// Empty for what is in no namespace.
    package var namespace: String
    package var name: String
    /// Nil where the namespace was not seen.
    package var namespaceLabels: [String: String]?
    /// Labels of the object, as it is and as it was; nil where it was not seen.
    package var labels: [[String: String]]?
    package var username: String
    package var groups: [String]

    package init(
        _ operation: String, group: String = "", version: String = "v1", _ resource: String, subresource: String = "",
        kind: String, namespace: String = "", name: String = "", namespaceLabels: [String: String]? = nil,
        labels: [[String: String]]? = nil, username: String = "", groups: [String] = []
    ) {
        self.operation = operation
        self.group = group
        self.version = version
        self.resource = resource
        self.subresource = subresource
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.namespaceLabels = namespaceLabels
        self.labels = labels
        self.username = username
        self.groups = groups
    }

    /// `pods`, `nodes/status`, `deployments.apps`
    package var resourceText: String {
        let name = group.isEmpty ? resource : "\(resource).\(group)"
        return subresource.isEmpty ? name : "\(name)/\(subresource)"
    }
}
