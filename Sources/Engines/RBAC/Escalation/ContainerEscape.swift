package import Documents
package import Findings
package import Kubernetes

/// A way from a container to its node and further.
///
/// Source: `Resources/container-escapes.json`. What the pod's specification does not tell is said in `condition`.
package struct ContainerEscape: Sendable {
    package let id: String
    package let severity: Severity
    package let gain: String
    package let condition: String?
    /// What it leads to in paths; nil where it leads to no goal of theirs.
    let leads: Lead?
    private let when: When

    enum Lead: String, Sendable, Hashable {
        case node
        /// The tokens of all pods of the node, without the node.
        case tokens
        /// The pod's own account.
        case account
        case clusterAdmin = "cluster-admin"
    }

    /// One escape of one pod.
    package struct Found: Sendable {
        package var escape: ContainerEscape
        /// The field that opens it.
        package var node: Node
    }

    /// Every edge, in the order of the file.
    package static let all: [ContainerEscape] =
        FactFile.root(PackageResources.container_escapes_json, "container-escapes.json")["edges"].elements
        .map(ContainerEscape.init)

    private init(_ node: Node) {
        id = node["id"].string ?? ""
        severity = node["severity"].string.flatMap(Severity.init) ?? .medium
        gain = node["gain"].string ?? ""
        condition = node["when"]["if"].string
        leads = node["leads"].string.flatMap(Lead.init)
        when = When(node["when"])
    }

    /// What leads out of a pod's containers. `mountsToken` is the service account's own setting.
    package static func escapes(from pod: PodSpec, mountsToken: Bool? = nil) -> [Found] {
        let containers = pod.allContainers.map { EscapeView(pod, $0, accountMountsToken: mountsToken) }
        return all.compactMap { escape in
            containers.lazy.compactMap { escape.when.place(in: $0) }.first.map { Found(escape: escape, node: $0) }
        }
    }

    /// The conditions of one edge; those not written hold always.
    private struct When: Sendable {
        let flags: [String]
        let capabilities: [String]
        let keeps: [String]
        let exact: [String]
        let covers: [String]
        let inside: [String]
        let starts: [String]
        let needsPath: Bool
        let isWritable: Bool
        let isBeyond: Bool

        init(_ node: Node) {
            flags = node.members.filter { $0.value.bool == true }.map(\.key)
                .filter { $0 != "writable" && $0 != "anyPath" }
            capabilities = node["capabilities"].strings
            keeps = node["keeps"].strings
            exact = node["in"].strings
            covers = node["covers"].strings
            inside = node["inside"].strings
            starts = node["starts"].strings
            needsPath =
                node["anyPath"].bool == true || !(exact.isEmpty && covers.isEmpty && inside.isEmpty && starts.isEmpty)
            isWritable = node["writable"].bool ?? false
            isBeyond = node["beyond"].exists
        }

        /// The field that opens the way in one container; nil when something is missing.
        func place(in container: EscapeView) -> Node? {
            guard !isBeyond else { return nil }
            var place: Node?
            for flag in flags {
                guard let node = container.node(of: flag) else { return nil }
                place = place ?? node
            }
            if !capabilities.isEmpty {
                guard let node = container.added(capabilities) else { return nil }
                place = node
            }
            if !keeps.isEmpty {
                guard !container.drops(keeps) else { return nil }
                place = container.security["capabilities"]
            }
            if needsPath {
                let mount = container.hostPaths.first { (!isWritable || $0.isWritable) && matches($0.path) }
                guard let mount else { return nil }
                place = mount.node
            }
            return place
        }

        private func matches(_ path: String) -> Bool {
            if exact.isEmpty, covers.isEmpty, inside.isEmpty, starts.isEmpty { return true }
            if exact.contains(path) || covers.contains(where: { isBelow($0, path) }) { return true }
            if inside.contains(where: { isBelow($0, path) || isBelow(path, $0) }) { return true }
            return starts.contains { path.hasPrefix($0) }
        }

        /// Whether `path` is `folder` or lies in it.
        private func isBelow(_ path: String, _ folder: String) -> Bool {
            path == folder || folder == "/" || path.hasPrefix("\(folder)/")
        }
    }
}

/// One container with what it has of its pod, as escapes look at it.
private struct EscapeView {
    struct HostPath {
        var path: String
        var isWritable: Bool
        var node: Node
    }

    let pod: PodSpec
    let container: Container
    let accountMountsToken: Bool?
    let hostPaths: [HostPath]

    init(_ pod: PodSpec, _ container: Container, accountMountsToken: Bool?) {
        self.pod = pod
        self.container = container
        self.accountMountsToken = accountMountsToken
        var sources: [String: String] = [:]
        for volume in pod.volumes {
            if let path = volume.node["hostPath"]["path"].string { sources[volume.name] = path }
        }
        hostPaths = container.volumeMounts.compactMap { mount in
            guard let path = mount["name"].string.flatMap({ sources[$0] }) else { return nil }
            return HostPath(
                path: Self.normalized("\(path)/\(mount["subPath"].string ?? "")"),
                isWritable: mount["readOnly"].bool != true, node: mount)
        }
    }

    var security: Node { container.securityContext }

    /// Without doubled slashes, a slash at the end, and steps up or to itself.
    private static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The field that makes a flag hold; a missing field where its absence does.
    func node(of flag: String) -> Node? {
        switch flag {
        case "privileged": security["privileged"].bool == true ? security["privileged"] : nil
        case "hostPID": pod.hostPID ? pod.node["hostPID"] : nil
        case "hostNetwork": pod.hostNetwork ? pod.node["hostNetwork"] : nil
        case "hostIPC": pod.hostIPC ? pod.node["hostIPC"] : nil
        case "hostUsers": pod.hostUsers ? pod.node["hostUsers"] : nil
        case "unmasked": security["procMount"].equals("Unmasked") ? security["procMount"] : nil
        case "shareProcessNamespace":
            pod.node[flag].bool == true ? pod.node[flag] : nil
        case "root": runsAsRoot ? security["runAsUser"] : nil
        case "token": token
        case "secret": secret
        case "hostProcess": hostProcess
        case "unconfined": isUnconfined ? security["seccompProfile"] : nil
        default: nil
        }
    }

    private var runsAsRoot: Bool {
        let user = security["runAsUser"].int ?? pod.securityContext["runAsUser"].int
        let isNonRoot = security["runAsNonRoot"].bool ?? pod.securityContext["runAsNonRoot"].bool ?? false
        return user.map { $0 == 0 } ?? !isNonRoot
    }

    private var hostProcess: Node? {
        let own = security["windowsOptions"]["hostProcess"]
        let shared = pod.securityContext["windowsOptions"]["hostProcess"]
        if let value = own.bool { return value ? own : nil }
        return shared.bool == true ? shared : nil
    }

    private var isUnconfined: Bool {
        let type = (security["seccompProfile"]["type"].string ?? pod.securityContext["seccompProfile"]["type"].string)
        return type == nil || type == "Unconfined"
    }

    private var token: Node? {
        for volume in pod.volumes {
            for source in volume.node["projected"]["sources"].elements where source["serviceAccountToken"].exists {
                if container.volumeMounts.contains(where: { $0["name"].string == volume.name }) { return volume.node }
            }
        }
        // The pod's word counts before the account's.
        let mounts = pod.automountServiceAccountToken ?? accountMountsToken ?? true
        return mounts ? pod.node["automountServiceAccountToken"] : nil
    }

    private var secret: Node? {
        for volume in pod.volumes {
            let isSecret =
                volume.node["secret"].exists
                || volume.node["projected"]["sources"].elements.contains { $0["secret"].exists }
            let mount = container.volumeMounts.first { $0["name"].string == volume.name }
            if isSecret, let mount { return mount }
        }
        return container.node["envFrom"].elements.first { $0["secretRef"].exists }
            ?? container.environment.first { $0["valueFrom"]["secretKeyRef"].exists }
    }

    /// The first added capability that is one of these, in any spelling runtimes take.
    func added(_ wanted: [String]) -> Node? {
        security["capabilities"]["add"].elements.first {
            $0.string.map { wanted.contains(Self.capability($0)) } ?? false
        }
    }

    func drops(_ wanted: [String]) -> Bool {
        security["capabilities"]["drop"].strings.contains {
            let name = Self.capability($0)
            return name == "ALL" || wanted.contains(name)
        }
    }

    private static func capability(_ text: String) -> String {
        let upper = text.uppercased()
        return upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
    }
}
