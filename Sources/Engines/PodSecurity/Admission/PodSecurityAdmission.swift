package import Documents
import Kubernetes

/// The admission plug-in: every decision the API server's own makes, as a function.
///
/// Source: kubernetes/pod-security-admission. What the plug-in asks the API server for comes in as arguments; it has no
/// time limit of its own, so only the number of pods bounds the look at a namespace.
package struct PodSecurityAdmission: Sendable {
    /// What is known of the namespace a request is in.
    package enum NamespaceLookup: Sendable {
        case found(labels: [String: String])
        case failed(String)
    }

    package let configuration: PodSecurityConfiguration
    package let evaluator: PodSecurityEvaluator
    /// Pods looked at when a namespace changes its level.
    package let maximumPods: Int

    package init(
        configuration: PodSecurityConfiguration = PodSecurityConfiguration(),
        evaluator: PodSecurityEvaluator = PodSecurityEvaluator(), maximumPods: Int = 3000
    ) {
        self.configuration = configuration
        self.evaluator = evaluator
        self.maximumPods = maximumPods
    }

    /// Decides on a request.
    ///
    /// `pods` are those of the namespace, asked for only when it changes its level; nil where they could not be listed.
    package func respond(
        to request: AdmissionRequest, namespace: @autoclosure () -> NamespaceLookup, pods: @autoclosure () -> [Node]?
    ) -> AdmissionResponse {
        if request.resourceGroup.isEmpty, request.resource == "namespaces" { return reviewNamespace(request, pods) }
        if request.resourceGroup.isEmpty, request.resource == "pods" { return reviewPod(request, namespace) }
        return reviewController(request, namespace)
    }

    // MARK: Namespaces

    private func reviewNamespace(_ request: AdmissionRequest, _ pods: () -> [Node]?) -> AdmissionResponse {
        guard request.subresource.isEmpty else { return .allowed(request) }
        guard request.object.isObject, request.object["kind"].isAbsent(orEquals: "Namespace") else {
            return .badRequest(request, "failed to decode namespace")
        }
        let labels = request.object["metadata"]["labels"].stringMap
        var errors: [LabelError] = []
        let policy = NamespacePolicy(labels: labels, defaults: configuration.defaults, errors: &errors)
        switch request.operation {
        case .create:
            guard errors.isEmpty else { return .invalid(request, errors) }
            return exempted(request, policy, labels) ?? .allowed(request)
        case .update:
            guard request.oldObject.isObject else { return .badRequest(request, "failed to decode  old namespace") }
            var oldErrors: [LabelError] = []
            let old = NamespacePolicy(
                labels: request.oldObject["metadata"]["labels"].stringMap, defaults: configuration.defaults,
                errors: &oldErrors)
            // Labels that were wrong before may stay so, or nobody could ever change such a namespace.
            guard errors.isEmpty || errors == oldErrors else { return .invalid(request, errors) }
            let isStricter =
                policy.enforce.version != old.enforce.version || policy.enforce.level > old.enforce.level
            guard policy.enforce.level != .privileged, isStricter else { return .allowed(request) }
            if configuration.isExempt(namespace: request.namespace) {
                return exempted(request, policy, labels) ?? .allowed(request)
            }
            var response = AdmissionResponse.allowed(request)
            let name = request.object["metadata"]["name"].string ?? ""
            response.warnings = warnings(of: pods(), in: name, policy.enforce)
            return response
        default: return .allowed(request)
        }
    }

    /// A warning that labels on an exempt namespace do nothing; nil where there is none to give.
    private func exempted(
        _ request: AdmissionRequest, _ policy: NamespacePolicy, _ labels: [String: String]
    ) -> AdmissionResponse? {
        guard configuration.isExempt(namespace: request.namespace), !policy.isFullyPrivileged,
            !policy.isEquivalent(to: configuration.defaults)
        else { return nil }
        let set = PodSecurityMode.allCases.filter { mode in
            policy[mode].level != .privileged
                && (labels[mode.levelLabel] != nil || labels[mode.versionLabel] != nil)
        }
        let text = set.map { "\($0.rawValue)=\(policy[$0])" }.joined(separator: ", ")
        let name = GoText.quoted(request.object["metadata"]["name"].string ?? "")
        var response = AdmissionResponse.allowed(request)
        response.warnings = [
            "namespace \(name) is exempt from Pod Security, and the policy (\(text)) will be ignored"
        ]
        return response
    }

    /// What the pods already there would break: a line for each distinct set of reasons.
    private func warnings(of pods: [Node]?, in namespace: String, _ policy: LevelVersion) -> [String] {
        guard let pods else { return ["failed to list pods while checking new PodSecurity enforce level"] }
        let all = prioritized(pods)
        let checked = all.prefix(maximumPods)
        var found: [(reason: String, names: [String])] = []
        for pod in checked {
            let input = PodSecurityInput(PodSpec(pod["spec"], metadata: pod["metadata"]))
            let verdict = evaluator.evaluate(input, policy)
            guard !verdict.violations.isEmpty else { continue }
            let name = pod["metadata"]["name"].string ?? ""
            if let index = found.firstIndex(where: { $0.reason == verdict.reason }) {
                found[index].names.append(name)
            } else {
                found.append((verdict.reason, [name]))
            }
        }
        var out: [String] = []
        if checked.count < all.count {
            out.append(
                "new PodSecurity enforce level only checked against the first \(checked.count) of \(all.count) "
                    + "existing pods")
        }
        guard !found.isEmpty else { return out }
        out.append(
            "existing pods in namespace \(GoText.quoted(namespace)) violate the new PodSecurity enforce level "
                + GoText.quoted(policy.description))
        return out
            + GoText.sorted(
                found.map { group in
                    let others = group.names.count - 1
                    let first = GoText.sorted(group.names)[0]
                    let more = others == 0 ? "" : " (and \(others) other \(GoText.plural("pod", others)))"
                    return "\(first)\(more): \(group.reason)"
                })
    }

    /// One pod of each controller first, so that a namespace of thousands is judged by its variety; pods of exempt
    /// runtime classes not at all.
    private func prioritized(_ pods: [Node]) -> [Node] {
        var first: [Node] = []
        var replicas: [Node] = []
        var seen: Set<String> = []
        for pod in pods where !configuration.isExempt(runtimeClass: pod["spec"]["runtimeClassName"]) {
            let owners = pod["metadata"]["ownerReferences"].elements
            guard let controller = owners.first(where: { $0["controller"].bool == true }) else {
                first.append(pod)
                continue
            }
            if seen.insert(controller["uid"].string ?? "").inserted { first.append(pod) } else { replicas.append(pod) }
        }
        return first + replicas
    }

    // MARK: Pods

    /// Subresources that carry no pod; any other is taken for one, so that what is new fails safe.
    private static let ignoredSubresources: Set<String> = [
        "exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
    ]

    private func reviewPod(_ request: AdmissionRequest, _ namespace: () -> NamespaceLookup) -> AdmissionResponse {
        if Self.ignoredSubresources.contains(request.subresource) { return .allowed(request) }
        if configuration.isExempt(namespace: request.namespace) { return .exempt(request, "namespace") }
        if configuration.isExempt(username: request.username) { return .exempt(request, "user") }
        let labels: [String: String]
        switch namespace() {
        case .found(let found): labels = found
        case .failed(let why):
            return .internalError(request, "failed to lookup namespace \(GoText.quoted(request.namespace))", why)
        }
        var errors: [LabelError] = []
        let policy = NamespacePolicy(labels: labels, defaults: configuration.defaults, errors: &errors)
        if errors.isEmpty, policy.isFullyPrivileged {
            var response = AdmissionResponse.allowed(request)
            response.auditAnnotations = ["enforce-policy": LevelVersion(.privileged).description]
            return response
        }
        let pod = request.object
        guard pod.isObject, pod["kind"].isAbsent(orEquals: "Pod") else {
            return .badRequest(request, "failed to decode pod")
        }
        let input = PodSecurityInput(PodSpec(pod["spec"], metadata: pod["metadata"]))
        if let problem = input.problems.first {
            return .badRequest(request, "failed to decode object", problem.reason)
        }
        if request.operation == .update {
            let old = request.oldObject
            guard old.isObject else { return .badRequest(request, "failed to decode old pod") }
            if !PodUpdate.isSignificant(from: old["spec"], to: pod["spec"]) { return .allowed(request) }
        }
        return review(request, input, policy, errors, enforces: true)
    }

    // MARK: What makes pods

    private func reviewController(_ request: AdmissionRequest, _ namespace: () -> NamespaceLookup) -> AdmissionResponse
    {
        guard request.subresource.isEmpty else { return .allowed(request) }
        if configuration.isExempt(namespace: request.namespace) { return .exempt(request, "namespace") }
        if configuration.isExempt(username: request.username) { return .exempt(request, "user") }
        var response = AdmissionResponse.allowed(request)
        let labels: [String: String]
        switch namespace() {
        case .found(let found): labels = found
        case .failed(let why):
            let error = "failed to lookup namespace \(GoText.quoted(request.namespace)): \(why)"
            response.auditAnnotations = ["error": error]
            return response
        }
        var errors: [LabelError] = []
        let policy = NamespacePolicy(labels: labels, defaults: configuration.defaults, errors: &errors)
        if errors.isEmpty, policy.warn.level == .privileged, policy.audit.level == .privileged {
            return response
        }
        guard let path = Self.templatePath(request.group, request.kind) else {
            let error = "failed to extract pod template: unexpected object type: \(request.qualifiedKind)"
            response.auditAnnotations = ["error": error]
            return response
        }
        let template = request.object[path]
        // Only a ReplicationController may be without a template.
        if request.kind == "ReplicationController", template.isNull { return response }
        let input = PodSecurityInput(PodSpec(template["spec"], metadata: template["metadata"]))
        if let problem = input.problems.first {
            response.auditAnnotations = ["error": "failed to decode object: \(problem.reason)"]
            return response
        }
        return review(request, input, policy, errors, enforces: false)
    }

    private static func templatePath(_ group: String, _ kind: String) -> FieldPath? {
        switch (group, kind) {
        case ("", "PodTemplate"): "template"
        case ("", "ReplicationController"), ("batch", "Job"): "spec.template"
        case ("apps", "ReplicaSet"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"):
            "spec.template"
        case ("batch", "CronJob"): "spec.jobTemplate.spec.template"
        default: nil
        }
    }

    // MARK: Both

    private func review(
        _ request: AdmissionRequest, _ pod: PodSecurityInput, _ policy: NamespacePolicy, _ errors: [LabelError],
        enforces: Bool
    ) -> AdmissionResponse {
        if configuration.isExempt(runtimeClass: pod.spec["runtimeClassName"]) {
            return .exempt(request, "runtimeClass")
        }
        var annotations: [String: String] = [:]
        if !errors.isEmpty { annotations["error"] = "Failed to parse policy: \(LabelError.joined(errors))" }
        var response = AdmissionResponse.allowed(request)
        if enforces {
            annotations["enforce-policy"] = policy.enforce.description
            let verdict = evaluator.evaluate(pod, policy.enforce)
            if !verdict.allowed { response = .forbidden(request, verdict.message) }
        }
        let audit = evaluator.evaluate(pod, policy.audit)
        if !audit.allowed { annotations["audit-violations"] = "would \(audit.infinitive)" }
        // No warnings for what is refused anyway.
        if response.allowed {
            let warning = evaluator.evaluate(pod, policy.warn)
            if !warning.allowed { response.warnings = ["would \(warning.infinitive)"] }
        }
        response.auditAnnotations = annotations
        return response
    }
}

extension PodSecurityVerdict {
    /// `violate PodSecurity …`
    fileprivate var infinitive: String { "violate" + message.dropFirst("violates".count) }
}

extension Node {
    /// Whether the field is nothing, empty or this text.
    fileprivate func isAbsent(orEquals text: String) -> Bool { isNull || equals("") || equals(text) }
}
