import Documents
import Kubernetes

/// Controls that the objects of the cluster decide, as far as no other engine has to be asked.
struct PolicyControl {
    let input: CISInput
    let instances: [ComponentInstance]
    let platform: Platform

    typealias Verdict = (parts: [CISPart], running: [CISPart])

    func evaluate(_ name: String) -> Verdict {
        switch name {
        case "certificate-logins": (input.logins?.certificates ?? [Self.needsAuditLog], [])
        case "token-logins": (input.logins?.tokens ?? [Self.needsAuditLog], [])
        case "bootstrap-tokens": (bootstrapTokens(), [])
        case "network-plugin": (networkPlugin(), [])
        case "network-policies": (NetworkPolicyControl(policy: self).parts(), [])
        case "secrets-in-environment": (secretsInEnvironment(), [])
        case "secret-store": (secretStore(), [])
        case "image-provenance": (imageProvenance(), [])
        case "namespaces": (namespaces(), [])
        case "seccomp": (seccomp(), [])
        case "default-namespace": (defaultNamespace(), [])
        default: ([CISPart(.notObservable, "decided together with the other engines: martlet cis, martlet scan")], [])
        }
    }

    private static let needsAuditLog = CISPart(
        .manual, "who logs in how shows in the audit log: martlet cis --audit-log FILE")

    // MARK: What is there

    static func isSystem(_ namespace: String) -> Bool {
        ["kube-system", "kube-public", "kube-node-lease"].contains(namespace)
            || ["openshift-", "gke-managed-", "calico-", "tigera-operator", "cattle-"].contains(
                where: namespace.hasPrefix)
            || namespace == "openshift" || namespace == "gmp-system" || namespace == "gatekeeper-system"
    }

    /// Workloads that nothing else manages, outside the namespaces of the system.
    var workloads: [(object: KubernetesObject, templates: [PodTemplate])] {
        input.inventory.keys.compactMap { key in
            guard let object = input.inventory[key], object.controller == nil, !Self.isSystem(object.namespace) else {
                return nil
            }
            let templates = object.podTemplates
            return templates.isEmpty ? nil : (object, templates)
        }
    }

    private func none(_ what: String) -> CISPart {
        input.isCluster
            ? CISPart(.pass, "no workload beside the system's own") : CISPart(.notObservable, "no \(what) was given")
    }

    private func summed(_ failures: [CISPart], asked: Int, _ good: String) -> [CISPart] {
        guard asked > 0 else { return [none("workload")] }
        return failures.isEmpty ? [CISPart(.pass, good)] : failures
    }

    // MARK: Controls

    /// 3.1.3
    private func bootstrapTokens() -> [CISPart] {
        if let misused = input.logins?.bootstrap, !misused.isEmpty { return misused }
        let servers = instances.filter { $0.component == .apiServer }
        guard !servers.isEmpty else { return [CISPart(.notObservable, "no API server was seen")] }
        let settings = servers.map { $0.setting("enable-bootstrap-token-auth") }
        if settings.allSatisfy({ $0.text.flatMap(Setting.bool) == false }) {
            return [CISPart(.pass, "bootstrap tokens are not accepted: --enable-bootstrap-token-auth is not set")]
        }
        let tokens = input.inventory.objects("Secret", in: "kube-system").filter {
            $0.name.hasPrefix("bootstrap-token-")
        }
        guard input.inventory.objects("Secret").isEmpty else {
            return tokens.isEmpty
                ? [CISPart(.pass, "no bootstrap token is there")]
                : tokens.map {
                    CISPart(
                        .manual, "the bootstrap token \($0.name) is there: is it still needed?", object: $0.reference)
                }
        }
        return [CISPart(.manual, "bootstrap tokens are accepted; which there are was not read")]
    }

    /// 5.3.1
    private func networkPlugin() -> [CISPart] {
        let daemons = input.inventory.objects("DaemonSet", of: "apps") + input.inventory.objects("Pod")
        for object in daemons {
            for template in object.podTemplates {
                let images = template.spec.allContainers.map(\.image)
                for (mark, name) in Self.enforcing where images.contains(where: { $0.contains(mark) }) {
                    return [CISPart(.pass, "\(name) enforces NetworkPolicies", object: object.reference)]
                }
            }
        }
        if platform.id == "k3s" { return [CISPart(.pass, "k3s brings a controller that enforces NetworkPolicies")] }
        for object in daemons {
            for template in object.podTemplates
            where template.spec.allContainers.contains(where: { $0.image.contains("flannel") }) {
                return [
                    CISPart(
                        .fail, "flannel alone does not enforce NetworkPolicies", evidence: object.node,
                        object: object.reference)
                ]
            }
        }
        guard input.isCluster else {
            return [CISPart(.notObservable, "which network plugin runs shows in a cluster only")]
        }
        return [CISPart(.notObservable, "no network plugin that is known was found")]
    }

    private static let enforcing: [(mark: String, name: String)] = [
        ("calico/node", "Calico"), ("calico-node", "Calico"), ("cilium/cilium", "Cilium"), ("/cilium:", "Cilium"),
        ("antrea-agent", "Antrea"), ("antrea/antrea", "Antrea"), ("kube-router", "kube-router"),
        ("weave-npc", "Weave Net"),
        ("ovn-kubernetes", "OVN-Kubernetes"), ("ovnkube", "OVN-Kubernetes"), ("azure-npm", "Azure NPM"),
        ("aws-network-policy-agent", "the Amazon VPC CNI"), ("kube-network-policies", "kube-network-policies"),
        ("kindnetd", "kindnet"), ("anetd", "GKE Dataplane V2"), ("kube-ovn", "Kube-OVN"), ("romana", "Romana"),
    ]

    /// 5.4.1
    private func secretsInEnvironment() -> [CISPart] {
        var failures: [CISPart] = []
        let workloads = workloads
        for (object, templates) in workloads {
            for container in templates.flatMap(\.spec.allContainers) {
                for variable in container.environment where !variable["valueFrom"]["secretKeyRef"].isNull {
                    failures.append(
                        CISPart(
                            .fail,
                            "container \"\(container.name)\" has \(variable["name"].string ?? "") from a Secret in its environment",
                            evidence: variable["valueFrom"]["secretKeyRef"], object: object.reference))
                }
                for source in container.node["envFrom"].elements where !source["secretRef"].isNull {
                    failures.append(
                        CISPart(
                            .fail, "container \"\(container.name)\" has a whole Secret in its environment",
                            evidence: source["secretRef"], object: object.reference))
                }
            }
        }
        return summed(failures, asked: workloads.count, "no Secret is given as environment")
    }

    /// 5.4.2
    private func secretStore() -> [CISPart] {
        let kinds = [
            ("SecretStore", "external-secrets.io"), ("ClusterSecretStore", "external-secrets.io"),
            ("ExternalSecret", "external-secrets.io"), ("SecretProviderClass", "secrets-store.csi.x-k8s.io"),
            ("VaultConnection", "secrets.hashicorp.com"),
        ]
        for (kind, group) in kinds {
            if let object = input.inventory.objects(kind, of: group).first {
                return [CISPart(.pass, "a secret store is in use: \(object.reference)", object: object.reference)]
            }
        }
        let definitions = input.inventory.objects("CustomResourceDefinition", of: "apiextensions.k8s.io").map(\.name)
        let stores = ["external-secrets.io", "secrets-store.csi.x-k8s.io", "secrets.hashicorp.com"]
        if let found = definitions.first(where: { name in stores.contains { name.hasSuffix($0) } }) {
            return [CISPart(.pass, "a secret store is installed: \(found)")]
        }
        for (object, templates) in workloads {
            for template in templates
            where template.spec.annotations["vault.hashicorp.com/agent-inject"].text == "true"
                || template.spec.volumes.contains(where: { $0.node["csi"]["driver"].equals("secrets-store.csi.k8s.io") }
                )
            {
                return [CISPart(.pass, "a secret store is in use by \(object.reference)", object: object.reference)]
            }
        }
        return [CISPart(.manual, "no external secret store was found; whether the risk asks for one is for a person")]
    }

    /// 5.5.1
    private func imageProvenance() -> [CISPart] {
        for server in instances where server.component == .apiServer {
            let plugins = SettingControl(instance: server).items(server.setting("enable-admission-plugins"))
            if plugins.contains("ImagePolicyWebhook") {
                return [CISPart(.pass, "ImagePolicyWebhook is on", node: server.node)]
            }
        }
        let webhooks = input.inventory.objects("ValidatingWebhookConfiguration", of: "admissionregistration.k8s.io")
        let marks = ["policy.sigstore.dev", "cosign", "connaisseur", "ratify", "portieris", "imagepolicy", "notation"]
        for object in webhooks {
            let names = [object.name] + object.node["webhooks"].elements.compactMap { $0["name"].string }
            if names.contains(where: { name in marks.contains { name.lowercased().contains($0) } }) {
                return [CISPart(.pass, "images are verified by \(object.name)", object: object.reference)]
            }
        }
        for (kind, group) in [("ClusterPolicy", "kyverno.io"), ("ImageValidatingPolicy", "policies.kyverno.io")] {
            for object in input.inventory.objects(kind, of: group)
            where kind != "ClusterPolicy"
                || object.node["spec"]["rules"].elements.contains(where: { $0["verifyImages"].exists })
            {
                return [CISPart(.pass, "images are verified by \(object.reference)", object: object.reference)]
            }
        }
        guard input.isCluster, !input.unlistedKinds.contains("ValidatingWebhookConfiguration") else {
            return [CISPart(.notObservable, "what is enforced at admission shows in a cluster only")]
        }
        return [CISPart(.fail, "nothing that verifies images at admission was found")]
    }

    /// 5.6.1
    private func namespaces() -> [CISPart] {
        guard input.isCluster else {
            return [CISPart(.notObservable, "how namespaces are used shows in a cluster only")]
        }
        let used = Set(workloads.map(\.object.namespace))
        let owners = Set(workloads.map { $0.object.labels["app.kubernetes.io/part-of"] ?? $0.object.name })
        if used.isEmpty { return [CISPart(.pass, "no workload beside the system's own")] }
        if used.count > 1 || owners.count == 1 {
            return [CISPart(.pass, "workloads live in \(used.sorted().joined(separator: ", "))")]
        }
        if used == ["default"] {
            return [CISPart(.fail, "all \(workloads.count) workloads live in the namespace default")]
        }
        return [CISPart(.manual, "all workloads live in \(used.sorted().joined()): is that one owner?")]
    }

    /// 5.6.2
    private func seccomp() -> [CISPart] {
        let kubelets = instances.filter { $0.component == .kubelet }
        let isDefault =
            !kubelets.isEmpty && kubelets.allSatisfy { $0.setting("seccompDefault").text.flatMap(Setting.bool) == true }
        var failures: [CISPart] = []
        let workloads = workloads
        func isStrong(_ node: Node) -> Bool {
            node["type"].equals("RuntimeDefault") || node["type"].equals("Localhost")
        }
        for (object, templates) in workloads {
            for template in templates where !template.spec.isWindows {
                let pod = template.spec.securityContext["seccompProfile"]
                for container in template.spec.allContainers {
                    let own = container.securityContext["seccompProfile"]
                    if own["type"].exists ? isStrong(own) : isStrong(pod) { continue }
                    let written = own["type"].exists ? own : pod
                    if !written["type"].exists, isDefault { continue }
                    failures.append(
                        CISPart(
                            .fail,
                            written["type"].exists
                                ? "container \"\(container.name)\" runs with seccomp \(written["type"].text ?? "")"
                                : "container \"\(container.name)\" has no seccomp profile",
                            evidence: written["type"], object: object.reference))
                }
            }
        }
        if failures.isEmpty, isDefault, !workloads.isEmpty {
            return [CISPart(.passByEquivalence, "every kubelet gives RuntimeDefault to what asks for nothing")]
        }
        return summed(failures, asked: workloads.count, "every container has a seccomp profile")
    }

    /// 5.6.4
    private func defaultNamespace() -> [CISPart] {
        var failures: [CISPart] = []
        var unknown = 0
        var seen = 0
        for key in input.inventory.keys {
            guard let object = input.inventory[key], object.controller == nil else { continue }
            // Without a namespace in the manifest it is unknown where the object goes.
            if object.namespace.isEmpty, !input.isCluster, !object.podTemplates.isEmpty { unknown += 1 }
            if !object.namespace.isEmpty { seen += 1 }
            guard object.namespace == "default" else { continue }
            switch (object.kind, object.name) {
            case ("Service", "kubernetes"), ("EndpointSlice", "kubernetes"), ("Endpoints", "kubernetes"),
                ("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"):
                continue
            default:
                failures.append(
                    CISPart(
                        .fail, "\(object.reference) is in the default namespace",
                        evidence: object.metadata["namespace"], object: object.reference))
            }
        }
        if !failures.isEmpty { return failures }
        if unknown > 0 {
            return [CISPart(.notObservable, "\(unknown) workloads name no namespace; where they go is not known")]
        }
        if seen == 0, !input.isCluster { return [CISPart(.notObservable, "no object of a namespace was given")] }
        return [CISPart(.pass, "nothing is in the default namespace")]
    }
}
