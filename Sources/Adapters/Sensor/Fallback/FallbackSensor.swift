#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Events without kernel programs: processes from the kernel's connector, files from fanotify, the rest from /proc.
///
/// It sees less and says so: no connections, no rights, no refused writes, nothing of who read what; a program that ends
/// before its /proc is read keeps its number and little else, and its evidence is marked incomplete.
package final class FallbackSensor: EventSource {
    private let connector: ProcessConnector
    private let files: FileWatch?
    private let processes: ProcessTable
    private let response: SensorOptions.Response
    private let root: String
    private var clock = MachineClock()
    private var books = SensorLedger()
    private var number: UInt64 = 0
    private var pending: [SensorEvent] = []
    private var overlays: [String: Overlay?] = [:]
    private let fileProblem: String?

    /// `root` is where the node's files are: `/host` in a pod.
    package init(_ options: SensorOptions, names: [any ContainerNames] = [], root: String = "") throws(SensorError) {
        response = options.response
        self.root = root
        connector = try ProcessConnector()
        var problem: String?
        do throws(SensorError) {
            files = try FileWatch(decides: options.response == .deny)
        } catch {
            files = nil
            problem = error.message
        }
        fileProblem = problem
        processes = ProcessTable(groups: ControlGroups(names: names))
        processes.groups.scan()
        for process in ProcScan.all() where processes[process.id] == nil { processes.insert(process) }
        processes.link()
        if !options.containersOnly { files?.mark("\(root)/", asks: false) }
        for process in processes.all { place(process) }
    }

    package var blindSpots: [String] {
        var out = [
            "connections, rights, refused writes, loaded libraries, reading, renaming and removing of files are not seen",
            "programs that end within a moment are told with little more than their number",
        ]
        if let fileProblem { out.append("written files are not seen: \(fileProblem)") }
        return out
    }

    package func poll(milliseconds: Int32, _ take: (SensorEvent) -> Void) -> Int {
        var waits = [pollfd(fd: connector.descriptor, events: Int16(POLLIN), revents: 0)]
        if let files { waits.append(pollfd(fd: files.descriptor, events: Int16(POLLIN), revents: 0)) }
        if milliseconds > 0 { _ = Glibc.poll(&waits, nfds_t(waits.count), milliseconds) }
        connector.take { news in self.take(news) }
        files?.take(
            mayStart: { file in self.mayStart(file) }, written: { file in self.written(file) })
        let events = pending
        pending = []
        for event in events { take(event) }
        return events.count
    }

    package func stop() {}

    package var ledger: SensorLedger {
        var out = books
        let lost = connector.overflows + (files?.overflows ?? 0)
        // How many is not known: each time at least one.
        out.counts[SensorLedger.Group.process.rawValue].lost += lost
        out.counts[SensorLedger.Group.process.rawValue].seen += lost
        return out
    }

    package var processCount: Int { processes.count }
    package var containerCount: Int { processes.groups.containerCount }
    package func process(_ id: UInt32) -> SensorProcess? { processes[id] }

    // MARK: Processes

    private func take(_ news: ProcessConnector.News) {
        switch news {
        case .fork(let parent, let child):
            guard parent != UInt32(getpid()), let process = processes.forked(child, of: parent, at: now) else { return }
            place(process)
            send(.fork, process)
        case .exec(let id):
            guard id != UInt32(getpid()) else { return }
            let process = processes.started(id, at: now)
            place(process)
            send(.exec, process) { event in
                event.path = process.executablePath
                event.written1 = process.startedAs
                event.file = process.file
            }
        case .exit(let id, let status):
            guard let process = processes[id] else { return }
            process.ended = now
            send(.exit, process, result: status)
            processes.forget(process, at: now)
        }
    }

    /// Finds the container and, at its first process, watches its files.
    private func place(_ process: SensorProcess) {
        processes.place(process, now: now)
        guard let container = process.container, overlays[container.identity.id] == nil else {
            mark(process)
            return
        }
        guard let overlay = Overlay(ofProcess: process.id), files?.mark("/proc/\(process.id)/root", asks: true) ?? true
        else {
            return
        }
        if overlays.count > 4096 { overlays.removeAll() }
        overlays[container.identity.id] = overlay
        mark(process)
    }

    private func mark(_ process: SensorProcess) {
        guard let container = process.container, let overlay = overlays[container.identity.id] ?? nil else { return }
        process.file.isOnOverlay = true
        process.file.isInUpperLayer = overlay.holds(process.executablePath, root: root)
    }

    // MARK: Files

    private func written(_ file: FileWatch.Written) {
        let process = processes.found(file.process, at: now)
        place(process)
        var facts = file.file
        facts.isOnOverlay = process.container != nil
        facts.isInUpperLayer = facts.isOnOverlay
        // Written is all that is known: not by which call, nor whether the file was made.
        send(.call(.openat), process, group: .change) { event in
            event.path = file.path
            event.written1 = file.path
            event.text1 = file.path
            event.file = facts
            event.arguments[5] = 1
        }
    }

    private func mayStart(_ file: FileWatch.Written) -> Bool {
        let process = processes.found(file.process, at: now)
        place(process)
        guard response == .deny, let container = process.container,
            let overlay = overlays[container.identity.id] ?? nil, overlay.holds(file.path, root: root)
        else { return true }
        var facts = file.file
        facts.isOnOverlay = true
        facts.isInUpperLayer = true
        send(.stopped(.deny), process, group: .privilege) { event in
            event.path = file.path
            event.file = facts
        }
        return false
    }

    // MARK: Events

    private var now: UInt64 { UInt64(max(0, MachineClock.nanoseconds(CLOCK_BOOTTIME))) }

    private func send(
        _ kind: SensorEvent.Kind, _ process: SensorProcess, group: SensorLedger.Group = .process, result: Int64 = 0,
        _ change: (inout SensorEvent) -> Void = { _ in }
    ) {
        number += 1
        books.counts[group.rawValue].seen += 1
        books.counts[group.rawValue].delivered += 1
        books.received[group.rawValue] += 1
        let time = now
        var event = SensorEvent(
            kind: kind, time: clock.time(ofMachine: time), machineTime: time, number: number, process: process,
            thread: process.id, result: result, arguments: InlineArray(repeating: 0), processor: 0,
            isIncomplete: process.isIncomplete)
        change(&event)
        pending.append(event)
    }
}
