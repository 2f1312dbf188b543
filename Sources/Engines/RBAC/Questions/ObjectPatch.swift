package import Documents
package import Kubernetes

/// A change somebody means to make to roles and bindings, in any of the forms kubectl takes.
///
/// Lists of RBAC objects (`rules`, `subjects`, the selectors of an aggregation rule) are atomic: they have no merge key
/// in the API, so that a strategic merge patch replaces them whole, as a merge patch does; the two differ by `$patch`
/// and by lists of metadata.
package struct ObjectPatch: Sendable {
    package enum Problem: Error, Equatable, CustomStringConvertible {
        /// Neither the patch nor anybody else says what it changes.
        case noTarget
        case noObject(String)
        case notApplicable(String)
        case notAPatch

        package var description: String {
            switch self {
            case .noTarget:
                "the patch does not say what it changes; name it with --target KIND/NAME or KIND/NAMESPACE/NAME"
            case .noObject(let name): "there is no \(name) to patch"
            case .notApplicable(let name): "the patch does not fit \(name)"
            case .notAPatch: "a patch is a list of JSON Patch operations or an object"
            }
        }
    }

    private let root: Node

    package init(_ root: Node) { self.root = root }

    /// The object as it is, and as it would be; nil for one that is made or gone. `target` is `KIND/NAME` or
    /// `KIND/NAMESPACE/NAME`.
    package func applied(to objects: [KubernetesObject], target: String?) throws(Problem) -> (
        before: KubernetesObject?, after: KubernetesObject?
    ) {
        if root.isArray {
            let object = try self.object(objects, target)
            guard let node = Self.operated(object.node, Array(root.elements)) else {
                throw .notApplicable(object.reference.description)
            }
            return (object, object.with(node))
        }
        guard root.isObject else { throw .notAPatch }
        if target == nil, let own = KubernetesObject(root) {
            // What names itself is applied: made where it is not there.
            guard let object = objects.last(where: { $0.reference == own.reference }) else { return (nil, own) }
            return merged(object)
        }
        return merged(try object(objects, target))
    }

    private func merged(_ object: KubernetesObject) -> (KubernetesObject?, KubernetesObject?) {
        switch root["$patch"].string {
        case "delete": return (object, nil)
        case "replace":
            var editor = DocumentEditor(root)
            editor.remove(FieldPath([.key("$patch")]))
            return (object, object.with(editor.finish()))
        default:
            let value = Self.merge(DocumentValue(object.node), DocumentValue(root), isMetadata: false)
            var editor = DocumentEditor(object.node)
            editor.set(FieldPath(), value)
            return (object, object.with(editor.finish()))
        }
    }

    private func object(_ objects: [KubernetesObject], _ target: String?) throws(Problem) -> KubernetesObject {
        guard let target else { throw .noTarget }
        let parts = target.split(separator: "/").map(String.init)
        guard parts.count == 2 || parts.count == 3 else { throw .noTarget }
        let resource = ResourceNames().parse(parts[0]).resource
        let found = objects.last { object in
            let kind = object.kind.lowercased()
            return (kind == parts[0].lowercased() || "\(kind)s" == resource) && object.name == parts[parts.count - 1]
                && (parts.count == 2 || object.namespace == parts[1])
        }
        guard let found else { throw .noObject(target) }
        return found
    }

    /// RFC 7396, with the directives of a strategic merge.
    private static func merge(_ old: DocumentValue, _ patch: DocumentValue, isMetadata: Bool) -> DocumentValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [DocumentValue.Member] = if case .object(let own) = old { own } else { [] }
        if changes.contains(where: { $0.key == "$patch" && $0.value == .string("replace") }) { members = [] }
        for change in changes where !change.key.hasPrefix("$") {
            let place = members.firstIndex { $0.key == change.key }
            if change.value == .null {
                if let place { members.remove(at: place) }
                continue
            }
            let before = place.map { members[$0].value } ?? .null
            var value = merge(before, change.value, isMetadata: change.key == "metadata")
            // Finalizers are merged, not replaced (ObjectMeta, patchStrategy=merge).
            if isMetadata, change.key == "finalizers", case .array(let own) = before, case .array(let more) = value {
                value = .array(own + more.filter { !own.contains($0) })
            }
            if let place { members[place].value = value } else { members.append(.init(change.key, value)) }
        }
        return .object(members)
    }

    /// RFC 6902: nil where an operation is unknown or does not fit.
    private static func operated(_ node: Node, _ operations: [Node]) -> Node? {
        var node = node
        for element in operations {
            guard let kind = element["op"].string.flatMap(PatchOperation.Kind.init),
                let pointer = element["path"].string
            else { return nil }
            let value = element["value"].exists ? DocumentValue(element["value"]) : nil
            guard value != nil || kind == .remove else { return nil }
            let operation = PatchOperation(kind, path(pointer, in: node), value)
            guard let next = JSONPatch([operation]).applied(to: node) else { return nil }
            node = next
        }
        return node
    }

    /// RFC 6901; whether a number is a place in a list or a name is for the document to say.
    private static func path(_ pointer: String, in root: Node) -> FieldPath {
        var node = root
        var out: [FieldPath.Element] = []
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            var element = FieldPath.Element.key(
                part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
                    .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~"))
            if node.isArray, part == "-" { element = .index(Array(node.elements).count) }
            if node.isArray, let index = Int(part), index >= 0 { element = .index(index) }
            out.append(element)
            node = node[FieldPath([element])]
        }
        return FieldPath(out)
    }
}
