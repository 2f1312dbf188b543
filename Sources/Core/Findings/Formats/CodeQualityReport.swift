import Documents
import Kubernetes

/// GitLab's Code Quality: one entry a place, so that every changed line of a merge request can show its own.
///
/// Source: GitLab, "Code Quality", the report format: description, check_name, fingerprint, severity, location. GitLab
/// shows only the first of entries with one fingerprint, so each place has its own.
struct CodeQualityReport {
    let report: Report
    let options: RenderOptions

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
    }

    func render() -> String {
        var json = JSONWriter()
        var seen: [String: Int] = [:]
        json.array { json in
            for finding in report.findings.sorted(by: Finding.areInOrder) {
                guard finding.outcome == .fail || finding.outcome == .notObservable else { continue }
                let places = finding.evidence.isEmpty ? [nil] : finding.evidence.map(Optional.some)
                for evidence in places {
                    let path = evidence?.path.description ?? ""
                    var fingerprint = Self.fingerprint(finding.fingerprint, finding.outcome.rawValue, path)
                    let copy = seen[fingerprint, default: 0]
                    seen[fingerprint] = copy + 1
                    if copy > 0 { fingerprint = Self.fingerprint(fingerprint, "copy", String(copy)) }
                    json.line { write(finding, evidence, fingerprint, to: &$0) }
                }
            }
            for problem in report.problems {
                let place = problem.location.map { "\($0)" } ?? ""
                json.line { json in
                    json.member("description", safe("\(problem.kind.rawValue): \(problem.message)"))
                    json.member("check_name", safe("input/\(problem.code)"))
                    json.member("fingerprint", Self.fingerprint(problem.code, place, problem.message))
                    json.member("severity", problem.kind == .warning ? "minor" : "major")
                    writeLocation(
                        problem.location.map { ReportURI.of($0.file, base: options.baseDirectory) }
                            ?? ReportURI.of(report.target, base: options.baseDirectory),
                        problem.location?.line, to: &json)
                }
            }
        }
        return json.string + "\n"
    }

    private func write(
        _ finding: Finding, _ evidence: Evidence?, _ fingerprint: String, to json: inout JSONWriter
    ) {
        let message = evidence?.message ?? finding.rule.title
        let known = finding.outcome == .fail ? "" : "could not be known: "
        json.member("description", safe("\(finding.subject): \(known)\(message)"))
        json.member("check_name", finding.rule.id)
        json.member("fingerprint", fingerprint)
        json.member("severity", finding.outcome == .fail ? Self.severity(finding.severity) : "info")
        let file = evidence?.location?.file ?? finding.file
        writeLocation(
            file.isEmpty ? ReportURI.of(finding) : ReportURI.of(file, base: options.baseDirectory),
            evidence?.location?.line, to: &json)
    }

    private func writeLocation(_ path: String, _ line: Int?, to json: inout JSONWriter) {
        json.fields("location") { json in
            json.member("path", path)
            json.fields("lines") { $0.member("begin", max(1, line ?? 1)) }
        }
    }

    private func safe(_ text: String) -> String { PrintableText.of(text, limit: 1000) }

    private static func fingerprint(_ parts: String...) -> String {
        var hash = FNV1a()
        for part in parts { hash.combine(part) }
        return hash.hex
    }

    private static func severity(_ severity: Severity) -> String {
        switch severity {
        case .critical: "blocker"
        case .high: "critical"
        case .medium: "major"
        case .low: "minor"
        case .info: "info"
        }
    }
}
