package import Compliance
import Findings
import Kubernetes

/// A compliance report for the terminal.
package struct ComplianceText {
    private let report: ComplianceReport

    package init(_ report: ComplianceReport) { self.report = report }

    package func render(details: Bool = false) -> String {
        var out = "\(report.framework.name), \(PrintableText.of(report.facts.report.target))\n"
        let (seen, of) = report.coverage
        out += Self.summary(report) + "\n"
        out += "Of \(of) controls that a tool can speak to, \(seen) were seen whole.\n\n"
        let width = report.controls.map(\.control.id.count).max() ?? 0
        for result in report.controls {
            let id = result.control.id + String(repeating: " ", count: width - result.control.id.count)
            let outcome = result.outcome.words
            out +=
                "\(outcome)\(String(repeating: " ", count: max(1, 16 - outcome.count)))\(id)  \(result.control.title)"
            if result.asked > 0 { out += "  [\(result.answered) of \(result.asked) checks answered]" }
            out += "\n"
            if details || result.outcome == .fail { out += lines(result, details: details) }
        }
        out += exceptions()
        out += "\nA result is worth what was seen: \"partly\" means that nothing failed and something was not seen, "
        out += "\"manual\" that only people can show it.\n"
        return out
    }

    package static func summary(_ report: ComplianceReport) -> String {
        ControlOutcome.allCases.filter { report.count($0) > 0 }.map { "\(report.count($0)) \($0.words)" }
            .joined(separator: ", ")
    }

    private func lines(_ result: ControlResult, details: Bool) -> String {
        var out = ""
        for check in result.allChecks where details || check.outcome == .fail {
            let size = check.populationSize
            switch check.outcome {
            case .fail:
                out +=
                    "    ✖ \(check.rule.id): \(check.rule.title): \(check.failed.count) of \(max(size, check.failed.count))"
                let first = check.failed.first.map { report.facts.report.findings[$0].subject }
                if let first { out += ", such as \(PrintableText.of("\(first)"))" }
            case .pass: out += "    ✔ \(check.rule.id): nothing found on \(size)"
            default:
                out +=
                    "    · \(check.rule.id): \(check.outcome.words)\(check.reason.isEmpty ? "" : ": \(check.reason)")"
            }
            if check.inherited > 0 { out += " (\(check.inherited) more on software of the provider)" }
            out += "\n"
        }
        if details {
            for note in result.notes { out += "    · \(PrintableText.of(note))\n" }
            out += "    reach: \(result.control.reach.words)\n"
            if let note = result.control.note { out += "    note: \(note)\n" }
            if let time = result.time { out += "    \(Self.time(time))\n" }
        }
        return out
    }

    package static func time(_ time: StateTime) -> String {
        let total = time.stretches.reduce(0) { $0 + $1.seconds }
        let parts = ControlOutcome.allCases.compactMap { state -> String? in
            let seconds = time.seconds(state)
            guard seconds > 0, total > 0 else { return nil }
            return
                "\(state.words) \(tenths(Double(seconds) / 86_400)) days (\(tenths(100 * Double(seconds) / Double(total))) %)"
        }
        return "over the period: " + parts.joined(separator: ", ") + "; \(time.scans) scans"
    }

    static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }

    private func exceptions() -> String {
        let all = report.exceptions
        guard !all.isEmpty else { return "" }
        var out = "\nExceptions in force:\n"
        for waiver in all {
            out += PrintableText.of(
                "  \(waiver.scope.check), \(waiver.owner), until \(waiver.expires): \(waiver.reason) (\(waiver.place))")
            out += "\n"
        }
        return out
    }
}
