import Documents
import Findings
import HTTPTypes
import Store

/// What other tools send: events, alerts, reports.
///
/// Sending the same again changes nothing: events have ids made of their content, reports are held against what is known.
enum IngestRoutes {
    static let all: [Route] = [events, alertmanager, reports]

    private static let most = 64 << 20

    /// Audit events (webhook, files, cloud exports) and alerts of Falco or falcosidekick, told apart by their form.
    private static let events = Route(
        .post, "/api/v1/ingest/events", .ingest, query: [.cluster], bodyLimit: most
    ) { request in
        let cluster = try await cluster(of: request)
        let (rows, unreadable, unknown) = await request.hub.judge.read(request.body, cluster: cluster, at: request.now)
        guard !rows.isEmpty || unreadable + unknown == 0 else {
            throw HubProblem(.unprocessableContent, "no-events", "nothing in this is an event of a form known here")
        }
        try await request.hub.keep(rows, of: cluster, at: request.now)
        return .json(status: .accepted) { json in
            json.member("events", rows.count)
            json.member("unreadable", unreadable)
            json.member("unknown", unknown)
        }
    }

    /// The payload of Alertmanager's webhooks.
    private static let alertmanager = Route(
        .post, "/api/v1/ingest/alertmanager", .ingest, query: [.cluster], bodyLimit: 4 << 20
    ) { request in
        let cluster = try await cluster(of: request)
        let body = try node(request.body)
        guard body["alerts"].isArray else {
            throw HubProblem(.unprocessableContent, "no-alerts", "this is no message of Alertmanager: no \"alerts\"")
        }
        let rows = body["alerts"].elements.compactMap { alert -> EventRow? in
            guard alert["status"].equals("firing") else { return nil }
            let labels = alert["labels"]
            let at = alert["startsAt"].string.flatMap(TimeText.milliseconds) ?? request.now
            let name = labels["alertname"].string ?? "alert"
            let message = alert["annotations"]["summary"].string ?? alert["annotations"]["description"].string ?? name
            return EventJudge.row(
                cluster: cluster, at: at, source: "alertmanager",
                severity: EventJudge.severity(labels["severity"].string ?? ""), rule: name,
                namespace: labels["namespace"].string ?? "", subject: labels["pod"].string ?? "", message: message,
                content: alert.json())
        }
        try await request.hub.keep(rows, of: cluster, at: request.now)
        return .json(status: .accepted) { $0.member("events", rows.count) }
    }

    /// Reports of scanners: Trivy, Grype, Snyk, SARIF and whatever else is known; and kube-bench.
    private static let reports = Route(
        .post, "/api/v1/ingest/reports", .ingest,
        query: [
            .cluster, QueryParameter("image", "The image the report is about."),
            QueryParameter("node", "The node the report is about (kube-bench)."),
        ], bodyLimit: most
    ) { request in
        let cluster = try await cluster(of: request)
        let hub = request.hub
        let now = request.now
        let report = try ReportFindings.read(
            request.body, cluster: cluster, image: request.query["image"], node: request.query["node"], at: now)
        let (changes, raised) = try await hub.store.write { db in
            let known = try db.findings(
                FindingQuery(
                    scope: .everything, cluster: cluster, kind: report.kind, name: report.name, source: report.source,
                    statuses: [.failing, .waived, .unobservable], limit: 100_000))
            let present = Set(report.rows.map(\.fingerprint))
            let gone = known.map(\.fingerprint).filter { !present.contains($0) }
            try db.write(report.advisories)
            let rows = ReportedWaivers.applied(
                try db.waivers(cluster: cluster, state: .approved), to: report.rows, today: CalendarDate.of(now))
            let changes = try db.apply(FindingDelta(cluster: cluster, at: now, present: rows, gone: gone))
            let raised = try hub.supervisor.consider(
                changes, of: cluster, isFirst: known.isEmpty, at: now, in: db)
            return (changes, raised)
        }
        hub.supervisor.tell(changes, of: cluster)
        hub.supervisor.tell(raised)
        return .json(status: .accepted) { json in
            json.member("tool", report.source)
            json.member("findings", report.rows.count)
            json.member("changes", changes.count)
        }
    }

    // MARK: Common

    /// The cluster the sender names, which he must be allowed to send for; made when it is new.
    private static func cluster(of request: HubRequest) async throws -> String {
        guard let name = request.query["cluster"] else {
            throw HubProblem(.badRequest, "bad-parameter", "\"cluster\" is missing: whose events or report is it?")
        }
        let id = ClusterName.id(name)
        guard id == name else {
            throw HubProblem(
                .badRequest, "bad-parameter", "\"cluster\" is an id of small letters, digits, -, . and _: \"\(id)\"")
        }
        try request.require(.ingest, cluster: id)
        try await request.hub.know(cluster: id, at: request.now)
        return id
    }

    static func node(_ body: [UInt8]) throws(HubProblem) -> Node {
        do throws(DocumentError) {
            return try DocumentReader.readJSON(SourceText(name: "", bytes: body))
        } catch {
            throw .invalid("the body is not JSON: \(error.message)")
        }
    }
}
