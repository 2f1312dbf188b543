internal import Documents

/// Names of containers from the files their runtimes keep: there at once, without asking anybody.
///
/// containerd and CRI-O write the container's OCI configuration with the kubelet's annotations; Docker has a file of its
/// own; plain runc's state names the folder of the configuration.
package final class RuntimeFiles: ContainerNames {
    private let root: String

    /// `root` is where the node's files are: `/host` in a pod.
    package init(root: String = "") { self.root = root }

    package func facts(_ container: ContainerIdentity) -> ContainerFacts? {
        let id = container.id
        for place in ["k8s.io", "moby", "default"] {
            let path = "\(root)/run/containerd/io.containerd.runtime.v2.task/\(place)/\(id)/config.json"
            if let node = Self.read(path) { return Self.facts(configuration: node) }
        }
        for place in ["run", "var/run"] {
            let path = "\(root)/\(place)/containers/storage/overlay-containers/\(id)/userdata/config.json"
            if let node = Self.read(path) { return Self.facts(configuration: node) }
        }
        if let node = Self.read("\(root)/var/lib/docker/containers/\(id)/config.v2.json") {
            return Self.facts(docker: node)
        }
        if let node = Self.read("\(root)/run/runc/\(id)/state.json") {
            let labels = node["config"]["labels"].strings
            guard let bundle = labels.first(where: { $0.hasPrefix("bundle=") })?.dropFirst(7),
                let configuration = Self.read("\(root)\(bundle)/config.json")
            else { return nil }
            return Self.facts(configuration: configuration)
        }
        return nil
    }

    private static func read(_ path: String) -> Node? {
        guard let bytes = NodeFile.read(path, limit: 4 << 20) else { return nil }
        return try? DocumentReader.readJSON(SourceText(name: path, bytes: bytes))
    }

    /// What an OCI configuration says.
    static func facts(configuration: Node) -> ContainerFacts {
        var facts = ContainerFacts()
        let notes = configuration["annotations"].stringMap
        facts.name = notes["io.kubernetes.cri.container-name"] ?? notes["io.kubernetes.container.name"]
        facts.podName = notes["io.kubernetes.cri.sandbox-name"] ?? notes["io.kubernetes.pod.name"]
        facts.namespace = notes["io.kubernetes.cri.sandbox-namespace"] ?? notes["io.kubernetes.pod.namespace"]
        facts.podUID = notes["io.kubernetes.cri.sandbox-uid"] ?? notes["io.kubernetes.pod.uid"]
        facts.image = notes["io.kubernetes.cri.image-name"] ?? notes["io.kubernetes.cri-o.ImageName"]
        facts.imageDigest = facts.image.flatMap(digest)
        facts.isReadOnly = configuration["root"]["readonly"].bool ?? false
        let capabilities = configuration["process"]["capabilities"]["bounding"].strings
        // What "privileged" does: every capability, and nothing of the kernel's files hidden.
        facts.isPrivileged =
            capabilities.contains("CAP_SYS_ADMIN") && Array(configuration["linux"]["maskedPaths"].elements).isEmpty
            && Array(configuration["linux"]["readonlyPaths"].elements).isEmpty
        facts.isConfigured = true
        for mount in configuration["mounts"].elements {
            // The kubelet's folder of a pod's volumes: `…/pods/UID/volumes/kubernetes.io~empty-dir/NAME`.
            if let source = mount["source"].string, source.contains("/volumes/kubernetes.io~"),
                let destination = mount["destination"].string
            {
                facts.volumes.append(destination)
            }
            guard let destination = mount["destination"].string, !mount["options"].strings.contains("ro"),
                !["proc", "sysfs", "cgroup", "cgroup2"].contains(mount["type"].string ?? "")
            else { continue }
            facts.writableMounts.append(destination)
        }
        return facts
    }

    static func facts(docker node: Node) -> ContainerFacts {
        var facts = ContainerFacts()
        let labels = node["Config"]["Labels"].stringMap
        let name = node["Name"].string.map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
        facts.name = labels["io.kubernetes.container.name"] ?? name
        facts.podName = labels["io.kubernetes.pod.name"]
        facts.namespace = labels["io.kubernetes.pod.namespace"]
        facts.podUID = labels["io.kubernetes.pod.uid"]
        facts.image = node["Config"]["Image"].string
        facts.imageDigest = node["Image"].string
        return facts
    }

    private static func digest(_ image: String) -> String? {
        guard let at = image.firstIndex(of: "@") else { return nil }
        return String(image[image.index(after: at)...])
    }
}
