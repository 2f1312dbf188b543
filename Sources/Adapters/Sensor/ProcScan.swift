#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Processes that were there before the sensor, as /proc has them.
enum ProcScan {
    private static let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))

    static func all() -> [SensorProcess] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var out: [SensorProcess] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let id = UInt32(name), let process = process(id) { out.append(process) }
        }
        return out
    }

    /// One process. Its start is exact to a tick only; a record with the same tick is the same process's.
    static func process(_ id: UInt32) -> SensorProcess? {
        guard let stat = ProcFiles.read("/proc/\(id)/stat"), let close = stat.lastIndex(of: UInt8(ascii: ")")),
            let open = stat.firstIndex(of: UInt8(ascii: "(")), open < close
        else { return nil }
        let rest = String(decoding: stat[(close + 1)...], as: UTF8.self).split(separator: " ")
        guard rest.count > 19, let parent = UInt32(rest[1]), let ticks = UInt64(rest[19]) else { return nil }
        let process = SensorProcess(
            id: id, start: ticks &* (1_000_000_000 / ticksPerSecond), parentID: parent)
        process.isStartRough = true
        process.name = Array(stat[(open + 1)..<close])
        process.group = UInt32(rest[2]) ?? 0
        process.session = UInt32(rest[3]) ?? 0
        process.terminal = UInt32(bitPattern: Int32(rest[4]) ?? 0)
        process.arguments = ProcFiles.read("/proc/\(id)/cmdline").map(ProcFiles.pieces) ?? []
        process.environment =
            ProcFiles.read("/proc/\(id)/environ", limit: 4096).map(ProcFiles.pieces) ?? []
        process.executablePath = ProcFiles.link("/proc/\(id)/exe") ?? []
        process.startedAs = process.arguments.first ?? []
        process.workingDirectory = ProcFiles.link("/proc/\(id)/cwd") ?? []
        process.programStart = process.start
        process.loginUID =
            ProcFiles.read("/proc/\(id)/loginuid").flatMap { UInt32(String(decoding: $0, as: UTF8.self)) }
            .map { $0 == UInt32.max ? -1 : Int64($0) } ?? -1
        status(process)
        return process
    }

    private static func status(_ process: SensorProcess) {
        guard let bytes = ProcFiles.read("/proc/\(process.id)/status") else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard words.count > 1 else { continue }
            let last = UInt32(words[words.count - 1]) ?? 0
            switch words[0] {
            case "Uid:":
                process.uid = UInt32(words[1]) ?? 0
                if words.count > 2 { process.effectiveUID = UInt32(words[2]) ?? 0 }
            case "Gid:": process.gid = UInt32(words[1]) ?? 0
            case "NSpid:": process.ownID = last
            case "NSpgid:": process.ownGroup = last
            case "NSsid:": process.ownSession = last
            case "CapInh:": process.inheritable = UInt64(words[1], radix: 16) ?? 0
            case "CapPrm:": process.permitted = UInt64(words[1], radix: 16) ?? 0
            case "CapEff:": process.effective = UInt64(words[1], radix: 16) ?? 0
            default: break
            }
        }
    }

    static func copy(_ from: SensorProcess, to process: SensorProcess) {
        let parent = process.parent
        let container = process.container
        process.inherit(from: from)
        process.parent = parent
        process.container = container
        (process.ownID, process.ownGroup, process.ownSession) = (from.ownID, from.ownGroup, from.ownSession)
        process.programStart = from.programStart
    }
}
