package import Documents
package import Findings
package import Kubernetes

/// How a value that stands in plain sight becomes a Secret: the patches, in which order they go, and the way back.
///
/// The value itself is in none of it. The commands carry it from where it stands to where it belongs without showing
/// it; what was readable once is to be rotated all the same.
package struct SecretExtraction: Sendable {
    /// Where the value goes.
    package enum Destination: Sendable, Hashable {
        /// A Secret that holds it.
        case secret
        /// A secret manager, from which the External Secrets Operator fetches it.
        case external(store: String, storeKind: String, remoteKey: String, property: String?)
    }

    package struct Step: Sendable, Hashable {
        package var title: String
        /// What a person types; nothing in it is the value.
        package var command: String
        /// What is applied, as YAML; empty where the command is all.
        package var manifest: String
    }

    /// A change of one object.
    package struct Change: Sendable {
        package var key: ObjectKey
        package var object: KubernetesObject
        package var patch: JSONPatch
        package var patched: KubernetesObject
    }

    package let secretName: String
    package let secretKey: String
    package let destination: Destination
    package private(set) var changes: [Change] = []
    /// In the order in which they have to be done.
    package private(set) var steps: [Step] = []
    package private(set) var rollback: [Step] = []
    package private(set) var closed: [Finding] = []
    package private(set) var opened: [Finding] = []
    /// What a person has to know or to decide.
    package private(set) var cautions: [String] = []

    /// Whether it was tried on a copy and leaves things better: the places are gone, and nothing as bad came up.
    package var isVerified: Bool {
        guard changes.allSatisfy({ change in change.patched.node[change.valuePath].isNull }) else { return false }
        let worst = closed.map(\.severity).max() ?? .medium
        return opened.allSatisfy { $0.severity < worst }
    }

    /// Nil where the field holds no plain value that can be moved: neither `env[n].value` of a container nor an entry of
    /// a ConfigMap's `data`.
    ///
    /// - Parameters:
    ///   - evaluation: what judges the objects before and after; detection belongs in it.
    package init?(
        of path: FieldPath, in object: KubernetesObject, key: ObjectKey, inventory: Inventory,
        destination: Destination = .secret, name: String? = nil, evaluation: FixEvaluation
    ) {
        let node = object.node[path]
        guard node.string != nil || node.kind == .number || node.kind == .bool else { return nil }
        let elements = path.elements
        self.destination = destination
        if elements.count >= 3, elements.last == .key("value"), case .index = elements[elements.count - 2],
            elements[elements.count - 3] == .key("env")
        {
            let entry = object.node[path.parent]
            guard let variable = entry["name"].string, !variable.isEmpty, !(node.string ?? "").contains("$(") else {
                return nil
            }
            secretKey = Self.validKey(variable)
            secretName = Self.freeName(name ?? Self.name(object.name, variable), object.namespace, inventory)
            let reference = Self.reference(secretName, secretKey)
            let patch = JSONPatch([
                PatchOperation(.remove, path),
                PatchOperation(.add, path.parent.appending("valueFrom"), ["secretKeyRef": reference]),
            ])
            guard let patched = patch.applied(to: object.node) else { return nil }
            changes = [Change(key: key, object: object, patch: patch, patched: object.with(patched))]
        } else if object.is("ConfigMap"), elements.count == 2, elements[0] == .key("data"),
            case .key(let own) = elements[1]
        {
            secretKey = Self.validKey(own)
            secretName = Self.freeName(name ?? Self.name(object.name, own), object.namespace, inventory)
            moveConfigMapEntry(own, object, key, inventory)
            let patch = JSONPatch([PatchOperation(.remove, path)])
            guard let patched = patch.applied(to: object.node) else { return nil }
            changes.append(Change(key: key, object: object, patch: patch, patched: object.with(patched)))
        } else {
            return nil
        }
        judge(inventory, evaluation)
        plan(path, object)
    }

    // MARK: Patches

    /// Points the variables of workloads that take a ConfigMap's entry at the Secret.
    private mutating func moveConfigMapEntry(
        _ own: String, _ map: KubernetesObject, _ key: ObjectKey, _ inventory: Inventory
    ) {
        for other in inventory.keys(in: map.namespace) where other != key {
            guard let object = inventory[other], object.controller == nil else { continue }
            var operations: [PatchOperation] = []
            for template in object.podTemplates {
                for container in template.spec.allContainers {
                    let environment = container.node["env"]
                    for entry in environment.elements {
                        let source = entry["valueFrom"]["configMapKeyRef"]
                        guard source["name"].string == map.name, source["key"].string == own else { continue }
                        operations.append(
                            PatchOperation(
                                .replace, entry["valueFrom"].path,
                                ["secretKeyRef": Self.reference(secretName, secretKey)]))
                    }
                    for source in container.node["envFrom"].elements
                    where source["configMapRef"]["name"].string == map.name {
                        // A variable of its own stands over one that comes with all the others.
                        let variable = (source["prefix"].string ?? "") + own
                        guard !environment.elements.contains(where: { $0["name"].string == variable }) else { continue }
                        operations.append(
                            PatchOperation(
                                .add, environment.path.appending(environment.count),
                                [
                                    "name": .string(variable),
                                    "valueFrom": ["secretKeyRef": Self.reference(secretName, secretKey)],
                                ]))
                    }
                }
                for volume in template.spec.volumes where volume.node["configMap"]["name"].string == map.name {
                    cautions.append(
                        "\(object.reference) mounts the ConfigMap as volume \"\(volume.name)\": mount the Secret beside it "
                            + "and let the program read the value there")
                }
            }
            guard !operations.isEmpty else { continue }
            let patch = JSONPatch(operations)
            guard let patched = patch.applied(to: object.node) else { continue }
            changes.append(Change(key: other, object: object, patch: patch, patched: object.with(patched)))
        }
    }

    private static func reference(_ name: String, _ key: String) -> DocumentValue {
        ["name": .string(name), "key": .string(key)]
    }

    // MARK: Verification

    private mutating func judge(_ inventory: Inventory, _ evaluation: FixEvaluation) {
        let keys = changes.map(\.key)
        let before = evaluation.findings(inventory, keys).filter { $0.outcome == .fail }
        var copy = inventory
        for change in changes { copy.replace(change.key, with: change.patched) }
        let after = evaluation.findings(copy, keys).filter { $0.outcome == .fail }
        func places(_ findings: [Finding]) -> Set<String> {
            Set(findings.flatMap { finding in finding.evidence.map { "\(finding.fingerprint) \($0.path)" } })
        }
        let (old, new) = (places(before), places(after))
        closed = before.filter { finding in
            finding.evidence.contains { !new.contains("\(finding.fingerprint) \($0.path)") }
        }
        opened = after.filter { finding in
            finding.evidence.contains { !old.contains("\(finding.fingerprint) \($0.path)") }
        }
        for finding in opened {
            cautions.append("\(finding.rule.id) then says: \(finding.rule.title)")
        }
    }

    // MARK: The plan

    private mutating func plan(_ path: FieldPath, _ object: KubernetesObject) {
        let place = object.namespace.isEmpty ? "" : " -n \(Shell.quoted(object.namespace))"
        let isLive = object.file.isEmpty
        let kind = Shell.quoted(object.kind.lowercased())
        let source =
            isLive
            ? "kubectl get \(kind) \(Shell.quoted(object.name))\(place) -o jsonpath=\(Shell.quoted("{.\(Self.jsonPath(path))}"))"
            : "cat FILE-WITH-ONLY-THE-VALUE"
        switch destination {
        case .secret:
            steps.append(
                Step(
                    title: "Make the Secret; the value goes through a pipe and is not shown",
                    command:
                        "\(source) | kubectl create secret generic \(secretName)\(place) --from-file=\(secretKey)=/dev/stdin",
                    manifest: ""))
        case .external(let store, let storeKind, let remoteKey, let property):
            steps.append(
                Step(
                    title: "Put the value into the secret manager under \(remoteKey)",
                    command:
                        "\(source) | vault kv put \(Shell.quoted(remoteKey)) \(Shell.quoted("\(property ?? "value")=-"))",
                    manifest: ""))
            var remote: [DocumentValue.Member] = [.init("key", .string(remoteKey))]
            if let property { remote.append(.init("property", .string(property))) }
            var metadata: [DocumentValue.Member] = [.init("name", .string(secretName))]
            if !object.namespace.isEmpty { metadata.append(.init("namespace", .string(object.namespace))) }
            let manifest: DocumentValue = [
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": .object(metadata),
                "spec": [
                    "refreshInterval": "1h", "secretStoreRef": ["name": .string(store), "kind": .string(storeKind)],
                    "target": ["name": .string(secretName), "creationPolicy": "Owner"],
                    "data": [["secretKey": .string(secretKey), "remoteRef": .object(remote)]],
                ],
            ]
            steps.append(
                Step(
                    title: "Let the operator fetch it, and wait until it has",
                    command: "kubectl wait --for=condition=Ready externalsecret/\(secretName)\(place) --timeout=2m",
                    manifest: manifest.yaml))
        }
        for change in changes {
            let inPlace = change.object.namespace.isEmpty ? "" : " -n \(Shell.quoted(change.object.namespace))"
            let name = Shell.quoted("\(change.object.kind.lowercased())/\(change.object.name)")
            let isMap = change.object.is("ConfigMap")
            let patch = change.patch.normalized(for: change.object.node).json()
            steps.append(
                Step(
                    title: isMap
                        ? "Take the entry out of \(change.object.reference), once all pods run with the Secret"
                        : "Point \(change.object.reference) at the Secret",
                    command: change.object.file.isEmpty
                        ? "kubectl patch \(name)\(inPlace) --type=json -p \(Shell.quoted(patch))"
                        : "change \(change.object.file)",
                    manifest: change.object.file.isEmpty ? "" : patch))
            if ["Deployment", "StatefulSet", "DaemonSet"].contains(change.object.kind) {
                steps.append(
                    Step(
                        title: "Wait until the new pods run", command: "kubectl rollout status \(name)\(inPlace)",
                        manifest: ""))
                rollback.append(
                    Step(
                        title: "Go back to the pods before", command: "kubectl rollout undo \(name)\(inPlace)",
                        manifest: ""))
            } else if !isMap {
                rollback.append(
                    Step(
                        title: "Put \(change.object.reference) back as it was",
                        command: change.object.file.isEmpty
                            ? "kubectl apply -f the manifest it came from"
                            : "git checkout -- \(Shell.quoted(change.object.file))",
                        manifest: ""))
            } else {
                rollback.append(
                    Step(
                        title: "Put the entry back into \(change.object.reference)",
                        command: change.object.file.isEmpty
                            ? "kubectl apply -f the manifest it came from"
                            : "git checkout -- \(Shell.quoted(change.object.file))",
                        manifest: ""))
            }
        }
        steps.append(
            Step(
                title: "Rotate the value: it was readable in the manifest, in etcd, in backups and in version control",
                command: "", manifest: ""))
        let made = if case .secret = destination { "secret" } else { "externalsecret" }
        rollback.append(
            Step(
                title: "Take the new object away, once nothing names it",
                command: "kubectl delete \(made) \(secretName)\(place)", manifest: ""))
        if object.metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].exists {
            cautions.append("the annotation last-applied-configuration still holds the old value until the next apply")
        }
        if object.is("Pod") || object.is("Job", of: "batch") {
            cautions.append("a \(object.kind) cannot be changed while it is there: delete it and create it anew")
        }
    }

    private static func jsonPath(_ path: FieldPath) -> String {
        var out = ""
        for element in path.elements {
            switch element {
            case .index(let index): out += "[\(index)]"
            case .key(let key):
                let plain = key.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "\\.")
                out += out.isEmpty ? plain : ".\(plain)"
            }
        }
        return out
    }

    // MARK: Names

    /// A key of a Secret: letters, digits, `-`, `_`, `.`.
    private static func validKey(_ text: String) -> String {
        let key = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
        return key.isEmpty ? "value" : key
    }

    /// A name of an object: RFC 1123, lower case, at most 253 letters.
    private static func name(_ owner: String, _ variable: String) -> String {
        let raw = "\(owner)-\(variable)".lowercased().map { character -> Character in
            character.isASCII && (character.isLetter || character.isNumber) ? character : "-"
        }
        var name = String(raw.prefix(200))
        while name.hasPrefix("-") { name.removeFirst() }
        while name.hasSuffix("-") { name.removeLast() }
        return name.isEmpty ? "secret" : name
    }

    private static func freeName(_ wanted: String, _ namespace: String, _ inventory: Inventory) -> String {
        var name = wanted
        var number = 2
        while inventory[ObjectKey(ObjectReference(group: "", kind: "Secret", namespace: namespace, name: name))] != nil
        {
            name = "\(wanted)-\(number)"
            number += 1
        }
        return name
    }
}

extension SecretExtraction.Change {
    /// Where the plain value stood.
    fileprivate var valuePath: FieldPath {
        patch.operations.first { $0.kind == .remove }?.path ?? FieldPath(["absent"].map { .key($0) })
    }
}
