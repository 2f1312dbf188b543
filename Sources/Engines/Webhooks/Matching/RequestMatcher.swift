package import Documents
import Kubernetes

/// Whether something is so, is not, or cannot be told from what was seen.
package enum Certainty: Sendable, Hashable {
    case no, yes
    case unknown(String)
}

/// Which requests a webhook, a policy or a binding is about.
///
/// Standard: admissionregistration.k8s.io/v1, `RuleWithOperations`, `MatchResources`, and the selectors beside them.
package struct RequestMatcher: Sendable {
    private struct Rule: Sendable {
        var operations: [String]
        var groups: [String]
        var versions: [String]
        var resources: [String]
        var scope: String
        var names: [String]

        init(_ node: Node) {
            operations = node["operations"].strings
            groups = node["apiGroups"].strings
            versions = node["apiVersions"].strings
            resources = node["resources"].strings
            scope = node["scope"].string ?? "*"
            names = node["resourceNames"].strings
        }

        func matches(_ request: AdmittedRequest, isExact: Bool) -> Bool {
            func has(_ list: [String], _ value: String) -> Bool { list.contains("*") || list.contains(value) }
            guard has(operations, request.operation), has(groups, request.group) else { return false }
            // Requests of another version are converted first, unless the exact version is wanted.
            guard !isExact || has(versions, request.version) else { return false }
            // A Namespace is in no namespace itself.
            let isNamespaced = !request.namespace.isEmpty && !request.isNamespace
            guard scope == "*" || (scope == "Namespaced") == isNamespaced else { return false }
            guard names.isEmpty || names.contains(request.name) else { return false }
            return resources.contains { text in
                // `*` is every resource without subresources, `*/*` all of both, `pods/*` a pod and all below it.
                let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts[0] == "*" || parts[0] == request.resource else { return false }
                if parts.count == 1 { return request.subresource.isEmpty }
                return parts[1] == "*" || parts[1] == request.subresource
            }
        }
    }

    /// What requests it is about, for people: `CREATE, UPDATE of pods, deployments.apps`.
    package var summary: [String] {
        rules.map { rule in
            let names = rule.groups.flatMap { group in
                rule.resources.map { group.isEmpty || group == "*" ? $0 : "\($0).\(group)" }
            }
            var seen: Set<String> = []
            let told = names.filter { seen.insert($0).inserted }
            return "\(rule.operations.joined(separator: ", ")) of \(told.joined(separator: ", "))"
        }
    }

    /// Whether labels keep something out.
    package var isSelective: Bool { namespaces != nil || objects != nil }

    private let rules: [Rule]
    private let excluded: [Rule]
    private let namespaces: LabelSelector?
    private let objects: LabelSelector?
    private let isExact: Bool
    /// Whether a part without rules means every resource: in a binding it does.
    private let isOpen: Bool

    /// - Parameters:
    ///   - node: a webhook, or the `matchConstraints` or `matchResources` of a policy or binding.
    ///   - rules: the field that holds its rules.
    package init(_ node: Node, rules field: String, isOpen: Bool = false) {
        rules = node[field].elements.map(Rule.init)
        excluded = node["excludeResourceRules"].elements.map(Rule.init)
        namespaces = LabelSelector(node["namespaceSelector"]).flatMap { $0.isEmpty && $0.isValid ? nil : $0 }
        objects = LabelSelector(node["objectSelector"]).flatMap { $0.isEmpty && $0.isValid ? nil : $0 }
        isExact = node["matchPolicy"].equals("Exact")
        self.isOpen = isOpen
    }

    package func matches(_ request: AdmittedRequest) -> Certainty {
        guard (isOpen && rules.isEmpty) || rules.contains(where: { $0.matches(request, isExact: isExact) }) else {
            return .no
        }
        if excluded.contains(where: { $0.matches(request, isExact: isExact) }) { return .no }
        var doubt: String?
        if let namespaces, let selected = namespaceLabels(request, namespaces) {
            switch selected {
            case .labels(let labels): if !namespaces.matches(labels) { return .no }
            case .unseen(let what): doubt = what
            }
        }
        if let objects {
            if let labels = request.labels {
                // Either state of the object will do, or a label could be taken off to get past.
                if !labels.contains(where: { objects.matches($0) }) { return .no }
            } else {
                doubt = doubt ?? "the labels of the object are not known"
            }
        }
        return doubt.map(Certainty.unknown) ?? .yes
    }

    private enum Selected {
        case labels([String: String])
        case unseen(String)
    }

    /// The labels a namespace selector looks at; nil for what is in no namespace, which every selector takes.
    private func namespaceLabels(_ request: AdmittedRequest, _ selector: LabelSelector) -> Selected? {
        if request.isNamespace {
            return request.labels.map { .labels($0.first ?? [:]) }
                ?? .unseen("the labels of the namespace are not known")
        }
        guard !request.namespace.isEmpty else { return nil }
        if var labels = request.namespaceLabels {
            labels["kubernetes.io/metadata.name"] = request.namespace
            return .labels(labels)
        }
        // The server sets this label itself, so that it is known where nothing else is.
        let own = "kubernetes.io/metadata.name"
        let readsMore = selector.requirements.contains { $0.key != own }
        let labels = [own: request.namespace]
        let decided = LabelSelector(matchLabels: [:]).narrowed(to: selector.requirements.filter { $0.key == own })
        if !readsMore || !decided.matches(labels) { return .labels(labels) }
        return .unseen("the labels of namespace \"\(request.namespace)\" are not known")
    }
}

extension AdmittedRequest {
    fileprivate var isNamespace: Bool { group.isEmpty && resource == "namespaces" }
}

extension LabelSelector {
    fileprivate func narrowed(to requirements: [Requirement]) -> LabelSelector {
        var copy = self
        copy.requirements = requirements
        return copy
    }
}
