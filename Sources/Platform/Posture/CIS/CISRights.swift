package import CISBenchmark
import Documents
import Findings
import Kubernetes
import RBAC

/// Section 5.1 of the benchmark: what rights were given in this cluster, beyond those Kubernetes gives itself.
package struct CISRights: Sendable {
    let input: CISInput
    let model: AccessModel
    /// Subjects that are meant to have such rights, as `User alice`, with `*`.
    let accepted: [Glob]
    private let namespaces: [String]

    package init(_ input: CISInput, accepted: [String] = []) {
        self.input = input
        self.accepted = accepted.map(Glob.init)
        model = RBACContext(input.inventory, isCluster: input.isCluster, unlistedKinds: input.unlistedKinds).model
        let bindings = input.inventory.objects("RoleBinding", of: AccessModel.group)
        namespaces = [""] + Set(bindings.map(\.namespace)).subtracting([""]).sorted()
    }

    /// A verdict for each control of the section.
    package var verdicts: [String: (parts: [CISPart], running: [CISPart])] {
        var out: [String: (parts: [CISPart], running: [CISPart])] = [:]
        for (id, parts) in [
            ("5.1.1", clusterAdmins), ("5.1.3", wildcards), ("5.1.5", defaultAccounts), ("5.1.6", mountedTokens),
            ("5.1.7", masters),
        ] { out[id] = (parts, []) }
        for (id, requests) in Self.requests { out[id] = (holders(requests), []) }
        return out
    }

    // MARK: Who holds a right

    private static let workloads = [
        ("", "pods"), ("apps", "deployments"), ("apps", "daemonsets"), ("apps", "statefulsets"),
        ("apps", "replicasets"), ("", "replicationcontrollers"), ("batch", "jobs"), ("batch", "cronjobs"),
    ]

    private static let requests: [(id: String, requests: [AccessRequest])] = {
        func ask(_ verb: String, _ group: String, _ resource: String, _ subresource: String = "") -> AccessRequest {
            AccessRequest(verb, AccessRequest.Resource(group: group, resource, subresource: subresource))
        }
        let admission = "admissionregistration.k8s.io"
        let changed = [
            "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
            "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
        ]
        return [
            ("5.1.2", ["get", "list", "watch"].map { ask($0, "", "secrets") }),
            ("5.1.4", workloads.map { ask("create", $0.0, $0.1) }),
            (
                "5.1.8",
                ["bind", "escalate"].flatMap { verb in
                    ["roles", "clusterroles"].map { ask(verb, AccessModel.group, $0) }
                } + ["users", "groups", "serviceaccounts"].map { ask("impersonate", "", $0) }
                    + ["uids", "userextras"].map { ask("impersonate", "authentication.k8s.io", $0) }
            ),
            ("5.1.9", [ask("create", "", "persistentvolumes")]),
            ("5.1.10", ["get", "create"].map { ask($0, "", "nodes", "proxy") }),
            (
                "5.1.11",
                [
                    ask("update", "certificates.k8s.io", "certificatesigningrequests", "approval"),
                    ask("patch", "certificates.k8s.io", "certificatesigningrequests", "approval"),
                ]
            ),
            (
                "5.1.12",
                ["create", "update", "patch", "delete"].flatMap { verb in changed.map { ask(verb, admission, $0) } }
            ),
            ("5.1.13", [ask("create", "", "serviceaccounts", "token")]),
        ]
    }()

    /// The API servers' own kinds decide in which namespaces a question makes sense.
    private static let clusterScoped: Set<String> = [
        "persistentvolumes", "nodes", "certificatesigningrequests", "clusterroles", "users", "groups", "uids",
        "userextras",
    ]

    private func holders(_ requests: [AccessRequest]) -> [CISPart] {
        if let hole { return [hole] }
        var parts: [CISPart] = []
        var seen: Set<String> = []
        for request in requests {
            guard case .resource(let resource) = request.target else { continue }
            let isWide =
                Self.clusterScoped.contains(resource.resource) || resource.group == "admissionregistration.k8s.io"
            for namespace in isWide ? [""] : namespaces {
                var inPlace = resource
                inPlace.namespace = namespace
                for (subject, grants) in model.whoCan(AccessRequest(request.verb, inPlace)) {
                    guard !isAccepted(subject) else { continue }
                    for grant in grants where !isOwn(grant.binding.reference) {
                        // A grant for the whole cluster is told once, not for each namespace.
                        if !namespace.isEmpty, grant.binding.kind == "ClusterRoleBinding" { continue }
                        guard seen.insert("\(subject)|\(grant.binding.reference)").inserted else { continue }
                        parts.append(
                            CISPart(
                                .fail,
                                "\(subject) may \(request.verb) \(resource.combined) by \(grant.binding.reference)",
                                evidence: grant.binding.node["subjects"], object: grant.binding.reference))
                    }
                }
            }
        }
        return parts.isEmpty
            ? [CISPart(.pass, "nobody beyond Kubernetes' own bindings may \(Self.phrase(requests))")] : parts
    }

    private static func phrase(_ requests: [AccessRequest]) -> String {
        guard let first = requests.first, case .resource(let resource) = first.target else { return "" }
        return "\(first.verb) \(resource.combined)" + (requests.count > 1 ? " and the like" : "")
    }

    /// Why nothing can be said; nil when the roles and bindings are there.
    private var hole: CISPart? {
        for kind in ["ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"]
        where input.unlistedKinds.contains(kind) {
            return CISPart(.notObservable, "\(kind) objects could not be listed")
        }
        guard !input.isCluster else { return nil }
        let kinds = ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"]
        return kinds.allSatisfy { input.inventory.objects($0, of: AccessModel.group).isEmpty }
            ? CISPart(.notObservable, "no role or binding was given") : nil
    }

    private func isAccepted(_ subject: Subject) -> Bool { accepted.contains { $0.matches("\(subject)") } }

    /// Whether Kubernetes, or what installed it, made the binding.
    private func isOwn(_ reference: ObjectReference) -> Bool {
        if BootstrapPolicy.current.contains(reference) { return true }
        return reference.name.hasPrefix("system:") || reference.name.hasPrefix("kubeadm:")
            || ["eks:", "gke:", "aks-", "gce:"].contains(where: reference.name.hasPrefix)
    }

    // MARK: The other controls

    private func bindings() -> [KubernetesObject] {
        input.inventory.objects("ClusterRoleBinding", of: AccessModel.group)
            + input.inventory.objects("RoleBinding", of: AccessModel.group)
    }

    /// 5.1.1
    private var clusterAdmins: [CISPart] {
        if let hole { return [hole] }
        var parts: [CISPart] = []
        for binding in bindings() where !isOwn(binding.reference) {
            let role = binding.node["roleRef"]["name"].string ?? ""
            let isClusterRole = binding.node["roleRef"]["kind"].equals("ClusterRole")
            let rules =
                model.rules(
                    of: RoleReference(
                        isClusterRole ? .clusterRole : .role, namespace: isClusterRole ? "" : binding.namespace, role))
                ?? []
            let isEqual = rules.contains {
                $0.verbs.contains("*") && $0.resources.contains("*") && $0.apiGroups.contains("*")
            }
            guard isClusterRole && role == "cluster-admin" || isEqual else { continue }
            let subjects = model.subjects(of: binding).filter { !isAccepted($0) }
            guard !subjects.isEmpty else { continue }
            let names = subjects.map(\.description).joined(separator: ", ")
            parts.append(
                CISPart(
                    .fail,
                    "\(binding.reference) gives \(role == "cluster-admin" ? role : "\(role), which is all rights,") to \(names)",
                    evidence: binding.node["roleRef"]["name"], object: binding.reference))
        }
        return parts.isEmpty ? [CISPart(.pass, "only Kubernetes' own binding uses cluster-admin")] : parts
    }

    /// 5.1.3
    private var wildcards: [CISPart] {
        if let hole { return [hole] }
        var parts: [CISPart] = []
        for kind in ["ClusterRole", "Role"] {
            for role in input.inventory.objects(kind, of: AccessModel.group) {
                if BootstrapPolicy.current.contains(role.reference) || isOwn(role.reference)
                    || role.labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
                    || role.node["aggregationRule"].isObject
                {
                    continue
                }
                for rule in role.node["rules"].elements {
                    for field in ["verbs", "resources", "apiGroups"] {
                        guard let star = rule[field].elements.first(where: { $0.equals("*") }) else { continue }
                        parts.append(
                            CISPart(
                                .fail, "\(role.reference) has \"*\" in \(field)", evidence: star, object: role.reference
                            ))
                    }
                }
            }
        }
        return parts.isEmpty ? [CISPart(.pass, "no role of this cluster's own uses a wildcard")] : parts
    }

    /// 5.1.5
    private var defaultAccounts: [CISPart] {
        if input.unlistedKinds.contains("ServiceAccount") {
            return [CISPart(.notObservable, "ServiceAccount objects could not be listed")]
        }
        var parts: [CISPart] = []
        let accounts = input.inventory.objects("ServiceAccount").filter {
            $0.name == "default" && !Self.isSystem($0.namespace)
        }
        for account in accounts where account.node["automountServiceAccountToken"].bool != false {
            parts.append(
                CISPart(
                    .fail, "\(account.reference) mounts its token into pods",
                    evidence: account.node["automountServiceAccountToken"], object: account.reference))
        }
        for binding in bindings() where !isOwn(binding.reference) {
            for subject in model.subjects(of: binding)
            where subject.kind == .serviceAccount && subject.name == "default" && !isAccepted(subject) {
                parts.append(
                    CISPart(
                        .fail, "\(binding.reference) gives rights to \(subject)", evidence: binding.node["subjects"],
                        object: binding.reference))
            }
        }
        if parts.isEmpty, accounts.isEmpty, !input.isCluster {
            return [CISPart(.notObservable, "no default service account was given")]
        }
        return parts.isEmpty ? [CISPart(.pass, "default service accounts have no token and no rights")] : parts
    }

    /// 5.1.6: a token is needed by what has rights; one without any is a key without a lock.
    private var mountedTokens: [CISPart] {
        var parts: [CISPart] = []
        var asked = 0
        for key in input.inventory.keys {
            guard let object = input.inventory[key], object.controller == nil, !Self.isSystem(object.namespace) else {
                continue
            }
            for template in object.podTemplates {
                asked += 1
                guard mounts(template.spec, in: object.namespace) else { continue }
                let account = Subject(.serviceAccount, namespace: object.namespace, template.spec.serviceAccountName)
                guard model.bindings(of: account).isEmpty else { continue }
                if !input.isCluster {
                    parts.append(
                        CISPart(
                            .notObservable,
                            "\(object.reference) mounts a token; whether its account has rights is not among these files",
                            evidence: template.spec.node["automountServiceAccountToken"], object: object.reference))
                    continue
                }
                parts.append(
                    CISPart(
                        .fail, "\(object.reference) mounts the token of \(account), which has no rights to use it for",
                        evidence: template.spec.node["automountServiceAccountToken"], object: object.reference))
            }
        }
        if asked == 0 {
            return [CISPart(input.isCluster ? .pass : .notObservable, "no workload beside the system's own")]
        }
        return parts.isEmpty ? [CISPart(.pass, "pods without rights carry no token")] : parts
    }

    /// What the pod says goes over what its account says.
    private func mounts(_ pod: PodSpec, in namespace: String) -> Bool {
        if let own = pod.automountServiceAccountToken { return own }
        let account = input.inventory.objects("ServiceAccount", in: namespace).first {
            $0.name == pod.serviceAccountName
        }
        return account?.node["automountServiceAccountToken"].bool ?? true
    }

    /// 5.1.7
    private var masters: [CISPart] {
        if let hole { return [hole] }
        var parts: [CISPart] = []
        for binding in bindings() where !isOwn(binding.reference) {
            for subject in model.subjects(of: binding) where subject.kind == .group && subject.name == Identity.masters
            {
                parts.append(
                    CISPart(
                        .fail, "\(binding.reference) names the group \(Identity.masters)",
                        evidence: binding.node["subjects"], object: binding.reference))
            }
        }
        return parts.isEmpty
            ? [
                CISPart(
                    .pass,
                    "no binding but Kubernetes' own names system:masters; credentials in the group show in the audit log only"
                )
            ]
            : parts
    }

    static func isSystem(_ namespace: String) -> Bool {
        ["kube-system", "kube-public", "kube-node-lease"].contains(namespace) || namespace.hasPrefix("openshift-")
    }
}
