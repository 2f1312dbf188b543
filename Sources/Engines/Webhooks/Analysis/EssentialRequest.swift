package import Kubernetes

/// A request without which a cluster does not start, or does not stay up.
package struct EssentialRequest: Sendable {
    package let request: AdmittedRequest
    /// What does not happen when it is refused.
    package let effect: String
    /// Whether the cluster cannot come up again by itself without it.
    package let isVital: Bool

    /// What every cluster needs, whatever runs in it. Sources: the clients of kube-apiserver, kube-controller-manager,
    /// kube-scheduler and kubelet.
    package static func all(namespaces labels: (String) -> [String: String]?) -> [EssentialRequest] {
        let system = labels("kube-system")
        func kubelet(
            _ operation: String, group: String = "", _ resource: String, subresource: String = "", kind: String,
            namespace: String = "", vital: Bool = true, _ effect: String
        ) -> EssentialRequest {
            EssentialRequest(
                request: AdmittedRequest(
                    operation, group: group, resource, subresource: subresource, kind: kind, namespace: namespace,
                    name: "node", namespaceLabels: namespace.isEmpty ? nil : labels(namespace), labels: [[:]],
                    username: "system:node:node", groups: ["system:nodes", "system:authenticated"]),
                effect: effect, isVital: vital)
        }
        func component(
            _ user: String, _ operation: String, group: String = "", _ resource: String, subresource: String = "",
            kind: String, namespace: String = "", vital: Bool = true, _ effect: String
        ) -> EssentialRequest {
            EssentialRequest(
                request: AdmittedRequest(
                    operation, group: group, resource, subresource: subresource, kind: kind, namespace: namespace,
                    namespaceLabels: namespace.isEmpty ? nil : system, labels: [[:]], username: user,
                    groups: ["system:authenticated"]),
                effect: effect, isVital: vital)
        }
        let controllers = "system:kube-controller-manager"
        let scheduler = "system:kube-scheduler"
        let server = "system:apiserver"
        return [
            kubelet("CREATE", "nodes", kind: "Node", "no node can join"),
            kubelet("UPDATE", "nodes", subresource: "status", kind: "Node", "nodes cannot report that they are ready"),
            kubelet(
                "UPDATE", group: "coordination.k8s.io", "leases", kind: "Lease", namespace: "kube-node-lease",
                "nodes count as dead after 40 seconds, and their pods are evicted"),
            component(
                controllers, "UPDATE", group: "coordination.k8s.io", "leases", kind: "Lease", namespace: "kube-system",
                "the scheduler and the controllers lose their leader and stop"),
            kubelet(
                "CREATE", group: "certificates.k8s.io", "certificatesigningrequests",
                kind: "CertificateSigningRequest", "kubelets cannot renew their certificates"),
            kubelet(
                "UPDATE", "pods", subresource: "status", kind: "Pod", namespace: "kube-system",
                "no pod of kube-system becomes ready"),
            component(
                scheduler, "CREATE", "pods", subresource: "binding", kind: "Binding", namespace: "kube-system",
                "no pod of kube-system gets a node"),
            component(
                controllers, "CREATE", "pods", kind: "Pod", namespace: "kube-system",
                "DNS, proxies and network of new nodes do not start"),
            component(
                controllers, "UPDATE", group: "discovery.k8s.io", "endpointslices", kind: "EndpointSlice",
                namespace: "kube-system", "services do not learn of new pods"),
            kubelet(
                "CREATE", "serviceaccounts", subresource: "token", kind: "TokenRequest", namespace: "kube-system",
                "pods of kube-system get no token and do not start"),
            kubelet(
                "CREATE", group: "authentication.k8s.io", "tokenreviews", kind: "TokenReview",
                "kubelets cannot tell who asks them"),
            kubelet(
                "CREATE", group: "authorization.k8s.io", "subjectaccessreviews", kind: "SubjectAccessReview",
                "kubelets and aggregated servers cannot tell who may do what"),
            component(
                server, "UPDATE", group: "rbac.authorization.k8s.io", "clusterroles", kind: "ClusterRole", vital: false,
                "an API server of a new version does not become ready: it cannot write its own roles"),
            component(
                server, "CREATE", "namespaces", kind: "Namespace", vital: false,
                "the namespaces of the system are not made"),
            component(
                controllers, "UPDATE", "configmaps", kind: "ConfigMap", namespace: "kube-system", vital: false,
                "the system's own settings cannot be written"),
        ]
    }

    /// What the pods behind a webhook need to come up again.
    package static func ofBackend(_ backend: BackendWorkload) -> [EssentialRequest] {
        let own = "the pods behind it"
        func request(
            _ operation: String, group: String = "", _ resource: String, subresource: String = "", kind: String,
            labels: [String: String]?, user: String, _ effect: String
        ) -> EssentialRequest {
            EssentialRequest(
                request: AdmittedRequest(
                    operation, group: group, resource, subresource: subresource, kind: kind,
                    namespace: backend.namespace, namespaceLabels: backend.namespaceLabels, labels: labels.map { [$0] },
                    username: user, groups: ["system:authenticated"]),
                effect: effect, isVital: true)
        }
        let controllers = "system:serviceaccount:kube-system:replicaset-controller"
        return [
            request(
                "CREATE", "pods", kind: "Pod", labels: backend.podLabels, user: controllers,
                "\(own) cannot be created again"),
            request(
                "CREATE", "pods", subresource: "binding", kind: "Binding", labels: [:], user: "system:kube-scheduler",
                "\(own) get no node"),
            request(
                "UPDATE", "pods", subresource: "status", kind: "Pod", labels: backend.podLabels,
                user: "system:node:node", "\(own) cannot become ready"),
            request(
                "UPDATE", group: "discovery.k8s.io", "endpointslices", kind: "EndpointSlice",
                labels: backend.serviceLabels,
                user: "system:serviceaccount:kube-system:endpointslice-controller",
                "its service does not learn of new pods"),
            request(
                "CREATE", "serviceaccounts", subresource: "token", kind: "TokenRequest", labels: [:],
                user: "system:node:node", "\(own) get no token and do not start"),
        ]
    }
}

/// What runs behind the service of a webhook, as far as it was seen.
package struct BackendWorkload: Sendable {
    package var namespace: String
    package var service: String
    /// Nil where the namespace was not seen.
    package var namespaceLabels: [String: String]?
    /// Nil where neither the service nor a workload behind it was seen.
    package var podLabels: [String: String]?
    package var serviceLabels: [String: String]?
    /// The workloads that the service selects.
    package var workloads: [KubernetesObject]
    package var isServiceSeen: Bool
    /// Pods that are to run; nil where that is not known.
    package var replicas: Int?

    package init(namespace: String, service name: String, in inventory: Inventory) {
        self.namespace = namespace
        service = name
        namespaceLabels = inventory.objects("Namespace").first { $0.name == namespace }?.labels
        let object = inventory.objects("Service", in: namespace).first { $0.name == name }
        isServiceSeen = object != nil
        serviceLabels = object?.labels
        let selector = object?.node["spec"]["selector"].stringMap ?? [:]
        var workloads: [KubernetesObject] = []
        var pods: [[String: String]] = []
        if !selector.isEmpty {
            for key in inventory.keys(in: namespace) {
                guard let candidate = inventory[key], candidate.controller == nil else { continue }
                for template in candidate.podTemplates {
                    let labels = template.spec.labels
                    guard selector.allSatisfy({ labels[$0.key] == $0.value }) else { continue }
                    workloads.append(candidate)
                    pods.append(labels)
                }
            }
        }
        self.workloads = workloads
        podLabels = pods.first ?? (selector.isEmpty ? nil : selector)
        let isCounted = workloads.allSatisfy { ["Deployment", "StatefulSet", "ReplicaSet"].contains($0.kind) }
        replicas =
            workloads.isEmpty || !isCounted
            ? nil : workloads.reduce(0) { $0 + ($1.node["spec"]["replicas"].int ?? 1) }
    }
}
