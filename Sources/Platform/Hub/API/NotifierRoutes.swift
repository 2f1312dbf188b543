import Findings
import HTTPTypes
import Store

/// Targets of alerts: which there are, and whether they can be reached.
enum NotifierRoutes {
    static let all: [Route] = [list, test]

    private static let list = Route(.get, "/api/v1/notifiers", .administer) { request in
        .json { json in
            json.page(request.hub.settings.notifiers, next: nil) { json, notifier in
                // Addresses of webhooks are secrets themselves: only the kind and name are told.
                json.member("name", notifier.name)
                json.member("kind", notifier.kind.rawValue)
            }
        }
    }

    private static let test = Route(.post, "/api/v1/notifiers/{notifier}/test", .administer) { request in
        try await send(request)
        return .json { $0.member("delivered", true) }
    }

    /// Sends a test to the notifier of the path; throws what its receiver answers.
    static func send(_ request: HubRequest) async throws {
        try request.require(.administer, cluster: "")
        let name = try request.path("notifier")
        guard let notifier = request.hub.settings.notifiers.first(where: { $0.name == name }) else {
            throw HubProblem.notFound("such notifier")
        }
        guard let wire = request.hub.wire else {
            throw HubProblem(.serviceUnavailable, "starting", "the hub is not running yet")
        }
        let now = request.now
        let alert = AlertRow(
            cluster: "test", id: request.hub.newID(), rule: "test", groupKey: "test", severity: .info,
            title: "a test by \(try request.somebody().name)", content: "[]", namespace: "", total: 1, startedAt: now)
        try await request.hub.store.write { try request.audit($0, "notifier.test", target: name) }
        do {
            try await Deliverer.target(notifier).send(
                AlertNotification(
                    alert: alert, isResolved: false, dedup: "\(alert.id) test", at: now,
                    version: request.hub.version), over: wire)
        } catch let failure as DeliveryFailure {
            throw HubProblem(.badGateway, "not-delivered", failure.message)
        }
    }
}
