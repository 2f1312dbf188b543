internal import Detection
internal import Sensor

extension LiveField {
    static func identity(_ name: String, _ argument: String?) -> LiveField? {
        switch name {
        case "user.uid": number { Int64($0.uid) }
        case "user.name": ofProcess { process, context in texts(context.accounts.user(process.uid, of: process)) }
        case "user.loginuid": number(\.loginUID)
        case "user.loginname":
            ofProcess { process, context in
                process.loginUID < 0 ? nil : texts(context.accounts.user(UInt32(process.loginUID), of: nil))
            }
        case "group.gid": number { Int64($0.gid) }
        case "group.name": ofProcess { process, context in texts(context.accounts.group(process.gid, of: process)) }
        case "thread.cap_permitted": text { Array(Capabilities.text($0.permitted).utf8) }
        case "thread.cap_effective": text { Array(Capabilities.text($0.effective).utf8) }
        case "thread.cap_inheritable": text { Array(Capabilities.text($0.inheritable).utf8) }
        case "thread.tid": ofEvent { event, _ in [FieldValue(Int64(event.thread))] }
        case "thread.ismain": ofEvent { event, _ in bool(event.thread == event.process.id) }
        case "container.id": text { Array(($0.container?.identity.shortID ?? "host").utf8) }
        case "container.full_id": text { ($0.container?.identity.id).map { Array($0.utf8) } }
        case "container.type":
            text { process in
                guard let container = process.container else { return Array("host".utf8) }
                let engine = container.identity.engine
                return engine == .unknown ? nil : Array(engine.rawValue.utf8)
            }
        case "container.name": fact(host: "host", \.name)
        case "container.image": fact(\.image)
        case "container.image.repository": fact(\.imageRepository)
        case "container.image.tag": fact(\.imageTag)
        case "container.image.digest": fact(\.imageDigest)
        case "container.privileged":
            ofProcess { process, _ in
                guard let container = process.container else { return bool(false) }
                return container.facts.isPrivileged.map(bool)
            }
        case "container.start_ts":
            ofProcess { process, _ in (process.container?.facts.started).map { [.number($0)] } }
        case "container.duration":
            ofEvent { event, _ in
                (event.process.container?.facts.started).map { [.number(event.time &- min(event.time, $0))] }
            }
        case "k8s.pod.name": fact(\.podName)
        case "k8s.ns.name": fact(\.namespace)
        case "k8s.pod.uid", "k8s.pod.id": fact(\.podUID)
        default: nil
        }
    }

    private static func texts(_ text: String?) -> [FieldValue]? { text.map { [FieldValue($0)] } }

    private static func fact(
        host: String? = nil, _ read: @escaping @Sendable (ContainerFacts) -> String?
    ) -> LiveField {
        text { process in
            guard let container = process.container else { return host.map { Array($0.utf8) } }
            return read(container.facts).map { Array($0.utf8) }
        }
    }
}

/// Names of capabilities by number. Source: linux/capability.h.
enum Capabilities {
    static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    static func text(_ set: UInt64) -> String {
        names.enumerated().filter { set & (1 << UInt64($0.offset)) != 0 }.map { "CAP_\($0.element)" }
            .joined(separator: " ")
    }
}
