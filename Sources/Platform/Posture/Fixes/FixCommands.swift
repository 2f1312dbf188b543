package import Documents
import Kubernetes

/// A fix in the forms other tools take.
extension VerifiedFix {
    /// The command for a live cluster; nil where kubectl has no single one (`way` says why).
    ///
    /// `context` is the kubeconfig context the object was read from.
    package func kubectl(context: String? = nil) -> String? {
        let cluster = context.map { " --context \(Shell.quoted($0))" } ?? ""
        let flags = cluster + (object.namespace.isEmpty ? "" : " -n \(Shell.quoted(object.namespace))")
        let target = "\(resource) \(Shell.quoted(object.name))"
        let json = Shell.quoted(patch.json())
        if way == .patch { return "kubectl patch \(target)\(flags) --type=json -p \(json)" }
        guard object.is("Pod"), object.controller == nil else { return nil }
        return "kubectl get \(target)\(flags) -o json | kubectl patch --local -f - --type=json -p \(json) -o json"
            + " | kubectl replace --force\(cluster) -f -"
    }

    /// `deployment.v1.apps`: names one kind, whatever others have the same name.
    private var resource: String {
        let version = object.apiVersion
        let kind = object.kind.lowercased()
        return version.group.isEmpty ? kind : "\(kind).\(version.version).\(version.group)"
    }

    /// An entry of a kustomization's `patches` with a strategic merge patch; a JSON patch where that has no words
    /// for it (custom resources, removals from lists).
    package var kustomize: DocumentValue {
        guard let strategic else { return kustomizeJSON }
        return ["patch": .string(strategic.yaml)]
    }

    /// An entry of a kustomization's `patches` with a JSON patch and its target.
    package var kustomizeJSON: DocumentValue {
        var target: [DocumentValue.Member] = []
        if !object.apiVersion.group.isEmpty { target.append(.init("group", .string(object.apiVersion.group))) }
        target.append(.init("version", .string(object.apiVersion.version)))
        target.append(.init("kind", .string(object.kind)))
        if !object.namespace.isEmpty { target.append(.init("namespace", .string(object.namespace))) }
        target.append(.init("name", .string(object.name)))
        let operations = patch.operations.map { operation -> DocumentValue in
            var members: [DocumentValue.Member] = [
                .init("op", .string(operation.kind.rawValue)), .init("path", .string(operation.path.pointer)),
            ]
            if let value = operation.value { members.append(.init("value", value)) }
            return .object(members)
        }
        return ["target": .object(target), "patch": .string(DocumentValue.array(operations).yaml)]
    }

    /// The strategic merge patch; nil where there is none.
    package var strategic: DocumentValue? {
        let groups: Set<String> = ["", "apps", "batch"]
        guard groups.contains(object.apiVersion.group), !object.name.isEmpty else { return nil }
        var tree = StrategicPatch()
        for step in steps {
            guard tree.add(step.operation, object.node) else { return nil }
        }
        var metadata: [DocumentValue.Member] = [.init("name", .string(object.name))]
        if !object.namespace.isEmpty { metadata.append(.init("namespace", .string(object.namespace))) }
        return .object(
            [
                .init("apiVersion", .string(object.apiVersion.description)), .init("kind", .string(object.kind)),
                .init("metadata", .object(metadata)),
            ] + tree.members)
    }
}

/// Builds the tree of a strategic merge patch: elements of lists by their name.
private struct StrategicPatch {
    var members: [DocumentValue.Member] = []

    /// False where the operation has no such form.
    mutating func add(_ operation: PatchOperation, _ root: Node) -> Bool {
        guard operation.kind != .test, let first = operation.path.elements.first, case .key = first else {
            return false
        }
        if operation.kind == .remove, case .index = operation.path.last { return false }
        var value = DocumentValue.object(members)
        let done = Self.merge(
            &value, operation.path.elements[...], root, operation.kind == .remove ? .null : operation.value ?? .null)
        guard done, case .object(let merged) = value else { return false }
        members = merged
        return true
    }

    /// Lists whose elements Kubernetes merges by name.
    private static let named: Set<String> = ["containers", "initContainers", "volumes", "env"]

    private static func merge(
        _ value: inout DocumentValue, _ path: ArraySlice<FieldPath.Element>, _ node: Node, _ leaf: DocumentValue
    ) -> Bool {
        guard let first = path.first else {
            value = leaf
            return true
        }
        guard case .key(let key) = first else { return false }
        var members: [DocumentValue.Member] = []
        if case .object(let present) = value { members = present }
        let index = members.firstIndex { $0.key == key } ?? members.count
        if index == members.count { members.append(.init(key, .null)) }
        if case .index(let position) = path.dropFirst().first {
            guard named.contains(key), let name = node[key][position]["name"].string else { return false }
            var elements: [DocumentValue] = []
            if case .array(let present) = members[index].value { elements = present }
            let tag = DocumentValue.Member("name", .string(name))
            let slot = elements.firstIndex { if case .object(let own) = $0 { own.first == tag } else { false } }
            var element = slot.map { elements[$0] } ?? .object([tag])
            guard path.count > 2, merge(&element, path.dropFirst(2), node[key][position], leaf) else { return false }
            if let slot { elements[slot] = element } else { elements.append(element) }
            members[index].value = .array(elements)
        } else {
            guard merge(&members[index].value, path.dropFirst(), node[key], leaf) else { return false }
        }
        value = .object(members)
        return true
    }
}

/// Words on a command line.
package enum Shell {
    /// In single quotes where it needs any.
    package static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || "-_./:=@%+,".utf8.contains(byte)
        }
        if plain, !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// A whole kustomization's `patches`, as YAML.
package enum KustomizePatches {
    package static func text(_ fixes: [VerifiedFix], json: Bool = false) -> String {
        let entries = fixes.filter { !$0.isEmpty }.map { json ? $0.kustomizeJSON : $0.kustomize }
        return entries.isEmpty ? "" : (["patches": .array(entries)] as DocumentValue).yaml
    }
}
