import Compliance
import Findings
import Kubernetes
import Posture
import Store

/// Frameworks with what can be shown of them, and one framework control by control.
enum ComplianceScreens {
    static let all: [Route] = [overview, framework]

    private static let overview = Route.screen("/compliance", query: [.cluster]) { request in
        let (rows, chosen) = try await LiveCluster.choose(request)
        guard let chosen else {
            let empty = Page.empty("No cluster is connected yet. <a href=\"/settings\">Connect one</a>.")
            return .page(page("Compliance", empty), request)
        }
        guard let facts = try await facts(request, chosen) else {
            return .page(page("Compliance", LiveCluster.filter(rows, chosen) + LiveCluster.absent), request)
        }
        let lines = try await Task.detached {
            let evaluation = ComplianceEvaluation(facts)
            return try ComplianceCatalogue.builtIn.frameworks.map { framework in
                line(try evaluation.report(framework), chosen)
            }
        }.value
        return .page(
            page(
                "Compliance",
                LiveCluster.filter(rows, chosen)
                    + Page.table(
                        "Frameworks",
                        [
                            "Framework", "Pass", "Fail", "Partly", "Waived", "By people", "Not observable",
                            "Evidence seen",
                        ],
                        lines)), request)
    }

    private static func page(_ title: String, _ body: HTML) -> Page {
        Page(
            place: .compliance, title: title,
            lead: """
                What of each framework can be shown from here, and what cannot. A tool shows a part of a control; the rest is people and \
                paper, and is named. <code>martlet compliance report --format pack</code> makes a signed evidence pack.
                """, body: body)
    }

    /// What the hub's worker has: the scan with the waivers of the store.
    private static func facts(_ request: HubRequest, _ cluster: ClusterRow) async throws -> ComplianceFacts? {
        guard let worker = request.hub.supervisor.worker(cluster.id), let scan = await worker.postureScan else {
            return nil
        }
        let waivers = WaiverSet(try await request.hub.supervisor.waivers(of: cluster.id))
        let now = request.now
        return await Task.detached {
            var report = scan.report(
                target: cluster.name, generatedAt: TimeText.rfc3339(now), version: "")
            waivers.apply(to: &report, today: CalendarDate.of(now)) { scan.labels(of: $0) }
            return ComplianceFacts(report, inventory: scan.inventory, at: Moment(seconds: now / 1000))
        }.value
    }

    private static func line(_ report: ComplianceReport, _ cluster: ClusterRow) -> HTML {
        let link = Link.to(["compliance", report.framework.id], [("cluster", cluster.id)])
        func cell(_ outcome: ControlOutcome) -> HTML { "<td class=\"num\">\(report.count(outcome))</td>" }
        return """
            <tr><td><a href="\(link)"><strong>\(report.framework.title)</strong></a><br><span class="dim">\(report.framework.edition)</span></td>\
            \(cell(.pass))\(cell(.fail))\(cell(.partly))\(cell(.waived))\(cell(.manual))\(cell(.notObservable))\
            <td>\(report.coverage.seen) of \(report.coverage.of) controls a tool can show</td></tr>
            """
    }

    private static func mark(_ outcome: ControlOutcome) -> HTML {
        let look =
            switch outcome {
            case .pass: "ok"
            case .fail: "critical"
            case .partly, .waived: "medium"
            default: "info"
            }
        return "<span class=\"sev \(look)\">\(outcome.words)</span>"
    }

    private static let framework = Route.screen("/compliance/{framework}", query: [.cluster]) { request in
        let id = try request.path("framework")
        guard let framework = ComplianceCatalogue.builtIn.framework(id) else {
            throw HubProblem.notFound("such framework")
        }
        let (rows, chosen) = try await LiveCluster.choose(request)
        guard let chosen, let facts = try await facts(request, chosen) else {
            return .page(page(framework.title, LiveCluster.filter(rows, chosen) + LiveCluster.absent), request)
        }
        let report = try await Task.detached { try ComplianceEvaluation(facts).report(framework) }.value
        let lines = report.controls.map {
            control(
                $0, chosen)
        }
        return .page(
            page(
                framework.title,
                LiveCluster.filter(rows, chosen)
                    + """
                    <p>\(framework.edition) · \(framework.source)</p>
                    \(Page.table("Controls", ["Control", "Result", "Evidence", "What is missing"], lines))
                    """), request)
    }

    private static func control(_ result: ControlResult, _ cluster: ClusterRow) -> HTML {
        let checks = result.allChecks.map { check -> HTML in
            let link = Link.to(["findings"], [("rule", check.rule.id), ("cluster", cluster.id)])
            let count: HTML = check.failed.isEmpty ? .empty : " (\(check.failed.count) of \(check.populationSize))"
            return "<li>\(mark(check.outcome)) <a href=\"\(link)\">\(check.rule.title)</a>\(count)</li>"
        }
        return """
            <tr><td><strong>\(result.control.id)</strong> \(result.control.title)<br><span class="dim">\(result.control.reach.words)</span></td>\
            <td>\(mark(result.outcome))<br><span class="dim">\(Page.percent(result.coverage)) answered</span></td>\
            <td>\(checks.isEmpty ? "people" : "<details><summary>\(checks.count) checks</summary><ul>\(checks)</ul></details>" as HTML)</td>\
            <td>\(result.notes.map { "<span class=\"dim\">\($0)</span><br>" as HTML })</td></tr>
            """
    }
}
