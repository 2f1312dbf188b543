import Documents
import Kubernetes

/// The whole report for programs, in the shape of `docs/report.schema.json`.
///
/// Rules and waivers stand once and are referred to; a finding stands on one line, so that two reports can be compared
/// by line.
struct JSONReport {
    /// Grows in its second part with every added field, in its first when one changes or goes.
    static let schemaVersion = "1.0"

    let report: Report

    init(_ report: Report, _ options: RenderOptions) { self.report = report }

    func render() -> String {
        var waivers: [Waiver] = []
        var positions: [Waiver: Int] = [:]
        for case let waiver? in report.findings.map(\.waiver) where positions[waiver] == nil {
            positions[waiver] = waivers.count
            waivers.append(waiver)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("schemaVersion", Self.schemaVersion)
            json.fields("tool") {
                $0.member("name", "martlet")
                $0.member("version", safe(report.version))
            }
            json.fields("target") {
                $0.member("kind", report.isCluster ? "cluster" : "files")
                $0.member("name", safe(report.target))
            }
            json.member("generatedAt", safe(report.generatedAt))
            json.member("summary", object: writeSummary)
            json.member("coverage", object: writeCoverage)
            json.list("rules") { json in
                for rule in rules { json.line { Self.write(rule, to: &$0) } }
            }
            json.list("findings") { json in
                for finding in report.findings.sorted(by: Finding.areInOrder) {
                    json.line { write(finding, waiver: finding.waiver.flatMap { positions[$0] }, to: &$0) }
                }
            }
            json.list("waivers") { json in
                for waiver in waivers { json.line { write(waiver, to: &$0) } }
            }
            json.member("waiverNotes", report.waiverNotes.map { safe($0) })
            if let baseline = report.baseline {
                json.fields("baseline") { json in
                    json.member("known", baseline.known)
                    json.member("grown", baseline.grown)
                    json.list("fixed") { json in
                        for entry in baseline.fixed { json.line { write(entry, to: &$0) } }
                    }
                }
            }
            json.list("problems") { json in
                for problem in report.problems { json.line { write(problem, to: &$0) } }
            }
        }
        return json.string + "\n"
    }

    /// The rules that were evaluated, and any a finding has beyond them, by id.
    private var rules: [Rule] {
        Set(report.rules).union(report.findings.map(\.rule)).sorted { $0.id < $1.id }
    }

    private func writeSummary(_ json: inout JSONWriter) {
        let counts = SeverityCounts(report.failures)
        json.fields("failures") { json in
            json.member("total", counts.total)
            for severity in Severity.worstFirst { json.member(severity.rawValue, counts[severity]) }
        }
        json.member("system", report.failures.count { $0.isSystem })
        json.member("waived", report.waived.count)
        json.member("notObservable", report.notObservable.count)
        json.member("problems", report.problems.count)
        json.key("score")
        if let score = report.score { json.value(score, digits: 4) } else { json.null() }
    }

    private func writeCoverage(_ json: inout JSONWriter) {
        let coverage = report.coverage
        json.member("files", coverage.files)
        json.member("objects", coverage.objects)
        json.member("workloads", coverage.workloads)
        json.member("passed", coverage.passed)
        json.member("failed", coverage.failed)
        json.member("waived", coverage.waived)
        json.member("notApplicable", coverage.notApplicable)
        json.member("notObservable", coverage.notObservable)
        json.key("ratio")
        if let ratio = coverage.ratio { json.value(ratio, digits: 4) } else { json.null() }
    }

    private static func write(_ rule: Rule, to json: inout JSONWriter) {
        json.member("id", rule.id)
        json.member("title", rule.title)
        json.member("severity", rule.severity.rawValue)
        json.member("category", rule.category.rawValue)
        json.member("why", rule.why)
        json.member("remedy", rule.remedy)
        json.list("references") { json in
            for reference in rule.references {
                json.object { json in
                    json.member("source", reference.source.rawValue)
                    json.member("id", reference.id)
                }
            }
        }
    }

    private func write(_ finding: Finding, waiver: Int?, to json: inout JSONWriter) {
        json.member("fingerprint", finding.fingerprint)
        json.member("rule", finding.rule.id)
        json.member("severity", finding.severity.rawValue)
        json.member("outcome", finding.outcome.rawValue)
        json.fields("subject") { write(finding.subject, to: &$0) }
        if !finding.cluster.isEmpty, finding.cluster != report.target { json.member("cluster", safe(finding.cluster)) }
        if !finding.file.isEmpty { json.member("file", safe(finding.file)) }
        if let origin = finding.origin {
            json.fields("origin") { json in
                json.member("tool", origin.tool.rawValue)
                json.member("name", safe(origin.name))
            }
        }
        if finding.isSystem { json.member("system", true) }
        if let waiver { json.member("waiver", waiver) }
        json.list("evidence") { json in
            for evidence in finding.evidence { json.object { write(evidence, of: finding, to: &$0) } }
        }
    }

    private func write(_ evidence: Evidence, of finding: Finding, to json: inout JSONWriter) {
        if let object = evidence.object, object != finding.subject {
            json.fields("object") { write(object, to: &$0) }
        }
        json.member("path", safe(evidence.path.description))
        json.member("message", safe(evidence.message))
        if let value = finding.shownValue(evidence) { json.member("value", safe(value)) }
        if let location = evidence.location { json.fields("location") { write(location, to: &$0) } }
        if let provenance = evidence.provenance { json.member("provenance", safe(provenance)) }
    }

    private func write(_ subject: ObjectReference, to json: inout JSONWriter) {
        if !subject.group.isEmpty { json.member("group", safe(subject.group)) }
        json.member("kind", safe(subject.kind))
        if !subject.namespace.isEmpty { json.member("namespace", safe(subject.namespace)) }
        json.member("name", safe(subject.name))
    }

    private func write(_ location: SourceLocation, to json: inout JSONWriter) {
        json.member("file", safe(location.file))
        json.member("line", location.line)
        json.member("column", location.column)
    }

    private func write(_ waiver: Waiver, to json: inout JSONWriter) {
        json.member("check", safe(waiver.scope.check))
        json.member("owner", safe(waiver.owner))
        json.member("reason", safe(waiver.reason))
        if let approver = waiver.approver { json.member("approver", safe(approver)) }
        json.member("expires", waiver.expires)
        json.member("place", safe(waiver.place))
    }

    private func write(_ entry: Baseline.Entry, to json: inout JSONWriter) {
        json.member("fingerprint", safe(entry.fingerprint))
        json.member("rule", safe(entry.rule))
        json.member("severity", entry.severity.rawValue)
        json.member("subject", safe(entry.subject))
        if !entry.file.isEmpty { json.member("file", safe(entry.file)) }
    }

    private func write(_ problem: Problem, to json: inout JSONWriter) {
        json.member("kind", problem.kind.rawValue)
        json.member("code", safe(problem.code))
        json.member("message", safe(problem.message))
        if let location = problem.location { json.fields("location") { write(location, to: &$0) } }
    }

    private func safe(_ text: String) -> String { PrintableText.of(text) }
}
