package import Kubernetes

/// How a network plugin reads policies, where plugins differ.
///
/// Each member is a documented difference, shown with every answer; `standard` follows the Kubernetes documentation.
package struct NetworkPlugin: Sendable {
    package enum Family: String, Sendable, Hashable, CaseIterable {
        case standard, calico, cilium, antrea, aws, azure, ovn, kindnet, kubeRouter = "kube-router", weave, flannel
        case kubeNetworkPolicies = "kube-network-policies"
    }

    /// Cilium's `enable-policy`.
    package enum Enforcement: String, Sendable, Hashable { case `default`, always, never }

    package var family: Family
    /// What told the plugin: an object's name, a flag, or nothing.
    package var evidence: String
    /// The object that told it.
    package var source: KubernetesObject?
    /// Flannel and other plain networks keep policies but do nothing about them.
    package var enforcesPolicies = true
    /// Whose addresses an `ipBlock` is compared with. Cilium knows pods and nodes by identity, never by address.
    package var blockReach: PeerSelector.AddressReach = .everywhere
    /// "Traffic to and from the node where a Pod is running is always allowed" (Kubernetes, Network Policies).
    package var allowsIngressFromOwnNode = true
    package var allowsEgressToOwnNode = true
    package var enforcement = Enforcement.default
    package var clusterName = "default"
    /// Cilium: CIDR rules reach nodes, or pods too (`policy-cidr-match-mode`).
    package var ciliumCIDRReach: PeerSelector.AddressReach = .outside
    /// Cilium: `enable-node-selector-labels`; without it rules over nodes are refused.
    package var selectsNodes = false

    /// Cilium: `enable-host-firewall`; nil where its settings were not seen.
    package var enforcesHostPolicies: Bool?
    /// Cilium: `labels` tells which labels count, in place of those it leaves out by itself.
    package var hasOwnLabelFilter = false
    /// Cilium: `kube-proxy-replacement`; a Service's address is exchanged before policies about nodes look.
    package var replacesKubeProxy: Bool?

    package init(_ family: Family, evidence: String = "") {
        self.family = family
        self.evidence = evidence
        switch family {
        case .calico: allowsEgressToOwnNode = false
        case .cilium:
            blockReach = .outside
            allowsEgressToOwnNode = false
        case .flannel: enforcesPolicies = false
        default: break
        }
    }

    package static let standard = NetworkPlugin(.standard)
    package static let calico = NetworkPlugin(.calico)
    package static let cilium = NetworkPlugin(.cilium)

    /// The switches that differ from the Kubernetes documentation, in words.
    package var differences: [String] {
        var out: [String] = []
        if !enforcesPolicies { out.append("policies are kept but not enforced") }
        if !blockReach.contains(.pods) { out.append("ipBlock does not select pods or nodes") }
        if !allowsEgressToOwnNode { out.append("traffic to a pod's own node needs an egress rule") }
        if !allowsIngressFromOwnNode { out.append("traffic from a pod's own node needs an ingress rule") }
        if enforcement != .default { out.append("policy enforcement mode is \(enforcement.rawValue)") }
        if enforcesHostPolicies == true { out.append("policies about nodes are enforced (host firewall)") }
        if ciliumCIDRReach.contains(.nodes) { out.append("CIDR rules select nodes") }
        return out
    }

    /// Reads Cilium's settings as its ConfigMap writes them.
    package mutating func apply(ciliumConfig value: (String) -> String?) {
        if let mode = value("enable-policy").flatMap(Enforcement.init) { enforcement = mode }
        if let localhost = value("allow-localhost") { allowsIngressFromOwnNode = localhost != "policy" }
        if let name = value("cluster-name"), !name.isEmpty { clusterName = name }
        if let labels = value("enable-node-selector-labels") { selectsNodes = labels == "true" }
        if let firewall = value("enable-host-firewall") { enforcesHostPolicies = firewall == "true" }
        if let filter = value("labels") { hasOwnLabelFilter = !filter.isEmpty }
        if let mode = value("kube-proxy-replacement") { replacesKubeProxy = mode == "true" || mode == "strict" }
        if let modes = value("policy-cidr-match-mode") {
            if modes.contains("nodes") { ciliumCIDRReach.insert(.nodes) }
            if modes.contains("pods") { ciliumCIDRReach.insert(.pods) }
            blockReach = ciliumCIDRReach
        }
    }
}
