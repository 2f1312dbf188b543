import Compliance
import Evidence
import Findings
import HTTPTypes
import Kubernetes
import Posture
import Store

/// Frameworks with what can be shown of them, one framework control by control, over a period, and as files.
enum ComplianceScreens {
    static let all: [Route] = [overview, framework, download, key, ControlScreen.route]

    static let from = QueryParameter("from", "First day of a period, such as 2026-01-01.")
    static let to = QueryParameter("to", "Last day of the period.")

    private static let overview = LiveCluster.screen("/compliance", page: { page("Compliance", $0) }) { view, request in
        let facts = try await ComplianceFacts.of(view, request.hub)
        let lines = try await Task.detached {
            let evaluation = ComplianceEvaluation(facts, catalogue: request.hub.settings.catalogue)
            return try request.hub.settings.catalogue.frameworks.map { framework in
                line(try evaluation.report(framework), view.cluster)
            }
        }.value
        let table = Page.table(
            "Frameworks",
            ["Framework", "Pass#", "Fail#", "Partly#", "Waived#", "By people#", "Not observable#", "Evidence seen"],
            lines)
        return "\(table)\(try await scheduled(view.cluster, request))"
    }

    /// What goes out by itself, and what became of it.
    private static func scheduled(_ cluster: ClusterRow, _ request: HubRequest) async throws -> HTML {
        let hub = request.hub
        let schedules = hub.settings.reports.filter { $0.concerns(cluster) }
        guard !schedules.isEmpty else {
            return "<p class=\"dim\">Nothing goes out by itself: the settings hold no <code>reports</code>.</p>"
        }
        let now = request.now
        var lines: [HTML] = []
        for schedule in schedules {
            for notifier in schedule.notifiers {
                let place = ReportState.place(schedule, cluster.id, notifier)
                let state = try await hub.store.read { try ReportState($0, place) }
                let sent: HTML = state.map { $0.sentAt == 0 ? .empty : " \(Page.time($0.sentAt))" } ?? .empty
                lines.append(
                    """
                    <tr><td>\(schedule.name)</td><td>\(hub.settings.catalogue.framework(schedule.framework)?.title ?? schedule.framework)</td>\
                    <td>\(schedule.form.title)</td><td>\(schedule.words)<br><span class="dim">next</span> \(Page.time(schedule.next(after: now)))</td>\
                    <td>\(notifier)</td><td>\(state?.words ?? "none yet")\(sent)</td></tr>
                    """)
            }
        }
        return Page.table("Scheduled reports", ["Name", "Framework", "File", "When", "To", "Last"], lines)
    }

    /// The public half of what packs are signed with.
    private static let key = Route.screen("/evidence-key.pem") { request in
        .text(try EvidenceSigner(request.hub.key).key.publicPEM, type: "application/x-pem-file")
    }

    static func page(_ title: String, _ body: HTML) -> Page {
        Page(
            place: .compliance, title: title,
            lead: """
                What of each framework can be shown from here, and what cannot. A tool shows a part of a control; the rest is people and \
                paper, and is named. An evidence pack is signed with <a href="/evidence-key.pem" download>this hub's key</a>; \
                <code>martlet compliance verify</code> checks one.
                """, body: body)
    }

    /// The period a query asks for; the last day counts whole.
    static func period(_ request: HubRequest) throws(HubProblem) -> Period? {
        let values = request.query
        guard values["from"] != nil || values["to"] != nil else { return nil }
        guard let first = values["from"].flatMap({ CalendarDate($0) }),
            let last = values["to"].flatMap({ CalendarDate($0) }),
            let period = Period(
                from: Moment(first),
                // What is still to come is no part of it.
                to: Moment(seconds: min(Moment(last).seconds + 86_400, request.now / 1000 + 1)))
        else { throw .invalid("\"from\" and \"to\" are days such as 2026-01-31, in their order, that have begun") }
        return period
    }

    static func known(_ request: HubRequest) throws(HubProblem) -> ComplianceFramework {
        guard let framework = request.hub.settings.catalogue.framework(try request.path("framework")) else {
            throw .notFound("such framework")
        }
        return framework
    }

    static func report(
        _ framework: ComplianceFramework, _ view: LiveView, _ request: HubRequest
    ) async throws -> ComplianceReport {
        let period = try period(request)
        let facts = try await ComplianceFacts.of(view, request.hub)
        do {
            return try await Task.detached {
                try ComplianceEvaluation(facts, catalogue: request.hub.settings.catalogue)
                    .report(framework, over: period)
            }.value
        } catch let error as PeriodError {
            throw HubProblem.invalid(error.message)
        }
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

    static func mark(_ outcome: ControlOutcome) -> HTML {
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
    private static let framework = Route.screen("/compliance/{framework}", query: [.cluster, from, to]) { request in
        let framework = try known(request)
        return try await LiveCluster.answer(request, page: { page(framework.title, $0) }) { view, request in
            let report = try await report(framework, view, request)
            let asked = [("cluster", view.cluster.id), ("from", request.query["from"]), ("to", request.query["to"])]
            let lines = report.controls.map { control($0, framework, asked) }
            let headings =
                ["Control", "Result"] + (report.period == nil ? [] : ["Over the period"]) + [
                    "Evidence", "What is missing",
                ]
            return """
                <p>\(framework.edition) · \(framework.source)</p>\(form(view.cluster, request))\(files(framework, asked))
                \(report.period.map { "<p><strong>\($0.description)</strong>, as this hub watched it. What nobody watched is not observable.</p>" as HTML })
                \(Page.table("Controls", headings, lines))
                """
        }
    }

    /// A period to look at.
    static func form(_ cluster: ClusterRow, _ request: HubRequest) -> HTML {
        """
        <form class="filters"><input type="hidden" name="cluster" value="\(cluster.id)">\
        <label>From<input type="date" name="from" value="\(request.query["from"] ?? "")"></label>\
        <label>To<input type="date" name="to" value="\(request.query["to"] ?? "")"></label><button>Show the period</button></form>
        """
    }

    private static func files(_ framework: ComplianceFramework, _ asked: [(String, String?)]) -> HTML {
        let links = ReportFile.Form.allCases.map { format -> HTML in
            let link = Link.to(["compliance", framework.id, "report"], asked + [("format", format.rawValue)])
            return "<li><a href=\"\(link)\" download>\(format.title)</a></li>"
        }
        return "<details class=\"no-print\"><summary>Take it along</summary><ul>\(links)</ul></details>"
    }

    /// The report as a file, of today or over a period.
    private static let download = Route.screen(
        "/compliance/{framework}/report",
        query: [
            .cluster, from, to,
            QueryParameter("format", .choice(ReportFile.Form.allCases.map(\.rawValue)), "Which file."),
        ]
    ) { request in
        let framework = try known(request)
        guard let chosen = try await LiveCluster.choose(request).chosen,
            let view = await LiveCluster.view(request, chosen)
        else { throw HubProblem.notFound("such report: the hub does not hold the cluster's objects") }
        let report = try await report(framework, view, request)
        let form = request.query["format"].flatMap(ReportFile.Form.init) ?? .html
        let signer = try EvidenceSigner(request.hub.key)
        let file = try await Task.detached {
            try ReportFile(report, form, cluster: ClusterName.id(chosen.name), signer: signer)
        }.value
        // A file, never a page of this hub: whatever stands in it, it runs nothing here.
        var reply = HubReply(.bytes(file.bytes, type: form == .html ? "application/octet-stream" : file.type))
        reply.headers[.contentDisposition] = "attachment; filename=\"\(file.name)\""
        return reply
    }

    private static func control(
        _ result: ControlResult, _ framework: ComplianceFramework, _ asked: [(String, String?)]
    ) -> HTML {
        let checks = result.allChecks.map { check -> HTML in
            let link = Link.to(["findings"], [("rule", check.rule.id), asked[0]])
            let count: HTML = check.failed.isEmpty ? .empty : " (\(check.failed.count) of \(check.populationSize))"
            return "<li>\(mark(check.outcome)) <a href=\"\(link)\">\(check.rule.title)</a>\(count)</li>"
        }
        let link = Link.to(["compliance", framework.id, result.control.id], asked)
        let time: HTML = result.time.map { "<td>\(ComplianceText.time($0))</td>" } ?? .empty
        let people = (result.attestations + result.families.flatMap(\.attestations)).map {
            "<li>\($0.owner): \($0.statement) <span class=\"dim\">until \($0.expires.description)</span></li>" as HTML
        }
        return """
            <tr><td><a href="\(link)"><strong>\(result.control.id)</strong> \(result.control.title)</a><br><span class="dim">\(result.control.reach.words)</span></td>\
            <td>\(mark(result.outcome))<br><span class="dim">\(Page.percent(result.coverage)) answered</span></td>\(time)\
            <td>\(checks.isEmpty ? "people" : "<details><summary>\(checks.count) checks</summary><ul>\(checks)</ul></details>" as HTML)\
            \(people.isEmpty ? .empty : "<ul>\(people)</ul>" as HTML)</td>\
            <td>\(result.notes.map { "<span class=\"dim\">\($0)</span><br>" as HTML })</td></tr>
            """
    }
}
