import Documents
import Kubernetes

/// The report for people at a terminal: owners worst first, then what was not seen, then the sum.
struct TableReport {
    let report: Report
    let options: RenderOptions
    let terminal: Terminal
    /// Columns of a line.
    let width: Int
    /// Columns of the widest check id, so that messages stand under each other.
    let ruleWidth: Int
    var lines: [String] = []

    init(_ report: Report, _ options: RenderOptions) {
        self.report = report
        self.options = options
        terminal = Terminal(colour: options.colour, unicode: options.unicode)
        width = min(max(options.width, 40), 200)
        let shown = report.findings.lazy.filter { $0.outcome == .fail && !$0.isSystem }
        ruleWidth = min(shown.map { DisplayWidth.of($0.rule.id) }.max() ?? 0, 32)
    }

    func render() -> String {
        var copy = self
        copy.write()
        let lines = options.unicode ? copy.lines : copy.lines.map(terminal.ascii)
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func write() {
        let failures = report.failures
        let own = failures.filter { !$0.isSystem }
        switch options.groupBy {
        case .owner: writeOwners(OwnerGroup.groups(own))
        case .check: writeRules(RuleGroup.groups(own))
        }
        writeSystem(OwnerGroup.groups(failures.filter(\.isSystem)))
        writeNotObservable()
        writeProblems()
        writeWaived()
        writeBaseline()
        writeSummary()
    }

    // MARK: By owner

    private mutating func writeOwners(_ groups: [OwnerGroup]) {
        let alike = gathered(groups)
        let shown = alike.prefix(options.limit ?? .max)
        for (group, others) in shown {
            let each = others.isEmpty ? "" : " each"
            writeHeading(safe("\(group.subject)"), detail: detail(group), right: tally(group.counts) + each)
            for finding in group.findings { write(finding) }
            if !others.isEmpty { write(others: others) }
            lines.append("")
        }
        let rest = alike.dropFirst(shown.count).flatMap { [$0.first] + $0.others }
        if !rest.isEmpty {
            let findings = rest.reduce(0) { $0 + $1.findings.count }
            add(
                "\(terminal.more) \(counted(rest.count, "more owner")) with \(counted(findings, "finding")) not shown; "
                    + "--group-by check gathers them, --output json has all", style: .dim)
            lines.append("")
        }
    }

    /// Owners of a live cluster with the same findings stand together: the words are the same, and no line of a file
    /// would be lost.
    private func gathered(_ groups: [OwnerGroup]) -> [(first: OwnerGroup, others: [OwnerGroup])] {
        struct Likeness: Hashable {
            var words: [String]
            var origin: ObjectOrigin?
        }
        var positions: [Likeness: Int] = [:]
        var out: [(first: OwnerGroup, others: [OwnerGroup])] = []
        for group in groups {
            guard group.findings.allSatisfy({ $0.location == nil && $0.file.isEmpty }) else {
                out.append((group, []))
                continue
            }
            let words = group.findings.map { finding in
                let messages = finding.evidence.map { "\($0.message) \($0.path)" }.joined(separator: ";")
                return "\(finding.severity) \(finding.rule.id) \(messages)"
            }
            let likeness = Likeness(words: words + [group.subject.kind], origin: group.origin)
            if let position = positions[likeness] {
                out[position].others.append(group)
            } else {
                positions[likeness] = out.count
                out.append((group, []))
            }
        }
        return out
    }

    private mutating func write(others: [OwnerGroup]) {
        let names = others.prefix(8).map(\.subject).map {
            $0.namespace.isEmpty ? $0.name : "\($0.namespace)/\($0.name)"
        }
        let more = others.count > 8 ? " \(terminal.more)" : ""
        let text = "The same in \(grouped(others.count)) more: \(safe(names.joined(separator: ", ")))\(more)"
        for (index, line) in DisplayWidth.wrapped(text, to: width - 4, limit: 6).enumerated() {
            add(index == 0 ? "  = \(line)" : "    \(line)", style: .dim)
        }
    }

    private func detail(_ group: OwnerGroup) -> String {
        var parts: [String] = []
        if let origin = group.origin { parts.append(safe("\(origin)")) }
        // Where findings stand in the file the line below says; where they do not, the heading does.
        if !group.file.isEmpty, group.findings.contains(where: { $0.location == nil }) {
            parts.append(safe(group.file))
        }
        return parts.joined(separator: terminal.dot)
    }

    private func write(_ finding: Finding, into lines: inout [String]) {
        let mark = terminal.mark(finding.severity)
        let word = DisplayWidth.padded(finding.severity.rawValue, to: 8)
        let severity = terminal.styled("\(mark) \(word)", terminal.style(finding.severity))
        let id = safe(finding.rule.id)
        let start = 2 + 2 + 8 + 2 + ruleWidth + 2
        if width - start >= 38 {
            let rule = DisplayWidth.padded(DisplayWidth.truncated(id, to: ruleWidth), to: ruleWidth)
            writePlaces(finding, first: "  \(severity)  \(rule)  ", indent: start, into: &lines)
        } else {
            lines.append("  \(severity)  \(DisplayWidth.truncated(id, to: width - 14))")
            writePlaces(finding, first: "    ", indent: 4, into: &lines)
        }
    }

    private mutating func write(_ finding: Finding) { write(finding, into: &lines) }

    /// The messages and places of a finding behind `first`, later lines indented.
    private func writePlaces(_ finding: Finding, first: String, indent: Int, into lines: inout [String]) {
        let margin = String(repeating: " ", count: indent)
        let room = width - indent
        var head = first
        let shown = finding.evidence.prefix(max(1, options.places))
        for (index, evidence) in shown.enumerated() {
            let isLast = index == shown.count - 1
            let more = isLast ? finding.evidence.count - shown.count : 0
            for line in DisplayWidth.wrapped(safe(evidence.message), to: room, limit: 4) {
                lines.append(head + line)
                head = margin
            }
            let suffix = more > 0 ? "  +\(counted(more, "more place"))" : ""
            let place = DisplayWidth.shortened(
                self.place(evidence, of: finding), to: max(8, room - DisplayWidth.of(suffix)))
            lines.append(margin + terminal.styled(place + suffix, .dim))
        }
        if finding.evidence.isEmpty {
            for line in DisplayWidth.wrapped(safe(finding.rule.title), to: room, limit: 4) {
                lines.append(head + line)
                head = margin
            }
        }
    }

    /// `deploy/api.yaml:14:9`, or the field of a live object, with the object where it is not the owner itself.
    private func place(_ evidence: Evidence, of finding: Finding) -> String {
        if let location = evidence.location { return safe("\(location)") }
        var parts: [String] = []
        if let object = evidence.object, object != finding.subject { parts.append("\(object)") }
        if !evidence.path.isEmpty { parts.append(evidence.path.description) }
        if let provenance = evidence.provenance { parts.append("(\(provenance))") }
        return parts.isEmpty ? "the object as a whole" : safe(parts.joined(separator: " "))
    }

    // MARK: By check

    private mutating func writeRules(_ groups: [RuleGroup]) {
        for group in groups {
            let owners = counted(group.findings.count, "owner")
            let places = group.places == group.findings.count ? "" : ", \(counted(group.places, "place"))"
            let mark = terminal.mark(group.severity)
            let name = "\(mark) \(group.severity.rawValue)  \(safe(group.rule.id))"
            writeHeading(name, detail: "", right: owners + places, style: terminal.style(group.severity))
            for line in DisplayWidth.wrapped(safe(group.rule.title), to: width - 2, limit: 2) {
                lines.append("  \(line)")
            }
            for line in DisplayWidth.wrapped("Fix: " + prose(group.rule.remedy), to: width - 2, limit: 4) {
                add("  \(line)", style: .dim)
            }
            let shown = group.findings.prefix(options.limit ?? 10)
            let names = shown.map { DisplayWidth.truncated(safe("\($0.subject)"), to: width / 2 - 4) }
            let column = names.map(DisplayWidth.of).max() ?? 0
            for (finding, name) in zip(shown, names) {
                let room = width - column - 6
                let place = finding.evidence.first.map { self.place($0, of: finding) } ?? ""
                let more = finding.evidence.count > 1 ? "  +\(finding.evidence.count - 1) more" : ""
                let tail = terminal.styled(DisplayWidth.shortened(place, to: room - more.utf8.count) + more, .dim)
                lines.append("    \(DisplayWidth.padded(name, to: column))  \(tail)")
            }
            let rest = group.findings.dropFirst(shown.count)
            if !rest.isEmpty { writeRest(rest) }
            lines.append("")
        }
    }

    /// The owners not shown, counted by namespace.
    private mutating func writeRest(_ rest: some Collection<Finding>) {
        var counts: [String: Int] = [:]
        for finding in rest { counts[finding.subject.namespace, default: 0] += 1 }
        let names = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
        let few = names.prefix(6).map { "\($0.key.isEmpty ? "without namespace" : safe($0.key)) \($0.value)" }
        let others = names.count > few.count ? ", \(counted(names.count - few.count, "namespace")) more" : ""
        let text = "\(terminal.more) \(counted(rest.count, "more owner")): \(few.joined(separator: ", "))\(others)"
        for line in DisplayWidth.wrapped(text, to: width - 4) { add("    \(line)", style: .dim) }
    }

    // MARK: Words

    func safe(_ text: String) -> String {
        let printable = PrintableText.of(text, limit: 1000)
        return options.unicode ? printable : terminal.ascii(printable)
    }

    /// Our own text over several lines as one.
    func prose(_ text: String) -> String {
        safe(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    /// `2 critical, 1 high`.
    func tally(_ counts: SeverityCounts) -> String {
        Severity.worstFirst.filter { counts[$0] > 0 }.map { "\(grouped(counts[$0])) \($0.rawValue)" }
            .joined(separator: ", ")
    }

    mutating func add(_ text: String, style: Terminal.Style = .plain) { lines.append(terminal.styled(text, style)) }

    /// A bold line with something at its right end; under it when both do not fit.
    mutating func writeHeading(
        _ name: String, detail: String, right: String, style: Terminal.Style = .bold
    ) {
        let name = DisplayWidth.truncated(name, to: width)
        var left = terminal.styled(name, style)
        var used = DisplayWidth.of(name)
        let tail = terminal.dot + detail
        if !detail.isEmpty, used + DisplayWidth.of(tail) + 2 + DisplayWidth.of(right) <= width {
            left += terminal.styled(tail, .dim)
            used += DisplayWidth.of(tail)
        }
        let gap = width - used - DisplayWidth.of(right)
        guard gap >= 2 || right.isEmpty else {
            lines.append(left)
            for line in DisplayWidth.wrapped(right, to: width - 2) { add("  \(line)", style: .dim) }
            return
        }
        lines.append(right.isEmpty ? left : left + String(repeating: " ", count: gap) + terminal.styled(right, .dim))
    }
}
