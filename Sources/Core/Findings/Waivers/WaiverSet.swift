import Kubernetes

/// All waivers of a run, from files and annotations, and what they do to a report.
package struct WaiverSet: Sendable {
    package private(set) var waivers: [Waiver]

    package init(_ waivers: [Waiver] = []) { self.waivers = waivers }

    package mutating func add(_ more: [Waiver]) { waivers += more }

    /// Turns what is waived from `fail` to `waived`, and notes which waivers have expired or matched nothing.
    ///
    /// A waiver of a path takes only the places under it: the finding then stands twice, waived with those and failing
    /// with the rest. The first waiver that covers a place counts. Coverage moves a whole finding from failed to
    /// waived, never to passed.
    ///
    /// - Parameter labels: the labels of a finding's subject, asked only when a waiver selects by labels.
    package func apply(to report: inout Report, today: CalendarDate, labels: (Finding) -> [String: String]) {
        guard !waivers.isEmpty else { return }
        var uses = [Int](repeating: 0, count: waivers.count)
        let compiled = waivers.map { CompiledScope($0.scope) }
        var findings: [Finding] = []
        findings.reserveCapacity(report.findings.count)
        for finding in report.findings {
            guard finding.outcome == .fail else {
                findings.append(finding)
                continue
            }
            var known: [String: String]?
            let candidates = compiled.indices.filter { index in
                compiled[index].covers(finding) {
                    if known == nil { known = labels(finding) }
                    return known ?? [:]
                }
            }
            guard !candidates.isEmpty else {
                findings.append(finding)
                continue
            }
            let parts = split(finding, among: candidates, compiled, today, &uses)
            if parts.allSatisfy({ $0.outcome == .waived }) {
                report.coverage.failed = max(0, report.coverage.failed - 1)
                report.coverage.waived += 1
            }
            findings += parts
        }
        report.findings = findings
        report.waiverNotes += notes(uses, compiled, report, today)
    }

    /// The finding in parts: what still fails first, then what each waiver covers.
    private func split(
        _ finding: Finding, among candidates: [Int], _ compiled: [CompiledScope], _ today: CalendarDate,
        _ uses: inout [Int]
    ) -> [Finding] {
        var failing: [Evidence] = []
        var waived: [Int: [Evidence]] = [:]
        for evidence in finding.evidence {
            let path = evidence.path.description
            var taken = false
            for index in candidates where compiled[index].covers(path: path) {
                uses[index] += 1
                guard !taken, waivers[index].holds(on: today) else { continue }
                waived[index, default: []].append(evidence)
                taken = true
            }
            if !taken { failing.append(evidence) }
        }
        if finding.evidence.isEmpty {
            // Without a place only a waiver of the whole object fits.
            let whole = candidates.filter { waivers[$0].scope.path == nil }
            for index in whole { uses[index] += 1 }
            if let index = whole.first(where: { waivers[$0].holds(on: today) }) { waived[index] = [] }
        }
        var parts: [Finding] = []
        if !failing.isEmpty || waived.isEmpty {
            var rest = finding
            if !waived.isEmpty { rest.evidence = failing }
            parts.append(rest)
        }
        for (index, evidence) in waived.sorted(by: { $0.key < $1.key }) {
            var part = finding
            part.outcome = .waived
            part.evidence = evidence
            part.waiver = waivers[index]
            parts.append(part)
        }
        return parts
    }

    private func notes(
        _ uses: [Int], _ compiled: [CompiledScope], _ report: Report, _ today: CalendarDate
    ) -> [String] {
        var notes: [String] = []
        for (index, waiver) in waivers.enumerated() {
            let name = "\(waiver.place): waiver of \(waiver.scope.check) by \(waiver.owner)"
            if !waiver.holds(on: today) {
                let again = uses[index] > 0 ? "; \(counted(uses[index], "place")) of it fail again" : ""
                notes.append("\(name) expired on \(waiver.expires)\(again)")
            } else if uses[index] == 0 {
                let known = report.rules.isEmpty || report.rules.contains { compiled[index].check.matches($0.id) }
                notes.append(
                    known
                        ? "\(name) matched nothing; remove it if what it covered is mended"
                        : "\(name) names no check of this run")
            }
        }
        return notes
    }
}

/// A scope with its patterns read.
private struct CompiledScope {
    let check: Glob
    private let kind: Glob?
    private let namespace: Glob?
    private let name: Glob?
    private let labels: LabelSelector?
    private let path: Glob?
    private let file: Glob?

    init(_ scope: Waiver.Scope) {
        check = Glob(scope.check)
        kind = scope.kind.map(Glob.init)
        namespace = scope.namespace.map(Glob.init)
        name = scope.name.map(Glob.init)
        labels = scope.labels
        path = scope.path.map(Glob.init)
        file = scope.file.map(Glob.init)
    }

    /// Whether the finding is meant, whatever its places.
    func covers(_ finding: Finding, labels known: () -> [String: String]) -> Bool {
        guard check.matches(finding.rule.id), kind?.matches(finding.subject.kind) ?? true,
            namespace?.matches(finding.subject.namespace) ?? true, name?.matches(finding.subject.name) ?? true,
            file?.matches(finding.file) ?? true
        else { return false }
        return labels?.matches(known()) ?? true
    }

    func covers(path text: String) -> Bool { path?.coversPath(text) ?? true }
}
