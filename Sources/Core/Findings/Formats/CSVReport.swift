import Documents
import Kubernetes

/// One row a place, for spreadsheets.
///
/// Standard: RFC 4180. Trap: a cell that begins with `=`, `+`, `-` or `@` is run by spreadsheets; such cells get a `'`
/// before them.
package struct CSVReport {
    static let columns = [
        "fingerprint", "severity", "outcome", "check", "title", "cluster", "namespace", "kind", "name", "group",
        "origin",
        "system", "file", "line", "column", "path", "value", "message", "provenance", "waiver_owner", "waiver_expires",
        "waiver_reason",
    ]

    let report: Report

    init(_ report: Report, _ options: RenderOptions) { self.report = report }

    func render() -> String {
        var out = row(Self.columns)
        for finding in report.findings.sorted(by: Finding.areInOrder) {
            for evidence in finding.evidence { out += row(cells(finding, evidence)) }
            if finding.evidence.isEmpty { out += row(cells(finding, nil)) }
        }
        // Holes are rows too: a table without them would look complete.
        for problem in report.problems {
            var cells = [String](repeating: "", count: Self.columns.count)
            cells[2] = "problem:\(problem.kind.rawValue)"
            cells[3] = "input/\(problem.code)"
            if let location = problem.location {
                cells[12] = location.file
                cells[13] = String(location.line)
                cells[14] = String(location.column)
            }
            cells[17] = problem.message
            out += row(cells)
        }
        return out
    }

    private func cells(_ finding: Finding, _ evidence: Evidence?) -> [String] {
        let subject = finding.subject
        let location = evidence?.location
        let identity = [
            finding.fingerprint, finding.severity.rawValue, finding.outcome.rawValue, finding.rule.id,
            finding.rule.title,
            finding.cluster, subject.namespace, subject.kind, subject.name, subject.group,
            finding.origin.map { "\($0)" } ?? "", finding.isSystem ? "true" : "false",
        ]
        let place = [
            location?.file ?? finding.file, location.map { String($0.line) } ?? "",
            location.map { String($0.column) } ?? "", evidence?.path.description ?? "",
            evidence.flatMap { finding.shownValue($0) } ?? "", evidence?.message ?? finding.rule.title,
            evidence?.provenance ?? "",
        ]
        let waiver = [
            finding.waiver?.owner ?? "", finding.waiver?.expires ?? "", finding.waiver?.reason ?? "",
        ]
        return identity + place + waiver
    }

    private func row(_ cells: [String]) -> String { cells.map(Self.cell).joined(separator: ",") + "\r\n" }

    /// One cell, quoted where it has to be, and never run as a formula.
    package static func cell(_ text: String) -> String {
        var safe = PrintableText.of(text)
        if let first = safe.unicodeScalars.first(where: { !$0.properties.isWhitespace }),
            "=+-@\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}|%".unicodeScalars.contains(first)
        {
            safe = "'" + safe
        }
        guard safe.utf8.contains(where: { ",\"".utf8.contains($0) }) || safe.hasPrefix(" ") || safe.hasSuffix(" ")
        else {
            return safe
        }
        return "\"" + safe.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
