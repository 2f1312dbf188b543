import Kubernetes

extension NodeInspector {
    /// The processes whose command lines may configure a component.
    ///
    /// In a pod the host's processes are seen with `hostPID`, or by the host's `/proc` below the root.
    func processes() -> Result<[NodeCapture.Process], Problem> {
        let files = NodeFiles(root: root)
        let names: [String]
        switch files.names("/proc") {
        case .names(let found): names = found.filter { $0.allSatisfy(\.isNumber) }
        case .absent: return .failure(Problem(text: "\(root)/proc is not there"))
        case .problem(let reason): return .failure(Problem(text: "\(root)/proc: \(reason)"))
        }
        guard !names.isEmpty else { return .failure(Problem(text: "\(root)/proc shows no process")) }
        var found: [NodeCapture.Process] = []
        var isHidden = true
        for pid in names.compactMap({ Int($0) }).sorted() {
            guard case .bytes(let bytes) = files.read("/proc/\(pid)/cmdline", limit: 2 << 20), !bytes.isEmpty else {
                continue
            }
            if pid == 1 { isHidden = false }
            let arguments = Self.texts(bytes)
            guard arguments.prefix(6).contains(where: Self.isOfInterest) else { continue }
            var environment: [String: String] = [:]
            if case .bytes(let raw) = files.read("/proc/\(pid)/environ", limit: 1 << 20) {
                for text in Self.texts(raw) {
                    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    // etcd is configured by its environment; nothing else of it is anybody's business.
                    if parts.count == 2, parts[0].hasPrefix("ETCD_"), !parts[0].contains("PASSWORD"),
                        !parts[0].contains("TOKEN")
                    {
                        environment[String(parts[0])] = String(parts[1])
                    }
                }
            }
            found.append(
                NodeCapture.Process(
                    pid: pid, arguments: Self.withoutSecrets(arguments), environment: environment,
                    user: files.status("/proc/\(pid)")?.uid))
        }
        // With hidepid, or without hostPID, the node's own processes are not among them.
        if isHidden, found.isEmpty {
            return .failure(Problem(text: "the processes of the node are hidden; run with hostPID"))
        }
        return .success(found)
    }

    /// The arguments with the values taken out that open something: k3s takes its token and its database's password so.
    static func withoutSecrets(_ arguments: [String]) -> [String] {
        var isNext = false
        return arguments.map { argument in
            let isValue = isNext && !argument.hasPrefix("-")
            isNext = false
            if isValue { return "REDACTED" }
            guard argument.hasPrefix("-") else { return withoutPassword(argument) }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].drop { $0 == "-" }
            guard secrets.contains(where: name.hasSuffix) || name == "t" else {
                return parts.count == 2 ? "\(parts[0])=\(withoutPassword(String(parts[1])))" : argument
            }
            isNext = parts.count == 1
            return parts.count == 2 ? "\(parts[0])=REDACTED" : argument
        }
    }

    private static let secrets = ["token", "password", "datastore-endpoint", "secret-key", "access-key"]

    /// `scheme://user:password@host`, in an argument or a list of them.
    private static func withoutPassword(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        guard let at = rest.firstIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":"),
            !rest[..<at].contains("/")
        else { return text }
        return text[...colon] + "REDACTED" + text[at...]
    }

    private static let names = ["kube", "etcd", "k3s", "rke2", "hyperkube", "apiserver"]

    private static func isOfInterest(_ text: String) -> Bool {
        let base = text.split(separator: "/").last.map(String.init) ?? text
        return names.contains { base.hasPrefix($0) } || text.contains("kube-") || text.contains("kubelet")
    }

    private static func texts(_ bytes: [UInt8]) -> [String] {
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }
}
