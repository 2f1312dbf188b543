#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Keeps programs that an image did not bring from starting where the kernel's BPF security module is not to be had:
/// fanotify(7) asks before each start on a file system that is watched.
///
/// Everything else is still told by the kernel programs. The file systems of a container are watched from its first
/// event on, so that what starts before that is only told.
final class ProgramGate {
    /// A program that was kept from starting.
    struct Refusal {
        var process: SensorProcess
        var file: FileWatch.Written
    }

    private let files: FileWatch
    private let root: String
    private var overlays: [String: Overlay] = [:]
    /// By container, its folders in memory that are none of the pod's volumes.
    private var memories: [String: [String]] = [:]
    private static let mostContainers = 4096

    init(root: String) throws(SensorError) {
        files = try FileWatch(decides: true, tellsWrites: false)
        self.root = root
    }

    var descriptor: Int32 { files.descriptor }
    var overflows: UInt64 { files.overflows }

    /// Watches the file systems of a process's container, once.
    func watch(_ process: SensorProcess) {
        guard let container = process.container, overlays[container.identity.id] == nil, process.ended == 0,
            let overlay = Overlay(ofProcess: process.id), files.mark("/proc/\(process.id)/root", asks: true)
        else { return }
        if overlays.count >= Self.mostContainers {
            overlays.removeAll()
            memories.removeAll()
        }
        overlays[container.identity.id] = overlay
    }

    /// Watches a container's folders in memory, given when it is known which of them are the pod's volumes.
    func watch(_ folders: [MemoryFolders.Folder], of process: SensorProcess) {
        guard let container = process.container else { return }
        for folder in folders { files.mark("/proc/\(process.id)/root\(folder.path)", asks: true) }
        memories[container.identity.id] = folders.map(\.path)
    }

    /// Answers everybody who waits.
    func answer(_ processes: ProcessTable, now: UInt64) -> [Refusal] {
        var refused: [Refusal] = []
        files.take(
            mayStart: { file in
                let process = processes.found(file.process, at: now)
                // A runtime that is on its way into a container is in its control group already.
                processes.place(process, now: now)
                guard let container = process.container, let overlay = overlays[container.identity.id],
                    overlay.holds(file.path, root: root) || isInMemory(file, container)
                else { return true }
                refused.append(Refusal(process: process, file: file))
                return false
            }, written: { _ in })
        return refused
    }

    private func isInMemory(_ file: FileWatch.Written, _ container: SensorContainer) -> Bool {
        guard file.file.fileSystem == Self.memoryFileSystem else { return false }
        let path = String(decoding: file.path, as: UTF8.self)
        return memories[container.identity.id]?.contains { path.hasPrefix("\($0)/") } ?? false
    }

    /// `TMPFS_MAGIC`: linux/magic.h.
    private static let memoryFileSystem: UInt64 = 0x0102_1994
}
