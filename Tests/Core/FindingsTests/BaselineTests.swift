import Documents
import Findings
import Testing

@Suite struct BaselineTests {
    private func reread(_ baseline: Baseline) throws -> Baseline {
        try Baseline.read(SourceText(name: "baseline.json", bytes: Array(baseline.render().utf8)))
    }

    @Test func `Written and read again it is the same`() throws {
        let baseline = Baseline(Sample.files())
        #expect(try reread(baseline) == baseline)
        #expect(baseline.entries.count == 7)
        #expect(!baseline.render().contains("hunter2"))
        #expect(try reread(Baseline(Sample.empty())).entries.isEmpty)
    }

    @Test func `Only what is new is reported`() throws {
        var old = Sample.files()
        old.findings.removeAll { $0.rule.id == "pod/privileged" }
        var report = Sample.files()
        try reread(Baseline(old)).apply(to: &report)
        #expect(report.failures.map(\.rule.id) == ["pod/privileged"])
        #expect(report.baseline?.known == 6)
        #expect(report.baseline?.fixed.isEmpty == true)
        // Holes and waived findings are no old news.
        #expect(report.findings.count { $0.outcome != .fail } == 2)
    }

    @Test func `What is gone counts as fixed, what is waived or unknown does not`() {
        let baseline = Baseline(Sample.files())
        var report = Sample.files()
        report.findings.removeAll { $0.rule.id == "image/tag-latest" }
        for index in report.findings.indices where report.findings[index].rule.id == "pod/privileged" {
            report.findings[index].outcome = .waived
        }
        baseline.apply(to: &report)
        #expect(report.baseline?.fixed.map(\.rule) == ["image/tag-latest"])
    }

    @Test func `A finding that has spread or grown worse is new`() {
        var old = Sample.files()
        for index in old.findings.indices {
            if old.findings[index].rule.id == "pod/host-port" { old.findings[index].evidence.removeLast() }
            if old.findings[index].rule.id == "pod/privileged" { old.findings[index].severity = .low }
        }
        var report = Sample.files()
        Baseline(old).apply(to: &report)
        #expect(Set(report.failures.map(\.rule.id)) == ["pod/host-port", "pod/privileged"])
        #expect(report.baseline?.grown == 2)
    }

    @Test(arguments: [
        "", "{}", "[]", "not json: [", #"{"martletBaseline": 2, "findings": []}"#, #"{"martletBaseline": 1}"#,
        #"{"martletBaseline": 1, "findings": [{"fingerprint": "a"}]}"#,
        #"{"martletBaseline": 1, "findings": [{"fingerprint": "a", "severity": "bad", "places": 1}]}"#,
    ])
    func `A file that is no baseline is refused`(text: String) {
        #expect(throws: DocumentError.self) {
            try Baseline.read(SourceText(name: "baseline.json", bytes: Array(text.utf8)))
        }
    }
}

@Suite struct RunStatusTests {
    private func report(_ severity: Severity?, problem: Problem.Kind? = nil, hole: Bool = false) -> Report {
        var report = Sample.files()
        report.problems = problem.map { [Problem($0, code: "x", "y")] } ?? []
        report.findings =
            severity.map { severity in
                var finding = report.findings[0]
                finding.severity = severity
                return [finding]
            } ?? []
        if hole { report.findings += Sample.files().findings.filter { $0.outcome == .notObservable } }
        return report
    }

    @Test(arguments: [
        (nil as Severity?, Severity.info as Severity?, RunStatus.clean), (.info, .info, .findings),
        (.low, .medium, .clean),
        (.medium, .medium, .findings), (.critical, .high, .findings), (.critical, nil, .clean),
    ])
    func `Findings count from the severity asked for`(worst: Severity?, failOn: Severity?, status: RunStatus) {
        #expect(RunStatus(report(worst), failOn: failOn) == status)
    }

    @Test(arguments: [
        (Problem.Kind.unreadable, RunStatus.unreadable), (.invalid, .unreadable), (.forbidden, .partial),
        (.unsupported, .partial), (.warning, .clean),
    ])
    func `Input that could not be read comes first, holes count when strict`(kind: Problem.Kind, status: RunStatus) {
        #expect(RunStatus(report(nil, problem: kind), strict: true) == status)
        #expect(
            RunStatus(report(.critical, problem: kind), strict: true) == (status == .unreadable ? status : .findings))
        #expect(RunStatus(report(nil, problem: kind)) == (status == .unreadable ? status : .clean))
    }

    @Test func `Not observable is partial only when strict`() {
        #expect(RunStatus(report(nil, hole: true)) == .clean)
        #expect(RunStatus(report(nil, hole: true), strict: true) == .partial)
    }

    @Test func `Waived findings do not fail a run`() {
        var waived = report(.critical)
        waived.findings[0].outcome = .waived
        #expect(RunStatus(waived) == .clean)
    }

    @Test func `System objects of a cluster count only on request`() {
        var cluster = Sample.cluster()
        cluster.findings.removeAll { !$0.isSystem }
        #expect(RunStatus(cluster) == .clean)
        #expect(RunStatus(cluster, countSystem: true) == .findings)
    }
}
