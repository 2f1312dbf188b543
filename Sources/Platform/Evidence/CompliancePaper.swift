package import Compliance
import Findings
import Kubernetes

/// A compliance report on paper: the whole of it, or one page for those who decide.
package struct CompliancePaper {
    private let report: ComplianceReport

    package init(_ report: ComplianceReport) { self.report = report }

    private var footer: String { "\(report.framework.name) - \(report.facts.report.target)" }
    private var date: String { report.facts.report.generatedAt }

    private func head(_ document: inout PDFDocument) {
        document.heading(report.framework.name)
        document.paragraph("\(report.facts.report.target), read at \(date) by Martlet \(report.facts.report.version)")
        if let period = report.period { document.paragraph("Period: \(period.description)") }
        document.paragraph(ComplianceText.summary(report), isBold: true)
        document.paragraph(
            "Of \(report.coverage.of) controls that a tool can speak to, \(report.coverage.seen) were seen whole. "
                + "A pass says that nothing was found on what was seen; a control that only people can show is manual.",
            isDim: true)
    }

    // MARK: The whole

    package func full() -> [UInt8] {
        var document = PDFDocument(title: report.framework.name, footer: footer)
        head(&document)
        document.heading("Controls", level: 2)
        document.table(
            [.init("Control", 1.4), .init("Result", 1), .init("Checks", 0.7), .init("Title", 4)],
            report.controls.map { result in
                [
                    result.control.id, result.outcome.words,
                    result.asked == 0 ? "" : "\(result.answered) of \(result.asked)", result.control.title,
                ]
            })
        document.heading("What was looked at", level: 2)
        for result in report.controls where result.control.reach != .none { section(result, &document) }
        exceptions(&document)
        return document.finished(date: date)
    }

    private func section(_ result: ControlResult, _ document: inout PDFDocument) {
        document.heading("\(result.control.id)  \(result.control.title): \(result.outcome.words)", level: 3)
        document.paragraph("Reach: \(result.control.reach.words).", isDim: true)
        if let time = result.time { document.paragraph(ComplianceText.time(time)) }
        let checks = result.allChecks
        if !checks.isEmpty {
            document.table(
                [.init("Check", 2.4), .init("Result", 1.1), .init("Asked of", 1.2), .init("Where", 3)],
                checks.map { check in
                    [
                        check.rule.id, check.outcome.words, "\(check.populationSize) \(check.population)",
                        places(check),
                    ]
                })
        }
        for note in result.notes { document.paragraph("- \(note)") }
        for one in result.attestations {
            document.paragraph("- attested by \(one.owner) until \(one.expires): \(one.statement) (\(one.file))")
        }
    }

    private func places(_ check: CheckResult) -> String {
        let all = check.failed + check.waived
        guard !all.isEmpty else { return check.reason }
        let names = all.prefix(8).map { "\(report.facts.report.findings[$0].subject)" }.joined(separator: ", ")
        return all.count > 8 ? "\(names) and \(all.count - 8) more" : names
    }

    private func exceptions(_ document: inout PDFDocument) {
        guard !report.exceptions.isEmpty else { return }
        document.heading("Exceptions in force", level: 2)
        document.table(
            [.init("Check", 2), .init("Owner", 1.4), .init("Reason", 3), .init("Ends", 1)],
            report.exceptions.map { [$0.scope.check, $0.owner, $0.reason, $0.expires] })
    }

    // MARK: One page

    /// One page whatever happens: counts, the failing controls that fail most, what ends soonest.
    package func executive() -> [UInt8] {
        var document = PDFDocument(title: "\(report.framework.title): summary", footer: footer)
        head(&document)
        document.table(
            [.init("Result", 1), .init("Controls", 1), .init("Meaning", 4)],
            ControlOutcome.allCases.filter { report.count($0) > 0 }.map {
                [$0.words, "\(report.count($0))", Self.meaning($0)]
            })
        let failing = report.controls.filter { $0.outcome == .fail }
            .sorted { ($1.failing.count, $0.control.id) < ($0.failing.count, $1.control.id) }
        if !failing.isEmpty {
            document.heading("Failing, most places first", level: 2)
            document.table(
                [.init("Control", 1.2), .init("Places", 0.7), .init("Title", 3), .init("First check", 2)],
                failing.prefix(8).map { result in
                    [
                        result.control.id, "\(result.failing.count)", Self.short(result.control.title),
                        result.allChecks.first { $0.outcome == .fail }?.rule.id ?? "",
                    ]
                })
        }
        let fixes = leading()
        if !fixes.isEmpty {
            document.heading("Checks that decide most controls", level: 2)
            document.table(
                [.init("Check", 2), .init("Controls", 0.8), .init("Places", 0.8), .init("What", 3.4)], fixes)
        }
        if let first = report.exceptions.first {
            document.paragraph(
                "\(report.exceptions.count) exceptions are in force; the next ends on \(first.expires) (\(Self.short(first.owner)))."
            )
        }
        return document.finished(date: date)
    }

    /// Failing checks by the number of controls they fail.
    private func leading() -> [[String]] {
        var counts: [String: (controls: Int, check: CheckResult)] = [:]
        for result in report.controls {
            for check in result.allChecks where check.outcome == .fail {
                counts[check.rule.id, default: (0, check)].controls += 1
            }
        }
        return counts.values.sorted { ($1.controls, $0.check.rule.id) < ($0.controls, $1.check.rule.id) }.prefix(6).map
        {
            [$0.check.rule.id, "\($0.controls)", "\($0.check.failed.count)", Self.short($0.check.rule.title)]
        }
    }

    private static func short(_ text: String) -> String { text.count > 70 ? "\(text.prefix(69))…" : text }

    private static func meaning(_ outcome: ControlOutcome) -> String {
        switch outcome {
        case .pass: "nothing was found on everything that was to be looked at"
        case .fail: "at least one check fails somewhere"
        case .partly: "nothing fails; a part was not seen"
        case .waived: "fails only where somebody accepted it, with an end"
        case .manual: "people and documents show it"
        case .notObservable: "what it needs was out of sight"
        case .notApplicable: "there is nothing it could be about"
        }
    }

    // MARK: One control over a period

    /// What an auditor asks of one control.
    package static func proof(_ proof: ControlProof, of report: ComplianceReport) -> [UInt8] {
        let title = "\(proof.framework.title) \(proof.result.control.id), \(proof.period.description)"
        var document = PDFDocument(title: title, footer: "\(title) - \(report.facts.report.target)")
        document.heading(title)
        for line in ProofText(proof).lines() {
            switch line {
            case .heading(let text): document.heading(text, level: 2)
            case .text(let text): document.paragraph(text)
            case .code(let text): document.code(text)
            }
        }
        return document.finished(date: report.facts.report.generatedAt)
    }
}
