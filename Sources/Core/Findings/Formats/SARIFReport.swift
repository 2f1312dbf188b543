import Documents
import Kubernetes

/// SARIF 2.1.0, within what code-scanning services take.
///
/// Standard: OASIS SARIF 2.1.0. Source of the limits: GitHub, "SARIF support for code scanning": 25,000 results and
/// 25,000 rules a run, the worst 5,000 shown, 1,000 locations a result, 10 MB after gzip. What is left out for a limit
/// is said in a notification.
struct SARIFReport {
    static let resultLimit = 25_000
    static let locationLimit = 100

    let report: Report
    let options: RenderOptions
    private let rules: [Rule]
    private let ruleIndex: [Rule: Int]

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
        let rules = Set(report.rules).union(report.findings.map(\.rule)).sorted { $0.id < $1.id }
        self.rules = Array(rules.prefix(25_000))
        var index: [Rule: Int] = [:]
        for (position, rule) in self.rules.enumerated() { index[rule] = position }
        ruleIndex = index
    }

    func render() -> String {
        // Waived ones last: a service that shows only the first must show what fails.
        let results =
            report.failures.sorted(by: Finding.areInOrder) + report.waived.sorted(by: Finding.areInOrder)
        var json = JSONWriter(compact: false)
        json.object { json in
            json.member("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            json.member("version", "2.1.0")
            json.list("runs") { json in
                json.object { json in
                    json.fields("tool") { json in
                        json.fields("driver") { writeDriver(&$0) }
                    }
                    json.list("invocations") { json in
                        json.object { writeInvocation(&$0, left: results.count - Self.resultLimit) }
                    }
                    json.member("columnKind", "unicodeCodePoints")
                    json.fields("automationDetails") { $0.member("id", "martlet/\(safe(report.target))/") }
                    json.list("results") { json in
                        var seen: [String: Int] = [:]
                        for finding in results.prefix(Self.resultLimit) {
                            seen[finding.fingerprint, default: 0] += 1
                            let copy = seen[finding.fingerprint] ?? 1
                            // One line a result: half the size, and two files can be compared by line.
                            var own = JSONWriter()
                            own.object { write(finding, copy: copy, to: &$0) }
                            json.raw(own.string)
                        }
                    }
                    json.fields("properties") { writeProperties(&$0) }
                }
            }
        }
        return json.string + "\n"
    }

    private func writeDriver(_ json: inout JSONWriter) {
        json.member("name", "martlet")
        if !report.version.isEmpty { json.member("version", safe(report.version)) }
        json.list("rules") { json in
            for rule in rules { json.object { write(rule, to: &$0) } }
        }
    }

    private func write(_ rule: Rule, to json: inout JSONWriter) {
        json.member("id", rule.id)
        json.member("name", Self.pascalCase(rule.id))
        json.fields("shortDescription") { $0.member("text", rule.title) }
        json.fields("fullDescription") { $0.member("text", rule.why) }
        let references = rule.references.map(\.description)
        json.fields("help") { json in
            let sources = references.isEmpty ? "" : "\n\nReferences: \(references.joined(separator: "; "))"
            json.member("text", "\(rule.why)\n\nFix: \(rule.remedy)\(sources)")
            let list = references.isEmpty ? "" : "\n\n## References\n\n" + references.map { "- \($0)\n" }.joined()
            json.member("markdown", "\(rule.why)\n\n## Fix\n\n\(rule.remedy)\(list)")
        }
        json.fields("defaultConfiguration") { $0.member("level", Self.level(rule.severity)) }
        json.fields("properties") { json in
            // At most 20 tags count.
            let tags = [rule.category.rawValue, "kubernetes"] + rule.references.compactMap(Self.tag).prefix(18)
            json.member("tags", tags)
            json.member("precision", "very-high")
            json.member(
                "problem.severity", rule.severity >= .high ? "error" : Self.level(rule.severity, "recommendation"))
            // The score makes a result a security alert; the rest are ordinary ones.
            if rule.category == .security { json.member("security-severity", Self.score(rule.severity)) }
        }
    }

    private func write(_ finding: Finding, copy: Int, to json: inout JSONWriter) {
        json.member("ruleId", finding.rule.id)
        if let index = ruleIndex[finding.rule] { json.member("ruleIndex", index) }
        json.member("kind", "fail")
        json.member("level", Self.level(finding.severity))
        json.fields("message") { $0.member("text", message(finding)) }
        json.list("locations") { json in
            json.object { writeLocation(finding.evidence.first, of: finding, to: &$0) }
        }
        let others = finding.evidence.dropFirst().prefix(Self.locationLimit - 1)
        if !others.isEmpty {
            json.list("relatedLocations") { json in
                for (id, evidence) in others.enumerated() {
                    json.object { json in
                        json.member("id", id + 1)
                        json.fields("message") { $0.member("text", safe(evidence.message)) }
                        writeLocation(evidence, of: finding, to: &json)
                    }
                }
            }
        }
        json.fields("partialFingerprints") { json in
            // The service follows results by this name only; ours lives on when lines move.
            json.member("primaryLocationLineHash", "\(finding.fingerprint):\(copy)")
            json.member("martlet/v1", finding.fingerprint)
        }
        if let waiver = finding.waiver {
            json.list("suppressions") { json in
                json.object { json in
                    json.member("kind", "external")
                    // Its status is "accepted" where none is given; schemas disagree on the member's name.
                    let approver = waiver.approver.map { ", approved by \($0)" } ?? ""
                    json.member(
                        "justification",
                        safe("\(waiver.reason) (\(waiver.owner)\(approver), until \(waiver.expires); \(waiver.place))"))
                }
            }
        }
        json.fields("properties") { json in
            json.member("outcome", finding.outcome.rawValue)
            json.member("severity", finding.severity.rawValue)
            json.member("subject", safe("\(finding.subject)"))
            if let origin = finding.origin { json.member("origin", safe("\(origin)")) }
            if finding.isSystem { json.member("system", true) }
        }
    }

    private func message(_ finding: Finding) -> String {
        let count = finding.evidence.count
        let more = count > 1 ? " (and \(counted(count - 1, "more place")))" : ""
        return safe("\(finding.subject): \(finding.message)") + more
    }

    private func writeLocation(_ evidence: Evidence?, of finding: Finding, to json: inout JSONWriter) {
        json.fields("physicalLocation") { json in
            json.fields("artifactLocation") { json in
                let file = evidence?.location?.file ?? finding.file
                json.member(
                    "uri", file.isEmpty ? ReportURI.of(finding) : ReportURI.of(file, base: options.baseDirectory))
            }
            guard let evidence, let start = evidence.location else { return }
            json.fields("region") { json in
                json.member("startLine", start.line)
                json.member("startColumn", start.column)
                if let end = evidence.end, end.line == start.line, end.column > start.column {
                    json.member("endLine", end.line)
                    json.member("endColumn", end.column)
                }
            }
        }
        let object = evidence?.object ?? finding.subject
        json.list("logicalLocations") { json in
            json.object { json in
                json.member("name", safe(object.name))
                let path = evidence.map { $0.path.isEmpty ? "" : "#\($0.path)" } ?? ""
                let names = [finding.cluster, object.namespace, object.kind, object.name]
                json.member("fullyQualifiedName", safe(names.filter { !$0.isEmpty }.joined(separator: "/") + path))
                json.member("kind", "resource")
            }
        }
    }

    /// What could not be read or known is no result, and must not be silent either.
    private func writeInvocation(_ json: inout JSONWriter, left: Int) {
        let failed = report.problems.contains { $0.kind == .unreadable || $0.kind == .invalid }
        json.member("executionSuccessful", !failed)
        // A date that is none would spoil the whole file for strict readers.
        if CalendarDate(report.generatedAt) != nil, report.generatedAt.utf8.count >= 20 {
            json.member("endTimeUtc", safe(report.generatedAt))
        }
        json.list("toolExecutionNotifications") { json in
            for problem in report.problems.prefix(1000) {
                json.object { json in
                    json.fields("descriptor") { $0.member("id", safe("input/\(problem.code)")) }
                    json.member("level", problem.kind == .warning ? "warning" : "error")
                    json.fields("message") { $0.member("text", safe(problem.message)) }
                    guard let location = problem.location else { return }
                    json.list("locations") { json in
                        json.object { write(location, to: &$0) }
                    }
                }
            }
            for finding in report.notObservable.prefix(1000) {
                json.object { json in
                    json.fields("descriptor") { $0.member("id", finding.rule.id) }
                    json.member("level", "note")
                    json.fields("message") {
                        $0.member("text", safe("\(finding.subject): could not be known: \(finding.message)"))
                    }
                    json.list("locations") { json in
                        json.object { writeLocation(finding.evidence.first, of: finding, to: &$0) }
                    }
                }
            }
            for note in report.waiverNotes.prefix(1000) { write(note: safe(note), id: "waiver", to: &json) }
            if left > 0 {
                write(note: "\(counted(left, "result")) beyond \(Self.resultLimit) left out", id: "limit", to: &json)
            }
            let silent =
                max(0, report.problems.count - 1000) + max(0, report.notObservable.count - 1000)
            if silent > 0 { write(note: "\(counted(silent, "more hole")) left out", id: "limit", to: &json) }
        }
    }

    private func write(note: String, id: String, to json: inout JSONWriter) {
        json.object { json in
            json.fields("descriptor") { $0.member("id", id) }
            json.member("level", "warning")
            json.fields("message") { $0.member("text", note) }
        }
    }

    private func write(_ location: SourceLocation, to json: inout JSONWriter) {
        json.fields("physicalLocation") { json in
            json.fields("artifactLocation") {
                $0.member("uri", ReportURI.of(location.file, base: options.baseDirectory))
            }
            json.fields("region") { json in
                json.member("startLine", max(1, location.line))
                json.member("startColumn", max(1, location.column))
            }
        }
    }

    private func writeProperties(_ json: inout JSONWriter) {
        let coverage = report.coverage
        json.fields("coverage") { json in
            json.member("objects", coverage.objects)
            json.member("workloads", coverage.workloads)
            json.member("passed", coverage.passed)
            json.member("failed", coverage.failed)
            json.member("waived", coverage.waived)
            json.member("notObservable", coverage.notObservable)
        }
        if let baseline = report.baseline {
            json.fields("baseline") { json in
                json.member("known", baseline.known)
                json.member("fixed", baseline.fixed.count)
            }
        }
    }

    private func safe(_ text: String) -> String { PrintableText.of(text, limit: 2000) }

    private static func level(_ severity: Severity, _ least: String = "note") -> String {
        switch severity {
        case .critical, .high: "error"
        case .medium: "warning"
        case .low, .info: least
        }
    }

    /// The middle of the range a service shows as critical, high, medium or low.
    private static func score(_ severity: Severity) -> String {
        switch severity {
        case .critical: "9.5"
        case .high: "8.0"
        case .medium: "5.5"
        case .low: "3.0"
        case .info: "0.5"
        }
    }

    private static func tag(_ reference: RuleReference) -> String? {
        switch reference.source {
        case .cwe: "external/cwe/\(lowercased(reference.id))"
        case .attack: "attack/\(reference.id)"
        case .cis: "cis/\(reference.id)"
        case .nsa: "nsa/\(reference.id)"
        case .podSecurity: "pss/\(reference.id)"
        case .kubernetes: nil
        }
    }

    private static func lowercased(_ id: String) -> String {
        let name = id.lowercased()
        return name.hasPrefix("cwe-") ? name : "cwe-\(name)"
    }

    /// `pod/host-port` as `PodHostPort`, which viewers show beside the id.
    private static func pascalCase(_ id: String) -> String {
        id.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension Evidence {
    /// One past the last character of the value, where it stands in a file.
    var end: SourceLocation? {
        guard node.source.isFile, !node.isAliased, let range = node.sourceRange else { return nil }
        return node.source.location(at: range.upperBound)
    }
}
