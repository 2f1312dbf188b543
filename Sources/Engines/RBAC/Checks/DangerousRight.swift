import Documents
import Findings

/// A right that leads further than it says, and the rule that finds it in roles.
struct DangerousRight: Sendable {
    /// Verbs, group and resources of which any one pair is enough.
    struct Pattern: Sendable {
        var verbs: [String]
        var group: String
        var resources: [String]

        init(_ verbs: String, _ resources: String, in group: String = "") {
            self.verbs = verbs.split(separator: " ").map(String.init)
            self.resources = resources.split(separator: " ").map(String.init)
            self.group = group
        }

        /// Resources outside namespaces: a Role, or a RoleBinding to a ClusterRole, allows nothing on them, since
        /// requests for them name no namespace (RBAC, "RoleBinding and ClusterRoleBinding"). Cluster roles are not
        /// among them: `bind` is asked for in the namespace of the binding.
        private static let clusterScoped: Set<String> = [
            "nodes", "namespaces", "persistentvolumes", "certificatesigningrequests", "signers", "users", "groups",
            "uids", "userextras", "clusterrolebindings", "customresourcedefinitions", "apiservices",
            "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
            "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
        ]

        /// What of it a rule grants: `get secrets`; nothing when it grants none.
        func granted(by rule: PolicyRule, withinNamespaces: Bool = false) -> [String] {
            guard rule.apiGroups.contains("*") || rule.apiGroups.contains(group) else { return [] }
            let verbs = rule.verbs.contains("*") ? self.verbs : self.verbs.filter(rule.verbs.contains)
            guard !verbs.isEmpty else { return [] }
            return resources.filter { resource in
                let root = String(resource.prefix { $0 != "/" })
                if withinNamespaces, Self.clusterScoped.contains(root) { return false }
                if rule.resources.contains("*") || rule.resources.contains(resource) { return true }
                guard let slash = resource.firstIndex(of: "/") else { return false }
                return rule.resources.contains("*\(resource[slash...])")
            }.map { "\(verbs.joined(separator: ", ")) \($0)" }
        }
    }

    let rule: Rule
    let patterns: [Pattern]
    /// Whether a right on named objects only is much less.
    let narrowsByName: Bool

    init(
        _ id: String, _ severity: Severity, _ references: [RuleReference], narrowsByName: Bool = true, title: String,
        why: String, remedy: String, _ patterns: [Pattern]
    ) {
        rule = Rule(id, severity, references, title: title, why: why, remedy: remedy)
        self.patterns = patterns
        self.narrowsByName = narrowsByName
    }

    /// Takes the right out of one rule of a role, where the words that give it give nothing else.
    private static func fix(_ id: String, _ patterns: [Pattern]) -> (
        @Sendable (RBACSubject, Evidence) -> [PatchOperation]
    )? {
        switch id {
        case "rbac/escalate", "rbac/bind", "rbac/impersonate":
            // These verbs mean nothing on other resources.
            let words = Set(patterns.flatMap(\.verbs))
            return { _, evidence in
                let verbs = evidence.node["verbs"]
                let places = verbs.elements.enumerated().filter { words.contains($0.element.string ?? "") }
                if !places.isEmpty, places.count == verbs.count { return [PatchOperation(.remove, evidence.path)] }
                return places.reversed().map { PatchOperation(.remove, $0.element.path) }
            }
        case "rbac/node-proxy":
            return { _, evidence in KubeletRights.withoutProxy(evidence.node) }
        default: return nil
        }
    }

    var check: Check<RBACSubject> {
        Check(rule, fix: Self.fix(rule.id, patterns)) { [patterns, narrowsByName, rule] subject, report in
            guard !subject.isBinding else { return report.notApplicable() }
            var isNamedOnly = true
            var more = 0
            let withinNamespaces = subject.object.kind == "Role" || subject.reach == .namespaces
            for written in subject.addedRules where !written.rule.isEverything {
                let found = patterns.flatMap {
                    $0.granted(by: written.rule, withinNamespaces: withinNamespaces)
                }
                guard !found.isEmpty else { continue }
                let names = written.rule.resourceNames
                if names.isEmpty { isNamedOnly = false }
                guard report.failures.count < RBACChecks.placeLimit else {
                    more += 1
                    continue
                }
                let only = names.isEmpty ? "" : " named \(names.joined(separator: ", "))"
                report.fail(at: written.node, "allows \(found.joined(separator: " and "))\(only)")
            }
            guard report.outcome == .fail else { return }
            if more > 0 { report.fail(at: subject.node["rules"], "\(more) more rules allow it") }
            var severity = rule.severity
            if subject.reach != .cluster { severity = severity.lowered }
            if subject.reach == .nowhere { severity = min(severity.lowered, .low) }
            if isNamedOnly, narrowsByName { severity = severity.lowered }
            report.severity = severity
        }
    }
}

extension Severity {
    var lowered: Severity {
        switch self {
        case .critical: .high
        case .high: .medium
        case .medium: .low
        case .low, .info: .info
        }
    }
}

extension PolicyRule {
    /// Every verb on every resource of every group, or on every path.
    var isEverything: Bool {
        verbs.contains("*") && resourceNames.isEmpty
            && (apiGroups.contains("*") && resources.contains("*") || nonResourceURLs.contains("*"))
    }
}

extension DangerousRight {
    private static let kubernetes = RuleReference.kubernetes("RBAC Good Practices")

    /// In the order of the report.
    static let all: [DangerousRight] = [
        DangerousRight(
            "rbac/secrets-read", .high, [.cis("5.1.2"), .attack("T1552.007"), kubernetes],
            title: "A role reads Secrets",
            why: "Tokens, keys and passwords of everything in reach come with it; a list gives them all at once.",
            remedy: "Mount the Secrets that are needed, or allow get on those by resourceNames.",
            [Pattern("get list watch", "secrets")]),
        DangerousRight(
            "rbac/workload-create", .high, [.cis("5.1.4"), .attack("T1610"), kubernetes],
            title: "A role creates or changes workloads",
            why: """
                Whoever writes a pod's specification takes every service account, Secret and volume of the namespace, \
                and the node where Pod Security does not stand in the way.
                """,
            remedy: "Leave deploying to a pipeline of its own, one namespace at a time; enforce restricted there.",
            [
                Pattern("create update patch", "pods replicationcontrollers"),
                Pattern("create update patch", "deployments daemonsets statefulsets replicasets", in: "apps"),
                Pattern("create update patch", "jobs cronjobs", in: "batch"),
            ]),
        DangerousRight(
            "rbac/pod-exec", .high, [.attack("T1609"), kubernetes],
            title: "A role runs commands in pods",
            why: "Whoever enters a container acts with its identity, its Secrets and its access to the node.",
            remedy: "Give it for the time of need, to people, in one namespace; debug on copies of a pod.",
            [Pattern("create get", "pods/exec pods/attach")]),
        DangerousRight(
            "rbac/ephemeral-containers", .high, [.attack("T1610"), kubernetes],
            title: "A role adds containers to running pods",
            why: "A debug container shares what the pod has, and may ask for more than the pod did.",
            remedy: "Give it for the time of need, to people, in one namespace.",
            [Pattern("update patch", "pods/ephemeralcontainers")]),
        DangerousRight(
            "rbac/token-create", .high, [.cis("5.1.13"), .attack("T1528"), kubernetes],
            title: "A role makes tokens of service accounts",
            why: "A token is the account: its holder can do all the account can, from anywhere.",
            remedy: "Name the accounts in resourceNames; for this resource names work with create.",
            [Pattern("create", "serviceaccounts/token")]),
        DangerousRight(
            "rbac/escalate", .critical, [.cis("5.1.8"), kubernetes],
            title: "A role lifts the bar on writing roles",
            why: "With escalate a role can be given any right, one's own role included.",
            remedy: "Remove escalate; whoever holds a right can put it into roles without it.",
            [Pattern("escalate", "roles clusterroles", in: AccessModel.group)]),
        DangerousRight(
            "rbac/bind", .critical, [.cis("5.1.8"), kubernetes],
            title: "A role lifts the bar on binding roles",
            why: "With bind any role can be given to anybody, cluster-admin to oneself.",
            remedy: "Name the roles that may be bound in resourceNames.",
            [Pattern("bind", "roles clusterroles", in: AccessModel.group)]),
        DangerousRight(
            "rbac/impersonate", .critical, [.cis("5.1.8"), .attack("T1078"), kubernetes],
            title: "A role acts as somebody else",
            why: "Without names it acts as anybody, members of system:masters included.",
            remedy: "Name the users, groups or accounts in resourceNames, or use the constrained modes of 1.36.",
            [
                Pattern("impersonate", "users groups serviceaccounts"),
                Pattern(
                    "impersonate:user-info impersonate:serviceaccount impersonate:arbitrary-node",
                    "users groups serviceaccounts nodes", in: "authentication.k8s.io"),
            ]),
        DangerousRight(
            "rbac/role-write", .medium, [kubernetes],
            title: "A role writes roles or bindings",
            why: "Rights that are held can be handed on and kept: a back door that outlives its maker.",
            remedy: "Leave it to a pipeline with review; watch for changes.",
            [
                Pattern(
                    "create update patch", "roles clusterroles rolebindings clusterrolebindings",
                    in: AccessModel.group)
            ]),
        DangerousRight(
            "rbac/webhook-write", .critical, [.cis("5.1.12"), .attack("T1556"), kubernetes],
            title: "A role changes admission webhooks or policies",
            why: "A webhook sees every object that passes, Secrets too, and can change it or let it in.",
            remedy: "Leave it to the installer of the webhook, with resourceNames for updates.",
            [
                Pattern(
                    "create update patch delete deletecollection",
                    """
                    mutatingwebhookconfigurations validatingwebhookconfigurations mutatingadmissionpolicies \
                    validatingadmissionpolicies mutatingadmissionpolicybindings validatingadmissionpolicybindings
                    """, in: "admissionregistration.k8s.io")
            ]),
        DangerousRight(
            "rbac/certificate-approve", .critical, [.cis("5.1.11"), .attack("T1649"), kubernetes],
            title: "A role approves client certificates",
            why: "A certificate signed for a user name is that user until it expires; there is no taking it back.",
            remedy: "Approve for one signer only, named in resourceNames of signers.",
            [
                Pattern("update patch", "certificatesigningrequests/approval", in: "certificates.k8s.io"),
                Pattern("approve sign", "signers", in: "certificates.k8s.io"),
            ]),
        DangerousRight(
            "rbac/persistent-volume-write", .high, [.cis("5.1.9"), kubernetes],
            title: "A role makes persistent volumes",
            why: "A volume of type hostPath or local is a folder of the node, past Pod Security.",
            remedy: "Leave volumes to their provisioner; claims are enough for workloads.",
            [Pattern("create update patch", "persistentvolumes")]),
        DangerousRight(
            "rbac/node-proxy", .critical, [.cis("5.1.10"), .attack("T1609"), kubernetes], narrowsByName: false,
            title: "A role speaks to kubelets",
            why: "The kubelet runs commands in every pod of its node; get is enough, and audit logs see nothing.",
            remedy: "Use nodes/metrics, nodes/stats, nodes/log or nodes/healthz for what is needed.",
            [Pattern("get create update patch delete", "nodes/proxy")]),
        DangerousRight(
            "rbac/node-write", .medium, [kubernetes],
            title: "A role changes nodes",
            why: "Labels, taints and addresses decide where pods run and whom the API server calls a kubelet.",
            remedy: "Leave it to kubelets and the node controllers; name the nodes otherwise.",
            [Pattern("update patch delete deletecollection", "nodes nodes/status")]),
        DangerousRight(
            "rbac/pod-proxy", .medium, [.attack("T1090"), kubernetes],
            title: "A role reaches into pods' networks",
            why:
                "Proxy and port-forward come from the API server or within the pod: NetworkPolicies do not see them.",
            remedy: "Give it for the time of need, to people, in one namespace.",
            [
                Pattern("get create update patch delete", "pods/proxy services/proxy"),
                Pattern("create get", "pods/portforward"),
            ]),
    ]
}
