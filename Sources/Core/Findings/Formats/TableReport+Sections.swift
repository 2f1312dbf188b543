import Documents
import Kubernetes

extension TableReport {
    /// Kubernetes' and the provider's own software, one line an owner: shown, but apart from what the user can mend.
    mutating func writeSystem(_ groups: [OwnerGroup]) {
        guard !groups.isEmpty else { return }
        let findings = groups.reduce(0) { $0 + $1.findings.count }
        section("System objects", counted(findings, "finding"), "Kubernetes and the provider keep these; shown apart")
        for group in groups.prefix(options.limit ?? .max) {
            let worst = group.findings.first?.severity ?? .info
            let mark = terminal.styled(terminal.mark(worst), terminal.style(worst))
            lines.append("  \(mark) \(DisplayWidth.truncated(safe("\(group.subject)"), to: width - 4))")
            let rules = group.findings.map { "\($0.severity.rawValue) \(safe($0.rule.id))" }.joined(separator: ", ")
            for line in DisplayWidth.wrapped(rules, to: width - 4, limit: 3) { add("    \(line)", style: .dim) }
        }
        let rest = groups.count - min(groups.count, options.limit ?? .max)
        if rest > 0 { add("  \(terminal.more) \(counted(rest, "more system owner"))", style: .dim) }
        lines.append("")
    }

    /// What could not be known, gathered by rule and reason.
    mutating func writeNotObservable() {
        let findings = report.notObservable
        guard !findings.isEmpty else { return }
        section("Could not be known", counted(findings.count, "finding"), "neither pass nor fail")
        struct Key: Hashable {
            var rule: Rule
            var reason: String
        }
        var order: [Key] = []
        var subjects: [Key: [String]] = [:]
        for finding in findings {
            let key = Key(rule: finding.rule, reason: finding.message)
            if subjects[key] == nil { order.append(key) }
            subjects[key, default: []].append("\(finding.subject)")
        }
        for key in order {
            let names = subjects[key] ?? []
            lines.append("  ? \(safe(key.rule.id))")
            for line in DisplayWidth.wrapped(safe(key.reason), to: width - 4, limit: 4) { lines.append("    \(line)") }
            let more = names.count > 3 ? " +\(grouped(names.count - 3)) more" : ""
            let text = safe(names.prefix(3).joined(separator: ", ")) + more
            for line in DisplayWidth.wrapped(text, to: width - 4, limit: 3) { add("    \(line)", style: .dim) }
        }
        lines.append("")
    }

    /// What could not be read or listed.
    mutating func writeProblems() {
        guard !report.problems.isEmpty else { return }
        section("Problems with the input", grouped(report.problems.count), "")
        for problem in report.problems {
            let place = problem.location.map { "\($0): " } ?? ""
            let text = "\(problem.kind.rawValue): \(place)\(problem.message)"
            let style: Terminal.Style = problem.kind == .warning ? .medium : .high
            for (index, line) in DisplayWidth.wrapped(safe(text), to: width - 4, limit: 6).enumerated() {
                lines.append(index == 0 ? "  \(terminal.styled(terminal.warning, style)) \(line)" : "    \(line)")
            }
        }
        lines.append("")
    }

    /// What is waived, by whom and until when; and the waivers that need a look.
    mutating func writeWaived() {
        let findings = report.waived
        if !findings.isEmpty {
            section("Waived", counted(findings.count, "finding"), "accepted for a time, not passed")
            for finding in findings {
                let severity = "\(finding.severity.rawValue) \(finding.rule.id)"
                let places = finding.evidence.count > 1 ? ", \(counted(finding.evidence.count, "place"))" : ""
                let text = safe("\(severity)  \(finding.subject)\(places)")
                lines.append("  ~ \(DisplayWidth.truncated(text, to: width - 4))")
                guard let waiver = finding.waiver else { continue }
                let approver = waiver.approver.map { ", approved by \($0)" } ?? ""
                let terms = "until \(waiver.expires) by \(waiver.owner)\(approver): \(waiver.reason)"
                for line in DisplayWidth.wrapped(safe(terms), to: width - 4, limit: 3) {
                    add("    \(line)", style: .dim)
                }
            }
            lines.append("")
        }
        guard !report.waiverNotes.isEmpty else { return }
        section("Waivers to look at", grouped(report.waiverNotes.count), "")
        for note in report.waiverNotes {
            for (index, line) in DisplayWidth.wrapped(safe(note), to: width - 4, limit: 4).enumerated() {
                lines.append(index == 0 ? "  \(terminal.styled(terminal.warning, .medium)) \(line)" : "    \(line)")
            }
        }
        lines.append("")
    }

    mutating func writeBaseline() {
        guard let baseline = report.baseline else { return }
        var parts = ["\(counted(baseline.known, "known finding")) not shown"]
        if baseline.grown > 0 { parts.append("\(grouped(baseline.grown)) of those shown were known but have grown") }
        if !baseline.fixed.isEmpty { parts.append("\(grouped(baseline.fixed.count)) no longer there") }
        add("Baseline: \(parts.joined(separator: ", "))")
        lines.append("")
    }

    // MARK: The sum

    mutating func writeSummary() {
        add(String(repeating: terminal.rule, count: width), style: .dim)
        let failures = report.failures.filter { !$0.isSystem }
        let counts = SeverityCounts(failures)
        if counts.total > 0 {
            let parts = Severity.worstFirst.filter { counts[$0] > 0 }.map { severity in
                let text = "\(terminal.mark(severity)) \(grouped(counts[severity])) \(severity.rawValue)"
                return (text, terminal.styled(text, terminal.style(severity)))
            }
            let owners = OwnerGroup.groups(failures).count
            let tail = "in \(counted(owners, "owner"))"
            flow(parts + [(tail, tail)], separator: "   ")
        } else {
            lines.append(verdictWithoutFindings())
        }
        let system = SeverityCounts(report.failures.filter(\.isSystem))
        if system.total > 0 {
            flow([("System objects: \(tally(system))", "System objects: \(tally(system))")], separator: "")
        }
        flow(facts().map { ($0, $0) }, separator: terminal.dot)
        guard options.hints, let command = nextCommand() else { return }
        let explanation = DisplayWidth.truncated("a verified patch for each finding that has one", to: width)
        let head = DisplayWidth.truncated("Next: \(command)", to: width)
        flow(
            [(head, terminal.styled(head, .bold)), (explanation, terminal.styled(explanation, .dim))], separator: "   ")
    }

    /// Clean only where something was looked at and nothing was hidden.
    private func verdictWithoutFindings() -> String {
        let new = report.baseline == nil ? "" : "new "
        if report.coverage.objects == 0 {
            return terminal.styled(
                "\(terminal.warning) No Kubernetes objects were found in \(safe(report.target))", .medium)
        }
        let elsewhere = report.failures.isEmpty ? "" : " outside system objects"
        if report.holes > 0 {
            return terminal.styled(
                "\(terminal.warning) No \(new)findings\(elsewhere) in what could be seen; \(counted(report.holes, "hole"))",
                .medium)
        }
        return terminal.styled("\(terminal.check) No \(new)findings\(elsewhere)", .good)
    }

    private func facts() -> [String] {
        let coverage = report.coverage
        var facts = [counted(coverage.objects, "object"), counted(coverage.workloads, "workload")]
        if !report.isCluster { facts.append(counted(coverage.files, "file")) }
        if let ratio = coverage.ratio { facts.append("coverage \(percent(ratio))") }
        facts.append(report.holes == 0 ? "no holes" : counted(report.holes, "hole"))
        let waived = report.waived.count
        if waived > 0 { facts.append("\(grouped(waived)) waived") }
        return facts
    }

    /// The next useful command.
    private func nextCommand() -> String? {
        guard report.failures.contains(where: { !$0.isSystem }) else { return nil }
        return "martlet fix \(report.isCluster ? "--cluster" : shellWord(safe(report.target)))"
    }

    private func shellWord(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-/@:,+".utf8.contains(byte)
            }
        }
        return plain && !text.isEmpty
            ? text
            : "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }

    /// Parts on as few lines as they fit.
    private mutating func flow(_ parts: [(plain: String, styled: String)], separator: String) {
        var line = ""
        var used = 0
        for part in parts {
            let own = DisplayWidth.of(part.plain)
            let gap = DisplayWidth.of(separator)
            if used > 0, used + gap + own > width {
                lines.append(line)
                (line, used) = ("", 0)
            }
            line += used > 0 ? separator + part.styled : part.styled
            used += used > 0 ? gap + own : own
        }
        lines.append(line)
    }

    private mutating func section(_ title: String, _ count: String, _ explanation: String) {
        writeHeading(title, detail: explanation, right: count)
    }
}
