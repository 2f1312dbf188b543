package import Documents
import Kubernetes

extension PolicyRule {
    /// As it stands in a role.
    package var documentValue: DocumentValue {
        func list(_ key: String, _ words: [String]) -> DocumentValue.Member? {
            words.isEmpty ? nil : .init(key, .array(words.map(DocumentValue.string)))
        }
        return .object(
            [
                list("apiGroups", apiGroups), list("resources", resources), list("resourceNames", resourceNames),
                list("nonResourceURLs", nonResourceURLs), list("verbs", verbs),
            ].compactMap(\.self))
    }
}

extension Subject {
    /// As it stands in a binding.
    package var documentValue: DocumentValue {
        switch kind {
        case .serviceAccount:
            [
                "kind": "ServiceAccount", "name": DocumentValue.string(name), "namespace": .string(namespace),
            ]
        case .user, .group:
            [
                "kind": .string(kind.rawValue), "apiGroup": .string(AccessModel.group), "name": .string(name),
            ]
        }
    }
}

extension RoleReference {
    /// As it stands in a binding.
    package var documentValue: DocumentValue {
        ["apiGroup": .string(AccessModel.group), "kind": .string(kind.rawValue), "name": .string(name)]
    }
}

extension KubernetesObject {
    /// An RBAC object of the program's own making.
    static func made(_ kind: String, _ members: [DocumentValue.Member]) -> KubernetesObject {
        let empty = DocumentReader.read(SourceText(name: "", bytes: Array("{}".utf8))).documents.first?.root
        guard let empty else { preconditionFailure("an empty object reads") }
        var editor = DocumentEditor(empty)
        let version = "\(AccessModel.group)/v1"
        editor.set(
            FieldPath(),
            .object([.init("apiVersion", .string(version)), .init("kind", .string(kind))] + members))
        return KubernetesObject(editor.finish(), apiVersion: version, kind: kind)
    }
}
