import Documents
import Kubernetes

/// What keeps a workload running while nodes come and go: budgets and autoscalers.
struct Availability: Sendable {
    struct Budget: Sendable {
        var object: KubernetesObject
        var selector: LabelSelector
    }

    /// Kinds whose `spec.replicas` says how many pods there are.
    static let replicatedKinds: [(group: String, name: String)] = [
        ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet"), ("", "ReplicationController"),
        ("argoproj.io", "Rollout"),
    ]

    private var budgets: [String: [Budget]] = [:]
    private var minimumReplicas: [String: Int] = [:]

    init() {}

    init(_ inventory: Inventory) {
        for object in inventory.objects("PodDisruptionBudget", of: "policy") {
            guard let selector = LabelSelector(object.node["spec"]["selector"]) else { continue }
            budgets[object.namespace, default: []].append(Budget(object: object, selector: selector))
        }
        for scaler in inventory.objects("HorizontalPodAutoscaler", of: "autoscaling") {
            let target = scaler.node["spec"]["scaleTargetRef"]
            let key = Self.key(scaler.namespace, target["kind"].string ?? "", target["name"].string ?? "")
            minimumReplicas[key] = scaler.node["spec"]["minReplicas"].int ?? 1
        }
        for scaler in inventory.objects("ScaledObject", of: "keda.sh") {
            let target = scaler.node["spec"]["scaleTargetRef"]
            let key = Self.key(scaler.namespace, target["kind"].string ?? "Deployment", target["name"].string ?? "")
            minimumReplicas[key] = scaler.node["spec"]["minReplicaCount"].int ?? 0
        }
    }

    func budgets(for labels: [String: String], in namespace: String) -> [Budget] {
        (budgets[namespace] ?? []).filter { $0.selector.matches(labels) }
    }

    /// How many replicas the object is kept at; nil for kinds without such a number.
    func replicas(of object: KubernetesObject) -> Int? {
        guard Self.replicatedKinds.contains(where: { object.is($0.name, of: $0.group) }) else { return nil }
        if let scaled = minimumReplicas[Self.key(object.namespace, object.kind, object.name)] { return scaled }
        return object.node["spec"]["replicas"].int ?? 1
    }

    /// Whether an autoscaler decides over the replicas.
    func isScaled(_ object: KubernetesObject) -> Bool {
        minimumReplicas[Self.key(object.namespace, object.kind, object.name)] != nil
    }

    private static func key(_ namespace: String, _ kind: String, _ name: String) -> String {
        "\(namespace)/\(kind)/\(name)"
    }
}
