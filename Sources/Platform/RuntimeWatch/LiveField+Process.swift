internal import Detection
internal import Sensor

extension LiveField {
    static func process(_ name: String, _ argument: String?) -> LiveField? {
        switch name {
        case "proc.name": text(\.name)
        case "proc.exe": text(\.exe)
        case "proc.exepath": text { $0.executablePath.isEmpty ? nil : $0.executablePath }
        case "proc.args": arguments(argument)
        case "proc.cmdline": text(\.commandLine)
        case "proc.exeline": text { SensorProcess.joined([$0.exe] + $0.arguments.dropFirst()) }
        case "proc.cmdnargs": number { Int64(max(0, $0.arguments.count - 1)) }
        case "proc.cmdlenargs": number { $0.arguments.dropFirst().reduce(0) { $0 + Int64($1.count) } }
        case "proc.env": environment(argument)
        case "proc.cwd": text { $0.workingDirectory.isEmpty ? nil : $0.workingDirectory }
        case "proc.tty": number { Int64($0.terminal) }
        case "proc.pid": number { Int64($0.id) }
        case "proc.ppid": number { Int64($0.parentID) }
        case "proc.vpid": number { Int64($0.ownID) }
        case "proc.pvpid": number { ($0.parent?.ownID).map { Int64($0) } }
        case "proc.sid": number { Int64($0.ownSession) }
        case "proc.vpgid": number { Int64($0.ownGroup) }
        case "proc.pgid": number { Int64($0.group) }
        case "proc.is_sid_leader": ofProcess { process, _ in bool(process.session == process.id) }
        case "proc.is_vpgid_leader", "proc.is_pgid_leader":
            ofProcess { process, _ in bool(process.group == process.id) }
        case "proc.pname": text { $0.parent?.name }
        case "proc.pexe": text { $0.parent?.exe }
        case "proc.pexepath": text { $0.parent?.executablePath }
        case "proc.pcmdline": text { $0.parent?.commandLine }
        case "proc.aname": ancestors(argument, \.name)
        case "proc.aexe": ancestors(argument, \.exe)
        case "proc.aexepath": ancestors(argument, \.executablePath)
        case "proc.acmdline": ancestors(argument, \.commandLine)
        case "proc.apid": ancestorNumbers(argument)
        case "proc.sname": leader(\.session, \.name)
        case "proc.sid.exe": leader(\.session, \.exe)
        case "proc.sid.exepath": leader(\.session, \.executablePath)
        case "proc.vpgid.name", "proc.pgid.name": leader(\.group, \.name)
        case "proc.vpgid.exe", "proc.pgid.exe": leader(\.group, \.exe)
        case "proc.vpgid.exepath", "proc.pgid.exepath": leader(\.group, \.executablePath)
        case "proc.is_exe_upper_layer": ofProcess { process, _ in bool(process.file.isInUpperLayer) }
        case "proc.is_exe_lower_layer":
            ofProcess { process, _ in bool(process.file.isOnOverlay && !process.file.isInUpperLayer) }
        case "proc.is_exe_from_memfd":
            ofProcess { process, _ in bool(process.executablePath.starts(with: Array("memfd:".utf8))) }
        case "proc.is_exe_writable": ofProcess { process, _ in isWritable(process).map(bool) }
        case "proc.exe_ino": number { Int64(bitPattern: $0.file.inode) }
        case "proc.exe_ino.ctime": number { $0.file.changed > 0 ? $0.file.changed : nil }
        case "proc.exe_ino.mtime": number { $0.file.modified > 0 ? $0.file.modified : nil }
        case "proc.exe_ino.ctime_duration_proc_start":
            ofEvent { event, _ in
                // From the change of the file to the start of the process, both as times of day.
                let began = Int64(event.time) - Int64(event.machineTime) + Int64(event.process.programStart)
                let changed = event.process.file.changed
                return changed > 0 && began > changed ? [FieldValue(began - changed)] : nil
            }
        case "proc.duration":
            ofEvent { event, _ in
                [.number(event.machineTime &- min(event.machineTime, event.process.start))]
            }
        case "proc.ppid.duration":
            ofEvent { event, _ in
                event.process.parent.map { [.number(event.machineTime &- min(event.machineTime, $0.start))] }
            }
        case "proc.pid.ts":
            ofEvent { event, _ in [.number(event.time &- event.machineTime &+ event.process.start)] }
        default: nil
        }
    }

    /// Known to be so or not known: the owner of the file is not told.
    private static func isWritable(_ process: SensorProcess) -> Bool? {
        if process.file.mode & 0o002 != 0 { return true }
        return process.effectiveUID == 0 && process.file.mode != 0 ? true : nil
    }

    private static func arguments(_ argument: String?) -> LiveField? {
        guard let argument else { return text { SensorProcess.joined(Array($0.arguments.dropFirst())) } }
        guard let index = Int(argument), index >= 0 else { return nil }
        return text { $0.arguments.count > index + 1 ? $0.arguments[index + 1] : nil }
    }

    private static func environment(_ argument: String?) -> LiveField {
        guard let argument else { return text { SensorProcess.joined($0.environment) } }
        let lead = Array("\(argument)=".utf8)
        return text { process in
            process.environment.first { $0.starts(with: lead) }.map { Array($0.dropFirst(lead.count)) }
        }
    }

    private static func ancestors(
        _ argument: String?, _ read: @escaping @Sendable (SensorProcess) -> [UInt8]
    ) -> LiveField? {
        guard let argument else {
            return ofProcess { process, _ in
                var out: [FieldValue] = []
                var next = process.parent
                while let ancestor = next {
                    out.append(.bytes(read(ancestor)))
                    next = ancestor.parent
                }
                return out.isEmpty ? nil : out
            }
        }
        guard let distance = Int(argument), distance >= 0 else { return nil }
        return text { $0.ancestor(distance).map(read) }
    }

    private static func ancestorNumbers(_ argument: String?) -> LiveField? {
        guard let argument else {
            return ofProcess { process, _ in
                var out: [FieldValue] = []
                var next = process.parent
                while let ancestor = next {
                    out.append(FieldValue(Int64(ancestor.id)))
                    next = ancestor.parent
                }
                return out.isEmpty ? nil : out
            }
        }
        guard let distance = Int(argument), distance >= 0 else { return nil }
        return number { ($0.ancestor(distance)?.id).map { Int64($0) } }
    }

    private static func leader(
        _ number: @escaping @Sendable (SensorProcess) -> UInt32, _ read: @escaping @Sendable (SensorProcess) -> [UInt8]
    ) -> LiveField {
        ofProcess { process, context in
            let id = number(process)
            let leader = id == process.id ? process : context.process(id)
            return leader.map { [.bytes(read($0))] }
        }
    }
}

extension SensorProcess {
    /// How the program was called: its first argument.
    var exe: [UInt8] { arguments.first ?? startedAs }

    /// Falco's `proc.cmdline`: the short name, then the arguments.
    var commandLine: [UInt8] { Self.joined([name] + arguments.dropFirst()) }

    static func joined(_ parts: [[UInt8]]) -> [UInt8] { Array(parts.joined(separator: [UInt8(ascii: " ")])) }
}
