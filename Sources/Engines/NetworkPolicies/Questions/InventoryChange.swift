package import Documents
package import Kubernetes

/// Objects put on top of an inventory, as `kubectl apply` or an admission request would.
package struct InventoryChange: Sendable {
    package private(set) var inventory: Inventory
    /// What was put in place, changed and taken away.
    package private(set) var created: [ObjectReference] = []
    package private(set) var changed: [ObjectReference] = []
    package private(set) var deleted: [ObjectReference] = []
    package private(set) var problems: [String] = []

    package init(_ inventory: Inventory) { self.inventory = inventory }

    /// Puts an object in place of the one of its name; one with `$patch: delete` takes it away. An AdmissionReview is
    /// the request it holds.
    package mutating func apply(_ object: KubernetesObject) {
        if object.kind == "AdmissionReview", object.reference.group == "admission.k8s.io" {
            apply(review: object.node)
        } else if object.node["$patch"].equals("delete") {
            delete(object.reference)
        } else {
            put(object)
        }
    }

    /// Applies the request of an AdmissionReview (`admission.k8s.io/v1`); what it would change and does not say is a
    /// problem.
    package mutating func apply(review: Node) {
        let request = review["request"]
        let operation = request["operation"].string ?? ""
        let kind = request["kind"]
        var reference = ObjectReference(
            group: kind["group"].string ?? "", kind: kind["kind"].string ?? "",
            namespace: request["namespace"].string ?? "", name: request["name"].string ?? "")
        switch operation {
        case "CREATE", "UPDATE":
            guard let object = KubernetesObject(request["object"]) else {
                problems.append("the AdmissionReview has no object")
                return
            }
            // The namespace of the request holds where the object leaves its own out.
            guard object.namespace.isEmpty, let namespace = request["namespace"].string, !namespace.isEmpty else {
                return put(object)
            }
            var editor = DocumentEditor(object.node)
            guard editor.set("metadata.namespace", .string(namespace)), let whole = KubernetesObject(editor.finish())
            else {
                problems.append("the AdmissionReview's object has no metadata")
                return
            }
            put(whole)
        case "DELETE":
            if let old = KubernetesObject(request["oldObject"]) { reference = old.reference }
            guard !reference.kind.isEmpty, !reference.name.isEmpty else {
                problems.append("the AdmissionReview does not say what is deleted")
                return
            }
            delete(reference)
        case "CONNECT": break
        default: problems.append("\"\(operation)\" is no operation of an AdmissionReview")
        }
    }

    /// The object a reference means; files may leave the namespace out.
    private func standing(_ reference: ObjectReference) -> KubernetesObject? {
        if let found = inventory[ObjectKey(reference)] { return found }
        var other = reference
        switch reference.namespace {
        case "": other.namespace = "default"
        case "default": other.namespace = ""
        default: return nil
        }
        return inventory[ObjectKey(other)]
    }

    private mutating func put(_ object: KubernetesObject) {
        guard let old = standing(object.reference) else {
            _ = inventory.apply(.added(object))
            created.append(object.reference)
            return
        }
        if old.reference != object.reference { _ = inventory.apply(.deleted(old)) }
        _ = inventory.apply(.modified(object))
        changed.append(object.reference)
    }

    private mutating func delete(_ reference: ObjectReference) {
        guard let old = standing(reference) else {
            problems.append("\(reference) is to be deleted and is not there")
            return
        }
        _ = inventory.apply(.deleted(old))
        deleted.append(old.reference)
    }
}

extension WhatIf {
    /// What an admission request would open and cut: for `martlet network diff` and for the admission webhook.
    ///
    /// `flows` is a table made for the state of `inventory`. Nil when the request cannot be understood.
    package init?(
        review: Node, on inventory: Inventory, plugin: NetworkPlugin? = nil, flows: FlowTable? = nil
    ) {
        var change = InventoryChange(inventory)
        change.apply(review: review)
        guard change.problems.isEmpty else { return nil }
        let before = NetworkState(inventory, plugin: plugin)
        self.init(from: before, to: NetworkState(change.inventory, plugin: before.plugin), flows: flows)
    }
}
