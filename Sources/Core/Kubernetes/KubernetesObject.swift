package import Documents

/// API group and version as `apiVersion` writes them; the core group is "".
package struct GroupVersion: Sendable, Hashable, CustomStringConvertible {
    package var group: String
    package var version: String

    /// Reads `apps/v1` or `v1`.
    package init(_ apiVersion: String) {
        let parts = apiVersion.split(separator: "/", maxSplits: 1)
        group = parts.count == 2 ? String(parts[0]) : ""
        version = parts.last.map(String.init) ?? ""
    }

    package var description: String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// Which object of which kind: what findings, waivers and alerts hold on to.
///
/// The version of the API is not part of it: the same Deployment is served in several.
package struct ObjectReference: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var group: String
    package var kind: String
    /// Empty for cluster-scoped objects and for files that name no namespace.
    package var namespace: String
    package var name: String

    package init(group: String, kind: String, namespace: String, name: String) {
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// `Deployment shop/api`.
    package var description: String { "\(kind) \(namespace.isEmpty ? name : "\(namespace)/\(name)")" }

    package static func < (a: Self, b: Self) -> Bool {
        (a.namespace, a.kind, a.name, a.group) < (b.namespace, b.kind, b.name, b.group)
    }
}

/// One API object as it was written or served; never changed, only replaced.
package struct KubernetesObject: Sendable {
    package let node: Node
    package let reference: ObjectReference
    package let apiVersion: GroupVersion
    /// Document of its file, and position in a List, both from 0.
    package let document: Int
    package let item: Int

    /// The object a node holds, or nil where the node has no `kind` or `apiVersion`.
    package init?(_ node: Node, document: Int = 0, item: Int = 0) {
        guard let kind = node["kind"].string, let version = node["apiVersion"].string, !kind.isEmpty else { return nil }
        self.init(node, apiVersion: version, kind: kind, document: document, item: item)
    }

    /// For items of an API server's list, which leave `kind` and `apiVersion` to the list.
    package init(_ node: Node, apiVersion: String, kind: String, document: Int = 0, item: Int = 0) {
        let metadata = node["metadata"]
        self.node = node.asRoot
        self.apiVersion = GroupVersion(apiVersion)
        self.document = document
        self.item = item
        let name = metadata["name"].string ?? metadata["generateName"].string.map { "\($0)*" } ?? ""
        reference = ObjectReference(
            group: self.apiVersion.group, kind: kind, namespace: metadata["namespace"].string ?? "", name: name)
    }

    private init(replacing node: Node, in object: KubernetesObject) {
        self.node = node
        reference = object.reference
        apiVersion = object.apiVersion
        document = object.document
        item = object.item
    }

    /// The same object with other content: after defaulting or a patch.
    package func with(_ node: Node) -> KubernetesObject { KubernetesObject(replacing: node, in: self) }

    package var kind: String { reference.kind }
    package var name: String { reference.name }
    package var namespace: String { reference.namespace }
    package var metadata: Node { node["metadata"] }
    package var labels: [String: String] { metadata["labels"].stringMap }
    package var annotations: [String: String] { metadata["annotations"].stringMap }
    package var uid: String? { metadata["uid"].string }
    package var owners: [OwnerReference] { metadata["ownerReferences"].elements.map(OwnerReference.init) }
    /// The owner that manages it, if one does.
    package var controller: OwnerReference? { owners.first(where: \.isController) }
    package var file: String { node.source.name }

    /// Whether this is `kind` of `group`, in any version.
    package func `is`(_ kind: String, of group: String = "") -> Bool { self.kind == kind && apiVersion.group == group }

    /// The objects of a document: itself, or the items of a List, nested Lists too.
    package static func objects(in document: Document) -> (objects: [KubernetesObject], problems: [DocumentError]) {
        var objects: [KubernetesObject] = []
        var problems: [DocumentError] = []
        collect(document.root, document.ordinal, nil, &objects, &problems)
        return (objects, problems)
    }

    private static func collect(
        _ node: Node, _ ordinal: Int, _ list: (version: String, kind: String)?, _ objects: inout [KubernetesObject],
        _ problems: inout [DocumentError]
    ) {
        guard node.isObject else {
            guard !node.isNull else { return }
            problems.append(notAnObject(node, "expected an object with apiVersion and kind, found \(node.kind.phrase)"))
            return
        }
        let kind = node["kind"].string ?? list?.kind
        guard let kind, !kind.isEmpty else {
            problems.append(notAnObject(node, "no \"kind\"; not a Kubernetes object"))
            return
        }
        let version = node["apiVersion"].string ?? list?.version ?? ""
        if kind.hasSuffix("List"), node["items"].isArray || (kind == "List" && node["items"].isNull) {
            let inner = kind == "List" ? nil : (version, String(kind.dropLast(4)))
            for item in node["items"].elements { collect(item, ordinal, inner, &objects, &problems) }
            return
        }
        guard !version.isEmpty else {
            problems.append(notAnObject(node, "no \"apiVersion\"; not a Kubernetes object"))
            return
        }
        let item = objects.count
        objects.append(KubernetesObject(node, apiVersion: version, kind: kind, document: ordinal, item: item))
    }

    private static func notAnObject(_ node: Node, _ message: String) -> DocumentError {
        let offset = node.sourceStart ?? 0
        return DocumentError(.notAnObject, at: node.source.location(at: offset), message)
    }
}

/// An entry of `metadata.ownerReferences`.
package struct OwnerReference: Sendable, Hashable {
    package var apiVersion: GroupVersion
    package var kind: String
    package var name: String
    package var uid: String
    package var isController: Bool

    package init(_ node: Node) {
        apiVersion = GroupVersion(node["apiVersion"].string ?? "")
        kind = node["kind"].string ?? ""
        name = node["name"].string ?? ""
        uid = node["uid"].string ?? ""
        isController = node["controller"].bool ?? false
    }
}
