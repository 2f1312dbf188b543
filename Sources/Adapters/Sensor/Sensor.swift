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

    package init(_ options: SensorOptions, names: [any ContainerNames] = []) throws(SensorError) {
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
            let count = milliseconds > 0 ? program.poll(milliseconds: milliseconds) : 0
            let more = program.consume()
            receiver.receive = { _ in }
            return count + more
        }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, _ take: (SensorEvent) -> Void) {
        guard let record = KernelRecord(bytes) else {
            books.unreadable += 1
            return
        }
        let group = Int(record.header.class)
        if books.received.indices.contains(group) { books.received[group] += 1 }
        if let event = decoder.event(record) { take(event) }
    }

    /// Stops the events. What is in the ring can still be polled.
    package func stop() { program.detach() }

    package var ledger: SensorLedger {
        var out = books
        program.ledger(into: &out)
        return out
    }

    package var processCount: Int { decoder.processes.count }
    package var containerCount: Int { decoder.processes.groups.containerCount }

    /// The process with a number, as it is known now.
    package func process(_ id: UInt32) -> SensorProcess? { decoder.processes[id] }
}
