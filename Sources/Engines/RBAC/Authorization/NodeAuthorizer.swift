/// What the identities of kubelets may do.
///
/// Source: `plugin/pkg/auth/authorizer/node` of Kubernetes 1.36. Objects with contents are theirs only where the graph
/// leads to the node; its own lease and CSINode by name; the rest by the fixed rules of the role `system:node`.
package struct NodeAuthorizer: Sendable {
    /// Feature gates that change the answers.
    package struct Features: Sendable, Hashable {
        /// Reads of nodes and pods only of one's own (default since 1.32).
        package var selectors = true
        /// PodCertificateRequests of one's own pods.
        package var podCertificates = false
        /// Reading the service accounts of one's own pods (credential providers; default since 1.34).
        package var serviceAccountReads = true

        package init() {}

        /// As they are by default in a minor version.
        package init(minor: Int) {
            selectors = minor >= 32
            serviceAccountReads = minor >= 34
        }
    }

    private let graph: NodeGraph
    private let features: Features
    private let fixedRules: [PolicyRule]

    package init(_ graph: NodeGraph, features: Features = Features(), fixedRules: [PolicyRule]? = nil) {
        self.graph = graph
        self.features = features
        self.fixedRules = fixedRules ?? BootstrapPolicy.current.rules(of: RoleReference(.clusterRole, "system:node"))
    }

    /// The node an identity is; nil for everybody else. The group decides, not the name alone.
    package static func nodeName(of identity: Identity) -> String? {
        let prefix = "system:node:"
        guard identity.user.hasPrefix(prefix), identity.groups.contains("system:nodes") else { return nil }
        return String(identity.user.dropFirst(prefix.count))
    }

    /// Yes, or no opinion.
    package func allows(_ identity: Identity, _ request: AccessRequest) -> Bool {
        guard let node = Self.nodeName(of: identity), !node.isEmpty else { return false }
        guard case .resource(let target) = request.target else { return fixed(request) }
        let verb = request.verb
        let isWhole = target.subresource.isEmpty
        switch (target.group, target.resource) {
        case ("", "secrets"): return isWhole && readsOne(.secret, node, verb, target)
        case ("", "configmaps"): return isWhole && readsOne(.configMap, node, verb, target)
        case ("", "persistentvolumeclaims"):
            if target.subresource == "status" {
                return (verb == "update" || verb == "patch") && related(.claim, node, target)
            }
            return getsOne(.claim, node, verb, target)
        case ("", "persistentvolumes"): return getsOne(.volume, node, verb, target)
        case ("resource.k8s.io", "resourceclaims"): return getsOne(.resourceClaim, node, verb, target)
        case ("storage.k8s.io", "volumeattachments"): return getsOne(.attachment, node, verb, target)
        case ("", "serviceaccounts"):
            if verb == "create" {
                return target.subresource == "token" && related(.serviceAccount, node, target)
            }
            return features.serviceAccountReads && getsOne(.serviceAccount, node, verb, target)
        case ("coordination.k8s.io", "leases"):
            return ["get", "create", "update", "patch", "delete"].contains(verb)
                && target.namespace == "kube-node-lease" && (verb == "create" || target.name == node)
        case ("storage.k8s.io", "csinodes"):
            return ["get", "create", "update", "patch", "delete"].contains(verb) && isWhole
                && (verb == "create" || target.name == node)
        case ("resource.k8s.io", "resourceslices"): return slices(node, request, target)
        case ("certificates.k8s.io", "podcertificaterequests") where features.podCertificates:
            return certificates(node, request, target)
        case ("", "nodes") where features.selectors: return nodes(node, verb, target)
        case ("", "pods") where features.selectors: return pods(node, request, target)
        default: return fixed(request)
        }
    }

    private func fixed(_ request: AccessRequest) -> Bool { fixedRules.contains { $0.allows(request) } }

    private func related(_ kind: NodeGraph.Kind, _ node: String, _ target: AccessRequest.Resource) -> Bool {
        // Volumes, attachments and slices have no namespace, whatever the request says.
        let isClusterScoped = kind == .volume || kind == .attachment || kind == .slice
        let namespace = isClusterScoped ? "" : target.namespace
        return !target.name.isEmpty
            && graph.isRelated(NodeGraph.Vertex(kind: kind, namespace: namespace, name: target.name), to: node)
    }

    private func getsOne(_ kind: NodeGraph.Kind, _ node: String, _ verb: String, _ target: AccessRequest.Resource)
        -> Bool
    {
        verb == "get" && target.subresource.isEmpty && related(kind, node, target)
    }

    /// Reads of a single object, lists and watches with its name included.
    private func readsOne(_ kind: NodeGraph.Kind, _ node: String, _ verb: String, _ target: AccessRequest.Resource)
        -> Bool
    {
        ["get", "list", "watch"].contains(verb) && !target.namespace.isEmpty && related(kind, node, target)
    }

    private func slices(_ node: String, _ request: AccessRequest, _ target: AccessRequest.Resource) -> Bool {
        guard target.subresource.isEmpty else { return false }
        switch request.verb {
        case "create": return true
        case "get", "update", "patch", "delete": return related(.slice, node, target)
        case "list", "watch", "deletecollection":
            return !features.selectors || request.fieldSelector.contains(.init("spec.nodeName", node))
        default: return false
        }
    }

    private func certificates(_ node: String, _ request: AccessRequest, _ target: AccessRequest.Resource) -> Bool {
        guard target.subresource.isEmpty else { return false }
        switch request.verb {
        case "create": return true
        case "get": return related(.certificateRequest, node, target)
        case "list", "watch": return request.fieldSelector.contains(.init("spec.nodeName", node))
        default: return false
        }
    }

    private func nodes(_ node: String, _ verb: String, _ target: AccessRequest.Resource) -> Bool {
        switch (target.subresource, verb) {
        // Which node is written is for the NodeRestriction admission plugin to judge.
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): true
        case ("", "get"), ("", "list"), ("", "watch"): target.name == node
        default: false
        }
    }

    private func pods(_ node: String, _ request: AccessRequest, _ target: AccessRequest.Resource) -> Bool {
        switch (target.subresource, request.verb) {
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"): true
        case ("", "get"): related(.pod, node, target)
        case ("", "list"), ("", "watch"):
            request.fieldSelector.contains(.init("spec.nodeName", node)) || related(.pod, node, target)
        default: false
        }
    }
}
