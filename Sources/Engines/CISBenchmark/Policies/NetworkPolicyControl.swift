import Documents
import Kubernetes

/// 5.3.2: policies over all pods of each namespace, in both directions.
///
/// The policies of Cilium, Calico and the administrators' own count too. Standard: `NetworkPolicy`: an empty podSelector
/// is every pod of the namespace; without policyTypes a policy is about ingress, and about egress where it has such rules.
struct NetworkPolicyControl {
    let policy: PolicyControl

    private var input: CISInput { policy.input }

    func parts() -> [CISPart] {
        let namespaces = asked
        guard !namespaces.isEmpty else {
            return [CISPart(input.isCluster ? .pass : .notObservable, "no namespace beside the system's own")]
        }
        if input.unlistedKinds.contains("NetworkPolicy") {
            return [CISPart(.notObservable, "NetworkPolicies could not be listed")]
        }
        if let wide = clusterWide {
            return [CISPart(.passByEquivalence, "\(wide.reference) covers every namespace", object: wide.reference)]
        }
        var parts: [CISPart] = []
        for namespace in namespaces {
            let own = coverage(of: namespace)
            let reference = ObjectReference(group: "", kind: "Namespace", namespace: "", name: namespace)
            switch (own.ingress, own.egress) {
            case (true, true): parts.append(CISPart(.pass, "namespace \(namespace) is covered", object: reference))
            case (false, false) where !input.isCluster:
                parts.append(
                    CISPart(.notObservable, "namespace \(namespace) has no policy among these files", object: reference)
                )
            case (let ingress, _):
                let missing = ingress ? "egress" : own.egress ? "ingress" : "either direction"
                parts.append(
                    CISPart(
                        .fail, "namespace \(namespace) has no policy over all its pods for \(missing)",
                        object: reference))
            }
        }
        return parts
    }

    /// Namespaces that are not the system's and have, or may get, pods.
    private var asked: [String] {
        let named = Set(input.inventory.objects("Namespace").map(\.name))
        let used = Set(policy.workloads.map(\.object.namespace)).filter { !$0.isEmpty }
        return named.union(used).filter { !PolicyControl.isSystem($0) }.sorted()
    }

    private func coverage(of namespace: String) -> (ingress: Bool, egress: Bool) {
        var covered = (ingress: false, egress: false)
        for object in input.inventory.objects("NetworkPolicy", of: "networking.k8s.io", in: namespace) {
            let spec = object.node["spec"]
            guard spec["podSelector"]["matchLabels"].isEmpty, spec["podSelector"]["matchExpressions"].isEmpty else {
                continue
            }
            let types = spec["policyTypes"].strings
            covered.ingress = covered.ingress || types.isEmpty || types.contains("Ingress")
            covered.egress = covered.egress || types.contains("Egress") || (types.isEmpty && spec["egress"].exists)
        }
        for object in input.inventory.objects("CiliumNetworkPolicy", of: "cilium.io", in: namespace) {
            let spec = object.node["spec"]
            guard spec["endpointSelector"].exists, spec["endpointSelector"].isEmpty else { continue }
            covered.ingress = covered.ingress || spec["ingress"].exists || spec["ingressDeny"].exists
            covered.egress = covered.egress || spec["egress"].exists || spec["egressDeny"].exists
        }
        for group in ["crd.projectcalico.org", "projectcalico.org"] {
            for object in input.inventory.objects("NetworkPolicy", of: group, in: namespace) {
                let spec = object.node["spec"]
                let selector = spec["selector"].string ?? ""
                guard selector.isEmpty || selector == "all()" else { continue }
                let types = spec["types"].strings
                covered.ingress = covered.ingress || types.isEmpty || types.contains("Ingress")
                covered.egress = covered.egress || types.contains("Egress")
            }
        }
        return covered
    }

    /// A policy of the whole cluster that covers every pod in both directions.
    private var clusterWide: KubernetesObject? {
        for group in ["crd.projectcalico.org", "projectcalico.org"] {
            for object in input.inventory.objects("GlobalNetworkPolicy", of: group) {
                let spec = object.node["spec"]
                let selector = spec["selector"].string ?? ""
                let types = Set(spec["types"].strings)
                if selector.isEmpty || selector == "all()", types.isSuperset(of: ["Ingress", "Egress"]),
                    spec["namespaceSelector"].isNull
                {
                    return object
                }
            }
        }
        for object in input.inventory.objects("CiliumClusterwideNetworkPolicy", of: "cilium.io") {
            let spec = object.node["spec"]
            if spec["endpointSelector"].exists, spec["endpointSelector"].isEmpty, spec["ingress"].exists,
                spec["egress"].exists
            {
                return object
            }
        }
        return nil
    }
}
