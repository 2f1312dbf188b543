import Compliance
import Documents
import Evidence
import Findings
import Kubernetes
import Posture
import Store

/// Makes the reports that are due and hands them over, once for each cluster, time and notifier.
///
/// Only the hub whose worker has a cluster's objects reports on it, so that replicas do not send twice. What was sent is
/// kept after it was taken: who dies between both sends it again, with the same `X-Martlet-Delivery` or `Message-ID`.
struct ReportSender: Sendable {
    let hub: HubContext
    let wire: any Wire

    /// After this long a report is given up; the next one tells of it.
    static let patience = 86_400_000

    func run() async {
        guard !hub.settings.reports.isEmpty else { return }
        while !Task.isCancelled {
            do {
                try await sendDue()
            } catch {
                hub.log.warning("reports were not sent", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(10))
        }
    }

    /// Sends everything that is due at this moment and was not sent yet.
    func sendDue() async throws {
        let (schedules, notifiers) = (hub.settings.reports, hub.settings.notifiers)
        let orders = try await hub.store.read { db in
            let clusters = try db.clusters()
            return try schedules.flatMap { schedule in
                try clusters.filter(schedule.concerns).flatMap { cluster in
                    try notifiers.filter { schedule.notifiers.contains($0.name) }.map { notifier in
                        let place = ReportState.place(schedule, cluster.id, notifier.name)
                        return Order(
                            schedule: schedule, cluster: cluster, notifier: notifier, place: place,
                            state: try ReportState(db, place))
                    }
                }
            }
        }
        for order in orders { try await send(order) }
    }

    /// One report for one receiver, and what became of it.
    private struct Order {
        var schedule: ReportSchedule
        var cluster: ClusterRow
        var notifier: NotifierSettings
        var place: String
        var state: ReportState?
    }

    private func send(_ order: Order) async throws {
        let (schedule, cluster, notifier, place) = (order.schedule, order.cluster, order.notifier, order.place)
        let now = hub.now()
        let due = schedule.due(at: now)
        guard var state = order.state else {
            // What was due before anybody asked for it is not sent.
            let begun = ReportState(due: due)
            return try await hub.store.write { try begun.write(to: $0, place) }
        }
        if state.due < due { state = ReportState(due: due, isOpen: true, sentAt: state.sentAt) }
        guard state.isOpen, state.nextTry <= now else { return }
        guard let worker = hub.supervisor.worker(cluster.id), let current = await worker.current else { return }
        let view = LiveView(cluster: cluster, scan: current.scan, unlistedKinds: current.unlistedKinds)
        do {
            let file = try await file(schedule, view, due)
            try await hand(file, schedule, cluster, notifier, due)
            state.isOpen = false
            state.failure = ""
            state.sentAt = now
        } catch let failure as DeliveryFailure {
            state.note(failure.message, isFinal: !failure.isTransient || now - due > Self.patience, at: now)
        }
        let (isSent, failure) = (!state.isOpen && state.failure.isEmpty, state.failure)
        try await hub.store.write { [state] db in
            try state.write(to: db, place)
            guard isSent else { return }
            try db.audit(
                "report.send", target: "\(schedule.name)/\(cluster.id)/\(notifier.name)", by: "schedule", at: now)
        }
        if !isSent {
            hub.log.warning(
                "a report was not taken",
                metadata: ["report": "\(schedule.name)", "notifier": "\(notifier.name)", "error": "\(failure)"])
        }
    }

    /// Over the time since it was due before; as of now where nobody watched then.
    private func file(
        _ schedule: ReportSchedule, _ view: LiveView, _ due: Milliseconds
    ) async throws -> ReportFile {
        guard let framework = hub.settings.catalogue.framework(schedule.framework) else {
            throw DeliveryFailure("there is no framework \"\(schedule.framework)\"", isTransient: false)
        }
        let facts = try await ComplianceFacts.of(view, hub)
        let (catalogue, signer) = (hub.settings.catalogue, try EvidenceSigner(hub.key))
        return try await Task.detached {
            let evaluation = ComplianceEvaluation(facts, catalogue: catalogue)
            let report: ComplianceReport
            do {
                report = try evaluation.report(framework, over: schedule.period(due))
            } catch is PeriodError {
                report = try evaluation.report(framework)
            }
            return try ReportFile(report, schedule.form, cluster: ClusterName.id(view.cluster.name), signer: signer)
        }.value
    }

    private func hand(
        _ file: ReportFile, _ schedule: ReportSchedule, _ cluster: ClusterRow, _ notifier: NotifierSettings,
        _ due: Milliseconds
    ) async throws {
        let title = hub.settings.catalogue.framework(schedule.framework)?.title ?? schedule.framework
        let day = CalendarDate.of(due)
        let letter = Letter(
            subject: "\(title): \(cluster.name), \(day)",
            text: """
                \(title) of cluster \(cluster.name), \(schedule.words), due on \(day).
                The report is attached as \(file.name).
                """,
            id: "report \(schedule.name) \(cluster.id) \(due)", at: hub.now(), attachment: file)
        try await letter.send(to: notifier, over: wire)
    }
}

extension ReportSchedule {
    func concerns(_ row: ClusterRow) -> Bool { cluster == nil || row.id == cluster || row.name == cluster }
}
