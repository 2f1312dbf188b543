/// Kinds of objects that checks need to see before they may say that there is nothing, by their resources.
private let kindsThatCount = [
    "roles.rbac.authorization.k8s.io": "Role", "clusterroles.rbac.authorization.k8s.io": "ClusterRole",
    "rolebindings.rbac.authorization.k8s.io": "RoleBinding",
    "clusterrolebindings.rbac.authorization.k8s.io": "ClusterRoleBinding",
    "networkpolicies.networking.k8s.io": "NetworkPolicy",
    "adminnetworkpolicies.policy.networking.k8s.io": "AdminNetworkPolicy",
    "baselineadminnetworkpolicies.policy.networking.k8s.io": "BaselineAdminNetworkPolicy",
    "clusternetworkpolicies.policy.networking.k8s.io": "ClusterNetworkPolicy",
    "ciliumnetworkpolicies.cilium.io": "CiliumNetworkPolicy",
    "ciliumclusterwidenetworkpolicies.cilium.io": "CiliumClusterwideNetworkPolicy",
    "networkpolicies.projectcalico.org": "Calico NetworkPolicy",
    "globalnetworkpolicies.projectcalico.org": "Calico GlobalNetworkPolicy",
    "networkpolicies.crd.projectcalico.org": "Calico NetworkPolicy",
    "globalnetworkpolicies.crd.projectcalico.org": "Calico GlobalNetworkPolicy",
    "hostendpoints.projectcalico.org": "HostEndpoint", "hostendpoints.crd.projectcalico.org": "HostEndpoint",
    "serviceaccounts": "ServiceAccount", "pods": "Pod", "nodes": "Node", "limitranges": "LimitRange",
    "namespaces": "Namespace",
    "poddisruptionbudgets.policy": "PodDisruptionBudget",
    "horizontalpodautoscalers.autoscaling": "HorizontalPodAutoscaler",
]

extension Sequence<ReadGap> {
    /// Kinds that were not listed; checks that need them then say so.
    package var unlistedKinds: Set<String> { Set(compactMap { kindsThatCount[$0.resource] }) }
}
