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

    private struct State {
        var next = 1
        var listeners: [Int: AsyncStream<Item>.Continuation] = [:]
        var listener = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func tell(_ events: [HubEvent]) {
        state.withLock { state in
            for event in events {
                let item = Item(number: state.next, event: event)
                state.next += 1
                for continuation in state.listeners.values { continuation.yield(item) }
            }
        }
    }

    /// What happens from now on.
    package func listen(buffer: Int = 512) -> AsyncStream<Item> {
        AsyncStream(bufferingPolicy: .bufferingNewest(buffer)) { continuation in
            let id = state.withLock { state in
                state.listener += 1
                state.listeners[state.listener] = continuation
                return state.listener
            }
            continuation.onTermination = { _ in
                self.state.withLock { state in state.listeners[id] = nil }
            }
        }
    }

    package var listenerCount: Int { state.withLock { $0.listeners.count } }
}
