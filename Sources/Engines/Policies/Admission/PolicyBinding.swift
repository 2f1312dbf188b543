import Documents
import Kubernetes

/// Which objects a policy or a binding is about: `spec.matchConstraints`, `spec.matchResources`.
///
/// Standard: admissionregistration.k8s.io/v1, MatchResources.
struct ResourceMatch: Sendable {
    private struct Rule: Sendable {
        var groups: Set<String>
        var versions: Set<String>
        var resources: Set<String>
        var operations: Set<String>
        var scope: String
        var names: Set<String>

        init(_ node: Node) {
            groups = Set(node["apiGroups"].strings)
            versions = Set(node["apiVersions"].strings)
            resources = Set(node["resources"].strings)
            operations = Set(node["operations"].strings)
            scope = node["scope"].string ?? "*"
            names = Set(node["resourceNames"].strings)
        }

        func matches(_ object: KubernetesObject, _ resource: String, isEquivalent: Bool) -> Bool {
            guard groups.contains("*") || groups.contains(object.apiVersion.group) else { return false }
            // Versions of one group and resource are equivalent, unless the policy wants them exact.
            guard isEquivalent || versions.contains("*") || versions.contains(object.apiVersion.version) else {
                return false
            }
            guard operations.contains("*") || operations.contains("CREATE") || operations.contains("UPDATE") else {
                return false
            }
            guard scope == "*" || (scope == "Namespaced") == !object.namespace.isEmpty else { return false }
            guard names.isEmpty || names.contains(object.name) else { return false }
            return resources.contains("*") || resources.contains("*/*") || resources.contains(resource)
        }
    }

    private let rules: [Rule]
    private let excluded: [Rule]
    private let namespaces: LabelSelector?
    private let objects: LabelSelector?
    private let isEquivalent: Bool
    /// Whether it was left out, which matches everything in a binding.
    private let isAbsent: Bool

    init(_ node: Node) {
        rules = node["resourceRules"].elements.map(Rule.init)
        excluded = node["excludeResourceRules"].elements.map(Rule.init)
        namespaces = LabelSelector(node["namespaceSelector"])
        objects = LabelSelector(node["objectSelector"])
        isEquivalent = !node["matchPolicy"].equals("Exact")
        isAbsent = !node.isObject
    }

    func matches(_ object: KubernetesObject, _ resource: String, namespaceLabels: [String: String]?) -> Bool {
        if isAbsent { return true }
        if excluded.contains(where: { $0.matches(object, resource, isEquivalent: isEquivalent) }) { return false }
        let isNamed = rules.isEmpty || rules.contains { $0.matches(object, resource, isEquivalent: isEquivalent) }
        guard isNamed else { return false }
        if let objects, !objects.matches(object.labels) { return false }
        // What has no namespace is matched whatever the selector says, but for Namespaces, by their own labels.
        if let namespaces, !namespaces.isEmpty {
            if object.is("Namespace") { return namespaces.matches(object.labels) }
            if !object.namespace.isEmpty { return namespaces.matches(namespaceLabels ?? [:]) }
        }
        return true
    }
}

/// A ValidatingAdmissionPolicyBinding: where a policy holds, with which parameters, and what happens.
struct PolicyBinding: Sendable {
    let object: KubernetesObject
    let policy: String
    let actions: Set<String>
    let match: ResourceMatch
    private let parameters: Node

    init(_ object: KubernetesObject) {
        self.object = object
        let spec = object.node["spec"]
        policy = spec["policyName"].string ?? ""
        actions = Set(spec["validationActions"].strings)
        match = ResourceMatch(spec["matchResources"])
        parameters = spec["paramRef"]
    }

    enum Parameters {
        case none
        case found([KubernetesObject])
        /// Missing, and the binding says what then.
        case missing(isDenied: Bool)
    }

    /// The parameters for an object of a namespace.
    func parameters(of kind: Node, in inventory: Inventory, namespace: String) -> Parameters {
        guard kind.isObject, parameters.isObject else { return .none }
        let name = kind["kind"].string ?? ""
        let group = (kind["apiVersion"].string ?? "").split(separator: "/").dropLast().first.map(String.init) ?? ""
        let place = parameters["namespace"].string ?? namespace
        let candidates = inventory.objects(name, of: group).filter {
            $0.namespace.isEmpty || $0.namespace == place
        }
        let found: [KubernetesObject]
        if let wanted = parameters["name"].string {
            found = candidates.filter { $0.name == wanted }
        } else {
            let selector = LabelSelector(parameters["selector"])
            found = candidates.filter { selector?.matches($0.labels) ?? true }
        }
        if !found.isEmpty { return .found(found) }
        return .missing(isDenied: !parameters["parameterNotFoundAction"].equals("Allow"))
    }
}

extension KubernetesObject {
    /// The resource's name in the API: the kind in lower case and many.
    var resourceName: String {
        let word = kind.lowercased()
        if word == "endpoints" { return word }
        if word.hasSuffix("s") || word.hasSuffix("x") || word.hasSuffix("ch") { return word + "es" }
        if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
            return word.dropLast() + "ies"
        }
        return word + "s"
    }
}
