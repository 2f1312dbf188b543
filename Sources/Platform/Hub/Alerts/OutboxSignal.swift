import Synchronization

/// Wakes who sends, when something was put into the outbox. Only a hint: what is due is asked of the store.
final class OutboxSignal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func wake() { continuation.yield() }

    /// Hints as they come; one listener at a time.
    var hints: AsyncStream<Void> { stream }
}
