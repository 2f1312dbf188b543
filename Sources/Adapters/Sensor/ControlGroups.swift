#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The control groups of the machine by the kernel's numbers, and the containers they are.
final class ControlGroups {
    struct Key: Hashable {
        /// 0 is the unified hierarchy.
        var root: UInt32
        var id: UInt64
    }

    private var paths: [Key: String] = [:]
    private var containers: [String: SensorContainer] = [:]
    /// Groups that are no container.
    private var plain: Set<Key> = []
    private let names: [any ContainerNames]

    init(names: [any ContainerNames]) { self.names = names }

    var containerCount: Int { containers.count }

    /// A group was made at a time of day.
    func made(_ key: Key, _ path: String, time: UInt64) {
        paths[key] = path
        plain.remove(key)
        guard let identity = ContainerIdentity(cgroupPath: path), containers[identity.id] == nil else { return }
        let container = SensorContainer(identity)
        container.facts.started = time
        containers[identity.id] = container
    }

    /// The group is gone. Its container stays known for as long as a process holds it.
    func gone(_ key: Key) {
        plain.remove(key)
        guard let path = paths.removeValue(forKey: key), let identity = ContainerIdentity(cgroupPath: path),
            path.hasSuffix(identity.id) || path.hasSuffix("\(identity.id).scope")
        else { return }
        containers[identity.id] = nil
    }

    /// The container of a group; nil for groups that are none.
    func container(_ key: Key, process: UInt32, now: UInt64) -> SensorContainer? {
        if plain.contains(key) { return nil }
        guard let path = paths[key] ?? lookUp(key, process) else { return nil }
        guard let identity = ContainerIdentity(cgroupPath: path) else {
            plain.insert(key)
            return nil
        }
        let container = containers[identity.id] ?? SensorContainer(identity)
        containers[identity.id] = container
        container.complete(from: names, now: now)
        return container
    }

    /// The container of a process by what /proc says of it; nil when it is in none, or gone.
    func container(ofProcess id: UInt32, now: UInt64) -> SensorContainer? {
        guard let bytes = ProcFiles.read("/proc/\(id)/cgroup") else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let identity = ContainerIdentity(cgroupPath: String(parts[2])) else { continue }
            let container = containers[identity.id] ?? SensorContainer(identity)
            containers[identity.id] = container
            container.complete(from: names, now: now)
            return container
        }
        return nil
    }

    /// A group whose making was not seen: the process itself still says where it is.
    private func lookUp(_ key: Key, _ process: UInt32) -> String? {
        guard let bytes = ProcFiles.read("/proc/\(process)/cgroup") else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, UInt32(parts[0]) == key.root else { continue }
            let path = String(parts[2])
            paths[key] = path
            return path
        }
        return nil
    }

    // MARK: Start

    /// Reads the groups there are: a folder's number is the group's.
    func scan() {
        guard let table = ProcFiles.read("/proc/self/mountinfo"), let own = ProcFiles.read("/proc/self/cgroup") else {
            return
        }
        var hierarchies: [String: UInt32] = [:]
        for line in String(decoding: own, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let id = UInt32(parts[0]) else { continue }
            for name in parts[1].split(separator: ",") { hierarchies[String(name)] = id }
        }
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, words.count > 4 else { continue }
            let place = String(words[4])
            if words[dash + 1] == "cgroup2" {
                scan(place, prefix: "", root: 0, depth: 0)
            } else if words[dash + 1] == "cgroup" {
                let options = words[dash + 3].split(separator: ",")
                if options.contains("pids"), let id = hierarchies["pids"] {
                    scan(place, prefix: "", root: id, depth: 0)
                }
            }
        }
    }

    private func scan(_ root: String, prefix: String, root id: UInt32, depth: Int) {
        guard depth < 16, let folder = opendir(root + prefix) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            let path = "\(prefix)/\(name)"
            paths[Key(root: id, id: UInt64(entry.pointee.d_ino))] = path
            scan(root, prefix: path, root: id, depth: depth + 1)
        }
    }
}
