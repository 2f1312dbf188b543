import Compliance
import Evidence
import Findings
import Store

/// One control as an auditor asks for it: states over a period, changes, exceptions, populations, samples to look at
/// again, and how old all of it is.
enum ControlScreen {
    static let route = Route.screen(
        "/compliance/{framework}/{control}", query: [.cluster, ComplianceScreens.from, ComplianceScreens.to]
    ) { request in
        let framework = try ComplianceScreens.known(request)
        guard let control = framework.control(try request.path("control")) else {
            throw HubProblem.notFound("such control")
        }
        let title = "\(framework.title) \(control.id)"
        return try await LiveCluster.answer(
            request,
            page: {
                Page(place: .compliance, title: title, lead: "\(control.title). \(control.reach.words).", body: $0)
            }
        ) { view, request in
            let report = try await ComplianceScreens.report(framework, view, request)
            guard let result = report.controls.first(where: { $0.control.id == control.id }) else {
                throw HubProblem.notFound("such control")
            }
            let period = report.period ?? recent(request)
            let proof: HTML
            do throws(PeriodError) {
                proof =
                    try report.proof(of: control.id, over: period, catalogue: request.hub.settings.catalogue)
                    .map { content($0) } ?? .empty
            } catch {
                proof = Page.empty("\(error.message)")
            }
            return """
                <p>Today: \(ComplianceScreens.mark(result.outcome)) <span class="dim">\(Page.percent(result.coverage)) answered</span></p>
                \(ComplianceScreens.form(view.cluster, request))<h2>\(period.description)</h2>\(proof)
                """
        }
    }

    /// The last thirty days, where no period is asked for.
    private static func recent(_ request: HubRequest) -> Period {
        let now = request.now / 1000
        let today = now - now % 86_400
        guard let period = Period(from: Moment(seconds: today - 29 * 86_400), to: Moment(seconds: now + 1))
        else {
            preconditionFailure("thirty days end after they begin")
        }
        return period
    }

    private static func content(_ proof: ControlProof) -> HTML {
        let states = proof.states.stretches.map { stretch -> HTML in
            """
            <tr><td class="tight">\(time(stretch.from))</td><td class="tight">\(time(stretch.to))</td>\
            <td>\(ComplianceScreens.mark(stretch.state))</td><td>\(stretch.because)</td></tr>
            """
        }
        let changes = proof.changes.map { change -> HTML in
            """
            <tr><td class="tight">\(time(change.at))</td><td>\(change.check)</td><td>\(change.subject)</td>\
            <td>\(change.outcome.rawValue)</td><td>\(change.actor ?? "not known")</td></tr>
            """
        }
        let exceptions = proof.exceptions.map { waiver -> HTML in
            "<tr><td>\(waiver.scope.check)</td><td>\(waiver.owner)</td><td>\(waiver.reason)</td><td class=\"tight\">\(waiver.expires)</td></tr>"
        }
        let populations = proof.populations.map { population -> HTML in
            let members = population.members.prefix(500).map { "<li>\($0.description)</li>" as HTML }
            return """
                <tr><td>\(population.kind.title)</td><td class="num">\(population.members.count)</td>\
                <td><details><summary>\(population.query)</summary><ul>\(members)</ul></details></td></tr>
                """
        }
        let samples = proof.samples.map { sample -> HTML in
            let commands = sample.commands.map { "<pre tabindex=\"0\">\($0)</pre>" as HTML }
            return
                "<tr><td>\(sample.subject.description)</td><td>\(ComplianceScreens.mark(sample.outcome))</td><td>\(commands)</td></tr>"
        }
        func section(_ title: String, _ headings: [String], _ rows: [HTML], _ none: HTML) -> HTML {
            "<h3>\(title)</h3>\(rows.isEmpty ? "<p class=\"dim\">\(none)</p>" as HTML : Page.table(title, headings, rows))"
        }
        return """
            <p>\(ComplianceText.time(proof.states)). The newest look is \(ProofText.age(proof.dataAge)) old.</p>
            \(section("State over time", ["From", "To", "State", "Because of"], states, "Nothing was seen in this time."))
            \(section("Changes", ["When", "Check", "On", "Became", "By"], changes, "None on record."))
            \(section("Exceptions in force", ["Check", "Owner", "Reason", "Until"], exceptions, "None."))
            \(section("Populations", ["Of", "Members#", "How it was listed"], populations, "This control asks nothing of objects."))
            \(section("Samples, and how to look again", ["Sample", "Today", "Commands"], samples, "There is nothing to draw from."))
            """
    }

    private static func time(_ moment: Moment) -> HTML { Page.time(moment.seconds * 1000) }
}
