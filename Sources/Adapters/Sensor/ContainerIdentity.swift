/// The container and pod a control group belongs to, as its path says it.
///
/// The kubelet names groups in two ways: folders (`/kubepods/burstable/pod<uid>/<container>`) and systemd's slices
/// (`kubepods-burstable-pod<uid with _>.slice/cri-containerd-<container>.scope`). Runtimes add their name before the
/// identifier. A path that is none of these is no container.
package struct ContainerIdentity: Sendable, Hashable {
    package enum Engine: String, Sendable, Hashable { case containerd, crio = "cri-o", docker, podman, unknown }

    /// The whole identifier; Falco's `container.id` is its first twelve digits.
    package var id: String
    package var engine: Engine
    package var podUID: String?

    package init(id: String, engine: Engine, podUID: String? = nil) {
        self.id = id
        self.engine = engine
        self.podUID = podUID
    }

    package var shortID: String { String(id.prefix(12)) }

    package init?(cgroupPath path: String) {
        var podUID: String?
        var found: (id: String, engine: Engine)?
        var isUnderDocker = false
        for folder in path.split(separator: "/") {
            if let uid = Self.podUID(folder) {
                podUID = uid
                found = nil
            } else if let container = Self.container(folder) {
                // The innermost of several: a container that runs containers.
                found = container
                if container.engine == .unknown, isUnderDocker { found?.engine = .docker }
            } else if folder == "docker" {
                isUnderDocker = true
            }
        }
        guard let found else { return nil }
        self.init(id: found.id, engine: found.engine, podUID: podUID)
    }

    /// The pod of a control group that is a pod's own, or one below it.
    private static func podUID(_ folder: Substring) -> String? {
        var name = folder
        if name.hasSuffix(".slice") {
            name = name.dropLast(6)
            guard name.hasPrefix("kubepods"), let dash = name.start(of: "-pod") else { return nil }
            name = name[dash...].dropFirst(4)
        } else {
            guard name.hasPrefix("pod") else { return nil }
            name = name.dropFirst(3)
        }
        let uid = name.map { $0 == "_" ? "-" : $0 }
        // A UUID, or what static pods have: the digest of their manifest.
        let isUUID = uid.count == 36 && uid.allSatisfy { $0.isHexDigit || $0 == "-" }
        let isDigest = uid.count == 32 && uid.allSatisfy(\.isHexDigit)
        return isUUID || isDigest ? String(uid) : nil
    }

    private static let engines: [(prefix: String, engine: Engine)] = [
        ("cri-containerd-", .containerd), ("crio-conmon-", .unknown), ("crio-", .crio), ("docker-", .docker),
        ("libpod-conmon-", .unknown), ("libpod-", .podman), ("nerdctl-", .containerd), ("containerd-", .containerd),
    ]

    private static func container(_ folder: Substring) -> (id: String, engine: Engine)? {
        var name = folder
        if name.hasSuffix(".scope") { name = name.dropLast(6) }
        // systemd's form of containerd: `<slice>:cri-containerd:<container>`.
        let parts = name.split(separator: ":")
        if parts.count == 3, isIdentifier(parts[2]) {
            return (String(parts[2]), parts[1].contains("containerd") ? .containerd : .unknown)
        }
        for (prefix, engine) in engines where name.hasPrefix(prefix) {
            // The monitors of containers are none.
            if prefix.contains("conmon") { return nil }
            let rest = name.dropFirst(prefix.count)
            return isIdentifier(rest) ? (String(rest), engine) : nil
        }
        return isIdentifier(name) ? (String(name), .unknown) : nil
    }

    /// 64 hexadecimal digits, as every runtime gives.
    private static func isIdentifier(_ text: Substring) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

extension Substring {
    /// Where a text first stands.
    fileprivate func start(of wanted: String) -> Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(wanted) { return start }
            start = index(after: start)
        }
        return nil
    }
}
