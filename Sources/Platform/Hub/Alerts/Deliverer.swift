import Logging
import Store

/// Takes what is due from the outbox and sends it; whatever fails is tried again, longer and longer apart.
package struct Deliverer: Sendable {
    /// How long a delivery belongs to who took it.
    static let lease = 30_000
    /// Given up after this many tries: about two days.
    static let mostTries = 40

    let store: Store
    let settings: [NotifierSettings]
    let engine: AlertEngine
    let signal: OutboxSignal
    let supervisor: Supervisor
    let wire: any Wire
    let version: String
    let now: @Sendable () -> Milliseconds
    let log: Logger

    /// The target of a notifier.
    package static func target(_ settings: NotifierSettings) -> any NotificationTarget {
        switch settings.kind {
        case .alertmanager: AlertmanagerTarget(settings: settings)
        case .slack: SlackTarget(settings: settings)
        case .teams: TeamsTarget(settings: settings)
        case .pagerduty: PagerDutyTarget(settings: settings)
        case .opsgenie: OpsgenieTarget(settings: settings)
        case .email: EmailTarget(settings: settings)
        case .webhook: WebhookTarget(settings: settings)
        case .jira: JiraTarget(settings: settings)
        case .syslog: SyslogTarget(settings: settings)
        case .splunk: SplunkTarget(settings: settings)
        case .ocsf: OCSFTarget(settings: settings)
        case .otlp: OTLPTarget(settings: settings)
        case .cloudevents: CloudEventsTarget(settings: settings)
        case .github: GitHubTarget(settings: settings)
        }
    }

    /// Works until it is cancelled.
    func run() async {
        let (ticks, tick) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signal.hints { tick.yield() } }
            group.addTask {
                // Hints are only hints: the store is asked now and then whatever they say.
                while (try? await Task.sleep(for: .milliseconds(250))) != nil { tick.yield() }
                tick.finish()
            }
            group.addTask {
                while (try? await Task.sleep(for: .seconds(10))) != nil { await lookAtTheClock() }
            }
            var isSeen = false
            for await _ in ticks {
                if Task.isCancelled { break }
                let sent = await round()
                isSeen = isSeen || sent
            }
            group.cancelAll()
        }
    }

    private func lookAtTheClock() async {
        guard await supervisor.hold("clock") else { return }
        do {
            let raised = try await store.write { db in try engine.tick(at: now(), in: db) }
            supervisor.tell(raised)
        } catch {
            log.warning("alerts were not looked at", metadata: ["error": "\(error)"])
        }
    }

    /// Sends what is due; true when there was something.
    @discardableResult
    func round() async -> Bool {
        do {
            let now = now()
            // Asking is cheap and takes no lock; only what is there is taken.
            guard let due = try await store.read({ try $0.nextDelivery() }), due <= now else { return false }
            let taken = try await store.write { try $0.takeDeliveries(at: now, lease: Self.lease) }
            await withTaskGroup(of: Void.self) { group in
                for delivery in taken { group.addTask { await send(delivery) } }
            }
            return !taken.isEmpty
        } catch {
            log.warning("the outbox was not read", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func send(_ delivery: DeliveryRow) async {
        var failure: DeliveryFailure?
        do {
            try await attempt(delivery)
        } catch let error as DeliveryFailure {
            failure = error
        } catch {
            failure = DeliveryFailure("\(error)")
        }
        let now = now()
        let state: DeliveryRow.State
        var due = now
        if let failure {
            let isOver = !failure.isTransient || delivery.attempts >= Self.mostTries
            state = isOver ? .dead : .pending
            due = now + Self.delay(after: delivery.attempts, chance: Double.random(in: 0..<1))
            log.warning(
                "a notification was not delivered",
                metadata: [
                    "notifier": "\(delivery.notifier)", "error": "\(failure.message)",
                    "attempts": "\(delivery.attempts)",
                ])
        } else {
            state = .sent
        }
        let (message, dueAt) = (failure?.message ?? "", due)
        do {
            try await store.write { try $0.finish(delivery, state, error: message, dueAt: dueAt, at: now) }
        } catch {
            // It stays due when its lease ends: sent twice rather than never.
            log.warning("a delivery was not noted", metadata: ["error": "\(error)"])
        }
    }

    private func attempt(_ delivery: DeliveryRow) async throws {
        guard let notifier = settings.first(where: { $0.name == delivery.notifier }) else {
            throw DeliveryFailure("there is no notifier \"\(delivery.notifier)\" any more", isTransient: false)
        }
        guard let alert = try await store.read({ try $0.alert(delivery.alert) }) else {
            throw DeliveryFailure("the alert is gone", isTransient: false)
        }
        let notification = AlertNotification(
            alert: alert, isResolved: delivery.content == "resolved", dedup: delivery.dedup, at: now(),
            version: version)
        try await Self.target(notifier).send(notification, over: wire)
    }

    /// Doubles from one second to two hours; a quarter of it is left to chance.
    static func delay(after attempts: Int, chance: Double) -> Int {
        let full = min(7_200_000, 1000 << min(max(attempts - 1, 0), 16))
        return full * 3 / 4 + Int(Double(full / 4) * chance)
    }
}
