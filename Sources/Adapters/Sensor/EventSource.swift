/// Where events of this machine come from: the kernel programs, or what is left without them.
///
/// Used from one thread.
package protocol EventSource: AnyObject {
    /// Waits at most so long for events; how many came.
    @discardableResult
    func poll(milliseconds: Int32, _ take: (SensorEvent) -> Void) -> Int
    /// Stops the events. What came before can still be polled.
    func stop()
    var ledger: SensorLedger { get }
    var processCount: Int { get }
    var containerCount: Int { get }
    func process(_ id: UInt32) -> SensorProcess?
    /// What is not seen, in words; empty when everything is.
    var blindSpots: [String] { get }
}

extension Sensor: EventSource {
    package var blindSpots: [String] { [] }
}
