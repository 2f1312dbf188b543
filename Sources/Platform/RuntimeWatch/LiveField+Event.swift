internal import Detection
internal import Sensor

extension LiveField {
    static func event(_ name: String, _ argument: String?) -> LiveField? {
        switch name {
        case "evt.type": ofEvent { event, _ in [FieldValue(event.kind.name)] }
        case "evt.num": ofEvent { event, _ in [.number(event.number)] }
        case "evt.time", "evt.rawtime", "evt.rawtime.ns": ofEvent { event, _ in [.number(event.time)] }
        case "evt.rawtime.s": ofEvent { event, _ in [.number(event.time / 1_000_000_000)] }
        case "evt.dir": ofEvent { _, _ in [FieldValue("<")] }
        case "evt.source": ofEvent { _, _ in [FieldValue("syscall")] }
        case "evt.hostname": ofEvent { _, context in [FieldValue(context.hostname)] }
        case "evt.cpu": ofEvent { event, _ in [.number(UInt64(event.processor))] }
        case "evt.is_async": eventFlag { _ in false }
        case "evt.category": ofEvent { event, _ in [FieldValue(event.category)] }
        case "evt.rawres": eventNumber { UInt64(bitPattern: $0.result) }
        case "evt.res": ofEvent { event, _ in [FieldValue(ErrorNames.text(event.result))] }
        case "evt.failed": eventFlag { $0.result < 0 }
        case "evt.count": ofEvent { _, _ in [.number(1)] }
        case "evt.is_open_read": eventFlag { event in event.opens { $0 & 3 == 0 || $0 & 3 == 2 } }
        case "evt.is_open_write": eventFlag { event in event.opens { $0 & 3 == 1 || $0 & 3 == 2 } }
        case "evt.is_open_create": eventFlag { event in event.opens { $0 & 0o100 != 0 } }
        case "evt.is_open_exec":
            eventFlag { event in event.opens { $0 & 0o100 != 0 } && (event.file?.mode ?? 0) & 0o111 != 0 }
        case "evt.args": ofEvent { event, context in [FieldValue(event.argumentText(context))] }
        case "evt.arg", "evt.rawarg": argument.flatMap(argumentField)
        case "fs.path.name": eventText { event, _ in event.pathNames.0 }
        case "fs.path.nameraw":
            eventText { event, _ in event.pathNames.0 == nil ? nil : event.written1 }
        case "fs.path.source": eventText { event, _ in event.pathNames.1 == nil ? nil : event.text1 }
        case "fs.path.sourceraw":
            eventText { event, _ in event.pathNames.1 == nil ? nil : event.written1 }
        case "fs.path.target": eventText { event, _ in event.pathNames.1 }
        case "fs.path.targetraw":
            eventText { event, _ in event.pathNames.1 == nil ? nil : event.written2 }
        default:
            if name.hasPrefix("evt.arg.") {
                argumentField(String(name.dropFirst(8)))
            } else if name.hasPrefix("evt.rawarg.") {
                rawArgumentField(String(name.dropFirst(11)))
            } else {
                nil
            }
        }
    }

    private static func argumentField(_ name: String) -> LiveField? {
        guard EventArguments.names.contains(name) else { return nil }
        return eventText { event, context in EventArguments.value(name, event, context) }
    }

    private static func rawArgumentField(_ name: String) -> LiveField? {
        guard EventArguments.numbers.contains(name) else { return nil }
        return eventNumber { event in EventArguments.number(name, event) }
    }
}

extension SensorEvent {
    /// Whether the event opens a file with such flags.
    func opens(_ test: (UInt64) -> Bool) -> Bool {
        guard case .call(let call) = kind, call.isOpen else { return false }
        return test(arguments[5])
    }

    var category: String {
        guard case .call(let call) = kind else { return "process" }
        switch call {
        case .socket, .connect, .accept, .accept4, .bind, .listen, .sendto, .sendmsg: return "net"
        case .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid: return "user"
        case .kill, .tkill, .tgkill: return "signal"
        case .ptrace, .setns, .unshare, .prctl, .execve, .execveat, .setsid, .setpgid, .capset, .processVMWrite:
            return "process"
        case .bpf, .initModule, .finitModule, .deleteModule, .userfaultfd, .perfEventOpen, .ioUringSetup:
            return "other"
        default: return "file"
        }
    }

    /// The path an event of the file system is about; for those with two, the target is the second.
    var pathNames: ([UInt8]?, [UInt8]?) {
        guard case .call(let call) = kind else { return (nil, nil) }
        switch call {
        case .rename, .renameat, .renameat2, .link, .linkat, .symlink, .symlinkat: return (nil, text2)
        case .open, .openat, .openat2, .creat: return (path ?? text1, nil)
        case .fchmod, .fchown: return (path, nil)
        case .mount: return (nil, text2)
        default: return (text1, nil)
        }
    }

    func argumentText(_ context: LiveContext) -> String {
        var parts = ["res=\(result)"]
        for name in EventArguments.names {
            if let value = EventArguments.value(name, self, context) {
                parts.append("\(name)=\(String(decoding: value, as: UTF8.self))")
            }
        }
        return parts.joined(separator: " ")
    }
}

/// Names of errors. Source: asm-generic/errno-base.h and errno.h.
enum ErrorNames {
    private static let first = [
        "SUCCESS", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN",
        "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL",
        "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM",
        "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP",
    ]
    private static let later: [Int64: String] = [
        61: "ENODATA", 62: "ETIME", 71: "EPROTO", 75: "EOVERFLOW", 88: "ENOTSOCK", 89: "EDESTADDRREQ", 90: "EMSGSIZE",
        91: "EPROTOTYPE", 92: "ENOPROTOOPT", 93: "EPROTONOSUPPORT", 94: "ESOCKTNOSUPPORT", 95: "EOPNOTSUPP",
        97: "EAFNOSUPPORT", 98: "EADDRINUSE", 99: "EADDRNOTAVAIL", 100: "ENETDOWN", 101: "ENETUNREACH",
        103: "ECONNABORTED", 104: "ECONNRESET", 105: "ENOBUFS", 106: "EISCONN", 107: "ENOTCONN", 110: "ETIMEDOUT",
        111: "ECONNREFUSED", 112: "EHOSTDOWN", 113: "EHOSTUNREACH", 114: "EALREADY", 115: "EINPROGRESS",
        122: "EDQUOT", 125: "ECANCELED",
    ]

    static func text(_ result: Int64) -> String {
        guard result < 0 else { return "SUCCESS" }
        let code = result == Int64.min ? 0 : -result
        if code < Int64(first.count) { return first[Int(code)] }
        return later[code] ?? String(result)
    }
}
