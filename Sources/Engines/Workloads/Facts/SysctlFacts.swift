import Documents
import Kubernetes

/// Which kernel parameters a kubelet lets a pod set.
///
/// Source: `Resources/sysctls.json`.
struct SysctlFacts: Sendable {
    enum Standing: Sendable {
        case accepted
        /// Unsafe: only where the kubelet was told so. The Pod Security checks speak of those.
        case left
        case refused(String)
    }

    let safe: [String: TargetVersion]
    let namespaced: [String]

    static let known: SysctlFacts = {
        let root = FactFile.root(PackageResources.sysctls_json, "sysctls.json")
        var safe: [String: TargetVersion] = [:]
        for entry in root["safe"].elements {
            safe[entry["name"].string ?? ""] = TargetVersion(minor: entry["since"].int ?? 0)
        }
        return SysctlFacts(safe: safe, namespaced: root["namespaced"].strings)
    }()

    func standing(of name: String, on target: TargetVersion, _ spec: PodSpec) -> Standing {
        // The kernel and Kubernetes read both ways of writing a parameter.
        let name = name.contains("/") ? String(name.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 }) : name
        guard namespaced.contains(where: name.hasPrefix) else { return .refused("which belongs to the whole node") }
        if name.hasPrefix("net."), spec.hostNetwork { return .refused("but uses the node's network") }
        if !name.hasPrefix("net."), spec.hostIPC { return .refused("but uses the node's IPC namespace") }
        guard let since = safe[name] else { return .left }
        return since <= target ? .accepted : .refused("which nodes let a pod set from \(since) on, not in \(target)")
    }
}
