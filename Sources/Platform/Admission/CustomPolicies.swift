import Documents
package import Findings
package import Kubernetes
import Policies
import Webhooks

/// Checks of the users' own, written as ValidatingAdmissionPolicies and asked in the webhook: with the real request,
/// the object before, and whoever asks.
///
/// A policy with bindings does what they say; one without is asked everywhere, and the admission policy says what
/// happens, under the check `custom/<its name>`.
package struct CustomPolicies: Sendable {
    private struct Bound: Sendable {
        let policy: ValidatingPolicy
        let rule: Rule
        let matchers: [RequestMatcher]
        /// Nil where the admission policy decides.
        let mode: AdmissionMode?
        let parameters: Node?
        let binding: String
    }

    private let bound: [Bound]
    /// What parameters are looked for in, beside the cluster.
    private let own: Inventory
    package let problems: [Problem]
    /// Whether a policy asks who may do what.
    package let asksAuthorizer: Bool
    /// Whether a policy that cannot be decided refuses under `failurePolicy: Fail`, as it does in the API server. Where what
    /// policies say is counted, an error of evaluation is none of it.
    package var errorsRefuse = true
    package var isEmpty: Bool { bound.isEmpty }
    package var count: Int { bound.count }

    /// - Parameter objects: policies, bindings, and parameters if they stand beside them.
    package init(_ objects: [KubernetesObject]) {
        var bound: [Bound] = []
        var problems: [Problem] = []
        let bindings = objects.filter { $0.kind == "ValidatingAdmissionPolicyBinding" }
        for object in objects where object.kind == "ValidatingAdmissionPolicy" {
            let policy = ValidatingPolicy(object.node)
            for defect in policy.defects {
                problems.append(
                    Problem(
                        .invalid, code: "policy",
                        "policy \"\(policy.name)\": \(defect.path): \(defect.message)",
                        location: object.node[defect.path].location))
            }
            let rule = Rule(
                "custom/\(policy.name)", .high, [.kubernetes("Validating Admission Policy")],
                title: "Policy \(policy.name) refuses the object",
                why: object.annotations["martlet.dev/why"] ?? "A policy of this cluster's owners says so.",
                remedy: object.annotations["martlet.dev/remedy"] ?? "Change the object as the message says.")
            let constraints = RequestMatcher(object.node["spec"]["matchConstraints"], rules: "resourceRules")
            let own = bindings.filter { $0.node["spec"]["policyName"].equals(policy.name) }
            for binding in own {
                let actions = binding.node["spec"]["validationActions"].strings
                let mode: AdmissionMode =
                    actions.contains("Deny") ? .enforce : actions.contains("Warn") ? .warn : .audit
                bound.append(
                    Bound(
                        policy: policy, rule: rule,
                        matchers: [
                            constraints,
                            RequestMatcher(
                                binding.node["spec"]["matchResources"], rules: "resourceRules", isOpen: true),
                        ],
                        mode: mode, parameters: binding.node["spec"]["paramRef"], binding: binding.name))
            }
            if own.isEmpty {
                bound.append(
                    Bound(
                        policy: policy, rule: rule, matchers: [constraints], mode: nil, parameters: nil, binding: ""))
            }
        }
        self.bound = bound
        self.problems = problems
        // Only the text tells; a mention in a comment or a string costs a model of rights, and no more.
        asksAuthorizer = bound.contains { $0.policy.node.json().contains("authorizer") }
        own = Inventory(objects.filter { $0.apiVersion.group != "admissionregistration.k8s.io" })
    }

    /// What one policy says of a request.
    package struct Denial: Sendable {
        package var finding: Finding
        /// What the binding says is done; nil where the admission policy decides.
        package var mode: AdmissionMode?
        /// The policy could not be decided; under `failurePolicy: Fail` that refuses, as it does in the API server.
        package var isError: Bool
        package var annotations: [(key: String, value: String)]
    }

    /// Kinds of parameters that policies take and that do not stand beside them, with their `apiVersion`.
    package var parameterKinds: [(apiVersion: String, kind: String)] {
        var out: [(apiVersion: String, kind: String)] = []
        for one in bound where one.parameters?.isObject ?? false {
            let kind = one.policy.node["spec"]["paramKind"]
            guard let version = kind["apiVersion"].string, let name = kind["kind"].string,
                !out.contains(where: { $0.apiVersion == version && $0.kind == name })
            else { continue }
            out.append((version, name))
        }
        return out
    }

    /// - Parameter rights: who answers questions to the authorizer; nil where no rights are known, so that a policy that
    ///   asks ends in an error.
    package func decide(
        _ request: ReviewRequest, namespace: KubernetesObject?, inventory: Inventory, rights: RightsAuthorizer? = nil
    ) -> [Denial] {
        guard !bound.isEmpty else { return [] }
        let asked = rights?.variables(for: request)
        let selected = request.selected(namespaceLabels: namespace?.labels)
        let subject = request.object ?? request.oldObject
        var out: [Denial] = []
        var values: (object: CELValue, old: CELValue, request: CELValue, namespace: CELValue)?
        for one in bound where one.matchers.allSatisfy({ $0.matches(selected) == .yes }) {
            let known =
                values ?? (
                    CELValue(request.admission.object), CELValue(request.admission.oldObject), CELValue(request.node),
                    namespace.map { CELValue($0.node) } ?? .null
                )
            values = known
            func deny(_ messages: [String], isError: Bool, annotations: [(key: String, value: String)]) {
                guard let subject else { return }
                let node = subject.metadata
                out.append(
                    Denial(
                        finding: Finding(
                            rule: one.rule, outcome: isError && !errorsRefuse ? .notObservable : .fail,
                            subject: subject.reference,
                            evidence: messages.map { Evidence(node: node, message: $0) }),
                        mode: one.mode, isError: isError, annotations: annotations))
            }
            let given: [CELValue]
            switch parameters(of: one, request, inventory) {
            case .none: given = [.null]
            case .found(let objects): given = objects.map { CELValue($0.node) }
            case .missing(let isDenied):
                if isDenied, one.policy.failurePolicy == .fail {
                    deny(
                        ["no params found for policy binding with `Deny` parameterNotFoundAction"], isError: true,
                        annotations: [])
                }
                continue
            }
            for parameter in given {
                let decision = one.policy.decide(
                    AdmissionInput(
                        object: known.object, oldObject: known.old, params: parameter, namespaceObject: known.namespace,
                        request: known.request, authorizer: asked?.authorizer,
                        requestResource: asked?.requestResource))
                let annotations = decision.auditAnnotations.map {
                    (key: "\(one.policy.name).\($0.key)", value: $0.value)
                }
                let refusals = decision.denials.filter { !$0.isError }
                let errors = decision.denials.filter(\.isError)
                if !refusals.isEmpty {
                    deny(refusals.map(\.message), isError: false, annotations: annotations)
                } else if !errors.isEmpty {
                    deny(errors.map(\.message), isError: true, annotations: annotations)
                } else if !annotations.isEmpty {
                    deny([], isError: false, annotations: annotations)
                }
            }
        }
        return out
    }

    private enum Parameters {
        case none
        case found([KubernetesObject])
        case missing(isDenied: Bool)
    }

    private func parameters(of bound: Bound, _ request: ReviewRequest, _ inventory: Inventory) -> Parameters {
        let kind = bound.policy.node["spec"]["paramKind"]
        guard kind.isObject, let reference = bound.parameters, reference.isObject else { return .none }
        let name = kind["kind"].string ?? ""
        let group = GroupVersion(kind["apiVersion"].string ?? "").group
        let place = reference["namespace"].string ?? request.admission.namespace
        let candidates = [own, inventory].flatMap { $0.objects(name, of: group) }
            .filter { $0.namespace.isEmpty || $0.namespace == place }
        let found: [KubernetesObject]
        if let wanted = reference["name"].string {
            found = Array(candidates.filter { $0.name == wanted }.prefix(1))
        } else {
            let selector = LabelSelector(reference["selector"])
            found = candidates.filter { selector?.matches($0.labels) ?? true }
        }
        return found.isEmpty
            ? .missing(isDenied: !reference["parameterNotFoundAction"].equals("Allow")) : .found(found)
    }
}
