import Documents
import Findings
import Kubernetes

/// External Secrets Operator, Secrets Store CSI driver, Vault (agent and operator), Sealed Secrets.
extension SecretManagementChecks {
    static let external: [Check<SecretSubject>] = [
        storeForAllNamespaces, staticStoreCredential, neverRefreshed, unboundedFind, failingSync, pushedOut,
        valueInManifest, unverifiedManager, clusterWideSeal,
    ]

    private static let operatorDocs = RuleReference.kubernetes("External Secrets Operator: multi tenancy, security")

    static let storeForAllNamespaces = Check<SecretSubject>(
        Rule(
            "secrets/store-for-all-namespaces", .high, [operatorDocs, .cis("5.4.2"), .attack("T1552.007")],
            title: "Every namespace can fetch every secret of a cluster-wide store",
            why: """
                Whoever may create an ExternalSecret in any namespace names a key of the manager and gets its value \
                into a Secret of their own. The store's credential decides, not theirs.
                """,
            remedy: "List namespaces in spec.conditions, or use a SecretStore in each namespace."),
        fix: nil
    ) { subject, report in
        guard let store = SecretStore(subject.object), let isRestricted = store.isRestricted else {
            return report.notApplicable()
        }
        guard store.provider != "fake" else { return report.notApplicable() }
        if !isRestricted {
            let conditions = subject.spec["conditions"]
            report.fail(at: conditions, "no condition limits which namespaces may use this store")
        }
    }

    static let staticStoreCredential = Check<SecretSubject>(
        Rule(
            "secrets/static-manager-credential", .medium, [.cis("5.4.2"), .cwe("CWE-798"), .attack("T1552")],
            title: "A long-lived credential in a Secret opens the secret manager",
            why: """
                The Secret that logs in at the manager is worth all that it may read there, and has to be rotated by \
                hand. A token of a service account lives minutes and belongs to one workload.
                """,
            remedy: "Log in with workload identity: serviceAccountRef, IRSA or Pod Identity, Vault's kubernetes login."
        )
    ) { subject, report in
        let node = subject.node
        switch (subject.object.apiVersion.group, subject.object.kind) {
        case ("external-secrets.io", "SecretStore"), ("external-secrets.io", "ClusterSecretStore"):
            guard let store = SecretStore(subject.object) else { return report.notApplicable() }
            // Vault's login with a cloud identity can itself stand on a static key.
            let isStatic =
                store.authMode == .staticCredential
                || (store.staticCredential != nil && (store.authMode == .cloudIdentity || store.authMode == .jwt)
                    && !Self.hasAccount(node["spec"]["provider"]))
            if isStatic {
                report.fail(
                    at: store.staticCredential ?? node["spec"]["provider"],
                    "the store logs in at \(store.provider) with a credential that lies in a Secret")
            }
        case ("secrets.hashicorp.com", "VaultAuth"), ("secrets.hashicorp.com", "VaultAuthGlobal"):
            for method in ["appRole", "aws"] {
                let secret = node["spec"][method]["secretRef"]
                if let name = secret.string, !name.isEmpty {
                    report.fail(at: secret, "logs in at Vault with a credential that lies in Secret \"\(name)\"")
                }
            }
        case ("generators.external-secrets.io", _):
            if let credential = node["spec"]["auth"]["secretRef"].isObject ? node["spec"]["auth"]["secretRef"] : nil {
                report.fail(at: credential, "the generator logs in with a credential that lies in a Secret")
            }
        default: report.notApplicable()
        }
    }

    private static func hasAccount(_ node: Node) -> Bool {
        node.members.contains { member in
            (["serviceAccountRef", "kubernetesServiceAccountToken"].contains(member.key) && member.value.isObject)
                || hasAccount(member.value)
        }
    }

    static let neverRefreshed = Check<SecretSubject>(
        Rule(
            "secrets/never-refreshed", .medium, [.cis("5.4.2"), .cwe("CWE-324")],
            title: "A value is fetched once and does not follow its rotation",
            why: "After the manager has rotated it, the cluster goes on with the old value, or stops working.",
            remedy: "Set a refresh: refreshPolicy Periodic with an interval, refreshAfter, rotation of the driver.")
    ) { subject, report in
        switch (subject.object.apiVersion.group, subject.object.kind) {
        case ("external-secrets.io", "ExternalSecret"):
            if let never = ExternalSecret(subject.spec).neverRefreshes { report.fail(at: never.node, never.message) }
        case ("external-secrets.io", "ClusterExternalSecret"):
            if let never = ExternalSecret(subject.spec["externalSecretSpec"]).neverRefreshes {
                report.fail(at: never.node, never.message)
            }
        case ("secrets.hashicorp.com", "VaultStaticSecret"):
            // The operator looks again only where refreshAfter says when, or Vault's events tell it.
            if subject.spec["refreshAfter"].string?.isEmpty ?? true,
                subject.spec["syncConfig"]["instantUpdates"].bool != true
            {
                report.fail(at: subject.spec["refreshAfter"], "no refreshAfter: the value is read once")
            }
        default: report.notApplicable()
        }
    }

    static let unboundedFind = Check<SecretSubject>(
        Rule(
            "secrets/fetches-everything", .medium, [.cis("5.4.2"), .cwe("CWE-250")],
            title: "An ExternalSecret fetches everything its store can see",
            why: "Whatever somebody adds to the manager lands in this Secret, and in every pod that mounts it.",
            remedy: "Name the keys, or bound the find by path, tags or a regular expression that says what is meant.")
    ) { subject, report in
        let spec: Node
        switch (subject.object.apiVersion.group, subject.object.kind) {
        case ("external-secrets.io", "ExternalSecret"): spec = subject.spec
        case ("external-secrets.io", "ClusterExternalSecret"): spec = subject.spec["externalSecretSpec"]
        default: return report.notApplicable()
        }
        for find in ExternalSecret(spec).unboundedFinds {
            report.fail(at: find, "the find has no bound: every secret of the store is taken")
        }
    }

    static let failingSync = Check<SecretSubject>(
        Rule(
            "secrets/failing-sync", .medium, [.kubernetes("Typical status properties")], category: .reliability,
            title: "A secret is not brought up to date any more",
            why: "Pods run on with what was fetched last; a rotated or revoked value does not arrive.",
            remedy: "Read the condition's message; mend the store, its credential or the key it names.")
    ) { subject, report in
        let status = subject.node["status"]
        guard status.isObject else { return report.notApplicable() }
        for condition in status["conditions"].elements {
            let type = condition["type"].string ?? ""
            guard ["Ready", "Synced", "SecretSynced", "Healthy"].contains(type), condition["status"].equals("False")
            else { continue }
            let reason = condition["reason"].string ?? "no reason told"
            report.fail(at: condition["status"], "\(type) is False: \(reason)")
        }
    }

    static let pushedOut = Check<SecretSubject>(
        Rule(
            "secrets/pushed-out", .low, [operatorDocs, .attack("T1537")],
            title: "Secrets of the cluster are pushed to a store outside",
            why: """
                A PushSecret carries a Secret's value out of the cluster. Who may create one can send any Secret of the \
                namespace to any store of it.
                """,
            remedy: "Name single Secrets and keys; let admission allow PushSecrets only where they are meant.")
    ) { subject, report in
        let spec: Node
        switch (subject.object.apiVersion.group, subject.object.kind) {
        case ("external-secrets.io", "PushSecret"): spec = subject.spec
        case ("external-secrets.io", "ClusterPushSecret"): spec = subject.spec["pushSecretSpec"]
        default: return report.notApplicable()
        }
        let selector = spec["selector"]["secret"]
        if let name = selector["name"].string {
            report.fail(at: selector["name"], "Secret \"\(name)\" is pushed to \(Self.stores(spec))")
            return
        }
        guard selector.isObject else { return }
        report.severity = .high
        let isAll = selector["selector"].isEmpty
        report.fail(
            at: selector["selector"],
            "\(isAll ? "every Secret of the namespace" : "every Secret with these labels") is pushed to "
                + Self.stores(spec))
    }

    private static func stores(_ spec: Node) -> String {
        let names = spec["secretStoreRefs"].elements.compactMap { store in
            store["name"].string.map { "\(store["kind"].string ?? "SecretStore") \($0)" }
        }
        return names.isEmpty ? "the stores that match" : names.joined(separator: ", ")
    }

    static let valueInManifest = Check<SecretSubject>(
        Rule(
            "secrets/value-in-store", .high, [.cwe("CWE-312"), .attack("T1552.001")],
            title: "A store for tests holds values in plain sight",
            why:
                "The fake provider and the Fake generator carry their values in the manifest: in git, in etcd, in logs.",
            remedy: "Use a real store; keep fake ones to test clusters.")
    ) { subject, report in
        let group = subject.object.apiVersion.group
        if let store = SecretStore(subject.object), store.provider == "fake" {
            for entry in subject.spec["provider"]["fake"]["data"].elements where !entry["value"].isNull {
                report.fail(at: entry["key"], "key \"\(entry["key"].string ?? "")\" has its value beside it")
            }
        } else if group == "generators.external-secrets.io", subject.object.kind == "Fake" {
            for entry in subject.spec["data"].members {
                report.fail(at: entry.value, "key \"\(entry.key)\" has its value beside it")
            }
        } else if group == "bitnami.com", subject.object.kind == "SealedSecret" {
            for field in ["data", "stringData"] {
                for entry in subject.spec["template"][field].members where !(entry.value.string ?? "").contains("{{") {
                    report.fail(at: entry.value, "key \"\(entry.key)\" of the template is not sealed")
                }
            }
        } else {
            report.notApplicable()
        }
    }

    static let unverifiedManager = Check<SecretSubject>(
        Rule(
            "secrets/unverified-manager", .high, [.cwe("CWE-295"), .attack("T1557")],
            title: "The secret manager's certificate is not checked",
            why: "Anyone between the cluster and the manager can read the login and every value that is fetched.",
            remedy: "Give the certificate authority, and turn verification on.")
    ) { subject, report in
        let spec = subject.spec
        switch (subject.object.apiVersion.group, subject.object.kind) {
        case ("secrets.hashicorp.com", "VaultConnection"):
            if spec["skipTLSVerify"].bool == true { report.fail(at: spec["skipTLSVerify"], "skipTLSVerify is true") }
            if let address = spec["address"].string, address.hasPrefix("http://") {
                report.fail(at: spec["address"], "Vault is spoken to without TLS")
            }
        case ("secrets-store.csi.x-k8s.io", "SecretProviderClass"):
            let parameters = spec["parameters"]
            if parameters["vaultSkipTLSVerify"].text == "true" {
                report.fail(at: parameters["vaultSkipTLSVerify"], "vaultSkipTLSVerify is true")
            }
            if let address = parameters["vaultAddress"].string, address.hasPrefix("http://") {
                report.fail(at: parameters["vaultAddress"], "Vault is spoken to without TLS")
            }
        case ("external-secrets.io", "SecretStore"), ("external-secrets.io", "ClusterSecretStore"):
            let provider = spec["provider"]
            if let server = provider["vault"]["server"].string, server.hasPrefix("http://") {
                report.fail(at: provider["vault"]["server"], "Vault is spoken to without TLS")
            }
            for (name, field) in [("senhasegura", "ignoreSslCertificate"), ("fortanix", "skipTlsVerify")]
            where provider[name][field].bool == true {
                report.fail(at: provider[name][field], "\(field) is true")
            }
        default: report.notApplicable()
        }
    }

    static let clusterWideSeal = Check<SecretSubject>(
        Rule(
            "secrets/seal-for-any-namespace", .low, [.cwe("CWE-653")],
            title: "A sealed secret can be opened in any namespace",
            why: """
                With the annotation cluster-wide, whoever finds the sealed text can apply it in a namespace of their own \
                under any name and read the value there.
                """,
            remedy: "Seal it again for its namespace and name (kubeseal --scope strict).")
    ) { subject, report in
        guard subject.object.apiVersion.group == "bitnami.com", subject.object.kind == "SealedSecret" else {
            return report.notApplicable()
        }
        let annotations = subject.object.metadata["annotations"]
        for name in ["sealedsecrets.bitnami.com/cluster-wide", "sealedsecrets.bitnami.com/namespace-wide"]
        where annotations[name].equals("true") {
            let scope = name.hasSuffix("cluster-wide") ? "any namespace" : "any name of its namespace"
            report.fail(at: annotations[name], "the sealed text opens under \(scope)")
        }
    }
}
