import Documents
import Kubernetes

/// A comment under a pull request: the sum always, then owners worst first, as many as the service takes.
///
/// Source: GitHub and Forgejo refuse comments of more than 65,536 characters; GitHub Flavored Markdown. Trap: names in
/// manifests must not call people (`@team`), open markup or link anywhere.
struct MarkdownReport {
    static let limit = 65_536
    /// Kept for what stands behind the owners.
    private static let reserve = 12_000

    let report: Report
    let options: RenderOptions

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
    }

    func render() -> String {
        var out = head()
        let groups = OwnerGroup.groups(report.failures.filter { !$0.isSystem })
        var left = 0
        for group in groups {
            let part = owner(group)
            if left == 0, out.utf8.count + part.utf8.count < Self.limit - Self.reserve {
                out += part
            } else {
                left += 1
            }
        }
        if left > 0 { out += "\n… and \(counted(left, "more owner")) with findings; the full report has them all.\n" }
        out += system()
        out += notObservable()
        out += list("Problems with the input", report.problems.map(problem))
        out += list("Waived for a time", report.waived.map(waived))
        out += list("Waivers to look at", report.waiverNotes.map(escaped))
        return out + foot()
    }

    private func head() -> String {
        let counts = SeverityCounts(report.failures)
        var out = "### Martlet: \(headline(counts))\n\n"
        if counts.total > 0 {
            let severities = Severity.worstFirst
            out += "|" + severities.map { " \(Self.mark($0)) \($0.rawValue) |" }.joined() + "\n"
            out += "|" + severities.map { _ in " ---: |" }.joined() + "\n"
            out += "|" + severities.map { " \(grouped(counts[$0])) |" }.joined() + "\n\n"
        }
        if let baseline = report.baseline {
            out += "Against the baseline: \(counted(baseline.known, "known finding")) not shown"
            if baseline.grown > 0 { out += ", \(grouped(baseline.grown)) known but grown" }
            out += ", \(grouped(baseline.fixed.count)) no longer there.\n\n"
        }
        return out
    }

    private func headline(_ counts: SeverityCounts) -> String {
        let new = report.baseline == nil ? "" : "new "
        if counts.total > 0 {
            let owners = OwnerGroup.groups(report.failures).count
            return "\(counted(counts.total, "\(new)finding")) in \(counted(owners, "owner"))"
        }
        if report.coverage.objects == 0 { return "no Kubernetes objects were found" }
        return report.holes > 0
            ? "no \(new)findings in what could be seen; \(counted(report.holes, "hole"))" : "no \(new)findings"
    }

    private func owner(_ group: OwnerGroup) -> String {
        let tally = Severity.worstFirst.filter { group.counts[$0] > 0 }
            .map { "\(grouped(group.counts[$0])) \($0.rawValue)" }.joined(separator: ", ")
        let origin = group.origin.map { ", installed by \(escaped("\($0)"))" } ?? ""
        var out = "\n<details\(group.counts[.critical] > 0 ? " open" : "")><summary>"
        out += "<b>\(escaped("\(group.subject)"))</b>: \(tally)\(origin)</summary>\n\n"
        out += "| severity | check | finding | place |\n| --- | --- | --- | --- |\n"
        for finding in group.findings {
            let more = finding.evidence.count > 1 ? " +\(counted(finding.evidence.count - 1, "more place"))" : ""
            out +=
                "| \(Self.mark(finding.severity)) \(finding.severity.rawValue) | <code>\(escaped(finding.rule.id))</code> "
            out += "| \(escaped(finding.message)) | <code>\(place(finding))</code>\(more) |\n"
        }
        return out + "\n</details>\n"
    }

    private func place(_ finding: Finding) -> String {
        if let location = finding.location {
            return escaped(
                "\(ReportURI.of(location.file, base: options.baseDirectory)):\(location.line):\(location.column)")
        }
        return escaped(finding.evidence.first?.path.description ?? "")
    }

    private func system() -> String {
        let groups = OwnerGroup.groups(report.failures.filter(\.isSystem))
        return list(
            "System objects, shown apart",
            groups.map { group in
                let rules = group.findings.map { "\($0.severity.rawValue) \($0.rule.id)" }.joined(separator: ", ")
                return "\(escaped("\(group.subject)")): \(escaped(rules))"
            })
    }

    private func notObservable() -> String {
        list(
            "Could not be known",
            report.notObservable.map {
                "<code>\(escaped($0.rule.id))</code> \(escaped("\($0.subject)")): \(escaped($0.message))"
            })
    }

    private func problem(_ problem: Problem) -> String {
        let place = problem.location.map { "<code>\(escaped("\($0)"))</code>: " } ?? ""
        return "\(problem.kind.rawValue): \(place)\(escaped(problem.message))"
    }

    private func waived(_ finding: Finding) -> String {
        let terms = finding.waiver.map { "until \($0.expires) by \($0.owner): \($0.reason)" } ?? ""
        return "\(finding.severity.rawValue) <code>\(escaped(finding.rule.id))</code> "
            + "\(escaped("\(finding.subject)")), \(escaped(terms))"
    }

    /// A folded list of as many entries as fit its share; the rest is counted.
    private func list(_ title: String, _ entries: [String]) -> String {
        guard !entries.isEmpty else { return "" }
        var out = "\n<details><summary>\(title): \(grouped(entries.count))</summary>\n\n"
        var shown = 0
        for entry in entries {
            guard out.utf8.count + entry.utf8.count < Self.reserve / 6 else { break }
            out += "- \(entry)\n"
            shown += 1
        }
        if shown < entries.count { out += "- … and \(grouped(entries.count - shown)) more\n" }
        return out + "\n</details>\n"
    }

    private func foot() -> String {
        let coverage = report.coverage
        var facts = [counted(coverage.objects, "object"), counted(coverage.workloads, "workload")]
        if let ratio = coverage.ratio { facts.append("coverage \(percent(ratio))") }
        facts.append(report.holes == 0 ? "no holes" : counted(report.holes, "hole"))
        if !report.waived.isEmpty { facts.append("\(grouped(report.waived.count)) waived") }
        facts.append("martlet \(escaped(report.version))")
        return "\n<sub>\(facts.joined(separator: " · "))</sub>\n"
    }

    private static func mark(_ severity: Severity) -> String {
        switch severity {
        case .critical: "🟥"
        case .high: "🟧"
        case .medium: "🟨"
        case .low: "🟦"
        case .info: "⬜"
        }
    }

    private func escaped(_ text: String) -> String { Self.escaped(text) }

    /// Text that stays text: everything that could begin markup is a character reference.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in PrintableText.of(text, limit: 300).unicodeScalars {
            switch scalar {
            case "@": out += "@\u{200B}"
            case "#": out += "&#35;\u{200B}"
            case "<", ">", "&", "\"", "'", "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "!", "|", "~", "$", "^":
                out += "&#\(scalar.value);"
            case ":": out += text.contains("://") ? "&#58;\u{200B}" : ":"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
