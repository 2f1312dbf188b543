import Documents
import Kubernetes

/// JUnit XML: a suite for every rule, a case for every owner that breaks it.
///
/// A rule nobody breaks is one case that passes, so that a clean run is not an empty one. What is waived or could not be
/// known is skipped, with the reason; what could not be read is an error. Standard: the format has none; elements and
/// attributes are those that Jenkins, GitLab and Tekton read.
struct JUnitReport {
    let report: Report
    let options: RenderOptions

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
    }

    private struct Totals {
        var tests = 0
        var failures = 0
        var errors = 0
        var skipped = 0

        var attributes: String {
            "tests=\"\(tests)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
        }

        static func += (a: inout Self, b: Self) {
            a.tests += b.tests
            a.failures += b.failures
            a.errors += b.errors
            a.skipped += b.skipped
        }
    }

    func render() -> String {
        var totals = Totals()
        var body: [String] = []
        for suite in suites() {
            totals += suite.totals
            body += suite.lines
        }
        let time = report.generatedAt.isEmpty ? "" : " timestamp=\"\(escaped(report.generatedAt))\""
        return
            ([
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
                "<testsuites name=\"martlet \(escaped(report.target))\" \(totals.attributes)\(time)>",
            ] + body + ["</testsuites>", ""]).joined(separator: "\n")
    }

    private typealias Suite = (totals: Totals, lines: [String])

    private func suites() -> [Suite] {
        var findings: [Rule: [Finding]] = [:]
        for finding in report.findings.sorted(by: Finding.areInOrder) {
            findings[finding.rule, default: []].append(finding)
        }
        let rules = Set(report.rules).union(findings.keys).sorted { $0.id < $1.id }
        var suites = rules.map { suite($0, findings[$0] ?? []) }
        if !report.problems.isEmpty { suites.append(problems()) }
        return suites
    }

    private func suite(_ rule: Rule, _ findings: [Finding]) -> Suite {
        var totals = Totals()
        var cases: [String] = []
        for finding in findings {
            totals.tests += 1
            let location = finding.location
            let file = location?.file ?? finding.file
            let place = file.isEmpty ? "" : " file=\"\(escaped(ReportURI.of(file, base: options.baseDirectory)))\""
            let line = location.map { " line=\"\($0.line)\"" } ?? ""
            let copy = finding.file.isEmpty ? "" : " (\(finding.file))"
            cases.append(
                "    <testcase classname=\"\(escaped(rule.id))\" name=\"\(escaped("\(finding.subject)\(copy)"))\"\(place)\(line)>"
            )
            switch finding.outcome {
            case .waived:
                totals.skipped += 1
                let waiver = finding.waiver.map { "until \($0.expires) by \($0.owner): \($0.reason)" } ?? ""
                cases.append("      <skipped message=\"\(escaped("waived \(waiver)"))\"/>")
            case .notObservable:
                totals.skipped += 1
                cases.append("      <skipped message=\"\(escaped("could not be known: \(finding.message)"))\"/>")
            case .fail:
                totals.failures += 1
                let head = "\(finding.severity.rawValue): \(finding.message)"
                cases.append(
                    "      <failure type=\"\(finding.severity.rawValue)\" message=\"\(escaped(head))\">\(details(finding))</failure>"
                )
            case .pass, .notApplicable: break
            }
            cases.append("    </testcase>")
        }
        if findings.isEmpty {
            totals.tests = 1
            cases.append(
                "    <testcase classname=\"\(escaped(rule.id))\" name=\"\(escaped("nothing breaks: \(rule.title)"))\"/>"
            )
        }
        return (
            totals, ["  <testsuite name=\"\(escaped(rule.id))\" \(totals.attributes)>"] + cases + ["  </testsuite>"]
        )
    }

    private func details(_ finding: Finding) -> String {
        var lines = [""]
        for evidence in finding.evidence {
            let place = evidence.location.map { "\($0)" } ?? evidence.path.description
            lines.append(escaped("\(place): \(evidence.message)"))
        }
        if let origin = finding.origin { lines.append(escaped("installed by \(origin)")) }
        lines.append("Fix: " + MarkupText.prose(finding.rule.remedy))
        lines.append("")
        return lines.joined(separator: "\n")
    }

    private func problems() -> Suite {
        var totals = Totals()
        var cases: [String] = []
        for problem in report.problems {
            totals.tests += 1
            let name = problem.location.map { "\($0)" } ?? problem.code
            let file = problem.location.map {
                " file=\"\(escaped(ReportURI.of($0.file, base: options.baseDirectory)))\""
            }
            cases.append("    <testcase classname=\"input\" name=\"\(escaped(name))\"\(file ?? "")>")
            if problem.kind == .warning || problem.kind == .forbidden {
                totals.skipped += 1
                cases.append("      <skipped message=\"\(escaped("\(problem.kind.rawValue): \(problem.message)"))\"/>")
            } else {
                totals.errors += 1
                cases.append(
                    "      <error type=\"\(escaped(problem.code))\" message=\"\(escaped("\(problem.kind.rawValue): \(problem.message)"))\"/>"
                )
            }
            cases.append("    </testcase>")
        }
        return (totals, ["  <testsuite name=\"input\" \(totals.attributes)>"] + cases + ["  </testsuite>"])
    }

    private func escaped(_ text: String) -> String { MarkupText.escaped(text) }
}
