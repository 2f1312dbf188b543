import Compliance
import Findings
import Kubernetes
import Posture
import Store

/// Frameworks with what can be shown of them, and one framework control by control.
enum ComplianceScreens {
    static let all: [Route] = [overview, framework]

    private static let overview = LiveCluster.screen("/compliance", page: { page("Compliance", $0) }) { view, request in
        let facts = try await facts(view, request)
        let lines = try await Task.detached {
            let evaluation = ComplianceEvaluation(facts)
            return try ComplianceCatalogue.builtIn.frameworks.map { framework in
                line(try evaluation.report(framework), view.cluster)
            }
        }.value
        return Page.table(
            "Frameworks",
            ["Framework", "Pass", "Fail", "Partly", "Waived", "By people", "Not observable", "Evidence seen"], lines)
    }

    private static func page(_ title: String, _ body: HTML) -> Page {
        Page(
            place: .compliance, title: title,
            lead: """
                What of each framework can be shown from here, and what cannot. A tool shows a part of a control; the rest is people and \
                paper, and is named. <code>martlet compliance report --format pack</code> makes a signed evidence pack.
                """, body: body)
    }

    /// What the hub's worker has: the scan with the waivers of the store and those the objects carry.
    private static func facts(_ view: LiveView, _ request: HubRequest) async throws -> ComplianceFacts {
        let now = request.now
        let today = CalendarDate.of(now)
        var waivers = WaiverSet(try await request.hub.supervisor.waivers(of: view.cluster.id))
        waivers.add(view.scan.annotatedWaivers(today: today).waivers)
        return await Task.detached { [waivers] in
            var report = view.scan.report(target: view.cluster.name, generatedAt: TimeText.rfc3339(now), version: "")
            waivers.apply(to: &report, today: today) { view.scan.labels(of: $0) }
            return ComplianceFacts(
                report, inventory: view.inventory, unlistedKinds: view.unlistedKinds, at: Moment(seconds: now / 1000))
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

    /// One framework; the title is the catalogue's, so an unknown one is refused before anything is drawn.
    private static let framework = Route.screen("/compliance/{framework}", query: [.cluster]) { request in
        let id = try request.path("framework")
        guard let framework = ComplianceCatalogue.builtIn.framework(id) else {
            throw HubProblem.notFound("such framework")
        }
        return try await LiveCluster.answer(request, page: { page(framework.title, $0) }) { view, request in
            let facts = try await facts(view, request)
            let report = try await Task.detached { try ComplianceEvaluation(facts).report(framework) }.value
            let lines = report.controls.map { control($0, view.cluster) }
            return """
                <p>\(framework.edition) · \(framework.source)</p>
                \(Page.table("Controls", ["Control", "Result", "Evidence", "What is missing"], lines))
                """
        }
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
