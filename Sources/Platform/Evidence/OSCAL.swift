package import Compliance
import Documents
import Findings
import Kubernetes

/// A compliance report in NIST's exchange format, for other people's tools.
///
/// Standard: OSCAL 1.2, assessment-results and plan-of-action-and-milestones in JSON. UUIDs come from what they stand
/// for, so that the same control, check and object keep theirs from report to report.
package struct OSCAL {
    private let report: ComplianceReport
    private let scope: String
    static let version = "1.2.0"
    private static let namespace = "https://martlet.example/oscal"

    package init(_ report: ComplianceReport) {
        self.report = report
        scope = "\(report.framework.id)\u{0}\(report.facts.report.target)"
    }

    private var stamp: String { report.facts.report.generatedAt }
    private func uuid(_ words: String...) -> String { Digest.uuid(scope, words.joined(separator: "\u{0}")) }

    // MARK: Assessment results

    package func assessmentResults() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.fields("assessment-results") { writer in
                writer.member("uuid", uuid("assessment-results", stamp))
                metadata("Assessment results: \(report.framework.name)", &writer)
                writer.fields("import-ap") { writer in
                    writer.member("href", "#\(uuid("plan"))")
                    writer.member("remarks", "The plan is the mapping of controls to checks that the tool carries.")
                }
                writer.member("results", array: { writer in writer.object { writer in result(&writer) } })
                backMatter(&writer)
            }
        }
        return writer.string + "\n"
    }

    private func metadata(_ title: String, _ writer: inout JSONWriter) {
        writer.fields("metadata") { writer in
            writer.member("title", Self.line(title))
            writer.member("last-modified", stamp)
            writer.member("version", Self.token(report.facts.report.version, or: "0"))
            writer.member("oscal-version", Self.version)
            writer.member(
                "roles",
                array: { writer in
                    writer.object { writer in
                        writer.member("id", "assessor")
                        writer.member("title", "Assessor")
                    }
                })
            writer.member(
                "parties",
                array: { writer in
                    writer.object { writer in
                        writer.member("uuid", uuid("tool"))
                        writer.member("type", "organization")
                        writer.member("name", "Martlet")
                    }
                })
        }
    }

    private func result(_ writer: inout JSONWriter) {
        writer.member("uuid", uuid("result", stamp))
        writer.member("title", Self.line("\(report.framework.title) of \(report.facts.report.target)"))
        writer.member(
            "description", Self.text("\(ComplianceText.summary(report)). Nothing here says more than was seen."))
        writer.member("start", report.period?.start.description ?? stamp)
        writer.member("end", report.period?.end.description ?? stamp)
        writer.fields("reviewed-controls") { writer in
            writer.member(
                "control-selections",
                array: { writer in
                    writer.object { writer in
                        writer.member("description", Self.text(report.framework.name))
                        writer.member(
                            "include-controls",
                            array: { writer in
                                for result in report.controls {
                                    writer.object { $0.member("control-id", controlID(result)) }
                                }
                            })
                    }
                })
        }
        attestations(&writer)
        observations(&writer)
        risks(&writer)
        if !report.controls.isEmpty {
            writer.member("findings", array: { writer in for result in report.controls { finding(result, &writer) } })
        }
    }

    /// What people declared, as statements of the assessor.
    private func attestations(_ writer: inout JSONWriter) {
        let all = Set(report.controls.flatMap(\.attestations)).sorted { ($0.subject, $0.file) < ($1.subject, $1.file) }
        guard !all.isEmpty else { return }
        writer.member(
            "attestations",
            array: { writer in
                for one in all {
                    writer.object { writer in
                        writer.member(
                            "parts",
                            array: { writer in
                                writer.object { writer in
                                    writer.member("name", "assessment-statement")
                                    writer.member("title", Self.line(one.subject))
                                    writer.member(
                                        "prose",
                                        Self.text(
                                            "\(one.statement) (\(one.owner), \(one.date.day), until \(one.expires); "
                                                + "\(one.file), SHA-256 \(one.sha256))"))
                                }
                            })
                    }
                }
            })
    }

    /// Each check that was asked is an observation; its subjects are the places.
    private func observations(_ writer: inout JSONWriter) {
        let checks = self.checks
        guard !checks.isEmpty else { return }
        writer.member("observations", array: { writer in for check in checks { observation(check, &writer) } })
    }

    private var checks: [CheckResult] {
        var seen: Set<String> = []
        return report.controls.flatMap(\.allChecks).filter { seen.insert($0.rule.id).inserted }
            .sorted { $0.rule.id < $1.rule.id }
    }

    private func observation(_ check: CheckResult, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("uuid", uuid("observation", check.rule.id))
            writer.member("title", Self.line(check.rule.title))
            writer.member(
                "description",
                Self.text(
                    "\(check.outcome.words): \(check.failed.count) failing, \(check.waived.count) waived and "
                        + "\(check.unseen.count) not observable of \(check.populationSize) \(check.population)."
                        + (check.reason.isEmpty ? "" : " \(check.reason).")))
            writer.member(
                "props",
                array: { writer in
                    property("check", check.rule.id, &writer)
                    property("outcome", check.outcome.rawValue, &writer)
                    property("population-size", "\(check.populationSize)", &writer)
                })
            writer.member("methods", ["TEST"])
            writer.member("types", ["control-objective"])
            let places = check.failed + check.waived
            if !places.isEmpty {
                writer.member(
                    "subjects",
                    array: { writer in
                        for index in places {
                            let subject = report.facts.report.findings[index].subject
                            writer.object { writer in
                                writer.member("subject-uuid", uuid("object", "\(subject.group)/\(subject)"))
                                writer.member("type", "inventory-item")
                                writer.member("title", Self.line("\(subject)"))
                            }
                        }
                    })
            }
            writer.member("collected", stamp)
        }
    }

    private func property(_ name: String, _ value: String, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", name)
            writer.member("ns", Self.namespace)
            writer.member("value", Self.token(value, or: "-"))
        }
    }

    private var failingChecks: [CheckResult] { checks.filter { !$0.failed.isEmpty || !$0.waived.isEmpty } }

    /// A check that fails or is waived is a risk; what people accepted says so, with its end.
    private func risks(_ writer: inout JSONWriter) {
        let failing = failingChecks
        guard !failing.isEmpty else { return }
        writer.member("risks", array: { writer in for check in failing { risk(check, &writer) } })
    }

    private func risk(_ check: CheckResult, _ writer: inout JSONWriter) {
        let waivers = check.waived.compactMap { report.facts.report.findings[$0].waiver }
        writer.object { writer in
            writer.member("uuid", uuid("risk", check.rule.id))
            writer.member("title", Self.line(check.rule.title))
            writer.member(
                "description", Self.text("\(check.failed.count + check.waived.count) places. \(check.rule.why)"))
            writer.member("statement", Self.text(check.rule.why))
            writer.member("props", array: { property("severity", check.rule.severity.rawValue, &$0) })
            writer.member("status", check.failed.isEmpty ? "deviation-approved" : "open")
            if let last = waivers.map(\.expires).min() { writer.member("deadline", "\(last)T23:59:59Z") }
            writer.member(
                "remediations",
                array: { writer in
                    writer.object { writer in
                        writer.member("uuid", uuid("remediation", check.rule.id))
                        writer.member("lifecycle", "recommendation")
                        writer.member("title", Self.line("Remedy for \(check.rule.id)"))
                        writer.member("description", Self.text(check.rule.remedy))
                    }
                })
            writer.member(
                "related-observations",
                array: { writer in
                    writer.object { $0.member("observation-uuid", uuid("observation", check.rule.id)) }
                })
        }
    }

    private func finding(_ result: ControlResult, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("uuid", uuid("finding", result.control.id))
            writer.member("title", Self.line("\(result.control.id) \(result.control.title)"))
            writer.member(
                "description",
                Self.text(
                    "\(result.outcome.words). \(result.control.reach.words). \(result.notes.joined(separator: "; "))"))
            writer.member(
                "props",
                array: { writer in
                    property("outcome", result.outcome.rawValue, &writer)
                    property("reach", result.control.reach.rawValue, &writer)
                    property("answered", "\(result.answered) of \(result.asked)", &writer)
                })
            writer.fields("target") { writer in
                writer.member("type", "objective-id")
                writer.member("target-id", controlID(result))
                // OSCAL knows two states. What was not seen whole is not satisfied, and the reason says why.
                writer.fields("status") { writer in
                    writer.member("state", result.outcome == .pass ? "satisfied" : "not-satisfied")
                    writer.member("reason", Self.reason(result.outcome))
                    writer.member("remarks", result.outcome.words)
                }
            }
            let checks = result.allChecks
            if !checks.isEmpty {
                writer.member(
                    "related-observations",
                    array: { writer in
                        for check in checks {
                            writer.object { $0.member("observation-uuid", uuid("observation", check.rule.id)) }
                        }
                    })
            }
            let failing = checks.filter { !$0.failed.isEmpty || !$0.waived.isEmpty }
            if !failing.isEmpty {
                writer.member(
                    "related-risks",
                    array: { writer in
                        for check in failing { writer.object { $0.member("risk-uuid", uuid("risk", check.rule.id)) } }
                    })
            }
        }
    }

    private static func reason(_ outcome: ControlOutcome) -> String {
        switch outcome {
        case .pass: "pass"
        case .fail: "fail"
        default: "other"
        }
    }

    private func backMatter(_ writer: inout JSONWriter) {
        writer.fields("back-matter") { writer in
            writer.member(
                "resources",
                array: { writer in
                    writer.object { writer in
                        writer.member("uuid", uuid("plan"))
                        writer.member("title", Self.line("Mapping of \(report.framework.name) to checks"))
                        writer.member("description", Self.text(report.framework.source))
                    }
                })
        }
    }

    // MARK: Plan of action

    /// One item for each check that fails or is accepted; an item that says so where there is none, since the format
    /// asks for one at least.
    package func planOfAction() -> String {
        let failing = failingChecks
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.fields("plan-of-action-and-milestones") { writer in
                writer.member("uuid", uuid("poam", stamp))
                metadata("Plan of action: \(report.framework.name)", &writer)
                writer.fields("system-id") { writer in
                    writer.member("identifier-type", "http://ietf.org/rfc/rfc4122")
                    writer.member("id", uuid("system"))
                }
                if !failing.isEmpty {
                    writer.member(
                        "observations", array: { writer in for check in failing { observation(check, &writer) } })
                    writer.member("risks", array: { writer in for check in failing { risk(check, &writer) } })
                }
                writer.member(
                    "poam-items",
                    array: { writer in
                        for check in failing { item(check, &writer) }
                        if failing.isEmpty {
                            writer.object { writer in
                                writer.member("uuid", uuid("item"))
                                writer.member("title", "Nothing to do")
                                writer.member("description", "No check of the framework fails on what was seen.")
                            }
                        }
                    })
            }
        }
        return writer.string + "\n"
    }

    private func item(_ check: CheckResult, _ writer: inout JSONWriter) {
        let controls = report.controls.filter { result in result.allChecks.contains { $0.rule.id == check.rule.id } }
        let waivers = check.waived.compactMap { report.facts.report.findings[$0].waiver }
        writer.object { writer in
            writer.member("uuid", uuid("item", check.rule.id))
            writer.member("title", Self.line(check.rule.title))
            writer.member(
                "description",
                Self.text(
                    "\(check.failed.count) places fail, \(check.waived.count) are accepted. "
                        + "Controls: \(controls.map(\.control.id).joined(separator: ", ")). \(check.rule.remedy)"))
            writer.member(
                "props",
                array: { writer in
                    property("check", check.rule.id, &writer)
                    for owner in Set(waivers.map(\.owner)).sorted() { property("exception-owner", owner, &writer) }
                })
            writer.member(
                "related-observations",
                array: { writer in
                    writer.object { $0.member("observation-uuid", uuid("observation", check.rule.id)) }
                })
            writer.member(
                "related-risks",
                array: { writer in
                    writer.object { $0.member("risk-uuid", uuid("risk", check.rule.id)) }
                })
        }
    }

    // MARK: Types of the format

    /// A token begins with a letter and holds letters, digits, `.`, `-` and `_` only.
    private func controlID(_ result: ControlResult) -> String {
        Self.name("\(report.framework.id)-\(result.control.id)")
    }

    static func name(_ text: String) -> String {
        var out = ""
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", ".", "_": out.unicodeScalars.append(scalar)
            default: if out.last != "-" { out += "-" }
            }
        }
        while out.last == "-" { out.removeLast() }
        guard let first = out.unicodeScalars.first, ("a"..."z").contains(first) || first == "_" else {
            return "_\(out)"
        }
        return out
    }

    /// One line that is not empty.
    private static func line(_ text: String) -> String {
        let safe = PrintableText.of(text, limit: 500)
        return safe.isEmpty ? "-" : safe
    }

    private static func text(_ text: String) -> String {
        let safe = PrintableText.of(text, limit: 20_000)
        return safe.isEmpty ? "-" : safe
    }

    /// No space at either end, not empty.
    private static func token(_ text: String, or other: String) -> String {
        var safe = Substring(PrintableText.of(text, limit: 500))
        while safe.first?.isWhitespace == true { safe.removeFirst() }
        while safe.last?.isWhitespace == true { safe.removeLast() }
        return safe.isEmpty ? other : String(safe)
    }
}
