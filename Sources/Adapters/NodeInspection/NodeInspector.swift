import Documents
package import Kubernetes

/// Looks at a node: files, owners, modes and processes. Only ever reads, and never keys or kubeconfigs.
///
/// Runs on the host, in a pod that has the host's folders mounted, or over a tree that was copied from a node. Every path
/// is taken below the root, links too, so that a tree from elsewhere cannot point at this machine.
package struct NodeInspector: Sendable {
    /// The folder that is the node's `/`; `/` for the host itself.
    package let root: String
    package let name: String
    private let accounts: NodeAccounts
    /// Largest file that is read.
    package var sizeLimit = 4 << 20
    /// Most paths that one pattern may lead to.
    package var pathLimit = 20_000

    package init(root: String = "/", name: String? = nil) {
        self.root = root == "/" ? "" : root.hasSuffix("/") ? String(root.dropLast()) : root
        let files = NodeFiles(root: self.root)
        accounts = NodeAccounts(files)
        self.name = name ?? Self.ownName(files) ?? "node"
    }

    private var files: NodeFiles { NodeFiles(root: root) }

    /// Looks at what is asked for, and at what that leads to, until nothing new is wanted.
    ///
    /// - Parameter next: what else to look at, given what was seen.
    package func capture(next: (NodeCapture) -> [NodeCapture.Request]) -> NodeCapture {
        var capture = NodeCapture(name: name)
        switch processes() {
        case .success(let found): capture.processes = found
        case .failure(let reason): capture.processProblem = reason.text
        }
        capture.hasOwners = hasOwners
        for _ in 0..<8 {
            let requests = next(capture).filter { !capture.hasAsked($0) }
            guard !requests.isEmpty else { break }
            for request in requests { capture.take(request, look(request)) }
        }
        return capture
    }

    /// Whether a folder is a copy of a node's `/`, or has one mounted.
    package static func isTree(_ path: String) -> Bool {
        let files = NodeFiles(root: path.hasSuffix("/") ? String(path.dropLast()) : path)
        return ["/etc/kubernetes", "/var/lib/kubelet", "/var/lib/rancher"].contains {
            files.status($0)?.isFolder == true
        }
    }

    struct Problem: Error { var text: String }

    /// A tree that an ordinary user copied belongs to that user throughout.
    private var hasOwners: Bool {
        guard !root.isEmpty, let folder = files.status("/etc"), let passwd = files.status("/etc/passwd") else {
            return true
        }
        return folder.uid == 0 && passwd.uid == 0
    }

    /// `--hostname-override` of the kubelet, else the node's host name.
    private static func ownName(_ files: NodeFiles) -> String? {
        if files.root.isEmpty {
            return files.hostName()
        }
        guard case .bytes(let bytes) = files.read("/etc/hostname", limit: 1024) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        return text.map(String.init)
    }

    // MARK: Files

    private func look(_ request: NodeCapture.Request) -> [(path: String, file: NodeCapture.File)] {
        guard request.pattern.contains("*") else {
            let file = inspect(request.pattern, wantsContent: request.wantsContent)
            return [(request.pattern, file)]
        }
        var paths: [String] = []
        var problems: [(path: String, file: NodeCapture.File)] = []
        let parts = request.pattern.split(separator: "/").map(String.init)
        expand(parts[...], "", &paths, &problems)
        return paths.sorted().map { ($0, inspect($0, wantsContent: request.wantsContent)) } + problems
    }

    private func expand(
        _ parts: ArraySlice<String>, _ path: String, _ out: inout [String],
        _ problems: inout [(path: String, file: NodeCapture.File)]
    ) {
        guard out.count < pathLimit else { return }
        guard let part = parts.first else {
            out.append(path)
            return
        }
        guard part.contains("*") else {
            let next = "\(path)/\(part)"
            switch files.look(next) {
            case .found: expand(parts.dropFirst(), next, &out, &problems)
            case .absent: break
            case .problem(let reason): problems.append((next, NodeCapture.File(kind: .unreadable, problem: reason)))
            }
            return
        }
        let names: [String]
        switch files.names(path.isEmpty ? "/" : path) {
        case .names(let found): names = found
        case .absent: return
        case .problem(let reason):
            problems.append((path, NodeCapture.File(kind: .unreadable, problem: reason)))
            return
        }
        let isDeep = part.hasPrefix("**")
        let pattern = isDeep ? "*" + part.dropFirst(2) : part
        for name in names {
            let next = "\(path)/\(name)"
            if Self.matches(name, pattern) { expand(parts.dropFirst(), next, &out, &problems) }
            // A link to a folder above would be gone down for ever.
            if isDeep, files.isOwnFolder(next) { expand(parts, next, &out, &problems) }
        }
    }

    /// `*` is any run of characters.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard pieces.count > 1, let first = pieces.first, let last = pieces.last else { return name == pattern }
        guard name.hasPrefix(first), name.hasSuffix(last), name.count >= first.count + last.count else { return false }
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    private func inspect(_ path: String, wantsContent: Bool) -> NodeCapture.File {
        let status: NodeStatus
        switch files.look(path) {
        case .found(let found): status = found
        case .absent: return .absent
        case .problem(let reason): return NodeCapture.File(kind: .unreadable, problem: reason)
        }
        var file = NodeCapture.File(
            kind: status.isFolder ? .folder : status.isFile ? .file : .other, mode: status.mode, uid: status.uid,
            gid: status.gid, owner: accounts.user(status.uid), group: accounts.group(status.gid))
        guard wantsContent, status.isFile else { return file }
        guard status.size <= sizeLimit else {
            file.problem = "larger than \(sizeLimit >> 20) MiB"
            return file
        }
        switch files.read(path, limit: sizeLimit) {
        case .bytes(let bytes): file.content = CaptureContent.cleaned(SourceText(name: path, bytes: bytes))
        case .problem(let reason): file.problem = reason
        }
        return file
    }
}
