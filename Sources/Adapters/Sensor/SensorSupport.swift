#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the machine offers the sensor and what is missing, by name.
package struct SensorSupport: Sendable {
    /// Everything the kernel programs need and this process lacks; empty when they can be tried.
    package private(set) var missing: [String] = []
    /// Lacking, but only some evidence is lost.
    package private(set) var reduced: [String] = []

    private static let capabilities: [(name: String, bit: UInt64)] = [
        ("CAP_BPF", 39), ("CAP_PERFMON", 38), ("CAP_SYS_PTRACE", 19), ("CAP_DAC_READ_SEARCH", 2), ("CAP_SYS_ADMIN", 21),
    ]

    package static func probe() -> SensorSupport {
        var out = SensorSupport()
        let held = effectiveCapabilities()
        func has(_ name: String) -> Bool {
            capabilities.first { $0.name == name }.map { held & (1 << $0.bit) != 0 } ?? false
        }
        let isAdmin = has("CAP_SYS_ADMIN")
        for name in ["CAP_BPF", "CAP_PERFMON"] where !has(name) && !isAdmin { out.missing.append("capability \(name)") }
        if !has("CAP_SYS_PTRACE") {
            out.reduced.append(
                "without CAP_SYS_PTRACE programs that ran before the sensor have no path and environment")
        }
        if access("/sys/kernel/btf/vmlinux", R_OK) != 0 {
            out.missing.append("kernel type information (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)")
        }
        if let version = kernelVersion(), version < (5, 11) {
            out.missing.append("kernel 5.11 or newer for the ring and typed tasks (this is \(version.0).\(version.1))")
        }
        return out
    }

    /// Whether the kernel asks BPF programs for leave: `bpf` among its security modules.
    package static var deniesPrograms: Bool {
        // The list is in securityfs, which is mounted on most machines and need not be.
        if let bytes = ProcFiles.read("/sys/kernel/security/lsm") {
            return String(decoding: bytes, as: UTF8.self).split { $0 == "," || $0 == "\n" }.contains("bpf")
        }
        // Without it only trying tells.
        return access("/sys/kernel/btf/vmlinux", R_OK) == 0
    }

    static func effectiveCapabilities() -> UInt64 {
        guard let bytes = ProcFiles.read("/proc/self/status") else { return 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("CapEff:") {
            return UInt64(line.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16) ?? 0
        }
        return 0
    }

    static func kernelVersion() -> (Int, Int)? {
        guard let bytes = ProcFiles.read("/proc/sys/kernel/osrelease") else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split { !$0.isNumber }
        guard parts.count > 1, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        return (major, minor)
    }
}
