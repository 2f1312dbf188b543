package import Documents
package import Kubernetes

/// Something that is asked before an object is stored, and that may say no: a webhook, or a bound policy.
package struct AdmissionGate: Sendable {
    package enum Kind: String, Sendable {
        case validatingWebhook = "validating webhook"
        case mutatingWebhook = "mutating webhook"
        case policy = "admission policy"
    }

    /// Who answers.
    package enum Backend: Sendable, Hashable {
        case service(namespace: String, name: String)
        case url(String)
        /// The API server itself: an expression.
        case expression

        package var text: String {
            switch self {
            case .service(let namespace, let name): "service \(namespace)/\(name)"
            case .url(let url): url
            case .expression: "the API server"
            }
        }
    }

    package let kind: Kind
    package let name: String
    /// The configuration or policy it stands in.
    package let object: KubernetesObject
    package let node: Node
    package let backend: Backend
    /// Whether a backend that does not answer, or an expression that fails, refuses the request.
    package let failsClosed: Bool
    package let timeoutSeconds: Int
    package let matchers: [RequestMatcher]
    package let conditions: Node

    /// Every gate of an inventory, in order.
    package static func all(in inventory: Inventory) -> [AdmissionGate] {
        var out: [AdmissionGate] = []
        for (kind, name) in [
            (Kind.validatingWebhook, "ValidatingWebhookConfiguration"),
            (Kind.mutatingWebhook, "MutatingWebhookConfiguration"),
        ] {
            for object in inventory.objects(name, of: group) {
                out += object.node["webhooks"].elements.map { AdmissionGate(webhook: $0, kind, object) }
            }
        }
        for prefix in ["Validating", "Mutating"] {
            let bindings = inventory.objects("\(prefix)AdmissionPolicyBinding", of: group)
            for policy in inventory.objects("\(prefix)AdmissionPolicy", of: group) {
                for binding in bindings where binding.node["spec"]["policyName"].equals(policy.name) {
                    out += AdmissionGate(policy: policy, binding: binding).map { [$0] } ?? []
                }
            }
        }
        return out
    }

    static let group = "admissionregistration.k8s.io"

    private init(webhook node: Node, _ kind: Kind, _ object: KubernetesObject) {
        self.kind = kind
        self.object = object
        self.node = node
        name = node["name"].string ?? ""
        let service = node["clientConfig"]["service"]
        backend =
            service.isObject
            ? .service(namespace: service["namespace"].string ?? "", name: service["name"].string ?? "")
            : .url(Self.withoutCredentials(node["clientConfig"]["url"].string ?? ""))
        // `v1` fails closed unless it says otherwise; `v1beta1` did not, and is served no more.
        failsClosed = !node["failurePolicy"].equals("Ignore")
        timeoutSeconds = node["timeoutSeconds"].int ?? 10
        matchers = [RequestMatcher(node, rules: "rules")]
        conditions = node["matchConditions"]
    }

    /// Nil for a binding that refuses nothing.
    private init?(policy: KubernetesObject, binding: KubernetesObject) {
        let spec = policy.node["spec"]
        let actions = binding.node["spec"]["validationActions"].strings
        guard policy.kind.hasPrefix("Mutating") || actions.contains("Deny") else { return nil }
        kind = .policy
        object = policy
        node = spec
        name = policy.name
        backend = .expression
        failsClosed = !spec["failurePolicy"].equals("Ignore")
        timeoutSeconds = 0
        matchers = [
            RequestMatcher(spec["matchConstraints"], rules: "resourceRules"),
            RequestMatcher(binding.node["spec"]["matchResources"], rules: "resourceRules", isOpen: true),
        ]
        conditions = spec["matchConditions"]
    }

    private static func withoutCredentials(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@"), let scheme = url.range(of: "//"), scheme.upperBound < at else {
            return url
        }
        return String(url[..<scheme.upperBound]) + url[url.index(after: at)...]
    }

    /// The requests that are refused while the backend is gone, for people; nothing where it fails open.
    package var blocked: [String] {
        guard failsClosed, let first = matchers.first else { return [] }
        return first.summary
    }

    /// Whether labels or conditions keep something out of what is blocked.
    package var isSelective: Bool {
        matchers.contains(where: \.isSelective) || conditions.isArray && !conditions.isEmpty
    }

    /// Whether the gate is asked about a request.
    ///
    /// - Parameter holds: what match conditions say of a request, where somebody can evaluate them.
    package func isAsked(
        about request: AdmittedRequest, conditions holds: (Node, AdmittedRequest) -> Bool?
    ) -> Certainty {
        // No gate is asked about gates, or a bad one could never be taken away.
        if request.group == Self.group { return .no }
        var doubt: String?
        for matcher in matchers {
            switch matcher.matches(request) {
            case .no: return .no
            case .yes: continue
            case .unknown(let why): doubt = doubt ?? why
            }
        }
        if conditions.isArray, !conditions.isEmpty {
            switch holds(conditions, request) {
            case true: break
            case false: return .no
            case nil: doubt = doubt ?? "its match conditions could not be decided"
            }
        }
        return doubt.map(Certainty.unknown) ?? .yes
    }
}

extension String {
    /// The place of a short text in a longer one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
