internal import SensorObject

/// What the kernel programs are told: by the number of a system call, what to hand over of it.
struct KernelTable {
    /// One entry: eight bytes, as `struct wanted` of bpf/record.h has them.
    private struct Entry {
        var group: event_class
        var handler: handler = HANDLER_GENERIC
        var strings: (UInt8, UInt8) = (0, 0)
        var folders: (UInt8, UInt8) = (0, 0)
        var flags: UInt32 = 0
    }

    var ownProcess: UInt32 = 0
    var ownMounts: UInt32 = 0
    var options = SensorOptions()

    /// The bytes of `struct configuration`.
    func bytes() -> [UInt8] {
        var out: [UInt8] = []
        let numbers: [UInt32] = [
            ownProcess, ownMounts, options.containersOnly ? 1 : 0, options.allReads ? 1 : 0,
            options.unixSockets ? 1 : 0, options.response.number, UInt32(options.ringBytes / 16),
            UInt32(options.ringBytes),
        ]
        for number in numbers { withUnsafeBytes(of: number) { out += $0 } }
        #if arch(arm64)
            out += table(.arm64)
            out += [UInt8](repeating: 0, count: Int(SYSCALL_LIMIT) * 8)
        #else
            out += table(.amd64)
            out += table(.i386)
        #endif
        for word in Self.nameBits(options.readNames) { withUnsafeBytes(of: word) { out += $0 } }
        return out
    }

    /// A bit for each name whose reading is asked about, by its first eight bytes; `is_read_wanted` of
    /// bpf/sensor.bpf.c looks there before it looks for the name itself.
    static func nameBits(_ names: Set<String>) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: Int(NAME_WORDS))
        for name in names {
            var first: UInt64 = 0
            for (i, byte) in name.utf8.prefix(8).enumerated() { first |= UInt64(byte) << UInt64(8 * i) }
            let bit = Int((first &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - NAME_BITS_LOG))
            words[bit >> 6] |= 1 << UInt64(bit & 63)
        }
        return words
    }

    private func table(_ machine: SystemCall.Machine) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(SYSCALL_LIMIT) * 8)
        for call in SystemCall.allCases where call.concernsProcess || options.calls.contains(call) {
            guard let number = call.number(machine) else { continue }
            let entry = Self.entry(call)
            let at = number * 8
            out[at] = call.rawValue
            out[at + 1] = UInt8(entry.group.rawValue)
            out[at + 2] = UInt8(entry.handler.rawValue)
            (out[at + 3], out[at + 4]) = entry.strings
            (out[at + 5], out[at + 6]) = entry.folders
            out[at + 7] = UInt8(entry.flags)
        }
        if options.mappedCode {
            let at = Self.mapNumber(machine) * 8
            out[at] = UInt8(KIND_MAPPED.rawValue)
            out[at + 1] = UInt8(CLASS_PROCESS.rawValue)
            out[at + 2] = UInt8(HANDLER_MAP.rawValue)
            out[at + 7] = UInt8(WANTED_SUCCESS.rawValue)
        }
        return out
    }

    /// `mmap`, of the old calls `mmap2`. No call of rules: only what maps code in a container is handed over.
    private static func mapNumber(_ machine: SystemCall.Machine) -> Int {
        switch machine {
        case .amd64: 9
        case .arm64: 222
        case .i386: 192
        }
    }

    /// The folder of a path without one: the working directory.
    private static let working: UInt8 = 7

    private static func entry(_ call: SystemCall) -> Entry {
        let working = working
        switch call {
        case .open: return Entry(group: CLASS_READ, handler: HANDLER_OPEN, strings: (1, 0), folders: (working, 0))
        case .openat: return Entry(group: CLASS_READ, handler: HANDLER_OPEN, strings: (2, 0), folders: (1, 0))
        case .openat2:
            return Entry(
                group: CLASS_READ, handler: HANDLER_OPEN, strings: (2, 0), folders: (1, 0),
                flags: WANTED_DATAGRAM.rawValue)
        case .creat:
            return Entry(
                group: CLASS_CHANGE, handler: HANDLER_OPEN, strings: (1, 0), folders: (working, 0),
                flags: WANTED_CREATE.rawValue)
        case .rename, .link: return Entry(group: CLASS_CHANGE, strings: (1, 2), folders: (working, working))
        case .symlink: return Entry(group: CLASS_CHANGE, strings: (1, 2), folders: (0, working))
        case .renameat, .renameat2, .linkat: return Entry(group: CLASS_CHANGE, strings: (2, 4), folders: (1, 3))
        case .symlinkat: return Entry(group: CLASS_CHANGE, strings: (1, 3), folders: (0, 2))
        case .unlink, .rmdir, .mkdir, .chmod, .chown, .lchown, .truncate, .mknod:
            return Entry(group: CLASS_CHANGE, strings: (1, 0), folders: (working, 0))
        case .unlinkat, .mkdirat, .fchmodat, .fchownat, .mknodat:
            return Entry(group: CLASS_CHANGE, strings: (2, 0), folders: (1, 0))
        case .fchmod, .fchown: return Entry(group: CLASS_CHANGE, folders: (1, 0))
        case .chdir, .fchdir:
            return Entry(group: CLASS_PROCESS, flags: WANTED_SUCCESS.rawValue | WANTED_IDENTITY.rawValue)
        case .socket: return Entry(group: CLASS_NETWORK, flags: WANTED_FAMILY.rawValue)
        case .connect, .bind: return Entry(group: CLASS_NETWORK, handler: HANDLER_SOCKET_FD, strings: (2, 0))
        case .listen: return Entry(group: CLASS_NETWORK, handler: HANDLER_SOCKET_FD)
        case .accept, .accept4:
            return Entry(
                group: CLASS_NETWORK, handler: HANDLER_SOCKET_FD,
                flags: WANTED_RESULT.rawValue | WANTED_SUCCESS.rawValue)
        case .sendto:
            return Entry(
                group: CLASS_OTHER, handler: HANDLER_SOCKET_FD, strings: (0, 5), flags: WANTED_DATAGRAM.rawValue)
        case .sendmsg:
            return Entry(
                group: CLASS_OTHER, handler: HANDLER_SOCKET_FD, strings: (0, 2), flags: WANTED_DATAGRAM.rawValue)
        case .dup, .dup2, .dup3: return Entry(group: CLASS_NETWORK, handler: HANDLER_DUP)
        case .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .capset, .setsid, .setpgid, .setns:
            return Entry(group: CLASS_PRIVILEGE, flags: WANTED_IDENTITY.rawValue)
        case .chroot:
            return Entry(
                group: CLASS_PRIVILEGE, strings: (1, 0), folders: (working, 0), flags: WANTED_IDENTITY.rawValue)
        case .mount: return Entry(group: CLASS_PRIVILEGE, strings: (1, 2), folders: (0, working))
        case .moveMount: return Entry(group: CLASS_PRIVILEGE, strings: (2, 4), folders: (1, 3))
        case .umount2: return Entry(group: CLASS_PRIVILEGE, strings: (1, 0), folders: (working, 0))
        case .pivotRoot: return Entry(group: CLASS_PRIVILEGE, strings: (1, 2), folders: (working, working))
        case .finitModule: return Entry(group: CLASS_PRIVILEGE, folders: (1, 0))
        case .deleteModule: return Entry(group: CLASS_PRIVILEGE, strings: (1, 0))
        case .memfdCreate: return Entry(group: CLASS_PRIVILEGE, strings: (1, 0))
        case .ptrace, .processVMWrite, .unshare, .initModule, .bpf, .userfaultfd, .perfEventOpen, .ioUringSetup:
            return Entry(group: CLASS_PRIVILEGE)
        case .prctl: return Entry(group: CLASS_OTHER)
        case .kill, .tkill, .tgkill: return Entry(group: CLASS_SIGNAL)
        // What succeeds is told by its own tracepoint.
        case .execve:
            return Entry(
                group: CLASS_PROCESS, strings: (1, 0), folders: (working, 0), flags: WANTED_FAILURE.rawValue)
        case .execveat:
            return Entry(group: CLASS_PROCESS, strings: (2, 0), folders: (1, 0), flags: WANTED_FAILURE.rawValue)
        }
    }
}

extension SensorOptions.Response {
    var number: UInt32 {
        switch self {
        case .none: RESPONSE_NONE.rawValue
        case .signal: RESPONSE_SIGNAL.rawValue
        case .deny: RESPONSE_DENY.rawValue
        }
    }
}
