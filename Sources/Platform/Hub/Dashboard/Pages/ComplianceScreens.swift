import Compliance
import Evidence
import Findings
import HTTPTypes
import Kubernetes
import Posture
import Store

/// Frameworks with what can be shown of them, one framework control by control, over a period, and as files.
enum ComplianceScreens {
    static let all: [Route] = [overview, framework, download, ControlScreen.route]

    static let from = QueryParameter("from", "First day of a period, such as 2026-01-01.")
    static let to = QueryParameter("to", "Last day of the period.")

    private static let overview = LiveCluster.screen("/compliance", page: { page("Compliance", $0) }) { view, request in
        let facts = try await facts(view, request)
        let lines = try await Task.detached {
            let evaluation = ComplianceEvaluation(facts, catalogue: request.hub.settings.catalogue)
            return try request.hub.settings.catalogue.frameworks.map { framework in
                line(try evaluation.report(framework), view.cluster)
            }
        }.value
        return Page.table(
            "Frameworks",
            ["Framework", "Pass#", "Fail#", "Partly#", "Waived#", "By people#", "Not observable#", "Evidence seen"],
            lines)
    }

    static func page(_ title: String, _ body: HTML) -> Page {
        Page(
            place: .compliance, title: title,
            lead: """
                What of each framework can be shown from here, and what cannot. A tool shows a part of a control; the rest is people and \
                paper, and is named. <code>martlet compliance report --format pack</code> makes a signed evidence pack.
                """, body: body)
    }

    /// What the hub's worker has: the scan with the waivers of the store and those the objects carry, what the store
    /// remembers, and what people declared.
    static func facts(_ view: LiveView, _ request: HubRequest) async throws -> ComplianceFacts {
        let now = request.now
        let today = CalendarDate.of(now)
        let cluster = view.cluster.id
        let history = try await request.hub.store.read { try EvidenceHistory($0, cluster: cluster, before: now + 1) }
        var waivers = WaiverSet(try await request.hub.supervisor.waivers(of: cluster))
        waivers.add(view.scan.annotatedWaivers(today: today).waivers)
        let settings = request.hub.settings
        return await Task.detached { [waivers] in
            var report = view.scan.report(
                target: view.cluster.name, generatedAt: TimeText.rfc3339(now), version: request.hub.version)
            waivers.apply(to: &report, today: today) { view.scan.labels(of: $0) }
            return ComplianceFacts(
                report, inventory: view.inventory, unlistedKinds: view.unlistedKinds,
                attestations: settings.attestations, history: history.scans.isEmpty ? nil : history,
                at: Moment(seconds: now / 1000))
        }.value
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
        let facts = try await facts(view, request)
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

    private static let formats: [(name: String, title: String)] = [
        ("summary", "one page for those who decide (PDF)"), ("pdf", "all of it (PDF)"), ("html", "HTML"),
        ("csv", "CSV"),
        ("json", "JSON"), ("oscal", "OSCAL assessment results"), ("poam", "OSCAL plan of action"),
    ]

    private static func files(_ framework: ComplianceFramework, _ asked: [(String, String?)]) -> HTML {
        let links = formats.map { format -> HTML in
            let link = Link.to(["compliance", framework.id, "report"], asked + [("format", format.name)])
            return "<li><a href=\"\(link)\" download>\(format.title)</a></li>"
        }
        return "<details class=\"no-print\"><summary>Take it along</summary><ul>\(links)</ul></details>"
    }

    /// The report as a file, of today or over a period.
    private static let download = Route.screen(
        "/compliance/{framework}/report",
        query: [.cluster, from, to, QueryParameter("format", .choice(formats.map(\.name)), "Which file.")]
    ) { request in
        let framework = try known(request)
        guard let chosen = try await LiveCluster.choose(request).chosen,
            let view = await LiveCluster.view(request, chosen)
        else { throw HubProblem.notFound("such report: the hub does not hold the cluster's objects") }
        let report = try await report(framework, view, request)
        let format = request.query["format"] ?? "html"
        let (bytes, type, ending) = await Task.detached { () -> ([UInt8], String, String) in
            switch format {
            case "summary": (CompliancePaper(report).executive(), "application/pdf", "pdf")
            case "pdf": (CompliancePaper(report).full(), "application/pdf", "pdf")
            case "csv": (Array(ComplianceTable(report).csv().utf8), "text/csv; charset=utf-8", "csv")
            case "json": (Array(ComplianceJSON(report).render().utf8), "application/json", "json")
            case "oscal": (Array(OSCAL(report).assessmentResults().utf8), "application/json", "json")
            case "poam": (Array(OSCAL(report).planOfAction().utf8), "application/json", "json")
            default: (Array(ComplianceHTML(report).render().utf8), "text/html; charset=utf-8", "html")
            }
        }.value
        // A file, never a page of this hub: whatever stands in it, it runs nothing here.
        var reply = HubReply(
            .bytes(bytes, type: type == "text/html; charset=utf-8" ? "application/octet-stream" : type))
        let name = "\(framework.id)-\(ClusterName.id(chosen.name))-\(format).\(ending)"
        reply.headers[.contentDisposition] = "attachment; filename=\"\(name)\""
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
