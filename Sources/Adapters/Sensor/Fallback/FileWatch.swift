internal import CBPF

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files that were written, and programs that are about to start, as fanotify(7) tells them.
///
/// Each file system has to be marked: those of containers are when their first program is seen.
final class FileWatch {
    struct Written {
        var process: UInt32
        var path: [UInt8]
        var file: SensorProcess.File
    }

    private let group: Int32
    var descriptor: Int32 { group }
    private(set) var overflows: UInt64 = 0
    private let decides: Bool
    private let tellsWrites: Bool
    private var marked: Set<UInt64> = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// `decides`: programs wait for an answer before they start.
    init(decides: Bool, tellsWrites: Bool = true) throws(SensorError) {
        self.decides = decides
        self.tellsWrites = tellsWrites
        let kind = UInt32(decides ? FAN_CLASS_CONTENT : FAN_CLASS_NOTIF)
        group = fanotify_init(
            kind | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK), UInt32(O_RDONLY | O_CLOEXEC))
        guard group >= 0 else {
            throw SensorError(
                code: .capability, message: "fanotify is refused: \(String(cString: strerror(errno))) (CAP_SYS_ADMIN)")
        }
    }

    /// Marks the file system a folder lies on; true when it is watched.
    ///
    /// `asks`: programs on it wait for an answer before they start, if this watch decides. Nobody waits on a file system
    /// of the machine itself, whatever is asked for: a watcher that stops to answer would stop the machine with it.
    @discardableResult
    func mark(_ folder: String, asks: Bool) -> Bool {
        var facts = stat()
        guard stat(folder, &facts) == 0 else { return false }
        let device = UInt64(facts.st_dev)
        guard !marked.contains(device) else { return true }
        var mask = tellsWrites ? UInt64(FAN_CLOSE_WRITE) : 0
        if decides, asks, !HostMounts.has(device) {
            mask |= UInt64(FAN_OPEN_EXEC_PERM)
        }
        guard mask != 0 else { return false }
        let flags = UInt32(FAN_MARK_ADD) | UInt32(FAN_MARK_FILESYSTEM)
        let isMarked = fanotify_mark(group, flags, mask, -100, folder) == 0
        if isMarked { marked.insert(device) }
        return isMarked
    }

    /// Everything that waits. `mayStart` answers for a program.
    func take(mayStart: (Written) -> Bool, written: (Written) -> Void) {
        while true {
            let count = Glibc.read(group, &buffer, buffer.count)
            guard count > 0 else { return }
            var at = 0
            while at + 24 <= count {
                let event = buffer[at..<at + 24].withUnsafeBytes {
                    $0.loadUnaligned(as: fanotify_event_metadata.self)
                }
                guard event.event_len >= 24 else { break }
                at += Int(event.event_len)
                if event.mask & UInt64(FAN_Q_OVERFLOW) != 0 { overflows += 1 }
                guard event.fd >= 0 else { continue }
                let file = Self.file(event)
                if event.mask & UInt64(FAN_OPEN_EXEC_PERM) != 0 {
                    let isAllowed = file.map(mayStart) ?? true
                    var answer = fanotify_response(
                        fd: event.fd, response: UInt32(isAllowed ? FAN_ALLOW : FAN_DENY))
                    _ = Glibc.write(group, &answer, MemoryLayout<fanotify_response>.size)
                } else if let file {
                    written(file)
                }
                close(event.fd)
            }
        }
    }

    private static func file(_ event: fanotify_event_metadata) -> Written? {
        guard event.pid > 0, event.pid != getpid(), let path = ProcFiles.link("/proc/self/fd/\(event.fd)") else {
            return nil
        }
        var facts = stat()
        guard fstat(event.fd, &facts) == 0 else { return nil }
        var file = SensorProcess.File()
        file.inode = UInt64(facts.st_ino)
        file.device = UInt64(facts.st_dev)
        file.mode = facts.st_mode
        file.changed = Int64(facts.st_ctim.tv_sec) * 1_000_000_000 + Int64(facts.st_ctim.tv_nsec)
        file.modified = Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
        var system = statfs()
        if fstatfs(event.fd, &system) == 0 { file.fileSystem = UInt64(truncatingIfNeeded: system.f_type) }
        return Written(process: UInt32(event.pid), path: path, file: file)
    }

    deinit { close(group) }
}

/// The file systems that the machine itself lives on.
enum HostMounts {
    /// Roots of containers are mounted on the machine, too: of overlays only its own root counts.
    static func has(_ device: UInt64) -> Bool {
        // `st_dev` as the C library splits it.
        let major = UInt32(truncatingIfNeeded: (device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000)
        let minor = UInt32(truncatingIfNeeded: device & 0xFF | (device >> 12) & 0xFFFF_FF00)
        return ["/proc/1/mountinfo", "/proc/self/mountinfo"].contains { place in
            has(major: major, minor: minor, String(decoding: ProcFiles.read(place) ?? [], as: UTF8.self))
        }
    }

    static func has(major: UInt32, minor: UInt32, _ mounts: String) -> Bool {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, words[2] == "\(major):\(minor)", let dash = words.firstIndex(of: "-"),
                words.count > dash + 1
            else { continue }
            if words[dash + 1] != "overlay" || words[4] == "/" { return true }
        }
        return false
    }
}
