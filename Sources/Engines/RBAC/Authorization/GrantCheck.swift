import Documents
package import Kubernetes

/// Writing roles and bindings: what the API server checks beyond the plain right to write them.
///
/// Source: `pkg/registry/rbac/*/policybased` of Kubernetes 1.36. Nobody may hand out what they do not hold, unless they
/// may `escalate` the role or `bind` it; an aggregation rule needs everything.
package struct GrantCheck: Sendable {
    package enum Verdict: Sendable, Hashable {
        case allowed
        /// They may not write the object at all.
        case unauthorized(AccessRequest)
        /// The smallest rules they would hand out and do not hold.
        case notHeld([PolicyRule])
        /// An aggregation rule without full rights.
        case aggregationNotHeld
        /// The role to be bound is not there, and they may not bind it unseen.
        case missingRole(RoleReference)
    }

    private let model: AccessModel

    package init(_ model: AccessModel) { self.model = model }

    /// May `actor` create `object`, or put it in the place of `old`?
    ///
    /// `verb` is the one of the request: create, update or patch.
    package func verdict(
        _ actor: Identity, _ verb: String, _ object: KubernetesObject, replacing old: KubernetesObject?
    )
        -> Verdict
    {
        let resource = "\(object.kind.lowercased())s"
        let isNamespaced = object.kind == "Role" || object.kind == "RoleBinding"
        let namespace = isNamespaced ? object.namespace : ""
        let request = AccessRequest(
            verb,
            AccessRequest.Resource(
                group: AccessModel.group, resource, name: verb == "create" ? "" : object.name, namespace: namespace))
        guard model.isAllowed(actor, request) else { return .unauthorized(request) }
        if actor.isMaster { return .allowed }
        if let old, Self.changesOnlyCleanup(old.node, object.node) { return .allowed }
        switch object.kind {
        case "Role", "ClusterRole": return role(actor, request, object, old, namespace)
        default: return binding(actor, object, namespace)
        }
    }

    private func role(
        _ actor: Identity, _ request: AccessRequest, _ object: KubernetesObject, _ old: KubernetesObject?,
        _ namespace: String
    ) -> Verdict {
        var escalate = request
        escalate.verb = "escalate"
        if model.isAllowed(actor, escalate) { return .allowed }
        let held = model.rules(of: actor, in: namespace)
        let missing = RuleCovering.uncovered(object.node["rules"].elements.map { PolicyRule($0) }, by: held)
        if !missing.isEmpty { return .notHeld(missing) }
        let aggregates = [object, old].contains { $0?.node["aggregationRule"].isNull == false }
        if object.kind == "ClusterRole", aggregates, !RuleCovering.covers(held, PolicyRule.fullAuthority) {
            return .aggregationNotHeld
        }
        return .allowed
    }

    private func binding(_ actor: Identity, _ object: KubernetesObject, _ namespace: String) -> Verdict {
        let roleRef = object.node["roleRef"]
        let name = roleRef["name"].string ?? ""
        let kind: RoleReference.Kind = roleRef["kind"].equals("ClusterRole") ? .clusterRole : .role
        let bind = AccessRequest(
            "bind",
            AccessRequest.Resource(
                group: roleRef["apiGroup"].string ?? AccessModel.group,
                kind == .clusterRole ? "clusterroles" : "roles", name: name, namespace: namespace))
        if model.isAllowed(actor, bind) { return .allowed }
        let reference = RoleReference(kind, namespace: namespace, name)
        guard let rules = model.rules(of: reference) else { return .missingRole(reference) }
        let missing = RuleCovering.uncovered(rules, by: model.rules(of: actor, in: namespace))
        return missing.isEmpty ? .allowed : .notHeld(missing)
    }

    /// Whether nothing but finalizers and owner references differs: the garbage collector must not need rights.
    static func changesOnlyCleanup(_ old: Node, _ new: Node) -> Bool {
        func comparable(_ node: Node) -> DocumentValue {
            var editor = DocumentEditor(node)
            editor.remove("metadata.finalizers")
            editor.remove("metadata.ownerReferences")
            editor.remove("metadata.managedFields")
            return normalized(DocumentValue(editor.finish()))
        }
        return comparable(old) == comparable(new)
    }

    /// Members in order, and none that are empty: as two Go structs compare.
    private static func normalized(_ value: DocumentValue) -> DocumentValue {
        switch value {
        case .object(let members):
            let kept = members.map { DocumentValue.Member($0.key, normalized($0.value)) }.filter {
                $0.value != .null && $0.value != .object([]) && $0.value != .array([]) && $0.value != .string("")
            }
            return .object(kept.sorted { $0.key < $1.key })
        case .array(let elements): return .array(elements.map(normalized))
        default: return value
        }
    }
}
