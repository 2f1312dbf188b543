#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the file system says of a path.
struct NodeStatus {
    var mode: Int
    var uid: Int
    var gid: Int
    var size: Int
    var isFolder: Bool
    var isFile: Bool
    var isLink: Bool
}

/// Files below a root. Links are followed here, within the root: the kernel would lead out of it.
struct NodeFiles {
    /// Without a slash at the end; empty for the host itself.
    let root: String
    /// The device of the folders that a pod holds itself, for the mounts below the root; nil where the root is
    /// the node's whole tree. What is missing there is not mounted, which says nothing of the node.
    private let ownDevice: UInt64?

    init(root: String) {
        self.root = root
        ownDevice = Self.ownDevice(root)
    }

    private static func ownDevice(_ root: String) -> UInt64? {
        guard !root.isEmpty, let own = device(root), let whole = device("/"), let processes = device(root + "/proc"),
            own == whole, processes != own
        else { return nil }
        return own
    }

    private static func device(_ path: String) -> UInt64? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt64(status.st_dev) : nil
    }

    enum Look {
        case found(NodeStatus)
        case absent
        case problem(String)
    }

    enum Names {
        case names([String])
        case absent
        case problem(String)
    }

    enum Bytes {
        case bytes([UInt8])
        case problem(String)
    }

    func status(_ path: String) -> NodeStatus? {
        if case .found(let status) = look(path) { return status }
        return nil
    }

    /// Whether the path is a folder, and no link to one.
    func isOwnFolder(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard let name = parts.last, case .path(let above) = resolve(parts.dropLast().joined(separator: "/")),
            case .found(let status) = Self.linkStatus("\(root)\(above)/\(name)")
        else { return false }
        return status.isFolder
    }

    func look(_ path: String) -> Look {
        switch resolve(path) {
        case .path(let real): return Self.linkStatus(root + real)
        case .absent: return isMounted(path) ? .absent : .problem("it is not mounted below \(root)")
        case .problem(let reason): return .problem(reason)
        }
    }

    /// Whether the nearest folder above what is not there is the node's, and not one of the pod's own.
    func isMounted(_ path: String) -> Bool {
        guard let ownDevice else { return true }
        var parts = path.split(separator: "/").map(String.init)
        while !parts.isEmpty {
            parts.removeLast()
            guard case .path(let real) = resolve(parts.joined(separator: "/")), let found = Self.device(root + real)
            else { continue }
            return found != ownDevice
        }
        return false
    }

    func names(_ path: String) -> Names {
        guard case .path(let real) = resolve(path) else {
            return isMounted(path) ? .absent : .problem("it is not mounted below \(root)")
        }
        guard let folder = opendir(root + real + "/") else {
            return errno == ENOENT || errno == ENOTDIR ? .absent : .problem(Self.reason())
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return .names(names.sorted())
    }

    /// The bytes of a plain file; pipes and devices are not opened.
    func read(_ path: String, limit: Int) -> Bytes {
        guard case .path(let real) = resolve(path) else { return .problem("it is not there") }
        let descriptor = open(root + real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return .problem(Self.reason()) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = buffer.withUnsafeMutableBytes { Self.readBytes(descriptor, $0) }
            if count < 0 { return .problem(Self.reason()) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes.count > limit ? .problem("larger than \(limit) bytes") : .bytes(bytes)
    }

    func hostName() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
                let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
            #else
                let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if count < 0, errno == EINTR { continue }
            return count
        }
    }

    // MARK: Links

    private enum Resolved {
        case path(String)
        case absent
        case problem(String)
    }

    /// The path with every link in it followed below the root.
    private func resolve(_ path: String) -> Resolved {
        // The kernel would end the path there: a path of a configuration file could name the root itself, for ever.
        guard !path.utf8.contains(0) else { return .absent }
        var pending = path.split(separator: "/").map(String.init)
        pending.reverse()
        var real = ""
        var links = 0
        while let part = pending.popLast() {
            if part == "." { continue }
            if part == ".." {
                real = String(real.prefix(upTo: real.lastIndex(of: "/") ?? real.startIndex))
                continue
            }
            let next = "\(real)/\(part)"
            switch Self.linkStatus(root + next) {
            case .absent: return .absent
            case .problem(let reason): return .problem(reason)
            case .found(let status) where status.isLink:
                links += 1
                guard links <= 40, let target = Self.target(of: root + next) else { return .problem("too many links") }
                if target.hasPrefix("/") { real = "" }
                pending += target.split(separator: "/").map(String.init).reversed()
            case .found: real = next
            }
        }
        return .path(real)
    }

    private static func target(of path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { buffer -> Int in
                guard let base = buffer.baseAddress else { return -1 }
                return readlink(path, base, buffer.count)
            }
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    private static func linkStatus(_ path: String) -> Look {
        var status = stat()
        guard lstat(path.isEmpty ? "/" : path, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? .absent : .problem(reason())
        }
        let kind = status.st_mode & mode_t(S_IFMT)
        return .found(
            NodeStatus(
                mode: Int(status.st_mode & 0o7777), uid: Int(status.st_uid), gid: Int(status.st_gid),
                size: Int(status.st_size), isFolder: kind == mode_t(S_IFDIR), isFile: kind == mode_t(S_IFREG),
                isLink: kind == mode_t(S_IFLNK)))
    }

    private static func reason() -> String {
        guard let text = strerror(errno) else { return "error \(errno)" }
        return String(cString: text).lowercased()
    }
}
