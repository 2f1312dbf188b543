import Documents
import Findings
import Kubernetes

/// How Secrets of Kubernetes itself are kept and used.
extension SecretManagementChecks {
    static let practice: [Check<SecretSubject>] = secretChecks + workloadChecks

    static let secretChecks: [Check<SecretSubject>] = [
        unused, legacyToken, contentOfType, widelyShared, stale, partlyEncrypted,
    ]
    static let workloadChecks: [Check<SecretSubject>] = [missingSecret, missingPullSecret, frozenMount, agentSettings]

    /// Secrets whose users are no pods: made and read by Kubernetes and its tools themselves.
    private static func hasOtherReaders(_ object: KubernetesObject) -> Bool {
        let type = object.node["type"].string ?? ""
        let labels = object.metadata["labels"]
        return type == "helm.sh/release.v1" || type == "bootstrap.kubernetes.io/token"
            || type == "kubernetes.io/service-account-token" || object.name.hasPrefix("sh.helm.release.v1.")
            || object.name.hasPrefix("bootstrap-token-") || labels["owner"].equals("helm")
            || labels["argocd.argoproj.io/secret-type"].exists
            || labels["sealedsecrets.bitnami.com/sealed-secrets-key"].exists
            || object.metadata["annotations"]["kubernetes.io/service-account.name"].exists
            || labels["cert-manager.io/next-private-key"].exists
    }

    static let unused = Check<SecretSubject>(
        Rule(
            "secrets/unused", .low, [.cis("5.4.1")], category: .hygiene,
            title: "No workload uses a Secret",
            why: "A forgotten Secret is read by nobody but who looks for one, and nobody rotates it.",
            remedy: "Delete it, and revoke what it holds, once its owner agrees.")
    ) { subject, report in
        let object = subject.object
        // Only a whole cluster shows that nobody does; operators and controllers read Secrets by name too.
        guard subject.context.isCluster, subject.context.knowsSecrets, !hasOtherReaders(object) else {
            return report.notApplicable()
        }
        guard !object.namespace.hasPrefix("kube-"), object.owners.isEmpty else { return report.notApplicable() }
        guard subject.context.users(of: object.name, in: object.namespace).isEmpty else { return }
        if isNamedElsewhere(object, subject.context) { return }
        report.fail(
            at: object.metadata["name"], "no pod, service account or Ingress of namespace \(object.namespace) names it")
    }

    /// Whether some other object of the namespace, or a cluster-wide one, mentions the name: a custom resource.
    private static func isNamedElsewhere(_ secret: KubernetesObject, _ context: SecretContext) -> Bool {
        let own = ObjectKey(secret.reference)
        func mentions(_ node: Node, _ depth: Int) -> Bool {
            if node.equals(secret.name) { return true }
            guard depth < 24 else { return false }
            return node.members.contains { mentions($0.value, depth + 1) }
                || node.elements.contains { mentions($0, depth + 1) }
        }
        for key in context.inventory.keys(in: secret.namespace) where key != own {
            // Kinds of Kubernetes itself name Secrets in places that were looked at already.
            let group = key.reference.group
            guard group.contains("."), !group.hasSuffix(".k8s.io"), let object = context.inventory[key] else {
                continue
            }
            if mentions(object.node["spec"], 0) { return true }
        }
        return false
    }

    static let legacyToken = Check<SecretSubject>(
        Rule(
            "secrets/legacy-token", .medium,
            [.cis("5.1.6"), .attack("T1528"), .kubernetes("Secrets: ServiceAccount token")],
            title: "A service account token lies in a Secret and never expires",
            why: """
                Since Kubernetes 1.24 pods get tokens that live an hour and end with the pod. A token in a Secret works \
                from anywhere, for ever, for whoever reads the Secret.
                """,
            remedy: "Use the TokenRequest API or a projected token, then delete the Secret.")
    ) { subject, report in
        let object = subject.object
        let account = object.metadata["annotations"]["kubernetes.io/service-account.name"]
        let isToken = object.node["type"].equals("kubernetes.io/service-account-token")
        guard isToken || (object.node["type"].isNull && account.exists) else { return }
        report.fail(
            at: isToken ? object.node["type"] : account,
            "a token of service account \"\(account.string ?? "?")\" that does not expire")
    }

    static let contentOfType = Check<SecretSubject>(
        Rule(
            "secrets/type-content", .low, [.kubernetes("Secrets: types")], category: .reliability,
            title: "A Secret does not hold what its type says",
            why:
                "What reads it by its type (the kubelet, an Ingress controller) finds nothing, or takes the wrong thing.",
            remedy: "Give it the keys of its type, or the type of its keys.")
    ) { subject, report in
        let node = subject.node
        // Metadata alone shows no keys.
        guard node["data"].isObject || node["stringData"].isObject, node["sops"].isNull else {
            return report.notApplicable()
        }
        let keys = Set(node["data"].members.map(\.key)).union(node["stringData"].members.map(\.key))
        let type = node["type"].string ?? "Opaque"
        guard let wanted = contents[type] else { return }
        let missing = wanted.filter { !keys.contains($0) }
        if !missing.isEmpty {
            report.fail(at: node["type"], "type \(type) needs the key \(missing.joined(separator: ", "))")
        }
    }

    /// Keys that the API server wants of each type (Kubernetes API reference, SecretType).
    private static let contents: [String: [String]] = [
        "kubernetes.io/tls": ["tls.crt", "tls.key"], "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
        "kubernetes.io/dockercfg": [".dockercfg"], "kubernetes.io/ssh-auth": ["ssh-privatekey"],
    ]

    static let widelyShared = Check<SecretSubject>(
        Rule(
            "secrets/widely-shared", .low, [.cis("5.4.1"), .cwe("CWE-653")],
            title: "One Secret serves very many workloads",
            why: "Each of them can leak it, nobody can say who did, and to rotate it all must move at once.",
            remedy: "Give each workload a credential of its own.")
    ) { subject, report in
        let object = subject.object
        let users = subject.context.users(of: object.name, in: object.namespace)
            .filter { $0.use.way != .imagePull && $0.use.place != "TLS" && $0.object.kind != "ServiceAccount" }
        let workloads = Set(users.map(\.workload))
        if workloads.count > subject.context.policy.sharedBy {
            report.fail(at: object.metadata["name"], "\(workloads.count) workloads use it")
        }
    }

    static let stale = Check<SecretSubject>(
        Rule(
            "secrets/not-rotated", .medium, [.cwe("CWE-324"), .nsa("credential-rotation")],
            title: "A Secret has not been written for longer than the policy allows",
            why: "The longer a credential lives, the more copies of it exist, and the more people have left with one.",
            remedy: "Rotate it where it is made, then here.")
    ) { subject, report in
        let object = subject.object
        guard let limit = subject.context.policy.rotationDays, let now = subject.context.now?.seconds,
            !hasOtherReaders(object)
        else { return report.notApplicable() }
        let evidence = WriteEvidence(object)
        guard let last = evidence.lastWrite, let seconds = last.time.seconds else {
            report.notObservable(at: object.metadata["managedFields"], "nothing tells when it was last written")
            return
        }
        let days = Int((now - seconds) / 86400)
        guard days > limit else { return }
        if evidence.isLowerBound {
            // Without managedFields only the creation is known; it may have been written since.
            report.notObservable(
                at: last.node, "made \(days) days ago; whether it was written since is not told")
        } else {
            report.fail(at: last.node, "last written \(days) days ago (\(last.what)); the policy allows \(limit)")
        }
    }

    static let partlyEncrypted = Check<SecretSubject>(
        Rule(
            "secrets/partly-encrypted", .critical, [.cwe("CWE-312"), .attack("T1552.001")],
            title: "A SOPS file has values that are not encrypted",
            why: "encrypted_regex or unencrypted_suffix left a value out; whoever reads the repository reads it.",
            remedy: "Correct the creation rule in .sops.yaml, encrypt again, and rotate what was readable.")
    ) { subject, report in
        let node = subject.node
        guard node["sops"].isObject, node["sops"]["mac"].exists || node["sops"]["version"].exists else {
            return report.notApplicable()
        }
        for field in ["data", "stringData"] {
            for entry in node[field].members {
                guard let text = entry.value.string, !text.isEmpty, !text.hasPrefix("ENC[") else { continue }
                report.fail(at: entry.value, "key \"\(entry.key)\" is not encrypted")
            }
        }
    }

    // MARK: Workloads

    static let missingSecret = Check<SecretSubject>(
        Rule(
            "secrets/missing", .medium, [.kubernetes("Secrets: optional Secrets")], category: .reliability,
            title: "A pod needs a Secret that is not there",
            why: "The kubelet does not start the container until the Secret exists with every key that is named.",
            remedy: "Create the Secret, correct its name, or mark it optional.")
    ) { subject, report in
        guard subject.context.knowsSecrets else { return report.notApplicable() }
        for use in uses(subject.object) where use.way != .imagePull && !use.isOptional {
            guard !exists(use.secret, subject) else { continue }
            report.fail(at: use.node, "Secret \"\(use.secret)\" is not in namespace \(subject.object.namespace)")
        }
    }

    static let missingPullSecret = Check<SecretSubject>(
        Rule(
            "secrets/missing-pull-secret", .low, [.kubernetes("Pull an Image from a Private Registry")],
            category: .reliability, title: "A pull secret is named that is not there",
            why: "The kubelet goes on without it: the image comes only while a node happens to have it.",
            remedy: "Create the Secret, or take the name away.")
    ) { subject, report in
        guard subject.context.knowsSecrets else { return report.notApplicable() }
        if subject.object.is("ServiceAccount") {
            for reference in subject.node["imagePullSecrets"].elements {
                guard let name = reference["name"].string, !name.isEmpty, !exists(name, subject) else { continue }
                report.fail(at: reference["name"], "Secret \"\(name)\" is not in its namespace")
            }
            return
        }
        for use in uses(subject.object) where use.way == .imagePull && !exists(use.secret, subject) {
            report.fail(at: use.node, "Secret \"\(use.secret)\" is not in namespace \(subject.object.namespace)")
        }
    }

    static let frozenMount = Check<SecretSubject>(
        Rule(
            "secrets/frozen-mount", .low, [.kubernetes("Secrets: mounted Secrets are updated")], category: .reliability,
            title: "A mounted Secret does not follow its rotation",
            why: "A file mounted with subPath is copied once; the kubelet updates only whole volumes.",
            remedy: "Mount the volume as a folder, and read the file from there.")
    ) { subject, report in
        for use in uses(subject.object) where use.isSubPath && (use.way == .volume || use.way == .projected) {
            report.fail(
                at: use.node, "container \"\(use.container)\" mounts Secret \"\(use.secret)\" by subPath")
        }
    }

    /// Settings of the Vault agent injector, which stand in the pod's annotations.
    static let agentSettings = Check<SecretSubject>(
        Rule(
            "secrets/vault-agent", .medium, [.cwe("CWE-295"), .cwe("CWE-324")],
            title: "The Vault agent of a pod is set up unsafely",
            why: """
                Without verification anyone between pod and Vault reads what is fetched; an agent that only fills in \
                once leaves the pod with values that Vault has long rotated.
                """,
            remedy: "Give the certificate authority (ca-cert); leave the agent running beside the containers.")
    ) { subject, report in
        var isInjected = false
        for template in subject.object.podTemplates {
            let annotations = template.spec.annotations
            guard annotations["vault.hashicorp.com/agent-inject"].text == "true" else { continue }
            isInjected = true
            let skip = annotations["vault.hashicorp.com/tls-skip-verify"]
            if skip.text == "true" { report.fail(at: skip, "the agent does not check Vault's certificate") }
            let once = annotations["vault.hashicorp.com/agent-pre-populate-only"]
            if once.text == "true" { report.fail(at: once, "the agent fetches once: a rotated value never arrives") }
            let service = annotations["vault.hashicorp.com/service"]
            if service.string?.hasPrefix("http://") == true {
                report.fail(at: service, "the agent speaks to Vault without TLS")
            }
        }
        if !isInjected { report.notApplicable() }
    }

    private static func uses(_ object: KubernetesObject) -> [SecretUses.Use] {
        object.podTemplates.flatMap { SecretUses($0.spec.node).uses }
    }

    private static func exists(_ name: String, _ subject: SecretSubject) -> Bool {
        let reference = ObjectReference(
            group: "", kind: "Secret", namespace: subject.object.namespace, name: name)
        return subject.context.inventory[ObjectKey(reference)] != nil
            || subject.context.maker(of: name, in: subject.object.namespace) != nil
    }
}
