import Documents
import Kubernetes

/// Controls that ask for the mode or the owner of files on a node.
struct FileControl {
    let capture: NodeCapture
    let platform: Platform
    /// The components of the node: they say where some of the files are.
    let instances: [ComponentInstance]

    func evaluate(_ control: CISControl, place: String, _ condition: CISControl.FileCondition) -> [CISPart] {
        if place == "proxy-kubeconfig", let proxy = instances.first(where: { $0.component == .proxy }) {
            if let part = proxyKubeconfig(proxy) { return [part] }
        }
        let patterns = NodePlan.paths(of: place, platform: platform, instances: instances)
        var paths: [String] = []
        var unseen: [String] = []
        for pattern in patterns {
            if let found = capture.paths(pattern) { paths += found } else { unseen.append(pattern) }
        }
        var seen: Set<String> = []
        paths = paths.filter { seen.insert($0).inserted }.filter { isMeant($0, place) }
        var parts = paths.compactMap { path in capture[path].map { judge(control, path, $0, condition) } }
        if capture.isEmpty { return [part(.notObservable, "nothing of a node was found: is it the node's /?")] }
        if parts.isEmpty, unseen.isEmpty {
            return [part(.notApplicable, "there is no \(patterns.first ?? place) on this node")]
        }
        parts += unseen.map { part(.notObservable, "\($0) was not captured") }
        return parts
    }

    /// Links of the network plugin's folder and folders below it are no configuration.
    private func isMeant(_ path: String, _ place: String) -> Bool {
        guard let file = capture[path] else { return false }
        switch place {
        case "cni": return file.kind == .file || file.kind == .unreadable
        case "pki": return true
        case "etcd-data": return file.kind == .folder || file.kind == .unreadable
        default: return file.kind != .folder
        }
    }

    private func judge(
        _ control: CISControl, _ path: String, _ file: NodeCapture.File, _ condition: CISControl.FileCondition
    ) -> CISPart {
        if file.kind == .unreadable { return part(.notObservable, "\(path): \(file.problem ?? "cannot be looked at")") }
        switch condition {
        case .mode(let named):
            guard file.kind != .link else { return part(.notApplicable, "\(path) is a link; its mode says nothing") }
            let allowed = platform.mode(control) ?? named
            let extra = file.mode & 0o777 & ~allowed
            let text = Self.octal(file.mode)
            return part(
                extra == 0 ? .pass : .fail,
                extra == 0
                    ? "\(path) has mode \(text)"
                    : "\(path) has mode \(text); nothing beyond \(Self.octal(allowed)) is allowed", path: path,
                value: text)
        case .owner(let wanted):
            guard capture.hasOwners else {
                return part(.notObservable, "\(path): the captured tree has lost its owners")
            }
            let owner = "\(file.owner):\(file.group)"
            // Root is who has the number, whatever it is called.
            let isRoot = wanted == "root:root" && file.uid == 0 && file.gid == 0
            if owner == wanted || isRoot { return part(.pass, "\(path) belongs to \(owner)", path: path, value: owner) }
            if wanted == "etcd:etcd", let reason = etcdRunsAsRoot(file) {
                return part(.notApplicable, "\(path) belongs to \(owner); \(reason)", path: path, value: owner)
            }
            return part(.fail, "\(path) belongs to \(owner), not to \(wanted)", path: path, value: owner)
        }
    }

    /// kubeadm's etcd runs as root in a container, and the node has no account of that name: there is nobody to give
    /// the data to.
    private func etcdRunsAsRoot(_ file: NodeCapture.File) -> String? {
        guard file.uid == 0, let etcd = instances.first(where: { $0.component == .etcd }) else { return nil }
        guard let object = etcd.object else {
            let process = capture.processes.first { process in
                ComponentCommand(process.arguments.map { ComponentCommand.Word($0) })?.component == .etcd
            }
            return process?.user == 0 ? "etcd runs as root and no other account needs the data" : nil
        }
        let user =
            etcd.container?["securityContext"]["runAsUser"].int
            ?? object.node["spec"]["securityContext"]["runAsUser"].int
        return user ?? 0 == 0 ? "etcd runs as root in its pod and no other account needs the data" : nil
    }

    /// A kubeconfig that comes out of a ConfigMap is no file of the node.
    private func proxyKubeconfig(_ proxy: ComponentInstance) -> CISPart? {
        let setting = proxy.setting("clientConnection.kubeconfig")
        guard let path = setting.text, !path.isEmpty else { return nil }
        guard proxy.mountedObjects.contains(where: { path.hasPrefix($0 + "/") || path == $0 }) else { return nil }
        return part(.notApplicable, "\(path) is mounted into the pod from an object of the API")
    }

    private func part(_ outcome: CISOutcome, _ message: String, path: String = "", value: String? = nil) -> CISPart {
        CISPart(
            outcome, message, node: capture.name, value: value, provenance: path.isEmpty ? nil : .fileMode(path))
    }

    static func octal(_ mode: Int) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
