import Documents
package import HashTreeCollections

/// One object's place in an inventory.
///
/// A cluster has one object of a reference; a folder of manifests may have several (overlays of dev and prod), which
/// `copy` tells apart: 0 for the first.
package struct ObjectKey: Sendable, Hashable, Comparable {
    package var reference: ObjectReference
    package var copy: Int

    package init(_ reference: ObjectReference, copy: Int = 0) {
        self.reference = reference
        self.copy = copy
    }

    package static func < (a: Self, b: Self) -> Bool { (a.reference, a.copy) < (b.reference, b.copy) }
}

/// The state of one cluster, or of a set of files, at one moment.
///
/// A value: a copy costs nothing, and changing it costs the logarithm of its size, so that what-if is a copy and a patch.
package struct Inventory: Sendable {
    package enum Event: Sendable {
        case added(KubernetesObject)
        case modified(KubernetesObject)
        case deleted(KubernetesObject)
    }

    package private(set) var objects: TreeDictionary<ObjectKey, KubernetesObject> = [:]
    private var byKind: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
    private var byNamespace: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
    private var byUID: TreeDictionary<String, ObjectKey> = [:]
    /// Objects by the UID of their controller.
    private var byOwner: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
    /// Workloads by `namespace/serviceaccount`.
    private var byServiceAccount: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
    private var byImage: TreeDictionary<String, TreeSet<ObjectKey>> = [:]
    /// Objects by `key=value` of their own labels (of the pod template's, for workloads).
    private var byLabel: TreeDictionary<String, TreeSet<ObjectKey>> = [:]

    package init() {}

    package init(_ objects: some Sequence<KubernetesObject>) {
        for object in objects { insert(object) }
    }

    package var count: Int { objects.count }

    /// Adds an object of a file, beside others of the same reference.
    @discardableResult
    package mutating func insert(_ object: KubernetesObject) -> ObjectKey {
        var key = ObjectKey(object.reference)
        while objects[key] != nil { key.copy += 1 }
        store(object, key)
        return key
    }

    /// Applies a watch event; gives the keys whose evaluation may change: the object, what it owns and who owns it,
    /// and what refers to it by service account or namespace.
    package mutating func apply(_ event: Event) -> TreeSet<ObjectKey> {
        switch event {
        case .added(let object), .modified(let object):
            let key = ObjectKey(object.reference)
            var touched = dependents(of: object, key)
            if let old = objects[key] {
                touched.formUnion(dependents(of: old, key))
                drop(old, key)
            }
            store(object, key)
            touched.formUnion(dependents(of: object, key))
            return touched
        case .deleted(let object):
            let key = ObjectKey(object.reference)
            guard let old = objects[key] else { return [key] }
            let touched = dependents(of: old, key)
            drop(old, key)
            return touched
        }
    }

    /// Puts changed content in place of an object: what-if.
    package mutating func replace(_ key: ObjectKey, with object: KubernetesObject) {
        if let old = objects[key] { drop(old, key) }
        store(object, key)
    }

    // MARK: Asking

    package subscript(_ key: ObjectKey) -> KubernetesObject? { objects[key] }

    /// Every key, in the order of `ObjectKey`.
    package var keys: [ObjectKey] { objects.keys.sorted() }

    /// Objects of a kind in any version, in order.
    package func objects(_ kind: String, of group: String = "", in namespace: String? = nil) -> [KubernetesObject] {
        keys(kind, of: group, in: namespace).compactMap { objects[$0] }
    }

    package func keys(_ kind: String, of group: String = "", in namespace: String? = nil) -> [ObjectKey] {
        let all = byKind["\(group)/\(kind)"] ?? []
        return all.filter { namespace == nil || $0.reference.namespace == namespace }.sorted()
    }

    package func keys(in namespace: String) -> [ObjectKey] { (byNamespace[namespace] ?? []).sorted() }
    package func keys(usingServiceAccount name: String, in namespace: String) -> [ObjectKey] {
        (byServiceAccount["\(namespace)/\(name)"] ?? []).sorted()
    }
    package func keys(usingImage image: String) -> [ObjectKey] { (byImage[image] ?? []).sorted() }
    package func keys(labelled key: String, _ value: String) -> [ObjectKey] {
        (byLabel["\(key)=\(value)"] ?? []).sorted()
    }
    package func keys(ownedBy uid: String) -> [ObjectKey] { (byOwner[uid] ?? []).sorted() }
    package func key(uid: String) -> ObjectKey? { byUID[uid] }
    package var images: [String] { byImage.keys.sorted() }
    package var namespaces: [String] { byNamespace.keys.sorted() }

    /// The object another one means by name: in a cluster the one there is; among files the one of the same file, else
    /// of the nearest folder, else the only one.
    package func resolve(_ reference: ObjectReference, from object: KubernetesObject) -> KubernetesObject? {
        guard var best = objects[ObjectKey(reference)] else { return nil }
        guard !object.file.isEmpty, objects[ObjectKey(reference, copy: 1)] != nil else { return best }
        var copy = 0
        var bestShared = -1
        while let candidate = objects[ObjectKey(reference, copy: copy)] {
            let shared = candidate.file == object.file ? Int.max : Self.sharedPrefix(candidate.file, object.file)
            if shared > bestShared { (best, bestShared) = (candidate, shared) }
            copy += 1
        }
        return best
    }

    private static func sharedPrefix(_ a: String, _ b: String) -> Int {
        zip(a.split(separator: "/"), b.split(separator: "/")).prefix { $0 == $1 }.count
    }

    // MARK: Owners

    /// The topmost controller of an object: Deployment of a ReplicaSet's pod, CronJob of a Job's; the object itself
    /// when nothing manages it. An owner that is not in the inventory is given by reference alone.
    ///
    /// A static pod's mirror belongs to its Node.
    package func topmostOwner(of object: KubernetesObject) -> ObjectReference {
        var current = object
        for _ in 0..<16 {
            guard let controller = current.controller else { return current.reference }
            if let key = byUID[controller.uid], let owner = objects[key] {
                current = owner
                continue
            }
            let namespace = controller.kind == "Node" ? "" : current.namespace
            let named = ObjectReference(
                group: controller.apiVersion.group, kind: controller.kind, namespace: namespace, name: controller.name)
            if let owner = objects[ObjectKey(named)] {
                current = owner
                continue
            }
            return named
        }
        return current.reference
    }

    /// Who installed an object, when its labels or annotations tell.
    package func origin(of object: KubernetesObject) -> ObjectOrigin? { ObjectOrigin(object) }

    // MARK: Keeping the indexes

    private func dependents(of object: KubernetesObject, _ key: ObjectKey) -> TreeSet<ObjectKey> {
        var out: TreeSet<ObjectKey> = [key]
        if let uid = object.uid { out.formUnion(byOwner[uid] ?? []) }
        if let owner = object.controller, let key = byUID[owner.uid] { out.insert(key) }
        if object.is("ServiceAccount") {
            out.formUnion(byServiceAccount["\(object.namespace)/\(object.name)"] ?? [])
        }
        if object.is("Namespace") { out.formUnion(byNamespace[object.name] ?? []) }
        return out
    }

    private mutating func store(_ object: KubernetesObject, _ key: ObjectKey) {
        objects[key] = object
        forEachIndex(object) { index, value in self[keyPath: index][value, default: []].insert(key) }
        if let uid = object.uid { byUID[uid] = key }
    }

    private mutating func drop(_ object: KubernetesObject, _ key: ObjectKey) {
        objects[key] = nil
        forEachIndex(object) { index, value in
            self[keyPath: index][value]?.remove(key)
            if self[keyPath: index][value]?.isEmpty == true { self[keyPath: index][value] = nil }
        }
        if let uid = object.uid, byUID[uid] == key { byUID[uid] = nil }
    }

    private typealias Index = WritableKeyPath<Inventory, TreeDictionary<String, TreeSet<ObjectKey>>>

    private func forEachIndex(_ object: KubernetesObject, _ body: (Index, String) -> Void) {
        body(\.byKind, "\(object.reference.group)/\(object.kind)")
        if !object.namespace.isEmpty { body(\.byNamespace, object.namespace) }
        if let owner = object.controller { body(\.byOwner, owner.uid) }
        let templates = object.podTemplates
        var labels = object.labels
        for template in templates {
            body(\.byServiceAccount, "\(object.namespace)/\(template.spec.serviceAccountName)")
            for image in Set(template.spec.allContainers.map(\.image)) { body(\.byImage, image) }
            labels.merge(template.spec.labels) { $1 }
        }
        for (label, value) in labels { body(\.byLabel, "\(label)=\(value)") }
    }
}

/// What put an object where it is: the place where a fix has to be made.
package struct ObjectOrigin: Sendable, Hashable, CustomStringConvertible {
    package enum Tool: String, Sendable {
        case helm = "Helm", argo = "Argo CD", flux = "Flux", kustomize = "Kustomize", olm = "OLM"
    }
    package var tool: Tool
    package var name: String

    package var description: String { name.isEmpty ? tool.rawValue : "\(tool.rawValue) \(name)" }

    /// Reads the labels and annotations these tools leave; nil when there are none.
    package init?(_ object: KubernetesObject) {
        let labels = object.metadata["labels"]
        let annotations = object.metadata["annotations"]
        func joined(_ namespace: Node, _ name: Node) -> String {
            [namespace.string, name.string].compactMap(\.self).joined(separator: "/")
        }
        if labels["helm.toolkit.fluxcd.io/name"].exists {
            self.init(
                .flux,
                "HelmRelease "
                    + joined(labels["helm.toolkit.fluxcd.io/namespace"], labels["helm.toolkit.fluxcd.io/name"]))
        } else if labels["kustomize.toolkit.fluxcd.io/name"].exists {
            self.init(
                .flux,
                "Kustomization "
                    + joined(
                        labels["kustomize.toolkit.fluxcd.io/namespace"], labels["kustomize.toolkit.fluxcd.io/name"]))
        } else if let id = annotations["argocd.argoproj.io/tracking-id"].string {
            self.init(.argo, String(id.prefix { $0 != ":" }))
        } else if let name = labels["argocd.argoproj.io/instance"].string {
            self.init(.argo, name)
        } else if annotations["meta.helm.sh/release-name"].exists {
            self.init(
                .helm, joined(annotations["meta.helm.sh/release-namespace"], annotations["meta.helm.sh/release-name"]))
        } else if labels["olm.owner"].exists {
            self.init(.olm, labels["olm.owner"].string ?? "")
        } else if labels["app.kubernetes.io/managed-by"].equals("Helm") {
            self.init(.helm, labels["app.kubernetes.io/instance"].string ?? labels["release"].string ?? "")
        } else {
            return nil
        }
    }

    private init(_ tool: Tool, _ name: String) {
        self.tool = tool
        self.name = name
    }
}
