import Store

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What this program takes of its machine.
struct Footprint: Sendable {
    /// Bytes of memory that are in use.
    var memory: Int
    /// Milliseconds of processor time since the start.
    var processor: Int

    static func now() -> Footprint {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        func milliseconds(_ time: timeval) -> Int { Int(time.tv_sec) * 1000 + Int(time.tv_usec) / 1000 }
        var pages = 0
        if let bytes = try? DurableFile.statistics("/proc/self/statm") {
            let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            if fields.count > 1 { pages = Int(fields[1]) ?? 0 }
        }
        return Footprint(
            memory: pages * Int(sysconf(Int32(_SC_PAGESIZE))),
            processor: milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime))
    }
}

extension DurableFile {
    /// A file of the kernel, whose size is not known before it is read.
    fileprivate static func statistics(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        return try read(descriptor, from: 0, count: 256, path)
    }
}
