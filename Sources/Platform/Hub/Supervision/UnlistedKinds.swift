/// Kinds that could not be listed, by the resources that could not; checks that need them then say so.
enum UnlistedKinds {
    private static let kinds = [
        "roles.rbac.authorization.k8s.io": "Role", "clusterroles.rbac.authorization.k8s.io": "ClusterRole",
        "rolebindings.rbac.authorization.k8s.io": "RoleBinding",
        "clusterrolebindings.rbac.authorization.k8s.io": "ClusterRoleBinding",
        "networkpolicies.networking.k8s.io": "NetworkPolicy",
        "adminnetworkpolicies.policy.networking.k8s.io": "AdminNetworkPolicy",
        "baselineadminnetworkpolicies.policy.networking.k8s.io": "BaselineAdminNetworkPolicy",
        "clusternetworkpolicies.policy.networking.k8s.io": "ClusterNetworkPolicy",
        "ciliumnetworkpolicies.cilium.io": "CiliumNetworkPolicy",
        "ciliumclusterwidenetworkpolicies.cilium.io": "CiliumClusterwideNetworkPolicy",
        "serviceaccounts": "ServiceAccount", "pods": "Pod", "nodes": "Node", "limitranges": "LimitRange",
        "namespaces": "Namespace", "poddisruptionbudgets.policy": "PodDisruptionBudget",
        "horizontalpodautoscalers.autoscaling": "HorizontalPodAutoscaler",
    ]

    static func of(_ resources: some Sequence<String>) -> Set<String> { Set(resources.compactMap { kinds[$0] }) }
}
