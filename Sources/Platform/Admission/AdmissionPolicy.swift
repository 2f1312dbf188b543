package import Findings
package import Kubernetes
package import PodSecurity

/// What is refused at the door, what is told and what is only noted; where, and for whom.
///
/// The first entry that fits a finding says what happens to it; where none fits, `defaultMode` does.
package struct AdmissionPolicy: Sendable {
    /// Which namespaces are meant: all, where nothing is said.
    package struct Namespaces: Sendable, Hashable {
        package var names: [Glob] = []
        package var except: [Glob] = []
        package var selector: LabelSelector?

        package init(names: [Glob] = [], except: [Glob] = [], selector: LabelSelector? = nil) {
            self.names = names
            self.except = except
            self.selector = selector
        }

        /// - Parameter name: empty for what is in no namespace; only a scope without names and labels covers that.
        package func covers(_ name: String, labels: [String: String]) -> Bool {
            if !names.isEmpty, !names.contains(where: { $0.matches(name) }) { return false }
            if except.contains(where: { $0.matches(name) }) { return false }
            return selector?.matches(labels) ?? true
        }
    }

    package struct Entry: Sendable, Hashable {
        /// Ids with `*`.
        package var checks: [Glob]
        /// The least severity that is meant.
        package var severity: Severity?
        package var namespaces = Namespaces()
        /// Labels of the object, or of its pod template.
        package var labels: LabelSelector?
        package var mode: AdmissionMode
        /// Whether a pod is judged even where its owner was told the same already.
        package var includesPods = false

        package init(
            checks: [Glob], severity: Severity? = nil, namespaces: Namespaces = Namespaces(),
            labels: LabelSelector? = nil, mode: AdmissionMode, includesPods: Bool = false
        ) {
            self.checks = checks
            self.severity = severity
            self.namespaces = namespaces
            self.labels = labels
            self.mode = mode
            self.includesPods = includesPods
        }
    }

    /// Who passes unasked. What Kubernetes needs to start is always among them.
    package struct Exemptions: Sendable, Hashable {
        package var namespaces = Namespaces(names: [])
        package var users: [Glob] = []
        package var groups: [Glob] = []

        package init() {}
    }

    /// Who may pass in an emergency, by writing the reason on the object.
    package struct BreakGlass: Sendable, Hashable {
        package static let annotation = "martlet.dev/break-glass"
        /// A reason shorter than this tells nobody anything.
        package static let leastReason = 10
        package var users: [Glob] = []
        package var groups: [Glob] = [Glob("system:masters")]

        package init() {}
    }

    /// What is asked of an update.
    package enum Updates: String, Sendable { case worsened, everything }

    package var defaultMode: AdmissionMode
    package var entries: [Entry]
    package var exemptions = Exemptions()
    package var breakGlass = BreakGlass()
    package var updates = Updates.worsened
    /// Whether waivers in annotations count; whoever may write the object writes them.
    package var takesAnnotatedWaivers = true
    /// Answers as the API server's own Pod Security plug-in does; nil where that is left to it.
    package var podSecurity: PodSecurityConfiguration?
    package var images: ImagePolicy?
    /// Files of policies written as ValidatingAdmissionPolicy, beside this one.
    package var policyFiles: [String] = []
    /// Files of waivers, beside this one.
    package var waiverFiles: [String] = []

    package init(defaultMode: AdmissionMode = .audit, entries: [Entry] = []) {
        self.defaultMode = defaultMode
        self.entries = entries
    }

    /// Without a file: what is bad is told, the rest noted, and nothing is refused.
    package static let standard = AdmissionPolicy(
        defaultMode: .audit, entries: [Entry(checks: [Glob("*")], severity: .high, mode: .warn)])

    /// What a finding is about, as entries select.
    package struct Place: Sendable {
        package var namespace: String
        package var namespaceLabels: [String: String]
        package var labels: [String: String]

        package init(namespace: String, namespaceLabels: [String: String] = [:], labels: [String: String] = [:]) {
            self.namespace = namespace
            self.namespaceLabels = namespaceLabels
            self.labels = labels
        }
    }

    /// What happens to a finding of a check, and whether pods of a told owner count too.
    package func mode(
        of check: String, _ severity: Severity, at place: Place
    ) -> (mode: AdmissionMode, includesPods: Bool) {
        for entry in entries {
            guard entry.checks.contains(where: { $0.matches(check) }), severity >= entry.severity ?? .info,
                entry.namespaces.covers(place.namespace, labels: place.namespaceLabels),
                entry.labels?.matches(place.labels) ?? true
            else { continue }
            return (entry.mode, entry.includesPods)
        }
        return (defaultMode, false)
    }

    /// Ids, with `*`, of the checks that may matter anywhere; those of the rest need not be evaluated.
    package var checksOfInterest: [String] {
        if defaultMode != .off { return [] }
        return entries.filter { $0.mode != .off }.flatMap { $0.checks.map(\.pattern) }
    }

    /// Whether any check of the scan is asked at all.
    package var asksEngines: Bool { defaultMode != .off || entries.contains { $0.mode != .off } }
}

extension AdmissionPolicy {
    /// What Kubernetes needs to start and to stay up: never judged, whatever a policy says.
    package enum Bootstrap {
        package static let namespaces: Set<String> = ["kube-system", "kube-node-lease", "kube-public"]
        private static let kinds: Set<String> = [
            "/Node", "/Event", "events.k8s.io/Event", "coordination.k8s.io/Lease", "/Endpoints", "/Binding",
            "discovery.k8s.io/EndpointSlice", "certificates.k8s.io/CertificateSigningRequest",
            "apiregistration.k8s.io/APIService", "authentication.k8s.io/TokenReview",
            "authorization.k8s.io/SubjectAccessReview", "authorization.k8s.io/LocalSubjectAccessReview",
            "authorization.k8s.io/SelfSubjectAccessReview", "flowcontrol.apiserver.k8s.io/FlowSchema",
            "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration", "storage.k8s.io/CSINode",
            "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
            "admissionregistration.k8s.io/MutatingWebhookConfiguration",
        ]

        package static func contains(group: String, kind: String) -> Bool { kinds.contains("\(group)/\(kind)") }

        /// Roles and bindings that the API server makes itself when it starts.
        package static func contains(labels: [String: String]) -> Bool {
            labels["kubernetes.io/bootstrapping"] != nil
        }
    }
}
