import Documents
package import Kubernetes

/// The roles and bindings a fresh API server makes for itself.
///
/// Source: `Resources/bootstrap-policy.json`, after `bootstrappolicy` of Kubernetes: the newest version whole, and for
/// each older one what differs from the version after it. What is in here is no finding where it stands unchanged; what
/// somebody added to it is.
package struct BootstrapPolicy: Sendable {
    struct Role: Sendable {
        var rules: [PolicyRule]
        /// Labels whose roles it takes in.
        var aggregates: [String]
    }

    struct Binding: Sendable {
        var role: RoleReference
        var subjects: Set<Subject>
    }

    private(set) var roles: [RoleReference: Role] = [:]
    private(set) var bindings: [ObjectReference: Binding] = [:]

    /// Minor version of Kubernetes whose facts these are.
    package private(set) var minor = 0
    private var ownLabels: [RoleReference: [String]] = [:]

    /// By minor version, oldest first.
    private static let versions: [BootstrapPolicy] = {
        let root = FactFile.root(PackageResources.bootstrap_policy_json, "bootstrap-policy.json")
        var policy = BootstrapPolicy()
        policy.take(root)
        var out = [policy]
        for older in root["older"].elements {
            policy.take(older)
            out.append(policy)
        }
        return out.reversed().map(\.filled)
    }()

    /// The newest version that is known.
    package static let current = versions[versions.count - 1]

    /// The facts of a minor version; of the nearest that is known where it is not, which `note` tells.
    package static func of(minor: Int?) -> BootstrapPolicy {
        guard let minor else { return current }
        return versions.first { $0.minor >= minor } ?? current
    }

    /// What to say where the facts are those of another version; nil where they fit.
    package static func note(minor: Int?) -> String? {
        guard let minor, of(minor: minor).minor != minor else { return nil }
        return """
            the roles that Kubernetes 1.\(minor) makes itself are not known; those of 1.\(of(minor: minor).minor) \
            are used, and what differs may be told as a finding
            """
    }

    /// The minor version that objects themselves tell, where nobody asked the server: that of the newest kubelet, since
    /// none is newer than its server. Nil where no node is among them.
    package static func minor(of nodes: some Sequence<KubernetesObject>) -> Int? {
        nodes.compactMap { node -> Int? in
            guard node.is("Node"), let text = node.node["status"]["nodeInfo"]["kubeletVersion"].string else {
                return nil
            }
            let parts = text.split(separator: ".")
            return parts.count > 1 && parts[0].hasSuffix("1") ? Int(parts[1].prefix(while: \.isNumber)) : nil
        }.max()
    }

    /// The rules a server of this version or an older one gave a role.
    ///
    /// A server that starts adds the rules that are missing and takes none away (RBAC auto-reconciliation), so that an
    /// upgraded cluster keeps those of the versions before.
    func rulesSoFar(of role: RoleReference) -> [PolicyRule] {
        var out: [PolicyRule] = []
        for version in Self.versions where version.minor <= minor { out += version.roles[role]?.rules ?? [] }
        return out
    }

    /// Likewise the subjects of a binding.
    package func subjectsSoFar(of binding: ObjectReference, to role: RoleReference) -> Set<Subject> {
        Self.versions.reduce(into: []) { out, version in
            guard version.minor <= minor, let own = version.bindings[binding], own.role == role else { return }
            out.formUnion(own.subjects)
        }
    }

    private init() {}

    /// Takes in a version, or what of an older one differs.
    private mutating func take(_ root: Documents.Node) {
        minor = Int((root["kubernetes"].string ?? "").split(separator: ".").last ?? "") ?? 0
        for absent in root["absent"].strings {
            let words = absent.split(separator: " ", maxSplits: 1).map(String.init)
            guard let kind = words.first, let path = words.last else { continue }
            let slash = path.firstIndex(of: "/")
            let namespace = slash.map { String(path[..<$0]) } ?? ""
            let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
            bindings[ObjectReference(group: AccessModel.group, kind: kind, namespace: namespace, name: name)] = nil
            if let kind = RoleReference.Kind(rawValue: kind) {
                roles[RoleReference(kind, namespace: namespace, name)] = nil
            }
        }
        for entry in root["roles"].elements {
            let reference = Self.role(entry["kind"], entry["namespace"], entry["name"].string ?? "")
            roles[reference] = Role(
                rules: entry["rules"].strings.map(Self.rule), aggregates: entry["aggregates"].strings)
            ownLabels[reference] = entry["labels"].strings
        }
        for entry in root["bindings"].elements {
            let namespace = entry["namespace"].string ?? ""
            let words = (entry["role"].string ?? "").split(separator: " ", maxSplits: 1).map(String.init)
            let kind = RoleReference.Kind(rawValue: words.first ?? "") ?? .clusterRole
            let subjects = entry["subjects"].strings.compactMap(Self.subject)
            bindings[
                ObjectReference(
                    group: AccessModel.group, kind: entry["kind"].string ?? "", namespace: namespace,
                    name: entry["name"].string ?? "")] = Binding(
                    role: RoleReference(kind, namespace: namespace, words.last ?? ""), subjects: Set(subjects))
        }
    }

    /// With the rules of the roles that take others in.
    private var filled: BootstrapPolicy {
        var out = self
        // admin takes in edit, edit takes in view: twice over is enough, and a third time changes nothing.
        for _ in 0..<3 {
            for (reference, role) in out.roles where !role.aggregates.isEmpty {
                var rules: [PolicyRule] = []
                for (other, labels) in ownLabels where !Set(labels).isDisjoint(with: role.aggregates) {
                    rules += out.roles[other]?.rules ?? []
                }
                out.roles[reference]?.rules = rules
            }
        }
        return out
    }

    package func rules(of role: RoleReference) -> [PolicyRule] { roles[role]?.rules ?? [] }

    /// The objects themselves, for a cluster of which only the rest is at hand.
    package var objects: [KubernetesObject] {
        var out: [KubernetesObject] = []
        for (reference, role) in roles.sorted(by: { $0.key < $1.key }) {
            let rules = role.rules.map(\.documentValue)
            out.append(
                Self.object(
                    reference.kind.rawValue, reference.namespace, reference.name, [.init("rules", .array(rules))])
            )
        }
        for (reference, binding) in bindings.sorted(by: { $0.key < $1.key }) {
            let subjects = binding.subjects.sorted().map(\.documentValue)
            out.append(
                Self.object(
                    reference.kind, reference.namespace, reference.name,
                    [
                        .init("roleRef", binding.role.documentValue), .init("subjects", .array(subjects)),
                    ]))
        }
        return out
    }

    private static func object(
        _ kind: String, _ namespace: String, _ name: String, _ members: [DocumentValue.Member]
    ) -> KubernetesObject {
        var metadata: [DocumentValue.Member] = [.init("name", .string(name))]
        if !namespace.isEmpty { metadata.append(.init("namespace", .string(namespace))) }
        return KubernetesObject.made(kind, [.init("metadata", .object(metadata))] + members)
    }

    /// Whether the server makes this role or binding itself.
    package func contains(_ reference: ObjectReference) -> Bool {
        if bindings[reference] != nil { return true }
        let kind: RoleReference.Kind = reference.kind == "Role" ? .role : .clusterRole
        return (reference.kind == "Role" || reference.kind == "ClusterRole")
            && roles[RoleReference(kind, namespace: reference.namespace, reference.name)] != nil
    }

    private static func role(_ kind: Documents.Node, _ namespace: Documents.Node, _ name: String) -> RoleReference {
        RoleReference(kind.equals("Role") ? .role : .clusterRole, namespace: namespace.string ?? "", name)
    }

    /// `get,list||pods,services||`
    private static func rule(_ text: String) -> PolicyRule {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map { part in
            part.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard parts.count == 5 else { return PolicyRule() }
        let resources = parts[2] == [""] ? [] : parts[2]
        return PolicyRule(
            verbs: parts[0], apiGroups: resources.isEmpty ? [] : parts[1], resources: resources,
            resourceNames: parts[3] == [""] ? [] : parts[3], nonResourceURLs: parts[4] == [""] ? [] : parts[4])
    }

    /// `Group system:masters`, `ServiceAccount kube-system/job-controller`
    private static func subject(_ text: String) -> Subject? {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let kind = Subject.Kind(rawValue: String(words[0])) else { return nil }
        guard kind == .serviceAccount, let slash = words[1].firstIndex(of: "/") else {
            return Subject(kind, String(words[1]))
        }
        let namespace = String(words[1][..<slash])
        return Subject(kind, namespace: namespace, String(words[1][words[1].index(after: slash)...]))
    }
}

/// A data file that is part of the program.
enum FactFile {
    static func root(_ bytes: [UInt8], _ name: String) -> Node {
        let read = DocumentReader.read(SourceText(name: name, bytes: bytes))
        guard let root = read.documents.first?.root, read.problems.isEmpty else {
            preconditionFailure("the embedded \(name) is part of the program and its test reads it")
        }
        return root
    }
}
