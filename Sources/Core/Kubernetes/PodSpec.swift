package import Documents

/// A pod's specification as it stands in a Pod or in the template of a workload.
///
/// A thin view: fields are decoded when asked for. Source: `PodSpec`, Kubernetes API reference v1.36.
package struct PodSpec: Sendable {
    package let node: Node
    /// Labels and annotations of the pod.
    package let metadata: Node

    package init(_ node: Node, metadata: Node) {
        self.node = node
        self.metadata = metadata
    }

    package var containers: [Container] { list("containers", .regular) }
    package var initContainers: [Container] { list("initContainers", .initial) }
    package var ephemeralContainers: [Container] { list("ephemeralContainers", .ephemeral) }
    /// Init, regular and ephemeral containers, in this order, as the API server visits them.
    package var allContainers: [Container] { initContainers + containers + ephemeralContainers }

    package var securityContext: Node { node["securityContext"] }
    package var volumes: [Volume] { node["volumes"].elements.map(Volume.init) }
    package var hostNetwork: Bool { node["hostNetwork"].bool ?? false }
    package var hostPID: Bool { node["hostPID"].bool ?? false }
    package var hostIPC: Bool { node["hostIPC"].bool ?? false }
    /// False means the pod has a user namespace of its own.
    package var hostUsers: Bool { node["hostUsers"].bool ?? true }
    package var serviceAccountName: String {
        let name = node["serviceAccountName"].string ?? node["serviceAccount"].string ?? ""
        return name.isEmpty ? "default" : name
    }
    package var automountServiceAccountToken: Bool? { node["automountServiceAccountToken"].bool }
    package var nodeSelector: [String: String] { node["nodeSelector"].stringMap }
    package var tolerations: [Node] { Array(node["tolerations"].elements) }
    package var isWindows: Bool { node["os"]["name"].equals("windows") }
    package var labels: [String: String] { metadata["labels"].stringMap }
    package var annotations: Node { metadata["annotations"] }

    private func list(_ key: String, _ role: Container.Role) -> [Container] {
        node[key].elements.map { Container(node: $0, role: role) }
    }
}

/// One container of a pod.
package struct Container: Sendable {
    package enum Role: Sendable { case regular, initial, ephemeral }

    package let node: Node
    package let role: Role

    package var name: String { node["name"].string ?? "" }
    package var image: String { node["image"].string ?? "" }
    package var securityContext: Node { node["securityContext"] }
    /// An init container that keeps running beside the others.
    package var isSidecar: Bool { role == .initial && node["restartPolicy"].equals("Always") }
    /// Whether it serves while the pod runs: a regular container or a sidecar.
    package var isLongRunning: Bool { role == .regular || isSidecar }
    package var ports: [Node] { Array(node["ports"].elements) }
    package var volumeMounts: [Node] { Array(node["volumeMounts"].elements) }
    package var environment: [Node] { Array(node["env"].elements) }
}

/// One volume of a pod.
package struct Volume: Sendable {
    package let node: Node
    package init(_ node: Node) { self.node = node }

    package var name: String { node["name"].string ?? "" }
    /// The member that says what backs it (`hostPath`, `secret` …); nil when there is none, which the API server
    /// makes an `emptyDir`.
    package var source: (type: String, node: Node)? {
        for member in node.members where !member.hasKey("name") && !member.value.isNull {
            return (member.key, member.value)
        }
        return nil
    }
}
