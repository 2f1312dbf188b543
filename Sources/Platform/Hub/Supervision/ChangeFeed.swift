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

extension HubEvent {
    /// Things happened that nobody here was told of: ask for the lists again.
    static let missed = HubEvent(kind: "missed", cluster: "", namespace: "", data: "{}")

    var isMissed: Bool { kind == Self.missed.kind }
}

/// Tells listeners what happens. Who listens too slowly loses the oldest and is told so.
package final class ChangeFeed: Sendable {
    package struct Item: Sendable {
        package let number: Int
        package let event: HubEvent
        /// Whether it happened on this hub, and not on another one beside it.
        package let isOwn: Bool
    }

    private struct Listeners {
        var all: [Int: AsyncStream<Item>.Continuation] = [:]
        /// Those of `all` that people or programs listen to.
        var open: Set<Int> = []
        var last = 0
    }

    /// The number of the next item; held while it is handed out, so that everybody hears the same order.
    private let next = Mutex(1)
    /// Never held while a stream is spoken to: a stream that ends comes back for it.
    private let listeners = Mutex(Listeners())

    package init() {}

    package func tell(_ events: [HubEvent], isOwn: Bool = true) {
        next.withLock { next in
            let continuations = listeners.withLock { Array($0.all.values) }
            for event in events {
                let item = Item(number: next, event: event, isOwn: isOwn)
                next += 1
                for continuation in continuations { continuation.yield(item) }
            }
        }
    }

    /// What happens from now on.
    ///
    /// - Parameter isCounted: whether it is an open page or stream.
    package func listen(buffer: Int = 512, isCounted: Bool = true) -> AsyncStream<Item> {
        AsyncStream(bufferingPolicy: .bufferingNewest(buffer)) { continuation in
            let id = listeners.withLock { listeners in
                listeners.last += 1
                listeners.all[listeners.last] = continuation
                if isCounted { listeners.open.insert(listeners.last) }
                return listeners.last
            }
            continuation.onTermination = { _ in
                // What is let go may end a stream, which must not happen under the lock.
                _ = self.listeners.withLock { listeners in
                    listeners.open.remove(id)
                    return listeners.all.removeValue(forKey: id)
                }
            }
        }
    }

    package var listenerCount: Int { listeners.withLock { $0.open.count } }
}
