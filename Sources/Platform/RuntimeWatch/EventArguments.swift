internal import Sensor

/// Arguments of system calls by the names rules know, as text.
enum EventArguments {
    static let names = [
        "fd", "name", "path", "filename", "oldpath", "newpath", "target", "linkpath", "flags", "mode", "request", "cmd",
        "domain", "type", "proto", "uid", "gid", "euid", "egid", "ruid", "rgid", "res_or_fd", "res", "dev", "dir",
        "sig",
        "pid", "special", "dirfd", "nstype", "tuple", "addr",
    ]
    static let numbers: Set<String> = [
        "flags", "mode", "request", "cmd", "domain", "uid", "gid", "sig", "pid", "res", "fd",
    ]

    static func value(_ name: String, _ event: SensorEvent, _ context: LiveContext) -> [UInt8]? {
        if name == "res" { return Array(ErrorNames.text(event.result).utf8) }
        switch event.kind {
        case .exec: return name == "filename" ? event.written1 : name == "flags" ? executableFlags(event) : nil
        case .fork, .exit, .stopped, .mapped: return nil
        case .call(let call): return value(name, event, call, context)
        }
    }

    private static func value(
        _ name: String, _ event: SensorEvent, _ call: SystemCall, _ context: LiveContext
    ) -> [UInt8]? {
        let arguments = event.arguments
        switch (name, call) {
        case ("fd", .open), ("fd", .openat), ("fd", .openat2), ("fd", .creat), ("fd", .accept), ("fd", .accept4),
            ("fd", .connect), ("fd", .bind), ("fd", .listen), ("fd", .sendto), ("fd", .sendmsg), ("fd", .fchmod),
            ("fd", .finitModule):
            return LiveField.descriptorText(event, context)
        case ("fd", .socket): return Array("<\(family(arguments[0]) == "AF_UNIX" ? "u" : "o")>".utf8)
        case ("name", .open), ("name", .openat), ("name", .openat2), ("name", .creat):
            return event.openedName(resolved: context.usesResolvedPath)
        case ("name", .unlinkat), ("path", .unlink), ("path", .rmdir), ("path", .mkdir), ("path", .mkdirat),
            ("path", .chdir), ("path", .chroot), ("path", .truncate), ("path", .mknod), ("path", .mknodat),
            ("path", .chown), ("path", .lchown), ("pathname", .fchownat), ("name", .umount2), ("name", .memfdCreate),
            ("name", .deleteModule), ("filename", .chmod), ("filename", .fchmodat), ("filename", .execve),
            ("filename", .execveat):
            return event.text1
        case ("oldpath", .rename), ("oldpath", .renameat), ("oldpath", .renameat2), ("oldpath", .link),
            ("oldpath", .linkat), ("target", .symlink), ("target", .symlinkat), ("dev", .mount):
            return event.text1
        case ("newpath", .rename), ("newpath", .renameat), ("newpath", .renameat2), ("newpath", .link),
            ("newpath", .linkat), ("linkpath", .symlink), ("linkpath", .symlinkat), ("dir", .mount):
            return event.text2
        case ("flags", .open), ("flags", .openat), ("flags", .openat2), ("flags", .creat):
            return openFlags(arguments[5], event, context)
        case ("flags", .unshare): return text(bits(arguments[0], cloneFlags))
        case ("nstype", .setns), ("flags", .setns): return text(bits(arguments[1], cloneFlags))
        case ("flags", .mount): return text(bits(arguments[3], mountFlags))
        case ("flags", .unlinkat): return text(arguments[2] & 0x200 != 0 ? "AT_REMOVEDIR" : "0")
        case ("flags", .linkat): return text(String(arguments[4]))
        case ("flags", .accept4): return text(String(arguments[3]))
        case ("flags", .umount2): return text(String(arguments[1]))
        case ("flags", .memfdCreate): return text(String(arguments[1]))
        case ("mode", .chmod), ("mode", .fchmod): return text(mode(arguments[1]))
        case ("mode", .fchmodat): return text(mode(arguments[2]))
        case ("mode", .open), ("mode", .creat), ("mode", .openat), ("mode", .mkdir), ("mode", .mkdirat):
            return text(String(call == .openat || call == .mkdirat ? arguments[2] : arguments[1]))
        case ("request", .ptrace): return text(request(arguments[0]))
        case ("pid", .ptrace): return text(String(arguments[1]))
        case ("cmd", .bpf): return text(command(arguments[0]))
        case ("domain", .socket): return text(family(arguments[0]))
        case ("type", .socket): return text(String(arguments[1] & 0xF))
        case ("proto", .socket): return text(String(arguments[2]))
        case ("uid", .setuid): return account(arguments[0], event, context)
        case ("ruid", .setresuid), ("ruid", .setreuid): return account(arguments[0], event, context)
        case ("euid", .setresuid), ("euid", .setreuid): return account(arguments[1], event, context)
        case ("gid", .setgid): return text(String(UInt32(truncatingIfNeeded: arguments[0])))
        case ("res_or_fd", .bpf), ("res_or_fd", _): return text(String(event.result))
        case ("sig", .kill), ("sig", .tkill): return text(String(arguments[1]))
        case ("sig", .tgkill): return text(String(arguments[2]))
        case ("pid", .kill), ("pid", .tgkill), ("pid", .tkill):
            return text(String(Int32(truncatingIfNeeded: arguments[0])))
        case ("tuple", .connect), ("tuple", .accept), ("tuple", .accept4), ("addr", .connect), ("addr", .bind):
            return event.socket.map { Array($0.text.utf8) }
        default: return nil
        }
    }

    static func number(_ name: String, _ event: SensorEvent) -> UInt64? {
        if name == "res" { return UInt64(bitPattern: event.result) }
        guard case .call(let call) = event.kind else { return nil }
        let arguments = event.arguments
        switch (name, call) {
        case ("flags", let call) where call.isOpen: return arguments[5]
        case ("flags", .unshare): return arguments[0]
        case ("flags", .mount): return arguments[3]
        case ("mode", .chmod), ("mode", .fchmod): return arguments[1]
        case ("mode", .fchmodat): return arguments[2]
        case ("request", .ptrace), ("cmd", .bpf), ("domain", .socket), ("uid", .setuid), ("gid", .setgid),
            ("pid", .kill):
            return arguments[0]
        case ("sig", .kill): return arguments[1]
        case ("fd", _): return event.descriptor.map { UInt64(bitPattern: $0) }
        default: return nil
        }
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func account(_ id: UInt64, _ event: SensorEvent, _ context: LiveContext) -> [UInt8] {
        let number = UInt32(truncatingIfNeeded: id)
        return text(context.accounts.user(number, of: event.process) ?? String(number))
    }

    // MARK: Names of bits and numbers

    private static let openNames: [(UInt64, String)] = [
        (0o100, "O_CREAT"), (0o2000, "O_APPEND"), (0o10000, "O_DSYNC"), (0o200, "O_EXCL"), (0o4000, "O_NONBLOCK"),
        (0o4_010_000, "O_SYNC"), (0o1000, "O_TRUNC"), (0o40000, "O_DIRECT"), (0o200000, "O_DIRECTORY"),
        (0o100000, "O_LARGEFILE"), (0o2_000_000, "O_CLOEXEC"),
    ]

    private static func openFlags(_ flags: UInt64, _ event: SensorEvent, _ context: LiveContext) -> [UInt8] {
        // The bits below 32 are the flags', those above say where the file lies.
        let layer: UInt64 =
            event.file.map { $0.isOnOverlay ? ($0.isInUpperLayer ? 1 << 62 : 1 << 61) : 0 } ?? 0
        return context.openFlags(flags & 0xFFFF_FFFF | layer) {
            var out = [["O_RDONLY", "O_WRONLY", "O_RDWR", "O_RDWR"][Int(flags & 3)]]
            for (bit, name) in openNames where flags & bit == bit { out.append(name) }
            if layer != 0 { out.append(layer == 1 << 62 ? "FD_UPPER_LAYER" : "FD_LOWER_LAYER") }
            return text(out.joined(separator: "|"))
        }
    }

    private static func executableFlags(_ event: SensorEvent) -> [UInt8] {
        var out: [String] = []
        if event.process.file.mode & 0o002 != 0 || event.process.effectiveUID == 0 { out.append("EXE_WRITABLE") }
        if event.process.file.isInUpperLayer {
            out.append("EXE_UPPER_LAYER")
        } else if event.process.file.isOnOverlay {
            out.append("EXE_LOWER_LAYER")
        }
        if event.process.executablePath.starts(with: Array("memfd:".utf8)) { out.append("EXE_FROM_MEMFD") }
        return text(out.isEmpty ? "0" : out.joined(separator: "|"))
    }

    private static let cloneFlags: [(UInt64, String)] = [
        (0x20000, "CLONE_NEWNS"), (0x2000000, "CLONE_NEWCGROUP"), (0x4000000, "CLONE_NEWUTS"),
        (0x8000000, "CLONE_NEWIPC"), (0x10000000, "CLONE_NEWUSER"), (0x20000000, "CLONE_NEWPID"),
        (0x40000000, "CLONE_NEWNET"),
    ]
    private static let mountFlags: [(UInt64, String)] = [
        (1, "RDONLY"), (2, "NOSUID"), (4, "NODEV"), (8, "NOEXEC"), (32, "REMOUNT"), (4096, "BIND"), (8192, "MOVE"),
        (16384, "REC"), (1 << 17, "UNBINDABLE"), (1 << 18, "PRIVATE"), (1 << 19, "SLAVE"), (1 << 20, "SHARED"),
    ]

    private static func bits(_ value: UInt64, _ names: [(UInt64, String)]) -> String {
        let found = names.filter { value & $0.0 != 0 }.map(\.1)
        return found.isEmpty ? "0" : found.joined(separator: "|")
    }

    private static let modeNames = [
        "S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP", "S_IWGRP", "S_IRGRP", "S_IXUSR", "S_IWUSR", "S_IRUSR", "S_ISVTX",
        "S_ISGID", "S_ISUID",
    ]

    private static func mode(_ value: UInt64) -> String {
        let found = modeNames.enumerated().filter { value & (1 << UInt64($0.offset)) != 0 }.map(\.element)
        return found.isEmpty ? "0" : found.joined(separator: "|")
    }

    /// Source: linux/ptrace.h.
    private static func request(_ value: UInt64) -> String {
        let names: [UInt64: String] = [
            0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 3: "PTRACE_PEEKUSR", 4: "PTRACE_POKETEXT",
            5: "PTRACE_POKEDATA", 6: "PTRACE_POKEUSR", 7: "PTRACE_CONT", 8: "PTRACE_KILL", 9: "PTRACE_SINGLESTEP",
            12: "PTRACE_GETREGS", 13: "PTRACE_SETREGS", 16: "PTRACE_ATTACH", 17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL",
            0x4200: "PTRACE_SETOPTIONS", 0x4204: "PTRACE_GETREGSET", 0x4205: "PTRACE_SETREGSET",
            0x4206: "PTRACE_SEIZE", 0x4207: "PTRACE_INTERRUPT",
        ]
        return names[value] ?? String(value)
    }

    /// Source: linux/bpf.h.
    private static func command(_ value: UInt64) -> String {
        let names = [
            "BPF_MAP_CREATE", "BPF_MAP_LOOKUP_ELEM", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM",
            "BPF_MAP_GET_NEXT_KEY", "BPF_PROG_LOAD", "BPF_OBJ_PIN", "BPF_OBJ_GET", "BPF_PROG_ATTACH",
            "BPF_PROG_DETACH",
        ]
        return value < UInt64(names.count) ? names[Int(value)] : String(value)
    }

    /// Source: linux/socket.h.
    private static func family(_ value: UInt64) -> String {
        let names: [UInt64: String] = [
            0: "AF_UNSPEC", 1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET",
            38: "AF_ALG", 40: "AF_VSOCK", 44: "AF_XDP",
        ]
        return names[value] ?? String(value)
    }
}
