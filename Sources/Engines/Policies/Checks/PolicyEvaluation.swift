import Documents
package import Findings
package import Kubernetes

/// Judges objects by the ValidatingAdmissionPolicies found beside them, as the API server would at their next change.
package struct PolicyEvaluation: Sendable {
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?
    private let inventory: Inventory
    package let isCluster: Bool
    private let policies: [String: ValidatingPolicy]
    private let matches: [String: ResourceMatch]
    private let bindings: [PolicyBinding]
    private let namespaceLabels: [String: [String: String]]

    package init(_ inventory: Inventory, isCluster: Bool) {
        self.inventory = inventory
        self.isCluster = isCluster
        var policies: [String: ValidatingPolicy] = [:]
        var matches: [String: ResourceMatch] = [:]
        for object in inventory.objects("ValidatingAdmissionPolicy", of: Self.group) {
            policies[object.name] = ValidatingPolicy(object.node)
            matches[object.name] = ResourceMatch(object.node["spec"]["matchConstraints"])
        }
        self.policies = policies
        self.matches = matches
        bindings = inventory.objects("ValidatingAdmissionPolicyBinding", of: Self.group).map(PolicyBinding.init)
        var labels: [String: [String: String]] = [:]
        if !policies.isEmpty {
            for object in inventory.objects("Namespace") {
                labels[object.name] = object.labels
                labels[object.name]?["kubernetes.io/metadata.name"] = object.name
            }
        }
        namespaceLabels = labels
    }

    private static let group = "admissionregistration.k8s.io"

    package var rules: [Rule] { PolicyRules.all.filter { selected?.contains($0.id) ?? true } }

    /// Whether there is any policy to ask.
    package var isConcerned: Bool { !policies.isEmpty && !bindings.isEmpty }

    /// Kinds that, when one of them changes, may change what is said of any object.
    package static let kindsRead: Set<String> = [
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "Namespace",
    ]

    /// Kinds of the parameters that policies name.
    package var parameterKinds: Set<String> {
        Set(policies.values.compactMap { $0.node["spec"]["paramKind"]["kind"].string })
    }

    /// Groups of policy engines whose languages are not spoken here.
    private static let others: [String: String] = [
        "kyverno.io": "Kyverno", "policies.kyverno.io": "Kyverno", "constraints.gatekeeper.sh": "Gatekeeper",
        "templates.gatekeeper.sh": "Gatekeeper", "policies.kubewarden.io": "Kubewarden",
    ]

    /// What the policies say of one object, and what is to be said of a policy itself.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        if object.apiVersion.group == Self.group { judge(policyObject: object, &findings, &coverage) }
        if let engine = Self.others[object.apiVersion.group], wants(PolicyRules.otherEngine) {
            coverage.notObservable += 1
            findings.append(
                finding(
                    PolicyRules.otherEngine, object, .notObservable,
                    [Evidence(node: object.metadata, message: "a policy of \(engine), which is not evaluated")]))
        }
        guard isConcerned, object.controller == nil else { return (findings, coverage) }
        judge(object, &findings, &coverage)
        return (findings, coverage)
    }

    private func wants(_ rule: Rule) -> Bool { selected?.contains(rule.id) ?? true }

    private func finding(
        _ rule: Rule, _ object: KubernetesObject, _ outcome: Outcome, _ evidence: [Evidence], severity: Severity? = nil
    ) -> Finding {
        Finding(
            rule: rule, severity: outcome == .fail ? severity : nil, outcome: outcome, subject: object.reference,
            file: object.file, evidence: evidence, origin: ObjectOrigin(object))
    }

    // MARK: Objects

    private func judge(_ object: KubernetesObject, _ findings: inout [Finding], _ coverage: inout Coverage) {
        var violations: [Evidence] = []
        var failures: [Evidence] = []
        var severity = Severity.info
        var wasAsked = false
        let stored = object.defaulted()
        let resource = object.resourceName
        for binding in bindings {
            guard let policy = policies[binding.policy], policy.defects.isEmpty,
                matches[binding.policy]?.matches(object, resource, namespaceLabels: namespaceLabels[object.namespace])
                    ?? false,
                binding.match.matches(object, resource, namespaceLabels: namespaceLabels[object.namespace])
            else { continue }
            wasAsked = true
            let own: Severity =
                binding.actions.contains("Deny") ? .high : binding.actions.contains("Warn") ? .medium : .low
            let parameters = binding.parameters(
                of: policy.node["spec"]["paramKind"], in: inventory, namespace: object.namespace)
            let given: [CELValue]
            switch parameters {
            case .none: given = [.null]
            case .found(let objects): given = objects.map { CELValue($0.node) }
            case .missing(let isDenied):
                if isDenied {
                    failures.append(
                        Evidence(
                            node: object.metadata,
                            message:
                                "policy \(policy.name): its parameters for binding \(binding.object.name) are missing")
                    )
                }
                continue
            }
            for parameter in given {
                let decision = policy.decide(input(stored, parameter, resource))
                for denial in decision.denials {
                    let evidence = Evidence(
                        node: object.metadata, message: "policy \(policy.name): \(denial.message)",
                        object: binding.object.reference)
                    if denial.isError { failures.append(evidence) } else { violations.append(evidence) }
                }
                if decision.verdict == .fail { severity = max(severity, own) }
            }
        }
        guard wasAsked else { return }
        note(PolicyRules.violated, .fail, violations, severity, object, &findings, &coverage)
        note(PolicyRules.unevaluated, .notObservable, failures, nil, object, &findings, &coverage)
    }

    private func note(
        _ rule: Rule, _ outcome: Outcome, _ evidence: [Evidence], _ severity: Severity?, _ object: KubernetesObject,
        _ findings: inout [Finding], _ coverage: inout Coverage
    ) {
        guard wants(rule) else { return }
        if evidence.isEmpty {
            coverage.passed += 1
            return
        }
        if outcome == .fail { coverage.failed += 1 } else { coverage.notObservable += 1 }
        findings.append(finding(rule, object, outcome, evidence, severity: severity))
    }

    private func input(_ object: KubernetesObject, _ parameter: CELValue, _ resource: String) -> AdmissionInput {
        var namespace = CELValue.null
        if !object.namespace.isEmpty {
            let found = inventory.objects("Namespace").first { $0.name == object.namespace }
            namespace = found.map { CELValue($0.node) } ?? Self.namespace(object.namespace)
        }
        return AdmissionInput(
            object: CELValue(object.node), params: parameter, namespaceObject: namespace,
            request: Self.request(object, resource))
    }

    /// A namespace of which only the name is known.
    private static func namespace(_ name: String) -> CELValue {
        var labels = CELEntries()
        labels.insert(.string(name), for: .string("kubernetes.io/metadata.name"))
        var metadata = CELEntries()
        metadata.insert(.string(name), for: .string("name"))
        metadata.insert(.map(.entries(labels)), for: .string("labels"))
        var object = CELEntries()
        object.insert(.map(.entries(metadata)), for: .string("metadata"))
        return .map(.entries(object))
    }

    /// The request that would create the object; who makes it is not known, so that nothing is said of a user.
    private static func request(_ object: KubernetesObject, _ resource: String) -> CELValue {
        func map(_ pairs: [(String, String)]) -> CELValue {
            var entries = CELEntries()
            for (key, value) in pairs { entries.insert(.string(value), for: .string(key)) }
            return .map(.entries(entries))
        }
        let group = object.apiVersion.group
        let version = object.apiVersion.version
        var request = CELEntries()
        request.insert(.string("CREATE"), for: .string("operation"))
        request.insert(.string(object.name), for: .string("name"))
        request.insert(.string(object.namespace), for: .string("namespace"))
        request.insert(.bool(false), for: .string("dryRun"))
        let kind = map([("group", group), ("version", version), ("kind", object.kind)])
        let names = map([("group", group), ("version", version), ("resource", resource)])
        request.insert(kind, for: .string("kind"))
        request.insert(kind, for: .string("requestKind"))
        request.insert(names, for: .string("resource"))
        request.insert(names, for: .string("requestResource"))
        return .map(.entries(request))
    }

    // MARK: Policies

    private func judge(
        policyObject object: KubernetesObject, _ findings: inout [Finding], _ coverage: inout Coverage
    ) {
        switch object.kind {
        case "ValidatingAdmissionPolicy":
            coverage.objects = 1
            let policy = policies[object.name] ?? ValidatingPolicy(object.node)
            let defects = policy.defects.map { Evidence(node: object.node[$0.path], message: $0.message) }
            note(PolicyRules.defective, .fail, defects, .high, object, &findings, &coverage)
            // A folder may hold policies whose bindings are kept elsewhere.
            guard isCluster else { return }
            let isBound = bindings.contains { $0.policy == object.name }
            let idle = isBound ? [] : [Evidence(node: object.metadata, message: "no binding names it")]
            note(PolicyRules.idle, .fail, idle, .medium, object, &findings, &coverage)
        case "ValidatingAdmissionPolicyBinding":
            coverage.objects = 1
            guard isCluster else { return }
            let name = object.node["spec"]["policyName"]
            let idle =
                policies[name.string ?? ""] == nil
                ? [Evidence(node: name, message: "there is no policy \"\(name.string ?? "")\"")] : []
            note(PolicyRules.idle, .fail, idle, .medium, object, &findings, &coverage)
        default: break
        }
    }
}
