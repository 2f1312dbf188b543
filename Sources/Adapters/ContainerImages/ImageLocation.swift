/// Where an image is, as people write it on a command line.
package enum ImageLocation: Sendable, Hashable, CustomStringConvertible {
    case registry(String)
    case layout(path: String, wanted: String?)
    case archive(path: String, wanted: String?)
    case directory(String)
    case containerd(String)
    case containersStorage(String)

    /// `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `docker-archive:PATH[:TAG]`, `dir:PATH`, `containerd:DIGEST`,
    /// `containers-storage:NAME`, `docker://NAME`; without such a word a path that exists, else a name in a registry.
    package init(_ text: String) throws(ImageError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, !parts[1].isEmpty {
            let rest = parts[1]
            switch parts[0] {
            case "oci", "oci-layout":
                let (path, wanted) = Self.split(rest)
                self = .layout(path: path, wanted: wanted)
                return
            case "oci-archive", "docker-archive":
                let (path, wanted) = Self.split(rest)
                self = .archive(path: path, wanted: wanted)
                return
            case "dir", "rootfs":
                self = .directory(rest)
                return
            case "containerd":
                self = .containerd(rest)
                return
            case "containers-storage", "podman":
                self = .containersStorage(rest)
                return
            case "docker", "registry":
                // A repository may be called docker; only with slashes is it this word.
                if rest.hasPrefix("//") || parts[0] == "registry" && rest.contains("/") {
                    self = .registry(rest.hasPrefix("//") ? String(rest.dropFirst(2)) : rest)
                    return
                }
            default: break
            }
        }
        let (path, wanted) = Self.split(text)
        let looksLikePath = path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../")
        if LocalFile.isDirectory(path) {
            self = LayoutSource.isLayout(path) ? .layout(path: path, wanted: wanted) : .directory(path)
        } else if LocalFile.exists(path) {
            guard ArchiveSource.isArchive(path) else {
                throw ImageError(.unsupported, "\(path) is neither an archive nor a bill of materials")
            }
            self = .archive(path: path, wanted: wanted)
        } else if looksLikePath {
            throw ImageError(.notFound, "\(path): there is no such file or folder")
        } else {
            self = .registry(text)
        }
    }

    /// A path that exists is taken whole, so that a colon may be in its name.
    private static func split(_ text: String) -> (path: String, wanted: String?) {
        guard !LocalFile.exists(text) else { return (text, nil) }
        // A digest or a name with a tag holds colons of its own: the shortest path that exists ends it.
        var position = text.startIndex
        while let colon = text[position...].firstIndex(of: ":") {
            let path = String(text[..<colon])
            if LocalFile.exists(path) { return (path, String(text[text.index(after: colon)...])) }
            position = text.index(after: colon)
        }
        return (text, nil)
    }

    package var description: String {
        switch self {
        case .registry(let name): name
        case .layout(let path, let wanted), .archive(let path, let wanted):
            path + (wanted.map { ":\($0)" } ?? "")
        case .directory(let path): path
        case .containerd(let name): "containerd:\(name)"
        case .containersStorage(let name): "containers-storage:\(name)"
        }
    }

    /// Whether reading it needs the network.
    package var isRemote: Bool {
        if case .registry = self { return true }
        return false
    }

    /// What reads it.
    package func source(
        _ client: RegistryClient, limits: LayerLimits = LayerLimits()
    ) throws(ImageError) -> any ImageSource {
        switch self {
        case .registry(let name):
            var source = try RegistrySource(name, client)
            source.limits = limits
            return source
        case .layout(let path, let wanted):
            var source = LayoutSource(path, wanted: wanted)
            source.limits = limits
            return source
        case .archive(let path, let wanted): return try ArchiveSource(path, wanted: wanted, limits: limits)
        case .directory(let path): return DirectorySource(path)
        case .containerd(let name): return try ContainerdSource(name)
        case .containersStorage(let name): return ContainersStorageSource(name)
        }
    }
}
