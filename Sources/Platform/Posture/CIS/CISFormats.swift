package import CISBenchmark
import Documents
import Findings

/// The benchmark's own forms: every control, not only what is wrong.
package struct CISFormats: Sendable {
    let report: CISReport
    let remedies: [String: CISRemedy]
    let target: String
    let generatedAt: String
    let version: String

    package init(
        _ report: CISReport, remedies: [String: CISRemedy] = [:], target: String, generatedAt: String, version: String
    ) {
        self.report = report
        self.remedies = remedies
        self.target = target
        self.generatedAt = generatedAt
        self.version = version
    }

    static func word(_ outcome: CISOutcome) -> String {
        switch outcome {
        case .pass: "pass"
        case .passByEquivalence: "pass*"
        case .fail: "FAIL"
        case .notApplicable: "n/a"
        case .notObservable: "unseen"
        case .manual: "review"
        }
    }

    static func percent(_ share: Double?) -> String { share.map { "\(Int(($0 * 100).rounded(.down)))%" } ?? "–" }

    // MARK: Text

    /// For people: each section, what fails with its reason, and the counts.
    ///
    /// - Parameter all: whether passing controls are shown too.
    package func text(all: Bool = false, colour: Bool = false, width: Int = 100) -> String {
        var lines = ["\(report.platform.benchmark) · \(target)"]
        if report.platform.id != "standard" {
            lines.append(
                "\(report.platform.title); controls by the numbers of the CIS Kubernetes Benchmark \(CISCatalogue.current.version)"
            )
        }
        let version = report.version.map { "Kubernetes \($0)" } ?? "Kubernetes of an unknown version"
        lines.append("\(version), \(report.nodes.count == 1 ? "1 node" : "\(report.nodes.count) nodes")")
        for (section, title) in CISCatalogue.sections {
            let results = report.results.filter { $0.control.section == section }
            guard !results.isEmpty else { continue }
            let kinds: [(String, [CISOutcome])] = [
                ("pass", [.pass, .passByEquivalence]), ("fail", [.fail]), ("unseen", [.notObservable]),
                ("for a person", [.manual]),
            ]
            let counts = kinds.map { word, outcomes in (word, results.count { outcomes.contains($0.outcome) }) }
                .filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
            let head = counts.isEmpty ? "does not apply" : counts.joined(separator: ", ")
            lines += ["", styled("\(section)  \(title)", "1", colour) + "  \(head)"]
            for result in results where all || shows(result) { lines += self.lines(result, colour, width) }
            if !all { lines += unseen(results, colour) }
        }
        if !report.own.isEmpty {
            let decided = report.own.count { $0.outcome.isDecided }
            lines += [
                "",
                styled("Only in the \(report.platform.benchmark)", "1", colour)
                    + "  \(decided) of \(report.own.count) decided; outside the score",
            ]
            for result in report.own where all || result.outcome == .fail || result.outcome == .manual {
                lines += self.lines(result, colour, width)
            }
            if !all { lines += unseen(report.own, colour) }
        }
        lines += ["", summary]
        if !report.remarks.isEmpty { lines += ["", "Noticed:"] + report.remarks.map { "  \($0)" } }
        return lines.joined(separator: "\n") + "\n"
    }

    private func shows(_ result: CISResult) -> Bool {
        result.outcome == .fail || result.outcome == .manual || result.outcome == .passByEquivalence
            || !result.running.isEmpty
    }

    /// Why controls of a section were not seen, each reason once.
    private func unseen(_ results: [CISResult], _ colour: Bool) -> [String] {
        var reasons: [(text: String, ids: [String])] = []
        for result in results where result.outcome == .notObservable {
            let text = result.deciding.first?.message ?? ""
            if let position = reasons.firstIndex(where: { $0.text == text }) {
                reasons[position].ids.append(result.control.id)
            } else {
                reasons.append((text, [result.control.id]))
            }
        }
        return reasons.map { reason in
            let ids =
                reason.ids.count > 3
                ? "\(reason.ids[0]) … \(reason.ids[reason.ids.count - 1])" : reason.ids.joined(separator: ", ")
            return "  \(styled(Self.padded("unseen", 7), "33", colour))\(ids): \(reason.text)"
        }
    }

    /// Whether it is of the platform's own benchmark: its number is one there.
    private func isOwn(_ result: CISResult) -> Bool {
        report.own.contains { $0.control.rule.id == result.control.rule.id }
    }

    private func styled(_ text: String, _ code: String, _ colour: Bool) -> String {
        colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private func lines(_ result: CISResult, _ colour: Bool, _ width: Int) -> [String] {
        let word = Self.word(result.outcome)
        let code =
            switch result.outcome {
            case .fail: "31"
            case .pass, .passByEquivalence: "32"
            default: "33"
            }
        let id = result.control.id
        var lines = [
            "  \(styled(Self.padded(word, 7), code, colour))\(Self.padded(id, 7))\(result.outcome == .fail ? result.control.rule.title : result.parts.first?.message ?? result.control.rule.title)"
        ]
        let indent = "                "
        if result.outcome == .fail {
            if let root = result.partOf {
                lines.append("\(indent)part of \(root)")
                return lines
            }
            var seen: Set<String> = []
            let parts = result.deciding.filter { seen.insert($0.message).inserted }
            for part in parts.prefix(4) {
                let node = part.node.isEmpty || report.nodes.count < 2 ? "" : " [\(part.node)]"
                let place = part.evidence?.location.map { " (\($0))" } ?? Self.told(part)
                lines.append("\(indent)\(part.message)\(node)\(place)")
            }
            if parts.count > 4 { lines.append("\(indent)… and \(parts.count - 4) more") }
            if isOwn(result) {
                lines.append("\(indent)→ \(result.control.rule.remedy)")
            } else if let remedy = remedies[id] {
                var text = "→ \(remedy.text)"
                if let file = remedy.file { text += " in \(file)" }
                if let effect = remedy.effect {
                    let others = effect.closes.filter { $0 != id }
                    text +=
                        others.isEmpty
                        ? " (tried on a copy: closes it)"
                        : " (tried on a copy: closes it and \(others.joined(separator: ", ")))"
                }
                lines.append(indent + text)
            }
        }
        let differing = result.differing
        if !differing.isEmpty {
            let names = differing.prefix(6).map { "\($0.node): \(Self.word($0.outcome))" }.joined(separator: ", ")
            lines.append("\(indent)differs on \(names)\(differing.count > 6 ? " …" : "")")
        }
        if !result.running.isEmpty {
            let owners = Set(result.running.compactMap { $0.object?.description }).sorted()
            lines.append(
                "\(indent)runs now: \(owners.prefix(3).joined(separator: ", "))\(owners.count > 3 ? " and \(owners.count - 3) more" : "")"
            )
        }
        return lines
    }

    /// Where a value came from, where the message does not say it already.
    private static func told(_ part: CISPart) -> String {
        guard let provenance = part.provenance, !part.message.contains(provenance.description) else { return "" }
        if case .flag(let name) = provenance, part.message.contains("--\(name)") { return "" }
        return " (\(provenance))"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// The counts in a few lines.
    package var summary: String {
        let open = report.open.count
        let pass = report.count(.pass)
        let equal = report.count(.passByEquivalence)
        return """
            Score \(Self.percent(report.score)) of what was decided; \(Self.percent(report.coverage)) of what applies was decided
            \(report.results.count) controls: \(pass) pass\(equal > 0 ? ", \(equal) pass by equivalence (pass*)" : ""), \
            \(report.count(.fail)) fail (\(open) to mend, the others with them), \(report.count(.notApplicable)) not applicable, \
            \(report.count(.notObservable)) not observable, \(report.count(.manual)) for a person
            """
    }

    // MARK: JSON

    package func json() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("benchmark", "CIS Kubernetes Benchmark \(CISCatalogue.current.version)")
            writer.member("platform", report.platform.id)
            writer.member("platformBenchmark", report.platform.benchmark)
            writer.member("target", target)
            writer.member("generatedAt", generatedAt)
            writer.member("martlet", version)
            if let version = report.version { writer.member("kubernetesVersion", "\(version)") }
            writer.member("nodes", report.nodes)
            writer.member(
                "summary",
                object: { writer in
                    for outcome in CISOutcome.allCases { writer.member(outcome.rawValue, report.count(outcome)) }
                    writer.member("open", report.open.count)
                    writer.member("decided", report.decided)
                    writer.key("score")
                    if let score = report.score { writer.value(score, digits: 4) } else { writer.null() }
                    writer.key("coverage")
                    writer.value(report.coverage, digits: 4)
                })
            writer.member("controls", array: { writer in for result in report.results { write(result, to: &writer) } })
            if !report.own.isEmpty {
                writer.member(
                    "platformControls", array: { writer in for result in report.own { write(result, to: &writer) } })
            }
            writer.member("remarks", report.remarks)
        }
        return writer.string + "\n"
    }

    private func write(_ result: CISResult, to writer: inout JSONWriter) {
        let control = result.control
        writer.object { writer in
            writer.member("id", control.id)
            if !isOwn(result), let own = report.platform.ownID(control) { writer.member("platformId", own) }
            writer.member("level", control.level)
            writer.member("assessment", control.isAutomated ? "automated" : "manual")
            writer.member("outcome", result.outcome.rawValue)
            writer.member("title", control.rule.title)
            writer.member("severity", control.rule.severity.rawValue)
            if let root = result.partOf { writer.member("partOf", root) }
            writer.member("places", array: { writer in for part in result.parts { Self.write(part, to: &writer) } })
            if !result.running.isEmpty {
                writer.member(
                    "running", array: { writer in for part in result.running { Self.write(part, to: &writer) } })
            }
            if !result.differing.isEmpty { writer.member("differingNodes", result.differing.map(\.node)) }
            if result.outcome == .fail {
                let remedy = isOwn(result) ? nil : remedies[control.id]
                writer.member("remedy", remedy?.text ?? control.rule.remedy)
                if let effect = remedy?.effect {
                    writer.member(
                        "verified",
                        object: { writer in
                            writer.member("closes", effect.closes)
                            writer.member("opens", effect.opens)
                        })
                }
            }
        }
    }

    private static func write(_ part: CISPart, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("outcome", part.outcome.rawValue)
            writer.member("message", part.message)
            if !part.node.isEmpty { writer.member("node", part.node) }
            if let value = part.value { writer.member("value", value) }
            if let provenance = part.provenance { writer.member("from", provenance.description) }
            if let object = part.object { writer.member("object", object.description) }
            if let evidence = part.evidence {
                let path = evidence.path.description
                if !path.isEmpty { writer.member("path", path) }
                if let location = evidence.location { writer.member("location", location.description) }
            }
        }
    }

    // MARK: CSV

    package func csv() -> String {
        var rows = [
            ["id", "level", "assessment", "outcome", "severity", "title", "reason", "value", "from", "nodes", "remedy"]
        ]
        for result in report.results + report.own {
            let part = result.parts.first
            let nodes = Set(result.deciding.map(\.node)).filter { !$0.isEmpty }.sorted().joined(separator: " ")
            rows.append([
                isOwn(result) ? "\(report.platform.id) \(result.control.id)" : result.control.id,
                String(result.control.level), result.control.isAutomated ? "automated" : "manual",
                result.outcome.rawValue, result.control.rule.severity.rawValue, result.control.rule.title,
                part?.message ?? "", part?.value ?? "", part?.provenance?.description ?? "", nodes,
                result.outcome == .fail
                    ? (isOwn(result) ? nil : remedies[result.control.id]?.text) ?? result.control.rule.remedy : "",
            ])
        }
        return rows.map { $0.map(Self.cell).joined(separator: ",") }.joined(separator: "\r\n") + "\r\n"
    }

    /// A cell that a spreadsheet takes as text: a formula in it is not run.
    private static func cell(_ text: String) -> String {
        let safe = text.first.map { "=+-@".contains($0) } == true ? "'" + text : text
        guard safe.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return safe }
        return "\"" + safe.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    // MARK: HTML

    /// One page that asks nothing of the network.
    package func html() -> String {
        var out = """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(MarkupText.escaped(report.platform.benchmark))</title><style>
            :root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem}
            table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #8884}
            .fail{color:#c62828;font-weight:600}.pass,.passByEquivalence{color:#2e7d32}.notObservable,.manual{color:#b26a00}small{opacity:.75}
            </style><h1>\(MarkupText.escaped(report.platform.benchmark))</h1>
            <p>\(MarkupText.escaped(target)) · \(MarkupText.escaped(generatedAt)) · Martlet \(MarkupText.escaped(version))</p>

            """
        out +=
            "<p>" + summary.split(separator: "\n").map { MarkupText.escaped(String($0)) }.joined(separator: "<br>")
            + "</p>\n"
        var sections = CISCatalogue.sections.map { section in
            (section.id, section.title, report.results.filter { $0.control.section == section.id })
        }
        sections.append(("", "Only in the \(report.platform.benchmark)", report.own))
        for (section, title, results) in sections where !results.isEmpty {
            out +=
                "<h2>\(section) \(MarkupText.escaped(title))</h2>\n<table><tr><th>Control<th>Result<th>What was seen\n"
            for result in results {
                out +=
                    "<tr><td>\(result.control.id)<td class=\"\(result.outcome.rawValue)\">\(MarkupText.escaped(Self.word(result.outcome)))"
                out +=
                    "<td>"
                    + (result.outcome == .fail ? "<b>\(MarkupText.escaped(result.control.rule.title))</b><br>" : "")
                for part in result.parts.prefix(8) {
                    let from = part.provenance.map { " <small>\(MarkupText.escaped($0.description))</small>" } ?? ""
                    let node = part.node.isEmpty ? "" : " <small>\(MarkupText.escaped(part.node))</small>"
                    out += MarkupText.escaped(part.message) + from + node + "<br>"
                }
                if result.parts.count > 8 { out += "… and \(result.parts.count - 8) more<br>" }
                if result.outcome == .fail, !isOwn(result), let remedy = remedies[result.control.id] {
                    out += "<small>→ \(MarkupText.escaped(remedy.text))</small>"
                }
                out += "\n"
            }
            out += "</table>\n"
        }
        return out
    }
}
