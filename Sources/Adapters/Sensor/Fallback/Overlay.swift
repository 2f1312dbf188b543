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
