import Detection
import Documents
import Foundation
import KubernetesClient
import RuntimeWatch
import Synchronization

/// Where alerts go besides the terminal, and what is done about them; nothing here makes the sensor wait.
final class RuntimeOutlet: Sendable {
    private struct Waiting {
        var alerts: [String] = []
        var isolations: [PodIsolation] = []
        var dropped = 0
        var isClosed = false
    }

    private let waiting = Mutex(Waiting())
    private let hub: APIClient?
    private let cluster: String
    private let api: APIClient?
    private let audit: ResponseAudit
    private static let most = 10_000
    private static let batch = 500

    /// `hub` takes alerts; `api` is where pods are isolated, nil where that is only proposed.
    init(hub: APIClient?, cluster: String, api: APIClient?, audit: ResponseAudit) {
        self.hub = hub
        self.cluster = cluster
        self.api = api
        self.audit = audit
    }

    func send(_ alert: Alert) {
        guard hub != nil else { return }
        waiting.withLock { waiting in
            guard waiting.alerts.count < Self.most else {
                waiting.dropped += 1
                return
            }
            waiting.alerts.append(alert.json())
        }
    }

    func isolate(_ isolation: PodIsolation) { waiting.withLock { $0.isolations.append(isolation) } }

    func close() { waiting.withLock { $0.isClosed = true } }

    /// Sends until closed, then what is left.
    func run() async {
        var wait = Duration.milliseconds(200)
        while true {
            let (alerts, isolations, isClosed) = waiting.withLock { waiting in
                let alerts = Array(waiting.alerts.prefix(Self.batch))
                let isolations = waiting.isolations
                waiting.isolations = []
                return (alerts, isolations, waiting.isClosed)
            }
            for isolation in isolations { await carryOut(isolation) }
            if !alerts.isEmpty {
                if let problem = await deliver(alerts) {
                    Console.error("the hub does not take alerts: \(problem)")
                    if isClosed { break }
                    wait = min(wait * 2, .seconds(30))
                } else {
                    waiting.withLock { $0.alerts.removeFirst(alerts.count) }
                    wait = .milliseconds(200)
                    if isClosed { continue }
                }
            } else if isClosed {
                break
            }
            // A cancelled wait ends at once, and so does the loop after what is left was sent.
            try? await Task.sleep(for: wait)
        }
        let dropped = waiting.withLock { $0.dropped + $0.alerts.count }
        if dropped > 0 { Console.error("\(dropped) alerts did not reach the hub") }
    }

    /// Why the hub did not take alerts; nil when it did. Sent twice they are one, so that trying again is safe.
    private func deliver(_ alerts: [String]) async -> String? {
        guard let hub else { return nil }
        do {
            switch try await hub.change(
                .create, "/api/v1/ingest/events?cluster=\(cluster)", Array(alerts.joined(separator: "\n").utf8))
            {
            case .done: return nil
            case .conflict, .absent: return "it has no place for events"
            }
        } catch let error as ClientError {
            return error.message
        } catch {
            return "\(error)"
        }
    }

    // MARK: Isolation

    private func carryOut(_ isolation: PodIsolation) async {
        let target = "\(isolation.namespace)/\(isolation.pod)"
        func record(_ outcome: ResponseRecord.Outcome, _ detail: String) {
            audit.write(
                ResponseRecord(
                    time: UInt64(Date().timeIntervalSince1970 * 1e9), response: "isolate", reason: isolation.reason,
                    target: target, outcome: outcome, detail: detail))
        }
        guard let api else {
            record(.proposed, isolation.commands.joined(separator: "\n"))
            return
        }
        do {
            var writer = JSONWriter()
            writer.value(isolation.policy)
            _ = try await api.change(.create, isolation.policyPath, writer.bytes)
            // Somebody else may write to the pod in between: read again and tried again.
            for _ in 0..<5 {
                let pod = try await api.node(isolation.podPath)
                guard let changed = isolation.labelled(pod) else {
                    record(.failed, "another pod has this name by now")
                    return
                }
                switch try await api.change(.replace, isolation.podPath, Array(changed.json().utf8)) {
                case .done:
                    record(.done, "label \(PodIsolation.label)=true, NetworkPolicy \(PodIsolation.policyName)")
                    return
                case .absent:
                    record(.failed, "the pod is gone")
                    return
                case .conflict: continue
                }
            }
            record(.failed, "the pod is written to by somebody else all the time")
        } catch let error as ClientError {
            record(.failed, error.message)
        } catch {
            record(.failed, "\(error)")
        }
    }
}

/// The record of responses: a file that is only ever appended to, or the error side.
final class ResponseAudit: Sendable {
    private let descriptor: Int32?

    init(_ path: String?) throws {
        guard let path else {
            descriptor = nil
            return
        }
        let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else {
            throw Failure(message: "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
        descriptor = opened
    }

    func write(_ record: ResponseRecord) {
        let line = record.json()
        guard let descriptor else { return Console.note(line) }
        if !Console.writeAll(Array((line + "\n").utf8), to: descriptor) {
            Console.error("the record of responses cannot be written: \(line)")
        }
    }

    deinit { if let descriptor { close(descriptor) } }
}
