import Compliance
import Findings
import Kubernetes
import Posture
import Store

extension ComplianceFacts {
    /// What the hub's worker has: the scan with the waivers of the store and those the objects carry, what the store
    /// remembers, and what people declared.
    static func of(_ view: LiveView, _ hub: HubContext) async throws -> ComplianceFacts {
        let now = hub.now()
        let today = CalendarDate.of(now)
        let cluster = view.cluster.id
        let history = try await hub.store.read { try EvidenceHistory($0, cluster: cluster, before: now + 1) }
        var waivers = WaiverSet(try await hub.supervisor.waivers(of: cluster))
        waivers.add(view.scan.annotatedWaivers(today: today).waivers)
        let settings = hub.settings
        return await Task.detached { [waivers] in
            var report = view.scan.report(
                target: view.cluster.name, generatedAt: TimeText.rfc3339(now), version: hub.version)
            waivers.apply(to: &report, today: today) { view.scan.labels(of: $0) }
            return ComplianceFacts(
                report, inventory: view.inventory, unlistedKinds: view.unlistedKinds,
                attestations: settings.attestations, history: history.scans.isEmpty ? nil : history,
                at: Moment(seconds: now / 1000))
        }.value
    }
}
