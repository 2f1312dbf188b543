import Documents
import Findings
import Posture
import Store
import Vulnerabilities

/// A report of another tool as findings of the store.
struct ReportFindings: Sendable {
    /// The tool.
    var source: String
    /// What the report is about: an Image or a Node.
    var kind: String
    var name: String
    var rows: [FindingRow]
    var advisories: [AdvisoryRow] = []

    static func read(
        _ body: [UInt8], cluster: String, image: String?, node: String?, at now: Milliseconds
    ) throws(HubProblem) -> ReportFindings {
        if let bench = try? KubeBenchResult(SourceText(name: "report", bytes: body)) {
            return benchmark(bench, cluster: cluster, node: node ?? cluster)
        }
        let report: ScannerReport
        do throws(BillError) {
            report = try ScannerReport(body, name: "report")
        } catch {
            throw HubProblem(.unprocessableContent, "unknown-report", error.message)
        }
        guard let image else {
            throw HubProblem(.badRequest, "bad-parameter", "\"image\" is missing: which image is the report about?")
        }
        return vulnerabilities(report, cluster: cluster, image: image, at: now)
    }

    private static func benchmark(_ bench: KubeBenchResult, cluster: String, node: String) -> ReportFindings {
        let rows = bench.tests.filter { $0.status == "FAIL" || $0.status == "WARN" }.map { test in
            FindingRow(
                cluster: cluster, fingerprint: fingerprint(["kube-bench", cluster, node, test.id]),
                rule: "kube-bench/\(test.id)", severity: test.status == "FAIL" ? .medium : .info,
                status: test.status == "FAIL" ? .failing : .unobservable, kind: "Node", namespace: "", name: node,
                title: test.description, message: test.reason.isEmpty ? test.description : test.reason,
                source: "kube-bench")
        }
        return ReportFindings(source: "kube-bench", kind: "Node", name: node, rows: rows)
    }

    private static func vulnerabilities(
        _ report: ScannerReport, cluster: String, image: String, at now: Milliseconds
    ) -> ReportFindings {
        let source = report.tool.lowercased()
        let rows = report.findings.map { finding in
            let fix = finding.fixes.isEmpty ? "" : "; fixed in \(finding.fixes.joined(separator: ", "))"
            return FindingRow(
                cluster: cluster,
                fingerprint: fingerprint([source, cluster, image, finding.id, finding.package, finding.version]),
                rule: finding.id, severity: severity(finding.severity),
                status: finding.isSuppressed ? .waived : .failing, kind: FindingRow.imageKind, namespace: "",
                name: image, title: "\(finding.id) in \(finding.package)",
                message: "\(finding.package) \(finding.version) has \(finding.id)\(fix)", source: source,
                waiver: finding.isSuppressed ? ReportedWaivers.aside(report.tool) : nil)
        }
        let advisories = report.findings.map {
            AdvisoryRow(id: $0.id, package: $0.package, fixed: $0.fixes.joined(separator: ", "), firstSeen: now)
        }
        return ReportFindings(
            source: source, kind: FindingRow.imageKind, name: image, rows: rows, advisories: advisories)
    }

    private static func fingerprint(_ parts: [String]) -> String {
        var hash = FNV1a()
        for part in parts { hash.combine(part) }
        return hash.hex
    }

    private static func severity(_ severity: Vulnerabilities.Severity?) -> Findings.Severity {
        switch severity {
        case .critical: .critical
        case .high: .high
        case .medium: .medium
        case .low: .low
        case .negligible, .unknown, nil: .info
        }
    }
}
