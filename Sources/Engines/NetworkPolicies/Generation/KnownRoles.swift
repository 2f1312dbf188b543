import Kubernetes

/// Workloads that are known by the labels their charts give them.
enum KnownRoles {
    /// Ingress controllers and gateways.
    static func isController(_ labels: [String: String]) -> Bool {
        let names: Set<String> = [
            "ingress-nginx", "nginx-ingress", "traefik", "haproxy-ingress", "kubernetes-ingress", "kong", "contour",
            "envoy", "emissary-ingress", "istio-ingressgateway", "apisix", "gateway-helm",
        ]
        return ["app.kubernetes.io/name", "app", "istio", "k8s-app"].contains { key in
            labels[key].map { names.contains($0) || $0 == "ingressgateway" } ?? false
        }
    }

    /// Programs that fetch metrics from pods.
    static func isScraper(_ labels: [String: String]) -> Bool {
        let names: Set<String> = [
            "prometheus", "prometheus-agent", "vmagent", "victoria-metrics-agent", "grafana-agent", "alloy",
        ]
        return ["app.kubernetes.io/name", "app", "k8s-app"].contains { labels[$0].map(names.contains) ?? false }
    }

    /// The cluster's DNS: CoreDNS keeps the label of kube-dns; OpenShift has its own.
    static func isDNS(_ labels: [String: String]) -> Bool {
        labels["k8s-app"] == "kube-dns" || labels["dns.operator.openshift.io/daemonset-dns"] == "default"
    }

    /// Carries what the API server sends to pods and nodes from the managed control planes of clouds.
    static func isTunnel(_ labels: [String: String]) -> Bool { labels["k8s-app"] == "konnectivity-agent" }

    static let systemNamespaces: Set<String> = ["kube-system", "kube-public", "kube-node-lease"]
}
