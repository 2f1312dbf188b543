internal import SensorObject

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes events of records and keeps the tables they speak of.
package final class EventDecoder {
    let processes: ProcessTable
    private var clock = MachineClock()
    private var number: UInt64 = 0

    package init(names: [any ContainerNames] = []) { processes = ProcessTable(groups: ControlGroups(names: names)) }

    package func scan() {
        processes.groups.scan()
        for process in ProcScan.all() where processes[process.id] == nil { processes.insert(process) }
        processes.link()
    }

    /// The event of a record's bytes, as the ring has them; nil when they are none.
    package func event(_ bytes: [UInt8]) -> SensorEvent? {
        bytes.withUnsafeBytes { KernelRecord($0).flatMap(event) }
    }

    func event(_ record: KernelRecord) -> SensorEvent? {
        let header = record.header
        switch UInt32(header.kind) {
        case KIND_EXEC.rawValue: return make(.exec, record, processes.exec(record))
        case KIND_FORK.rawValue: return make(.fork, record, processes.fork(record))
        case KIND_EXIT.rawValue: return make(.exit, record, processes.exit(record))
        case KIND_STOPPED.rawValue:
            let how: SensorOptions.Response = record.header.result == Int64(RESPONSE_DENY.rawValue) ? .deny : .signal
            return make(.stopped(how), record, processes.process(header))
        case KIND_MAPPED.rawValue: return make(.mapped, record, processes.process(header))
        case KIND_CGROUP_MADE.rawValue:
            let key = ControlGroups.Key(root: header.cgroup_root, id: header.cgroup)
            if let path = record.groupPath {
                processes.groups.made(
                    key, String(decoding: path, as: UTF8.self), time: clock.time(ofMachine: header.time))
            }
            return nil
        case KIND_CGROUP_GONE.rawValue:
            processes.groups.gone(ControlGroups.Key(root: header.cgroup_root, id: header.cgroup))
            return nil
        default:
            guard let call = SystemCall(rawValue: header.kind) else { return nil }
            let process = processes.process(header)
            if call.concernsProcess { processes.change(record, process) }
            return make(.call(call), record, process)
        }
    }

    private func make(_ kind: SensorEvent.Kind, _ record: KernelRecord, _ process: SensorProcess) -> SensorEvent {
        let header = record.header
        number += 1
        var event = SensorEvent(
            kind: kind, time: clock.time(ofMachine: header.time), machineTime: header.time, number: number,
            process: process, thread: header.thread, result: header.result,
            arguments: [
                header.arguments.0, header.arguments.1, header.arguments.2, header.arguments.3, header.arguments.4,
                header.arguments.5,
            ],
            processor: header.processor,
            isIncomplete: UInt32(header.flags) & FLAG_TRUNCATED.rawValue != 0 || process.isIncomplete)
        if case .exec = kind {
            event.path = process.executablePath
            event.written1 = process.startedAs
            event.file = process.file
            return event
        }
        event.written1 = record.string1
        event.written2 = record.string2
        event.text1 = Self.whole(record.string1, record.base1)
        event.text2 = Self.whole(record.string2, record.base2)
        event.path = record.filePath?.text
        if let facts = record.file {
            var file = SensorProcess.File(facts)
            file.isDeleted = record.filePath?.isDeleted ?? false
            file.isPseudo = record.filePath?.isPseudo ?? false
            event.file = file
        }
        if let facts = record.socket, case .call(let call) = kind {
            event.socket = SensorEvent.Socket(facts, address: record.address, call: call)
        }
        return event
    }

    /// A program that was kept from starting by other means than the kernel programs.
    func refused(_ refusal: ProgramGate.Refusal, at time: UInt64) -> SensorEvent {
        number += 1
        var event = SensorEvent(
            kind: .stopped(.deny), time: clock.time(ofMachine: time), machineTime: time, number: number,
            process: refusal.process, thread: refusal.process.id, result: 0, arguments: InlineArray(repeating: 0),
            processor: 0, isIncomplete: refusal.process.isIncomplete)
        event.path = refusal.file.path
        event.file = refusal.file.file
        event.file?.isInUpperLayer = true
        event.file?.isOnOverlay = true
        return event
    }

    /// A path with the folder it begins at, without `.` and `..`.
    static func whole(_ path: [UInt8]?, _ folder: [UInt8]?) -> [UInt8]? {
        guard let path else { return nil }
        guard let folder else { return path }
        return normalised(path.isEmpty ? folder : folder + [UInt8(ascii: "/")] + path)
    }

    package static func normalised(_ path: [UInt8]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual([0x2E]) { continue }
            if part.elementsEqual([0x2E, 0x2E]) {
                if !parts.isEmpty { parts.removeLast() }
                continue
            }
            parts.append(part)
        }
        guard !parts.isEmpty else { return [UInt8(ascii: "/")] }
        return parts.reduce(into: []) { out, part in
            out.append(UInt8(ascii: "/"))
            out += part
        }
    }
}

/// The time of day of the kernel's records, which count from the machine's start. The clock may be set while it runs.
struct MachineClock {
    private var offset: Int64 = 0
    private var nextReading: UInt64 = 0

    mutating func time(ofMachine time: UInt64) -> UInt64 {
        if time >= nextReading {
            offset = Self.nanoseconds(CLOCK_REALTIME) - Self.nanoseconds(CLOCK_BOOTTIME)
            nextReading = time &+ 1_000_000_000
        }
        return UInt64(max(0, Int64(clamping: time) &+ offset))
    }

    static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
