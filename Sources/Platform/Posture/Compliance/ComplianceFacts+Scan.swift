import CISBenchmark
package import Compliance
package import Findings
package import Kubernetes

extension ComplianceFacts {
    /// The facts of one scan: its report, and the things there are that its checks were asked of.
    ///
    /// - Parameter unlistedKinds: kinds of objects that a cluster did not let us list.
    package init(
        _ report: Report, inventory: Inventory, unlistedKinds: Set<String> = [], attestations: [Attestation] = [],
        observations: [FamilyObservation] = [], history: EvidenceHistory? = nil, at: Moment
    ) {
        self.init(
            report: report, populations: Self.populations(inventory), unlisted: Self.unlisted(unlistedKinds),
            observations: observations, attestations: attestations, history: history, at: at)
    }

    /// Members of every kind of population, by its id, in order, each once.
    package static func populations(_ inventory: Inventory) -> [String: [ObjectReference]] {
        var out: [String: Set<ObjectReference>] = [:]
        func add(_ id: String, _ reference: ObjectReference) { out[id, default: []].insert(reference) }
        for key in inventory.keys {
            guard let object = inventory[key] else { continue }
            add("objects", object.reference)
            for id in kinds[object.kind] ?? [] { add(id, object.reference) }
            if object.apiVersion.group.hasSuffix("external-secrets.io") { add("secret-stores", object.reference) }
            if object.apiVersion.group == "bitnami.com" { add("secret-stores", object.reference) }
            if policyGroups.contains(object.apiVersion.group), object.kind.hasSuffix("NetworkPolicy") {
                add("network-policies", object.reference)
            }
            for component in ComponentInstance.inPod(object, files: { _ in (nil, [:]) }) {
                add(component.component.rawValue, object.reference)
            }
        }
        for family in inventory.families() where family.runsPods { add("workloads", family.owner.reference) }
        return out.mapValues { $0.sorted() }
    }

    private static let policyGroups: Set<String> = [
        "networking.k8s.io", "policy.networking.k8s.io", "cilium.io", "projectcalico.org", "crd.projectcalico.org",
    ]

    private static let kinds: [String: [String]] = [
        "Role": ["rights"], "ClusterRole": ["rights"], "RoleBinding": ["rights"], "ClusterRoleBinding": ["rights"],
        "Service": ["services"], "Ingress": ["ingresses"], "Namespace": ["namespaces"], "Node": ["nodes"],
        "Secret": ["secrets"], "PodDisruptionBudget": ["budgets"], "CronJob": ["cron-jobs"],
        "ValidatingAdmissionPolicy": ["policies", "webhooks"], "ValidatingAdmissionPolicyBinding": ["policies"],
        "ValidatingWebhookConfiguration": ["webhooks"], "MutatingWebhookConfiguration": ["webhooks"],
        "KubeletConfiguration": ["kubelet"], "EncryptionConfiguration": ["kube-apiserver"],
        "SecretProviderClass": ["secret-stores"],
    ]

    /// Populations that are incomplete because a kind could not be listed.
    private static func unlisted(_ missing: Set<String>) -> Set<String> {
        var out: Set<String> = []
        for kind in missing {
            out.formUnion(kinds[kind] ?? [])
            if kind == "Pod" {
                out.formUnion(["workloads", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"])
            }
            if kind.hasSuffix("NetworkPolicy") { out.formUnion(["network-policies", "namespaces", "workloads"]) }
        }
        return out
    }
}
