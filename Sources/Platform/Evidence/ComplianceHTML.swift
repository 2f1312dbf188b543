package import Compliance
import Findings
import Kubernetes

/// A compliance report as one page: nothing is fetched, no script runs, every text from outside is escaped.
package struct ComplianceHTML {
    private let report: ComplianceReport

    package init(_ report: ComplianceReport) { self.report = report }

    private static let style = """
        :root{color-scheme:light dark;--ground:#fff;--ink:#1d2327;--dim:#5d666d;--line:#d8dcd9}
        @media (prefers-color-scheme:dark){:root{--ground:#14171a;--ink:#e6e9eb;--dim:#9aa4ab;--line:#30373d}}
        body{margin:0 auto;max-width:70rem;padding:2rem 1.25rem;background:var(--ground);color:var(--ink);\
        font:15px/1.5 system-ui,"Segoe UI","Liberation Sans",sans-serif;overflow-wrap:anywhere}
        table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;\
        border-bottom:1px solid var(--line)}
        .dim{color:var(--dim)}details{margin:.2rem 0}summary{cursor:pointer}td:first-child{white-space:nowrap}
        @media print{details{display:block}}
        """

    package func render() -> String {
        let name = MarkupText.escaped(report.framework.name)
        var out = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(name)</title>
            <style>\(Self.style)</style></head><body><main>
            <h1>\(name)</h1>
            <p>\(MarkupText.escaped(report.facts.report.target)), read at \
            <time>\(MarkupText.escaped(report.facts.report.generatedAt))</time></p>
            <p><strong>\(ComplianceText.summary(report))</strong></p>
            <p class="dim">Of \(report.coverage.of) controls that a tool can speak to, \(report.coverage.seen) were seen \
            whole. Nothing here says more than what was seen.</p>

            """
        if let period = report.period { out += "<p>Period: \(period.description)</p>\n" }
        out += "<table><thead><tr><th scope=\"col\">Control</th><th scope=\"col\">Result</th>"
        out += "<th scope=\"col\">What was looked at</th></tr></thead><tbody>\n"
        for result in report.controls { out += row(result) }
        out += "</tbody></table>\n" + exceptions() + "</main></body></html>\n"
        return out
    }

    private func row(_ result: ControlResult) -> String {
        let e = { (text: String) in MarkupText.escaped(text) }
        var out = "<tr><td><strong>\(e(result.control.id))</strong></td><td>\(result.outcome.words)"
        if result.asked > 0 { out += "<br><span class=\"dim\">\(result.answered) of \(result.asked)</span>" }
        out += "</td><td>\(e(result.control.title))<br><span class=\"dim\">\(result.control.reach.words)</span>"
        if let note = result.control.note { out += "<br><span class=\"dim\">\(e(note))</span>" }
        let checks = result.allChecks
        if !checks.isEmpty || !result.notes.isEmpty {
            out += "<details\(result.outcome == .fail ? " open" : "")><summary>\(checks.count) checks</summary><ul>"
            for check in checks { out += "<li>\(item(check))</li>" }
            for note in result.notes { out += "<li>\(e(note))</li>" }
            for one in result.attestations {
                out += "<li>attested by \(e(one.owner)) until \(one.expires): \(e(one.statement)) (\(e(one.file)))</li>"
            }
            out += "</ul></details>"
        }
        if let time = result.time { out += "<p class=\"dim\">\(ComplianceText.time(time))</p>" }
        return out + "</td></tr>\n"
    }

    private func item(_ check: CheckResult) -> String {
        var out = "<code>\(MarkupText.escaped(check.rule.id))</code> \(check.outcome.words)"
        if !check.reason.isEmpty { out += ": \(MarkupText.escaped(check.reason))" }
        if check.outcome == .pass { out += ": nothing found on \(check.populationSize)" }
        let places = check.failed + check.waived
        if !places.isEmpty {
            let names = places.prefix(20).map { MarkupText.escaped("\(report.facts.report.findings[$0].subject)") }
            out += ": \(names.joined(separator: ", "))"
            if places.count > 20 { out += " and \(places.count - 20) more" }
        }
        if check.inherited > 0 { out += " (\(check.inherited) on software of the provider)" }
        return out
    }

    private func exceptions() -> String {
        let all = report.exceptions
        guard !all.isEmpty else { return "" }
        var out = "<h2>Exceptions in force</h2>\n<table><thead><tr>"
        for title in ["Check", "Owner", "Reason", "Ends"] { out += "<th scope=\"col\">\(title)</th>" }
        out += "</tr></thead><tbody>\n"
        for waiver in all {
            let cells = [waiver.scope.check, waiver.owner, waiver.reason, waiver.expires]
            out += "<tr>\(cells.map { "<td>\(MarkupText.escaped($0))</td>" }.joined())</tr>\n"
        }
        return out + "</tbody></table>\n"
    }
}
