/// A system call the sensor can hand over. The raw value is the number the kernel programs give its records.
package enum SystemCall: UInt8, Sendable, CaseIterable {
    case open = 16, openat, openat2, creat
    case rename, renameat, renameat2, unlink, unlinkat, rmdir, mkdir, mkdirat
    case link, linkat, symlink, symlinkat, chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat
    case truncate, mknod, mknodat, chdir, fchdir
    case socket, connect, accept, accept4, bind, listen, sendto, sendmsg
    case dup, dup2, dup3
    case setuid, setgid, setreuid, setregid, setresuid, setresgid, capset, setsid, setpgid
    case ptrace, processVMWrite, setns, unshare, mount, moveMount, umount2, chroot, pivotRoot
    case initModule, finitModule, deleteModule, bpf, memfdCreate, userfaultfd, perfEventOpen, ioUringSetup
    case prctl, kill, tkill, tgkill, execve, execveat

    /// As rules name the event.
    package var name: String { Self.names[Int(rawValue)] }

    /// Made once: the text of a case is looked up in the program's own tables each time it is asked for.
    private static let names: [String] = {
        var out = [String](repeating: "", count: 256)
        for call in allCases { out[Int(call.rawValue)] = call.ownName }
        return out
    }()

    private var ownName: String {
        switch self {
        case .processVMWrite: "process_vm_writev"
        case .moveMount: "move_mount"
        case .pivotRoot: "pivot_root"
        case .initModule: "init_module"
        case .finitModule: "finit_module"
        case .deleteModule: "delete_module"
        case .memfdCreate: "memfd_create"
        case .perfEventOpen: "perf_event_open"
        case .ioUringSetup: "io_uring_setup"
        default: "\(self)"
        }
    }

    /// Changes who a process is or where it stands; always handed over, for the process table needs it.
    package var concernsProcess: Bool {
        switch self {
        case .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .capset, .setsid, .setpgid, .chdir,
            .fchdir, .chroot, .setns:
            true
        default: false
        }
    }

    package var isOpen: Bool {
        switch self {
        case .open, .openat, .openat2, .creat: true
        default: false
        }
    }

    /// The number of the call on a machine; nil where it does not exist.
    func number(_ machine: Machine) -> Int? {
        let numbers = Self.numbers[self] ?? (nil, nil, nil)
        switch machine {
        case .amd64: return numbers.0
        case .arm64: return numbers.1
        case .i386: return numbers.2
        }
    }

    /// Whose numbers are meant; `i386` are the old calls a 64-bit kernel still takes.
    package enum Machine: Sendable { case amd64, arm64, i386 }

    /// Source: the kernel's tables of system calls (`syscall_64.tbl`, `asm-generic/unistd.h`, `syscall_32.tbl`).
    private static let numbers: [SystemCall: (Int?, Int?, Int?)] = [
        .open: (2, nil, 5), .openat: (257, 56, 295), .openat2: (437, 437, 437), .creat: (85, nil, 8),
        .rename: (82, nil, 38), .renameat: (264, 38, 302), .renameat2: (316, 276, 353), .unlink: (87, nil, 10),
        .unlinkat: (263, 35, 301), .rmdir: (84, nil, 40), .mkdir: (83, nil, 39), .mkdirat: (258, 34, 296),
        .link: (86, nil, 9), .linkat: (265, 37, 303), .symlink: (88, nil, 83), .symlinkat: (266, 36, 304),
        .chmod: (90, nil, 15), .fchmod: (91, 52, 94), .fchmodat: (268, 53, 306), .chown: (92, nil, 212),
        .fchown: (93, 55, 207), .lchown: (94, nil, 198), .fchownat: (260, 54, 298), .truncate: (76, 45, 92),
        .mknod: (133, nil, 14), .mknodat: (259, 33, 297), .chdir: (80, 49, 12), .fchdir: (81, 50, 133),
        .socket: (41, 198, 359), .connect: (42, 203, 362), .accept: (43, 202, nil), .accept4: (288, 242, 364),
        .bind: (49, 200, 361), .listen: (50, 201, 363), .sendto: (44, 206, 369), .sendmsg: (46, 211, nil),
        .dup: (32, 23, 41), .dup2: (33, nil, 63), .dup3: (292, 24, 330), .setuid: (105, 146, 213),
        .setgid: (106, 144, 214), .setreuid: (113, 145, 203), .setregid: (114, 143, 204),
        .setresuid: (117, 147, 208), .setresgid: (119, 149, 210), .capset: (126, 91, 185), .setsid: (112, 157, 66),
        .setpgid: (109, 154, 57), .ptrace: (101, 117, 26), .processVMWrite: (311, 271, 348), .setns: (308, 268, 346),
        .unshare: (272, 97, 310), .mount: (165, 40, 21), .moveMount: (429, 429, 429), .umount2: (166, 39, 52),
        .chroot: (161, 51, 61), .pivotRoot: (155, 41, 217), .initModule: (175, 105, 128),
        .finitModule: (313, 273, 350), .deleteModule: (176, 106, 129), .bpf: (321, 280, 357),
        .memfdCreate: (319, 279, 356), .userfaultfd: (323, 282, 374), .perfEventOpen: (298, 241, 336),
        .ioUringSetup: (425, 425, 425), .prctl: (157, 167, 172), .kill: (62, 129, 37), .tkill: (200, 130, 238),
        .tgkill: (234, 131, 270), .execve: (59, 221, 11), .execveat: (322, 281, 358),
    ]
}
