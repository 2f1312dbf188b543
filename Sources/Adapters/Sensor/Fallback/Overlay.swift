/// The layers of a container's root, as its mounts name them.
struct Overlay {
    /// The folder of what the container itself wrote.
    var upper: String
    /// The overlay a process has as its root; nil when its root is none.
    init?(ofProcess id: UInt32) {
        guard let bytes = ProcFiles.read("/proc/\(id)/mountinfo") else { return nil }
        self.init(mounts: String(decoding: bytes, as: UTF8.self))
    }

    init?(mounts: String) {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 4, words[4] == "/", let dash = words.firstIndex(of: "-"), words.count > dash + 3,
                words[dash + 1] == "overlay",
                let option = words[dash + 3].split(separator: ",").first(where: { $0.hasPrefix("upperdir=") })
            else { continue }
            upper = String(option.dropFirst(9))
            return
        }
        return nil
    }

    /// Whether a file of the container lies in its own layer: written there, or changed since.
    func holds(_ path: [UInt8], root: String) -> Bool {
        ProcFiles.exists(root + upper + String(decoding: path, as: UTF8.self))
    }
}

/// Folders of a container that lie in memory, as its mounts name them.
struct MemoryFolders {
    struct Folder: Equatable {
        var path: String
        /// As the kernel numbers file systems inside: twenty bits for the last part.
        var device: UInt32
    }

    var folders: [Folder] = []

    init(ofProcess id: UInt32) {
        let bytes = ProcFiles.read("/proc/\(id)/mountinfo") ?? []
        self.init(mounts: String(decoding: bytes, as: UTF8.self))
    }

    init(mounts: String) {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, let dash = words.firstIndex(of: "-"), words.count > dash + 1,
                words[dash + 1] == "tmpfs" || words[dash + 1] == "ramfs",
                words[5].split(separator: ",").contains("rw")
            else { continue }
            let numbers = words[2].split(separator: ":").compactMap { UInt32($0) }
            guard numbers.count == 2 else { continue }
            folders.append(Folder(path: String(words[4]), device: numbers[0] << 20 | numbers[1]))
        }
    }

    /// Those that are none of the pod's volumes: what the runtime itself made, /dev/shm among them.
    func besides(_ volumes: [String]) -> [Folder] {
        let spared = folders.filter { volumes.contains($0.path) }.map(\.device)
        return folders.filter { !spared.contains($0.device) }
    }
}
