package import Compliance
import Documents
import Findings
import Kubernetes

/// A compliance report as JSON of our own form, `martlet-compliance/1`.
package struct ComplianceJSON {
    private let report: ComplianceReport

    package init(_ report: ComplianceReport) { self.report = report }

    package func render() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("format", "martlet-compliance/1")
            writer.member("framework", report.framework.id)
            writer.member("title", report.framework.title)
            writer.member("edition", report.framework.edition)
            writer.member("source", report.framework.source)
            writer.member("target", report.facts.report.target)
            writer.member("isCluster", report.facts.report.isCluster)
            writer.member("generatedAt", report.facts.report.generatedAt)
            writer.member("version", report.facts.report.version)
            if let period = report.period {
                writer.member("from", period.start.description)
                writer.member("to", period.end.description)
            }
            writer.fields("counts") { writer in
                for outcome in ControlOutcome.allCases { writer.member(outcome.rawValue, report.count(outcome)) }
            }
            writer.fields("coverage") { writer in
                writer.member("seenWhole", report.coverage.seen)
                writer.member("ofTechnical", report.coverage.of)
            }
            writer.member("controls", array: { writer in for result in report.controls { control(result, &writer) } })
            writer.member(
                "exceptions", array: { writer in for waiver in report.exceptions { exception(waiver, &writer) } })
            writer.member(
                "problems",
                array: { writer in
                    for problem in report.facts.report.problems {
                        writer.object { writer in
                            writer.member("kind", problem.kind.rawValue)
                            writer.member("message", problem.message)
                        }
                    }
                })
        }
        return writer.string + "\n"
    }

    private func control(_ result: ControlResult, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", result.control.id)
            writer.member("title", result.control.title)
            writer.member("outcome", result.outcome.rawValue)
            writer.member("reach", result.control.reach.rawValue)
            writer.member("reachWords", result.control.reach.words)
            if let note = result.control.note { writer.member("note", note) }
            writer.member("answered", result.answered)
            writer.member("asked", result.asked)
            writer.member(
                "evidence",
                array: { writer in
                    for family in result.families {
                        writer.object { writer in
                            writer.member("family", family.family.id)
                            writer.member("outcome", family.outcome.rawValue)
                            writer.member("notes", family.notes)
                        }
                    }
                })
            writer.member("checks", array: { writer in for check in result.allChecks { self.check(check, &writer) } })
            if !result.attestations.isEmpty {
                writer.member(
                    "attestations", array: { writer in for one in result.attestations { attestation(one, &writer) } })
            }
            if let time = result.time { writer.fields("time") { writer in states(time, &writer) } }
        }
    }

    private func check(_ check: CheckResult, _ writer: inout JSONWriter) {
        let findings = report.facts.report.findings
        writer.object { writer in
            writer.member("check", check.rule.id)
            writer.member("outcome", check.outcome.rawValue)
            writer.member("population", check.population)
            writer.member("populationSize", check.populationSize)
            if check.inherited > 0 { writer.member("inherited", check.inherited) }
            if !check.reason.isEmpty { writer.member("reason", check.reason) }
            for (name, list) in [("failed", check.failed), ("waived", check.waived)] where !list.isEmpty {
                writer.member(name, list.map { "\(findings[$0].subject)" })
                writer.member("\(name)Fingerprints", list.map { findings[$0].fingerprint })
            }
        }
    }

    private func attestation(_ attestation: Attestation, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("owner", attestation.owner)
            writer.member("statement", attestation.statement)
            writer.member("file", attestation.file)
            writer.member("sha256", attestation.sha256)
            writer.member("date", attestation.date.day)
            writer.member("expires", attestation.expires.description)
        }
    }

    private func exception(_ waiver: Waiver, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("check", waiver.scope.check)
            writer.member("owner", waiver.owner)
            writer.member("reason", waiver.reason)
            if let approver = waiver.approver { writer.member("approver", approver) }
            writer.member("expires", waiver.expires)
            writer.member("place", waiver.place)
        }
    }

    private func states(_ time: StateTime, _ writer: inout JSONWriter) {
        writer.member("scans", time.scans)
        writer.fields("seconds") { writer in
            for state in ControlOutcome.allCases where time.seconds(state) > 0 {
                writer.member(state.rawValue, time.seconds(state))
            }
        }
        writer.member(
            "stretches",
            array: { writer in
                for stretch in time.stretches {
                    writer.object { writer in
                        writer.member("from", stretch.from.description)
                        writer.member("to", stretch.to.description)
                        writer.member("state", stretch.state.rawValue)
                        if !stretch.because.isEmpty { writer.member("because", stretch.because) }
                    }
                }
            })
    }
}

extension JSONWriter {
    /// A member that is an object.
    mutating func fields(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, object: body) }
}
