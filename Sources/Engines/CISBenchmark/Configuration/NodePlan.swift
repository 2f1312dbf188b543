import Documents
package import Kubernetes

/// What has to be looked at on a node: asked again as more is seen, until nothing new is wanted.
package enum NodePlan {
    /// The paths to look at, given what was seen so far.
    ///
    /// Never the content of keys and kubeconfigs; of certificates only those that are compared.
    package static func requests(_ capture: NodeCapture, platform: Platform? = nil) -> [NodeCapture.Request] {
        var requests: Set<NodeCapture.Request> = []
        for (path, _) in Platform.marks { requests.insert(.init(path)) }
        let platform = platform ?? Platform.detect(capture)
        for place in manifests {
            for path in platform.paths(of: place) { requests.insert(.init(path, wantsContent: true)) }
        }
        requests.insert(.init("/etc/kubernetes/manifests/*", wantsContent: true))
        if platform.id == "k3s" {
            for path in k3sPaths + K3s.units { requests.insert(.init(path, wantsContent: true)) }
        }
        let instances = NodePlan.instances(capture, version: nil)
        if instances.contains(where: { $0.component.isControlPlane }) || !manifestPaths(capture, platform).isEmpty {
            for place in controlPlaneFiles { add(place, platform, instances, to: &requests) }
        } else {
            // A worker has none of these, which has to be seen too.
            for place in controlPlaneFiles { for path in platform.paths(of: place) { requests.insert(.init(path)) } }
        }
        for place in nodeFiles { add(place, platform, instances, to: &requests) }
        for instance in instances { follow(instance, &requests) }
        return requests.sorted().filter { !capture.hasAsked($0) }
    }

    private static let manifests = [
        "apiserver-manifest", "controller-manager-manifest", "scheduler-manifest", "etcd-manifest",
    ]
    private static let controlPlaneFiles = [
        "cni", "etcd-data", "admin-kubeconfigs", "scheduler-kubeconfig", "controller-manager-kubeconfig", "pki",
        "pki-certificates", "pki-keys",
    ]
    private static let nodeFiles = [
        "kubelet-unit", "proxy-kubeconfig", "kubelet-kubeconfig", "kubelet-authority", "kubelet-configuration",
    ]

    private static func add(
        _ place: String, _ platform: Platform, _ instances: [ComponentInstance],
        to requests: inout Set<NodeCapture.Request>
    ) {
        for path in paths(of: place, platform: platform, instances: instances) { requests.insert(.init(path)) }
    }

    /// The paths of a place: those of the platform, or where a component's own settings say the files are.
    static func paths(of place: String, platform: Platform, instances: [ComponentInstance]) -> [String] {
        func setting(_ component: Component, _ name: String) -> [String] {
            instances.filter { $0.component == component }.compactMap { instance in
                let setting = instance.setting(name)
                guard setting.isWritten, let text = setting.text, text.hasPrefix("/") else { return nil }
                return instance.files.onNode(text)
            }
        }
        let known = platform.paths(of: place)
        let told: [String] =
            switch place {
            case "etcd-data": setting(.etcd, "data-dir")
            case "scheduler-kubeconfig":
                setting(.scheduler, "kubeconfig") + setting(.scheduler, "authentication-kubeconfig")
            case "controller-manager-kubeconfig":
                setting(.controllerManager, "kubeconfig") + setting(.controllerManager, "authentication-kubeconfig")
            case "proxy-kubeconfig": setting(.proxy, "clientConnection.kubeconfig")
            case "kubelet-kubeconfig": setting(.kubelet, "kubeconfig")
            case "kubelet-authority": setting(.kubelet, "authentication.x509.clientCAFile")
            case "kubelet-configuration":
                setting(.kubelet, "config") + setting(.kubelet, "config-dir").map { "\($0)/*.conf" }
            default: []
            }
        var seen: Set<String> = []
        return (told.isEmpty ? known : told).filter { seen.insert($0).inserted }
    }

    /// The files that a component's settings lead to.
    private static func follow(_ instance: ComponentInstance, _ requests: inout Set<NodeCapture.Request>) {
        func want(_ name: String, content: Bool = true) {
            let setting = instance.setting(name)
            guard setting.isWritten, let text = setting.text, text.hasPrefix("/") else { return }
            requests.insert(.init(instance.files.onNode(text), wantsContent: content))
        }
        switch instance.component {
        case .apiServer:
            for name in [
                "authentication-config", "authorization-config", "audit-policy-file", "encryption-provider-config",
                "admission-control-config-file", "client-ca-file",
            ] { want(name) }
        case .etcd: want("trusted-ca-file")
        case .kubelet:
            if let folder = instance.setting("config-dir").text, folder.hasPrefix("/") {
                let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
                requests.insert(.init("\(base)/*", wantsContent: true))
            }
            if let folder = instance.setting("staticPodPath").text, folder.hasPrefix("/") {
                requests.insert(.init("\(folder)/*", wantsContent: true))
            }
        default: break
        }
        for flag in [instance.facts.configuration?.flag, OpenShiftConfiguration.flag] {
            guard let path = flag.flatMap({ instance.command?.uses($0).last?.value }), path.hasPrefix("/") else {
                continue
            }
            requests.insert(.init(instance.files.onNode(path), wantsContent: true))
        }
    }

    private static func manifestPaths(_ capture: NodeCapture, _ platform: Platform) -> [String] {
        manifests.flatMap { platform.paths(of: $0) }.filter { capture[$0]?.kind == .file }
    }

    private static let k3sPaths = ["/etc/rancher/k3s/config.yaml", "/etc/rancher/k3s/config.yaml.d/*"]

    /// k3s's own configuration, the strongest last.
    static func k3sFiles(_ capture: NodeCapture) -> [Node] {
        k3sPaths.flatMap { (capture.paths($0) ?? []).sorted() }.compactMap { path in
            guard let source = capture[path]?.content,
                case .success(let root) = ComponentInstance.document(source, kinds: [])
            else { return nil }
            return root
        }
    }

    // MARK: What runs on the node

    /// The components of a node: its processes; and where those were not seen, its static pods.
    package static func instances(_ capture: NodeCapture, version: ComponentVersion?) -> [ComponentInstance] {
        let pods = staticPods(capture)
        let podVersion = pods.compactMap(\.version).max()
        var running = ComponentInstance.inProcesses(capture, version: version ?? podVersion)
        for pod in pods {
            // The process is what runs; the manifest adds the version, the mounts and where to mend it.
            guard let position = running.firstIndex(where: { $0.component == pod.component && $0.object == nil }) else {
                if capture.processProblem != nil || running.isEmpty { running.append(pod) }
                continue
            }
            running[position].adopt(pod)
        }
        return running.sorted { $0.component < $1.component }
    }

    static func staticPods(_ capture: NodeCapture) -> [ComponentInstance] {
        var seen: Set<String> = []
        return capture.files.sorted { $0.key < $1.key }.flatMap { path, file -> [ComponentInstance] in
            guard path.contains("manifests/"), let source = file.content, seen.insert(path).inserted else { return [] }
            return NodeManifest.objects(source).flatMap { object in
                ComponentInstance.inPod(object) { _ in (capture, [:]) }.map { instance in
                    var instance = instance
                    instance.node = capture.name
                    return instance
                }
            }
        }
    }
}
