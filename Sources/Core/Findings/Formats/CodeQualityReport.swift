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
                    let fingerprint = unique(
                        Self.fingerprint(finding.fingerprint, finding.outcome.rawValue, path), among: &seen)
                    json.line { write(finding, evidence, fingerprint, to: &$0) }
                }
            }
            for problem in report.problems {
                let file = problem.location?.file ?? ""
                let fingerprint = unique(Self.fingerprint(problem.code, file, problem.message), among: &seen)
                json.line { json in
                    json.member("description", safe("\(problem.kind.rawValue): \(problem.message)"))
                    json.member("check_name", safe("input/\(problem.code)"))
                    json.member("fingerprint", fingerprint)
                    json.member("severity", problem.kind == .warning ? "minor" : "major")
                    writeLocation(
                        problem.location.map { ReportURI.of($0.file, base: options.baseDirectory) }
                            ?? ReportURI.of(report.target, base: options.baseDirectory),
                        problem.location, to: &json)
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
            evidence?.location, to: &json)
    }

    private func writeLocation(_ path: String, _ place: SourceLocation?, to json: inout JSONWriter) {
        json.fields("location") { json in
            json.member("path", path)
            json.fields("lines") { $0.member("begin", max(1, place?.line ?? 1)) }
            // GitLab reads the line above; the column is for others.
            guard let place else { return }
            json.fields("positions") { json in
                json.fields("begin") { json in
                    json.member("line", place.line)
                    json.member("column", place.column)
                }
            }
        }
    }

    private func unique(_ fingerprint: String, among seen: inout [String: Int]) -> String {
        let copy = seen[fingerprint, default: 0]
        seen[fingerprint] = copy + 1
        return copy == 0 ? fingerprint : Self.fingerprint(fingerprint, "copy", String(copy))
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
