import Synchronization

/// Says that there is something to look at; who listens last hears it. Hints that nobody took are one.
final class Hint: Sendable {
    private let listener = Mutex<AsyncStream<Void>.Continuation?>(nil)

    func tell() { listener.withLock { $0 }?.yield() }

    /// A new stream: one that somebody has stopped to listen to is over for good.
    func listen() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let old = listener.withLock { listener in
            defer { listener = continuation }
            return listener
        }
        old?.finish()
        return stream
    }
}
