import Documents
import Findings
import FoundationEssentials
import HTTPTypes
import Kubernetes
import Posture
import Store
import Workloads

/// What the hub knows, in the forms of other programs; and what would mend a finding.
enum ExportRoutes {
    static let all: [Route] = [
        findings("sarif", .sarif, "application/sarif+json"), findings("csv", .csv, "text/csv; charset=utf-8"),
        findings("openreports", .openreports, "application/json"), policyReports, vex, waivers, fix,
    ]

    // MARK: Findings

    private static func findings(_ name: String, _ format: ReportFormat, _ type: String) -> Route {
        Route(.get, "/api/v1/exports/findings.\(name)", .read, query: FindingRoutes.filters) { request in
            let (rows, target) = try await rows(request)
            let stored = StoredReport(
                rows, target: target, now: request.now, version: request.hub.version, rules: request.hub.rules)
            // Writing keeps a core busy for a moment: not on a thread that serves others.
            let text = await Task.detached { format.render(stored.report) }.value
            return attachment(Array(text.utf8), type, "findings.\(name == "openreports" ? "json" : name)")
        }
    }

    private static func attachment(_ bytes: [UInt8], _ type: String, _ name: String) -> HubReply {
        var reply = HubReply(.bytes(bytes, type: type))
        reply.headers[.contentDisposition] = "attachment; filename=\"\(name)\""
        return reply
    }

    /// Every finding that the question asks for, and what they are of.
    private static func rows(_ request: HubRequest, statuses: Set<FindingStatus>? = nil) async throws -> (
        rows: [FindingRow], target: String
    ) {
        var query = try FindingRoutes.query(request.query, scope: request.scope())
        if let statuses { query.statuses = statuses }
        query.limit = 500
        var out: [FindingRow] = []
        while true {
            let asked = query
            let page = try await request.hub.store.read { try $0.findings(asked) }
            out += page
            guard page.count == query.limit, let last = page.last else { break }
            guard out.count < StoredReport.most else {
                throw HubProblem(
                    .contentTooLarge, "too-many",
                    "these are more than \(StoredReport.most) findings; ask for a cluster, a namespace or severities")
            }
            query.after = FindingQuery.Cursor(last)
        }
        return (out, request.query["cluster"] ?? "fleet")
    }

    /// One PolicyReport for each namespace, for `kubectl apply`: nothing is written into a cluster by the hub itself.
    ///
    /// Source: wgpolicyk8s.io/v1alpha2, which most viewers read today.
    private static let policyReports = Route(
        .get, "/api/v1/exports/findings.policyreport", .read, query: FindingRoutes.filters
    ) { request in
        guard request.query["cluster"] != nil else { throw HubProblem.invalid("\"cluster\" is missing") }
        let rows = try await rows(request, statuses: [.failing, .waived, .unobservable]).rows
        var json = JSONWriter()
        json.object { json in
            json.member("apiVersion", "v1")
            json.member("kind", "List")
            json.member("items", array: { json in PolicyReport.all(rows, now: request.now, into: &json) })
        }
        return attachment(json.bytes, "application/json", "policyreports.json")
    }

    // MARK: VEX

    private static let vex = Route(.get, "/api/v1/exports/vex.cdx.json", .read, query: [.cluster]) { request in
        var query = FindingQuery(
            scope: request.scope(), cluster: request.query["cluster"], statuses: [.waived], limit: 500)
        var rows: [FindingRow] = []
        while true {
            let asked = query
            let page = try await request.hub.store.read { try $0.findings(asked) }
            rows += page
            guard page.count == query.limit, let last = page.last, rows.count < StoredReport.most else { break }
            query.after = FindingQuery.Cursor(last)
        }
        var json = JSONWriter()
        json.object { VEXWriter.write(rows, now: request.now, version: request.hub.version, into: &$0) }
        return attachment(json.bytes, "application/vnd.cyclonedx+json", "vex.cdx.json")
    }

    // MARK: GitOps

    /// Approved waivers in the form of a waiver file, for the repository beside the manifests.
    private static let waivers = Route(.get, "/api/v1/exports/waivers.yaml", .read, query: [.cluster]) { request in
        let (cluster, scope) = (request.query["cluster"], request.scope())
        let rows = try await request.hub.store.read { try $0.waivers(cluster: cluster, state: .approved) }
        var json = JSONWriter()
        var lines = ["# Waivers that were approved in the hub, \(TimeText.rfc3339(request.now))", "waivers:"]
        for row in rows.sorted(by: { $0.id < $1.id }) where WaiverRoutes.isVisible(row, scope) {
            var entry = [("check", row.rule), ("owner", row.owner), ("reason", row.reason), ("expires", row.expires)]
            if let approver = row.decidedBy { entry.append(("approver", approver)) }
            for (key, value) in [
                ("kind", row.kind), ("namespace", row.namespace), ("name", row.name), ("path", row.path),
            ] {
                if let value { entry.append((key, value)) }
            }
            for (index, (key, value)) in entry.enumerated() {
                // A JSON text is a YAML text, whatever stands in it.
                json = JSONWriter()
                json.value(value)
                lines.append("\(index == 0 ? "- " : "  ")\(key): \(json.string)")
            }
        }
        if lines.count == 2 { lines[1] = "waivers: []" }
        return attachment(
            Array((lines.joined(separator: "\n") + "\n").utf8), "application/yaml", "waivers.yaml")
    }

    // MARK: Fixes

    /// What would mend the owner of a finding, tried on a copy of the cluster as it is in memory.
    private static let fix = Route(.get, "/api/v1/findings/{cluster}/{fingerprint}/fix", .read) { request in
        let (cluster, fingerprint) = (try request.path("cluster"), try request.path("fingerprint"))
        guard let row = try await request.hub.store.read({ try $0.finding(fingerprint, of: cluster) }),
            request.scope().allows(cluster: cluster, namespace: row.namespace)
        else { throw HubProblem.notFound("such finding") }
        guard let current = await request.hub.supervisor.worker(cluster)?.current else {
            throw HubProblem(
                .conflict, "not-in-memory",
                "this hub does not hold the cluster's objects: ask the replica that watches it, or run martlet fix")
        }
        let inventory = current.scan.inventory
        let key = inventory.keys(in: row.namespace).first { key in
            inventory[key].map { $0.kind == row.kind && $0.name == row.name } ?? false
        }
        guard let key, let object = inventory[key] else { throw HubProblem.notFound("such object any more") }
        let unlisted = current.unlistedKinds
        let made = await Task.detached {
            FixPlanner(
                engines: inventory, options: WorkloadOptions(unlistedKinds: unlisted), isCluster: object.file.isEmpty
            ).fix(key)
        }.value
        return .json { json in describe(made, into: &json) }
    }

    private static func describe(_ fix: VerifiedFix?, into json: inout JSONWriter) {
        json.member("isEmpty", fix?.isEmpty ?? true)
        json.member(
            "steps",
            array: { json in
                for step in fix?.steps ?? [] {
                    json.object { json in
                        json.member("path", step.operation.path.description)
                        json.member("why", step.why)
                        json.member("mayBreak", step.risk)
                    }
                }
            })
        for (word, findings) in [
            ("closed", fix?.closed), ("opened", fix?.opened), ("unchanged", fix?.unchanged),
        ] {
            json.member(word, Set((findings ?? []).map(\.rule.id)).sorted())
        }
        json.member(
            "decisions",
            array: { json in
                for decision in fix?.decisions ?? [] {
                    json.object { json in
                        json.member("about", decision.about)
                        json.member("path", decision.path.description)
                        json.member("reason", decision.reason)
                    }
                }
            })
        json.member("kubectl", optional: fix?.kubectl(context: nil))
    }
}
