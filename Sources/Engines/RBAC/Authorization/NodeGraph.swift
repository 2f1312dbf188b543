import Documents
package import Kubernetes

/// Which objects belong to which node: what a kubelet may read and why.
///
/// Source: `plugin/pkg/auth/authorizer/node` of Kubernetes 1.36. A pod bound to a node leads to its service account and
/// to the Secrets, ConfigMaps, claims and resource claims its specification names; a claim leads to its volume, and
/// the volume to the Secrets its driver needs.
package struct NodeGraph: Sendable {
    enum Kind: Sendable, Hashable {
        case pod, secret, configMap, claim, volume, resourceClaim, attachment, serviceAccount, slice, certificateRequest
    }

    struct Vertex: Sendable, Hashable {
        var kind: Kind
        var namespace: String
        var name: String
    }

    /// Nodes an object belongs to directly.
    private var nodes: [Vertex: Set<String>] = [:]
    /// What belongs to a claim's nodes: its volume; and to the volume: its Secrets.
    private var parents: [Vertex: Set<Vertex>] = [:]

    package init(_ objects: some Sequence<KubernetesObject>) {
        for object in objects { add(object) }
    }

    /// Whether a way leads from the object to the node.
    func isRelated(_ vertex: Vertex, to node: String) -> Bool {
        if nodes[vertex]?.contains(node) == true { return true }
        // Secret → volume → claim → node: at most two steps, and no loops, since each step changes the kind.
        for parent in parents[vertex] ?? [] where isRelated(parent, to: node) { return true }
        return false
    }

    private mutating func add(_ object: KubernetesObject) {
        let spec = object.node["spec"]
        switch (object.apiVersion.group, object.kind) {
        case ("", "Pod"): addPod(object)
        case ("", "PersistentVolume"): addVolume(object)
        case ("storage.k8s.io", "VolumeAttachment"): add(.attachment, object, spec["nodeName"])
        case ("resource.k8s.io", "ResourceSlice"): add(.slice, object, spec["nodeName"])
        case ("certificates.k8s.io", "PodCertificateRequest"): add(.certificateRequest, object, spec["nodeName"])
        default: break
        }
    }

    private mutating func add(_ kind: Kind, _ object: KubernetesObject, _ node: Node) {
        guard let name = node.string, !name.isEmpty else { return }
        nodes[Vertex(kind: kind, namespace: object.namespace, name: object.name), default: []].insert(name)
    }

    private mutating func addPod(_ pod: KubernetesObject) {
        let spec = pod.node["spec"]
        guard let node = spec["nodeName"].string, !node.isEmpty else { return }
        func link(_ kind: Kind, _ name: String?) {
            guard let name, !name.isEmpty else { return }
            nodes[Vertex(kind: kind, namespace: pod.namespace, name: name), default: []].insert(node)
        }
        link(.pod, pod.name)
        // A node can make mirror pods of whatever it likes; they give it nothing.
        guard !pod.metadata["annotations"]["kubernetes.io/config.mirror"].exists else { return }
        link(.serviceAccount, spec["serviceAccountName"].string ?? spec["serviceAccount"].string)
        let references = PodReferences(spec)
        for name in references.secrets { link(.secret, name) }
        for name in references.configMaps { link(.configMap, name) }
        for volume in spec["volumes"].elements {
            if volume["persistentVolumeClaim"].isObject {
                link(.claim, volume["persistentVolumeClaim"]["claimName"].string)
            } else if volume["ephemeral"].isObject, let name = volume["name"].string {
                link(.claim, "\(pod.name)-\(name)")
            }
        }
        let statuses = pod.node["status"]["resourceClaimStatuses"]
        for claim in spec["resourceClaims"].elements {
            if let name = claim["resourceClaimName"].string {
                link(.resourceClaim, name)
            } else if let entry = claim["name"].string {
                // Made from a template: the status names it once it is there.
                for status in statuses.elements where status["name"].equals(entry) {
                    link(.resourceClaim, status["resourceClaimName"].string)
                }
            }
        }
        link(.resourceClaim, pod.node["status"]["extendedResourceClaimStatus"]["resourceClaimName"].string)
    }

    private mutating func addVolume(_ volume: KubernetesObject) {
        let spec = volume.node["spec"]
        let claimRef = spec["claimRef"]
        guard claimRef.isObject else { return }
        let claimNamespace = claimRef["namespace"].string ?? ""
        let claim = Vertex(kind: .claim, namespace: claimNamespace, name: claimRef["name"].string ?? "")
        let own = Vertex(kind: .volume, namespace: "", name: volume.name)
        parents[own, default: []].insert(claim)
        for secret in PodReferences.kubeletSecrets(ofVolume: spec, claimNamespace: claimNamespace) {
            parents[Vertex(kind: .secret, namespace: secret.namespace, name: secret.name), default: []].insert(own)
        }
    }
}

/// The Secrets and ConfigMaps a pod's specification names.
struct PodReferences {
    private(set) var secrets: [String] = []
    private(set) var configMaps: [String] = []

    init(_ spec: Node) {
        for secret in spec["imagePullSecrets"].elements { secrets += [secret["name"].string].compactMap(\.self) }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec[list].elements { read(container: container) }
        }
        for volume in spec["volumes"].elements { read(volume: volume) }
    }

    private mutating func read(container: Node) {
        for source in container["envFrom"].elements {
            secrets += [source["secretRef"]["name"].string].compactMap(\.self)
            configMaps += [source["configMapRef"]["name"].string].compactMap(\.self)
        }
        for variable in container["env"].elements {
            secrets += [variable["valueFrom"]["secretKeyRef"]["name"].string].compactMap(\.self)
            configMaps += [variable["valueFrom"]["configMapKeyRef"]["name"].string].compactMap(\.self)
        }
    }

    private mutating func read(volume: Node) {
        secrets += [volume["secret"]["secretName"].string].compactMap(\.self)
        configMaps += [volume["configMap"]["name"].string].compactMap(\.self)
        for source in volume["projected"]["sources"].elements {
            secrets += [source["secret"]["name"].string].compactMap(\.self)
            configMaps += [source["configMap"]["name"].string].compactMap(\.self)
        }
        secrets += [volume["azureFile"]["secretName"].string].compactMap(\.self)
        for type in ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"] {
            secrets += [volume[type]["secretRef"]["name"].string].compactMap(\.self)
        }
        secrets += [volume["csi"]["nodePublishSecretRef"]["name"].string].compactMap(\.self)
    }

    /// The Secrets a PersistentVolume's driver needs on the node; those only controllers need are not among them.
    static func kubeletSecrets(ofVolume spec: Node, claimNamespace: String) -> [(namespace: String, name: String)] {
        var out: [(String, String)] = []
        func add(_ reference: Node) {
            guard let name = reference["name"].string, !name.isEmpty else { return }
            let own = reference["namespace"].string ?? ""
            out.append((own.isEmpty ? claimNamespace : own, name))
        }
        for type in ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"] { add(spec[type]["secretRef"]) }
        if let name = spec["azureFile"]["secretName"].string {
            let own = spec["azureFile"]["secretNamespace"].string ?? ""
            out.append((own.isEmpty ? claimNamespace : own, name))
        }
        add(spec["csi"]["nodePublishSecretRef"])
        add(spec["csi"]["nodeStageSecretRef"])
        add(spec["csi"]["nodeExpandSecretRef"])
        return out
    }
}
