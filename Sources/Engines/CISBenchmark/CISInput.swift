package import Documents
package import Kubernetes

/// Everything the benchmark is judged from.
package struct CISInput: Sendable {
    /// Objects of the cluster, or of files.
    package var inventory: Inventory
    /// Whether the inventory is a whole cluster: only then is what is not in it not there.
    package var isCluster: Bool
    /// Kinds that could not be listed.
    package var unlistedKinds: Set<String>
    /// Nodes that were looked at.
    package var captures: [NodeCapture]
    /// What kubelets say they run with, by node.
    package var kubelets: [String: Node]
    /// Why a kubelet could not be asked, by node.
    package var kubeletProblems: [String: String]
    /// ConfigMap documents of kube-proxy and kubeadm, by `namespace/name/key`.
    package var configMaps: [String: Node]
    /// Configuration files beside manifests, by base name.
    package var looseFiles: [String: SourceText]
    /// The API server's version.
    package var version: ComponentVersion?
    /// What the provider's API says of the cluster.
    package var provider: ProviderDescription?
    /// What built the cluster; found out when nil.
    package var platform: Platform?
    /// Who logged in how; nil without an audit log.
    package var logins: LoginRecord?
    /// Verdicts on controls that other engines decide, by id.
    package var verdicts: [String: (parts: [CISPart], running: [CISPart])]

    package init(inventory: Inventory = Inventory(), isCluster: Bool = false) {
        self.inventory = inventory
        self.isCluster = isCluster
        unlistedKinds = []
        captures = []
        kubelets = [:]
        kubeletProblems = [:]
        configMaps = [:]
        looseFiles = [:]
        verdicts = [:]
    }

    /// What built the cluster, by the benchmark that is meant for its version.
    package var foundPlatform: Platform {
        let nodes = inventory.objects("Node").compactMap {
            $0.node["status"]["nodeInfo"]["kubeletVersion"].string.flatMap { ComponentVersion($0) }
        }
        return builder.edition(for: version ?? provider?.version ?? nodes.max())
    }

    private var builder: Platform {
        if let platform { return platform }
        if let provider, let platform = Platform.named(provider.platform) { return platform }
        let nodes = inventory.objects("Node")
        let groups = Set(
            inventory.objects("CustomResourceDefinition", of: "apiextensions.k8s.io").compactMap { definition in
                definition.name.split(separator: ".", maxSplits: 1).last.map(String.init)
            })
        let found = Platform.detect(nodes: nodes, version: nil, groups: groups)
        if found.id != "standard" { return found }
        return captures.lazy.map(Platform.detect).first { $0.id != "standard" } ?? .standard
    }
}
