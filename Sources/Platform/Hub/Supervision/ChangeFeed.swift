import Synchronization

/// Something that happened, as open pages and streams hear of it.
package struct HubEvent: Sendable {
    /// `finding.new`, `cluster.changed`, `alert.firing`.
    package var kind: String
    package var cluster: String
    package var namespace: String
    /// JSON.
    package var data: String

    package init(kind: String, cluster: String, namespace: String, data: String) {
        self.kind = kind
        self.cluster = cluster
        self.namespace = namespace
        self.data = data
    }
}

/// Tells listeners what happens. Who listens too slowly loses the oldest and is told so.
package final class ChangeFeed: Sendable {
    package struct Item: Sendable {
        package let number: Int
        package let event: HubEvent
    }

    private struct Listeners {
        var all: [Int: AsyncStream<Item>.Continuation] = [:]
        var last = 0
    }

    /// The number of the next item; held while it is handed out, so that everybody hears the same order.
    private let next = Mutex(1)
    /// Never held while a stream is spoken to: a stream that ends comes back for it.
    private let listeners = Mutex(Listeners())

    package init() {}

    package func tell(_ events: [HubEvent]) {
        next.withLock { next in
            let continuations = listeners.withLock { Array($0.all.values) }
            for event in events {
                let item = Item(number: next, event: event)
                next += 1
                for continuation in continuations { continuation.yield(item) }
            }
        }
    }

    /// What happens from now on.
    package func listen(buffer: Int = 512) -> AsyncStream<Item> {
        AsyncStream(bufferingPolicy: .bufferingNewest(buffer)) { continuation in
            let id = listeners.withLock { listeners in
                listeners.last += 1
                listeners.all[listeners.last] = continuation
                return listeners.last
            }
            continuation.onTermination = { _ in
                // What is let go may end a stream, which must not happen under the lock.
                _ = self.listeners.withLock { $0.all.removeValue(forKey: id) }
            }
        }
    }

    package var listenerCount: Int { listeners.withLock { $0.all.count } }
}
