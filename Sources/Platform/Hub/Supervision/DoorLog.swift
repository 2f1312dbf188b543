package import Admission
import Documents
import Findings
import Logging
import Store
import Synchronization

/// Takes what happens at the admission webhook beside the hub into its events, so that it is alerted on and seen.
///
/// A request never waits for it: events are gathered, the same ones counted, and written twice a second. What the store
/// does not take is kept for the next time, and what is more than fits is counted and logged.
package final class DoorLog: Sendable {
    /// Different events that wait.
    private static let most = 5000

    private struct State {
        var waiting: [DoorEvent: Int] = [:]
        var order: [DoorEvent] = []
        var dropped = 0
    }

    private let hub: HubContext
    private let cluster: String
    private let state = Mutex(State())

    /// - Parameter name: the cluster that the webhook answers for.
    package init(_ server: HubServer, cluster name: String) {
        hub = server.hub
        cluster = ClusterName.id(name)
    }

    package func note(_ event: DoorEvent) { note(event, times: 1) }

    private func note(_ event: DoorEvent, times: Int) {
        state.withLock { state in
            if let count = state.waiting[event] {
                state.waiting[event] = count + times
            } else if state.order.count < Self.most {
                state.waiting[event] = times
                state.order.append(event)
            } else {
                state.dropped += times
            }
        }
    }

    /// Writes until it is cancelled; what is left then, ``flush()`` writes.
    package func run() async {
        while (try? await Task.sleep(for: .milliseconds(500))) != nil { await flush() }
    }

    /// Writes what has come until now.
    package func flush() async {
        let (events, dropped) = state.withLock { state in
            defer { state = State() }
            return (state.order.map { (event: $0, count: state.waiting[$0] ?? 1) }, state.dropped)
        }
        if dropped > 0 {
            hub.log.warning("events of the door came faster than they were kept", metadata: ["dropped": "\(dropped)"])
        }
        guard !events.isEmpty else { return }
        let now = hub.now()
        do {
            try await hub.know(cluster: cluster, at: now)
            try await hub.keep(events.map { Self.row($0.event, $0.count, cluster, now) }, of: cluster, at: now)
        } catch {
            hub.log.warning("events of the door wait", metadata: ["error": "\(error)"])
            for (event, count) in events { note(event, times: count) }
        }
    }

    private static func row(_ event: DoorEvent, _ count: Int, _ cluster: String, _ now: Milliseconds) -> EventRow {
        var json = JSONWriter()
        json.object { json in
            json.member("kind", event.kind.rawValue)
            json.member("user", event.user)
            json.member("object", event.subject)
            json.member("rules", event.rules)
            json.member("count", count)
        }
        let times = count > 1 ? " (\(count) times)" : ""
        return EventJudge.row(
            cluster: cluster, at: now, source: "admission", severity: event.severity,
            rule: "admission/\(event.kind.rawValue)", namespace: event.namespace, subject: event.subject,
            message: event.message + times, content: json.string)
    }
}
