import Documents
import Kubernetes

/// One page for the browser, complete in itself: it asks nothing of the network and says so in its policy.
///
/// The figures and what to mend first stand on top for those who decide; the table below is for those who mend. It
/// works without its script, which only filters.
struct HTMLReport {
    /// Rows of the table; a browser is slow with more, and JSON has them all.
    static let rowLimit = 5000

    let report: Report
    let options: RenderOptions
    private let failures: [Finding]

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
        failures = report.failures.sorted(by: Finding.areInOrder)
    }

    func render() -> String {
        let body = [
            header(), figures(), first(), table(), checks(), notObservable(), problems(), waived(), waiverNotes(),
            footer(),
        ]
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
            <meta name="referrer" content="no-referrer">
            <title>Martlet: \(escaped(report.target))</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <main>
            \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
            </main>
            <script>\(Self.script)</script>
            </body>
            </html>

            """
    }

    // MARK: Top

    private func header() -> String {
        let kind = report.isCluster ? "cluster" : "files"
        return """
            <header>
            <p class="kicker">Kubernetes security posture</p>
            <h1>\(escaped(report.target)) <small>\(kind)</small></h1>
            <p class="verdict">\(verdict())</p>
            <p class="dim">\(escaped(report.generatedAt)) · martlet \(escaped(report.version))</p>
            </header>
            """
    }

    /// The one sentence a reader takes away.
    private func verdict() -> String {
        let own = failures.filter { !$0.isSystem }
        let counts = SeverityCounts(own)
        let new = report.baseline == nil ? "" : "new "
        let apart = failures.count - own.count
        var hole = apart == 0 ? "" : " \(counted(apart, "finding")) in system objects stand apart."
        if report.holes > 0 { hole += " \(counted(report.holes, "question")) could not be answered." }
        guard counts.total > 0 else {
            if report.coverage.objects == 0 { return "No Kubernetes objects were found, so nothing can be said." }
            return (report.holes == 0 ? "No \(new)findings." : "No \(new)findings in what could be seen.") + hole
        }
        let owners = OwnerGroup.groups(own).count
        let grave = counts[.critical] + counts[.high]
        let start =
            grave > 0
            ? "\(counted(grave, "\(new)finding")) need attention now"
            : "Nothing is urgent; \(counted(counts.total, "\(new)lesser finding"))"
        let rest = grave > 0 && grave < counts.total ? ", \(grouped(counts.total - grave)) more can be planned" : ""
        return "\(start)\(rest), in \(counted(owners, "owner")).\(hole)"
    }

    private func figures() -> String {
        let counts = SeverityCounts(failures.filter { !$0.isSystem })
        let coverage = report.coverage
        var cards: [String] = []
        cards.append(
            card(report.score.map(percent) ?? "–", "of checks pass", "waived ones do not count as passed"))
        let holes = report.holes == 0 ? "no holes" : counted(report.holes, "hole")
        cards.append(card(coverage.ratio.map(percent) ?? "–", "could be seen", holes))
        let files = report.isCluster ? "" : ", \(counted(coverage.files, "file"))"
        cards.append(
            card(
                grouped(coverage.workloads), coverage.workloads == 1 ? "workload" : "workloads",
                "\(counted(coverage.objects, "object"))\(files)"))
        if let baseline = report.baseline {
            cards.append(
                card(
                    grouped(baseline.fixed.count), "mended since the baseline",
                    "\(counted(baseline.known, "known finding")) not shown"))
        }
        let bars = Severity.worstFirst.map { severity in
            let share = counts.total == 0 ? 0 : counts[severity] * 100 / counts.total
            return """
                <li class="\(severity.rawValue)"><span class="word">\(Self.mark(severity)) \(severity.rawValue)</span>\
                <span class="bar"><i style="width:\(counts[severity] == 0 ? 0 : max(1, share))%"></i></span>\
                <b>\(grouped(counts[severity]))</b></li>
                """
        }
        return """
            <section class="figures" aria-label="Figures">
            \(cards.joined(separator: "\n"))
            <ul class="severities">
            \(bars.joined(separator: "\n"))
            </ul>
            </section>
            """
    }

    private func card(_ figure: String, _ label: String, _ note: String) -> String {
        "<div class=\"card\"><b>\(figure)</b><span>\(label)</span><small>\(note)</small></div>"
    }

    /// What closes the most of the worst.
    private func first() -> String {
        let groups = RuleGroup.groups(failures.filter { !$0.isSystem })
        guard !groups.isEmpty else { return "" }
        let items = groups.prefix(6).map { group in
            """
            <li><p><span class="tag \(group.severity.rawValue)">\(Self.mark(group.severity)) \
            \(group.severity.rawValue)</span> <b>\(escaped(group.rule.title))</b> \
            <span class="dim">\(counted(group.findings.count, "owner"))</span></p>
            <p>\(Self.prose(group.rule.remedy))</p></li>
            """
        }
        let rest = groups.count > 6 ? "<p class=\"dim\">\(counted(groups.count - 6, "more check")) below.</p>" : ""
        return """
            <section>
            <h2>What to mend first</h2>
            <ol class="first">
            \(items.joined(separator: "\n"))
            </ol>
            \(rest)
            </section>
            """
    }

    // MARK: Table

    private func table() -> String {
        guard !failures.isEmpty else { return "" }
        let shown = failures.prefix(Self.rowLimit)
        let namespaces = Set(shown.map(\.subject.namespace)).filter { !$0.isEmpty }.sorted()
        let options = namespaces.map { "<option>\(escaped($0))</option>" }.joined()
        let severities = Severity.worstFirst.map { "<option>\($0.rawValue)</option>" }.joined()
        let left = failures.count - shown.count
        let note =
            left > 0 ? "<p>\(counted(left, "more finding")) not shown here; the JSON report has them all.</p>" : ""
        return """
            <section>
            <h2>Findings <span class="dim" id="count">\(grouped(shown.count))</span></h2>
            <form class="filters" hidden>
            <input type="search" id="text" placeholder="Filter by owner, check or words" aria-label="Filter by text">
            <select id="severity" aria-label="Severity"><option value="">every severity</option>\(severities)</select>
            <select id="namespace" aria-label="Namespace"><option value="">every namespace</option>\(options)</select>
            <label><input type="checkbox" id="system" checked> system objects</label>
            </form>
            <table>
            <thead><tr><th>Severity</th><th>Owner</th><th>Finding</th></tr></thead>
            <tbody>
            \(shown.map(row).joined(separator: "\n"))
            </tbody>
            </table>
            \(note)
            </section>
            """
    }

    private func row(_ finding: Finding) -> String {
        let severity = finding.severity.rawValue
        let system = finding.isSystem ? " data-system" : ""
        let subject = finding.subject
        var owner = "<b>\(escaped(subject.name))</b><br><span class=\"dim\">\(escaped(subject.kind))"
        owner += subject.namespace.isEmpty ? "</span>" : " in \(escaped(subject.namespace))</span>"
        if finding.isSystem { owner += " <span class=\"tag\">system</span>" }
        if let origin = finding.origin { owner += "<br><span class=\"dim\">\(escaped("\(origin)"))</span>" }
        let places = finding.evidence.prefix(20).map(place)
        let id = escaped(finding.rule.id)
        var detail = "\(escaped(finding.message))<br><a href=\"#\(id)\"><code>\(id)</code></a>"
        if let first = finding.evidence.first { detail += " <span class=\"dim place\">\(locate(first))</span>" }
        let more = finding.evidence.count > 20 ? "<li>… \(grouped(finding.evidence.count - 20)) more</li>" : ""
        if finding.evidence.count > 1 {
            detail += """
                <details><summary>all \(counted(finding.evidence.count, "place"))</summary>\
                <ul>\(places.joined())\(more)</ul></details>
                """
        }
        return """
            <tr data-severity="\(severity)" data-namespace="\(escaped(subject.namespace))"\(system)>\
            <td><span class="tag \(severity)">\(Self.mark(finding.severity)) \(severity)</span></td>\
            <td>\(owner)</td><td>\(detail)</td></tr>
            """
    }

    private func place(_ evidence: Evidence) -> String {
        "<li>\(escaped(evidence.message)) <span class=\"dim place\">\(locate(evidence))</span></li>"
    }

    private func locate(_ evidence: Evidence) -> String {
        if let location = evidence.location { return escaped("\(location)") }
        let object = evidence.object.map { "\($0) " } ?? ""
        return escaped(object + evidence.path.description)
    }

    private func references(_ rule: Rule) -> String {
        guard !rule.references.isEmpty else { return "" }
        return "<p class=\"dim\">\(escaped(rule.references.map(\.description).joined(separator: " · ")))</p>"
    }

    /// Why each check matters and how to mend it, once.
    private func checks() -> String {
        let items = RuleGroup.groups(failures).map { group in
            """
            <div class="check" id="\(escaped(group.rule.id))"><h3>\(escaped(group.rule.title)) \
            <code class="dim">\(escaped(group.rule.id))</code></h3>
            <p>\(Self.prose(group.rule.why))</p>
            <p><b>Fix:</b> \(Self.prose(group.rule.remedy))</p>\(references(group.rule))</div>
            """
        }
        guard !items.isEmpty else { return "" }
        return "<section>\n<h2>Why, and how to mend it</h2>\n\(items.joined(separator: "\n"))\n</section>"
    }

    /// Our own words; what stands between backticks as code.
    private static func prose(_ text: String) -> String {
        let parts = MarkupText.prose(text).split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count % 2 == 1 else { return MarkupText.prose(text) }
        return parts.enumerated().map { $0 % 2 == 1 ? "<code>\($1)</code>" : String($1) }.joined()
    }

    // MARK: What is not a failure

    private func notObservable() -> String {
        list(
            "Could not be known", "Neither pass nor fail: nobody should count on these.",
            report.notObservable.map {
                "<b>\(escaped("\($0.subject)"))</b> \(escaped($0.message)) <code>\(escaped($0.rule.id))</code>"
            })
    }

    private func problems() -> String {
        list(
            "Problems with the input", "What could not be read or listed is not part of the figures.",
            report.problems.map { problem in
                let place = problem.location.map { " <span class=\"dim place\">\(escaped("\($0)"))</span>" } ?? ""
                return "<span class=\"tag\">\(problem.kind.rawValue)</span> \(escaped(problem.message))\(place)"
            })
    }

    private func waived() -> String {
        list(
            "Waived", "Accepted by somebody for a time; not passed.",
            report.waived.map { finding in
                let waiver = finding.waiver.map { waiver in
                    let approver = waiver.approver.map { ", approved by \(escaped($0))" } ?? ""
                    return
                        "<br>until \(waiver.expires) by \(escaped(waiver.owner))\(approver): \(escaped(waiver.reason))"
                }
                return """
                    <b>\(escaped("\(finding.subject)"))</b> \(finding.severity.rawValue) \
                    <code>\(escaped(finding.rule.id))</code>\(waiver ?? "")
                    """
            })
    }

    private func waiverNotes() -> String { list("Waivers to look at", "", report.waiverNotes.map { escaped($0) }) }

    private func list(_ title: String, _ explanation: String, _ entries: [String]) -> String {
        guard !entries.isEmpty else { return "" }
        let shown = entries.prefix(1000).map { "<li>\($0)</li>" }.joined(separator: "\n")
        let more = entries.count > 1000 ? "<li>… \(grouped(entries.count - 1000)) more</li>" : ""
        let words = explanation.isEmpty ? "" : "<p class=\"dim\">\(explanation)</p>"
        return """
            <section>
            <h2>\(title) <span class="dim">\(grouped(entries.count))</span></h2>
            \(words)
            <ul class="plain">
            \(shown)\(more)
            </ul>
            </section>
            """
    }

    private func footer() -> String {
        let coverage = report.coverage
        let asked = coverage.passed + coverage.failed + coverage.waived + coverage.notObservable
        return """
            <footer>
            <p>\(counted(asked, "evaluation")): \(grouped(coverage.passed)) passed, \(grouped(coverage.failed)) failed, \
            \(grouped(coverage.waived)) waived, \(grouped(coverage.notObservable)) could not be known; \
            \(grouped(coverage.notApplicable)) did not apply. “Checks pass” is passed of passed, failed and waived; \
            “could be seen” is those with an answer of all.</p>
            </footer>
            """
    }

    private func escaped(_ text: String) -> String { MarkupText.escaped(text) }

    private static func mark(_ severity: Severity) -> String { Terminal(colour: false, unicode: true).mark(severity) }
}
