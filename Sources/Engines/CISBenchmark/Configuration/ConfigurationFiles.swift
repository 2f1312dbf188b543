package import Documents
package import Kubernetes

/// The files that settings lead to: of a node, or lying among manifests.
package struct ConfigurationFiles: Sendable {
    package enum Look: Sendable {
        case found(SourceText)
        case absent
        /// It is there, or may be, and could not be looked at: why.
        case unknown(String)
    }

    private let capture: NodeCapture?
    /// Files that lie beside the manifests, by base name.
    private let loose: [String: SourceText]
    /// Folders of the node that a container sees elsewhere: container path to node path.
    private let mounts: [(container: String, node: String)]

    package init(capture: NodeCapture?, loose: [String: SourceText] = [:], mounts: [(String, String)] = []) {
        self.capture = capture
        self.loose = loose
        self.mounts = mounts.map { (container: $0.0, node: $0.1) }.sorted { $0.container.count > $1.container.count }
    }

    package var hasNode: Bool { capture != nil }

    /// The path on the node of a path in the container.
    package func onNode(_ path: String) -> String {
        for mount in mounts where path == mount.container || path.hasPrefix(mount.container + "/") {
            return mount.node + path.dropFirst(mount.container.count)
        }
        return path
    }

    package func look(_ path: String) -> Look {
        if let capture {
            let place = onNode(path)
            guard let file = capture[place] else { return .unknown("\(place) was not captured") }
            switch file.kind {
            case .absent: return .absent
            case .unreadable: return .unknown("\(place): \(file.problem ?? "cannot be read")")
            default:
                if let content = file.content { return .found(content) }
                return .unknown("\(place): \(file.problem ?? "its content was not captured")")
            }
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if let source = loose[name] { return .found(source) }
        return .unknown("\(path) is on the node and was not seen")
    }

    /// The files of a folder that end in `.conf`, in the order a kubelet reads them; nil when nobody looked.
    func dropIns(_ folder: String) -> [(path: String, source: SourceText)]? {
        guard let capture else { return nil }
        let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        guard let paths = capture.paths("\(base)/*") else { return nil }
        return paths.sorted().filter { $0.hasSuffix(".conf") }.compactMap { path in
            capture[path]?.content.map { (path, $0) }
        }
    }

    /// Drop-ins that are there and could not be read.
    func unreadDropIns(_ folder: String) -> [String] {
        guard let capture else { return [] }
        let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return (capture.paths("\(base)/*") ?? []).filter { $0.hasSuffix(".conf") && capture[$0]?.content == nil }
    }
}
