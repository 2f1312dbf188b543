internal import SensorObject

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Events of this machine as they happen.
///
/// Used from one thread: `poll` hands events to the closure given to it, in the order of the ring.
package final class Sensor {
    private let program: KernelProgram
    private let decoder: EventDecoder
    private var books = SensorLedger()
    /// Events until the ring was first empty describe a start that was under way; from then on all are whole.
    package let options: SensorOptions
    /// Asks about programs before they start, where the kernel programs may not.
    private var gate: ProgramGate?
    private var refusals: UInt64 = 0
    private var foundMemories: Set<String> = []
    private static let mostContainers = 4096
    /// Why programs are denied by other means than asked for, or not at all. Nothing else is missing then.
    package private(set) var denialProblem: String?

    /// `root` is where the node's files are: `/host` in a pod.
    package init(
        _ options: SensorOptions, names: [any ContainerNames] = [], root: String = ""
    ) throws(SensorError) {
        self.options = options
        let support = SensorSupport.probe()
        guard support.missing.isEmpty else {
            throw SensorError(
                code: .capability, message: "the kernel programs need \(support.missing.joined(separator: ", "))")
        }
        program = try KernelProgram(options)
        decoder = EventDecoder(names: names)
        // Attached before the scan: what begins meanwhile is in the ring, and known twice is known once.
        let decoder = decoder
        let pending = Pending()
        receiver = pending
        try program.attach { pending.receive($0) }
        decoder.scan()
        if options.response == .deny, let refusal = program.denialRefusal { openGate(refusal, root) }
        guard options.response != .none else { return }
        for process in decoder.processes.all { findMemory(process) }
    }

    /// Blocking by fanotify, since the kernel refused its own.
    private func openGate(_ refusal: String, _ root: String) {
        do throws(SensorError) {
            gate = try ProgramGate(root: root)
            denialProblem = "\(refusal); fanotify asks before programs start"
        } catch {
            denialProblem = "\(refusal); \(error.message): programs are not kept from starting"
        }
    }

    /// Where records go while `poll` runs.
    private final class Pending {
        var receive: (UnsafeRawBufferPointer) -> Void = { _ in }
    }
    private let receiver: Pending

    /// Waits at most so long for events; how many came.
    @discardableResult
    package func poll(milliseconds: Int32, _ take: (SensorEvent) -> Void) -> Int {
        withoutActuallyEscaping(take) { take in
            receiver.receive = { [self] bytes in self.receive(bytes, take) }
            defer { receiver.receive = { _ in } }
            guard gate != nil else {
                let count = milliseconds > 0 ? program.poll(milliseconds: milliseconds) : 0
                return count + program.consume()
            }
            // Somebody who wants to start a program waits for the answer: whichever comes first ends the waiting.
            var count = answer(take)
            if milliseconds > 0, let gate {
                var waits = [
                    pollfd(fd: program.descriptor, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: gate.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                _ = Glibc.poll(&waits, nfds_t(waits.count), milliseconds)
                count += answer(take)
            }
            return count + program.consume()
        }
    }

    /// Answers those who want to start programs; how many were refused.
    private func answer(_ take: (SensorEvent) -> Void) -> Int {
        guard let gate else { return 0 }
        let now = UInt64(max(0, MachineClock.nanoseconds(CLOCK_BOOTTIME)))
        let refused = gate.answer(decoder.processes, now: now)
        for refusal in refused {
            refusals += 1
            take(decoder.refused(refusal, at: now))
        }
        return refused.count
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, _ take: (SensorEvent) -> Void) {
        guard let record = KernelRecord(bytes) else {
            books.unreadable += 1
            return
        }
        let group = Int(record.header.class)
        if books.received.indices.contains(group) { books.received[group] += 1 }
        guard let event = decoder.event(record) else { return }
        if event.kind == .exec, options.response != .none { findMemory(event.process) }
        take(event)
    }

    /// Tells the kernel programs which file systems in memory are none of the pod's volumes, as soon as these are known.
    private func findMemory(_ process: SensorProcess) {
        gate?.watch(process)
        guard let container = process.container, container.facts.isConfigured, process.ended == 0,
            !foundMemories.contains(container.identity.id)
        else { return }
        let folders = MemoryFolders(ofProcess: process.id).besides(container.facts.volumes)
        guard !folders.isEmpty else { return }
        if foundMemories.count >= Self.mostContainers { foundMemories.removeAll() }
        foundMemories.insert(container.identity.id)
        for folder in folders { program.addMemory(folder.device) }
        gate?.watch(folders, of: process)
    }

    /// Stops the events. What is in the ring can still be polled.
    package func stop() { program.detach() }

    package var ledger: SensorLedger {
        var out = books
        program.ledger(into: &out)
        let privilege = SensorLedger.Group.privilege.rawValue
        let overflows = gate?.overflows ?? 0
        out.counts[privilege].seen += refusals + overflows
        out.counts[privilege].delivered += refusals
        out.counts[privilege].lost += overflows
        out.received[privilege] += refusals
        return out
    }

    package var processCount: Int { decoder.processes.count }
    package var containerCount: Int { decoder.processes.groups.containerCount }

    /// The process with a number, as it is known now.
    package func process(_ id: UInt32) -> SensorProcess? { decoder.processes[id] }
}
