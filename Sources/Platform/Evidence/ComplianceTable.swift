package import Compliance
import Findings
import Kubernetes

/// One row a control and check, for spreadsheets (RFC 4180).
package struct ComplianceTable {
    private let report: ComplianceReport

    package init(_ report: ComplianceReport) { self.report = report }

    private static let columns = [
        "framework", "edition", "control", "title", "reach", "outcome", "answered", "asked", "check", "check_outcome",
        "population", "population_size", "failed", "waived", "inherited", "reason", "subjects",
    ]

    package func csv() -> String {
        var out = Self.line(Self.columns)
        for result in report.controls {
            let own = [
                report.framework.id, report.framework.edition, result.control.id, result.control.title,
                result.control.reach.rawValue, result.outcome.rawValue, "\(result.answered)", "\(result.asked)",
            ]
            let checks = result.allChecks
            for check in checks { out += Self.line(own + cells(check)) }
            if checks.isEmpty {
                out += Self.line(own + ["", "", "", "", "", "", "", result.notes.joined(separator: "; "), ""])
            }
        }
        return out
    }

    private func cells(_ check: CheckResult) -> [String] {
        let subjects = (check.failed + check.waived).prefix(50).map { "\(report.facts.report.findings[$0].subject)" }
        return [
            check.rule.id, check.outcome.rawValue, check.population, "\(check.populationSize)", "\(check.failed.count)",
            "\(check.waived.count)", "\(check.inherited)", check.reason, subjects.joined(separator: "; "),
        ]
    }

    /// The members of every population a check of the framework was asked of.
    package func populations() -> String {
        var out = Self.line(["population", "kind", "group", "namespace", "name"])
        for (id, members) in report.facts.populations.sorted(by: { $0.key < $1.key }) {
            for member in members { out += Self.line([id, member.kind, member.group, member.namespace, member.name]) }
        }
        return out
    }

    static func line(_ cells: [String]) -> String { cells.map(CSVReport.cell).joined(separator: ",") + "\r\n" }
}
