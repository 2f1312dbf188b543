import Documents
import Findings
import Kubernetes
import Testing

private let today = CalendarDate("2026-11-23")

private func source(_ text: String, name: String = "waivers.yaml") -> SourceText {
    SourceText(name: name, bytes: Array(text.utf8))
}

@Suite struct WaiverFileTests {
    @Test func `A whole waiver is read, with its place`() throws {
        let today = try #require(today)
        let (waivers, problems) = WaiverFile.read(
            source(
                """
                waivers:
                - check: [pod/host-port, pod/host-network]
                  owner: payments team
                  reason: the old balancer knows only node ports
                  approver: security board
                  expires: 2027-03-31
                  match: {kind: DaemonSet, namespace: shop, name: "edge-*", labels: {app: edge}, path: "spec.*"}
                """), today: today)
        #expect(problems.isEmpty)
        #expect(waivers.map(\.scope.check) == ["pod/host-port", "pod/host-network"])
        let first = try #require(waivers.first)
        #expect(first.owner == "payments team")
        #expect(first.approver == "security board")
        #expect(first.expires == "2027-03-31")
        #expect(first.place == "waivers.yaml:2:3")
        #expect(first.scope.name == "edge-*")
        #expect(first.scope.labels?.matches(["app": "edge", "x": "y"]) == true)
    }

    @Test(arguments: [
        ("owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {kind: Pod}", "\"check\""),
        ("check: pod/x\n  reason: b\n  expires: 2027-01-01\n  match: {kind: Pod}", "\"owner\""),
        ("check: pod/x\n  owner: \" \"\n  reason: b\n  expires: 2027-01-01\n  match: {kind: Pod}", "\"owner\""),
        ("check: pod/x\n  owner: a\n  expires: 2027-01-01\n  match: {kind: Pod}", "\"reason\""),
        ("check: pod/x\n  owner: a\n  reason: b\n  match: {kind: Pod}", "\"expires\""),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01", "\"match\""),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {}", "covers everything"),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {name: \"*\"}", "covers everything"),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {name: \"\"}", "not empty"),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {namepace: shop}", "\"namepace\""),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: soon\n  match: {kind: Pod}", "\"soon\""),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-02-29\n  match: {kind: Pod}", "no date"),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-11-24\n  match: {kind: Pod}", "more than a year"),
        ("check: pod/x\n  owner: a\n  reason: b\n  expires: 2027-01-01\n  match: {labels: {a: [b]}}", "labels"),
        ("check: pod/x\n  owner: [a]\n  reason: b\n  expires: 2027-01-01\n  match: {kind: Pod}", "expected text"),
    ])
    func `A waiver that lacks something is refused with its place`(entry: String, says: String) throws {
        let today = try #require(today)
        let (waivers, problems) = WaiverFile.read(source("waivers:\n- \(entry)\n"), today: today)
        #expect(waivers.isEmpty)
        let problem = try #require(problems.first)
        #expect(problem.kind == .invalid)
        #expect(problem.message.contains(says), "\(problem.message)")
        #expect(problem.location?.file == "waivers.yaml")
        #expect((problem.location?.line ?? 0) >= 2)
    }

    @Test func `One wrong entry leaves the others`() throws {
        let today = try #require(today)
        let (waivers, problems) = WaiverFile.read(
            source(
                """
                waivers:
                - {check: pod/a, owner: o, reason: r, expires: 2027-01-01, match: {kind: Pod}}
                - {check: pod/b}
                - {check: pod/c, owner: o, reason: r, expires: 2027-11-23, match: {kind: Pod}}
                """), today: today)
        #expect(waivers.map(\.scope.check) == ["pod/a", "pod/c"])
        #expect(Set(problems.compactMap(\.location?.line)) == [3])
    }

    @Test(arguments: ["waivers: {}", "[]", "waiver: []", "waivers:\n- pod/x\n"])
    func `A file of another shape is refused`(text: String) throws {
        let today = try #require(today)
        let (waivers, problems) = WaiverFile.read(source(text), today: today)
        #expect(waivers.isEmpty)
        #expect(!problems.isEmpty)
    }

    @Test func `A file that cannot be parsed says where`() throws {
        let today = try #require(today)
        let (waivers, problems) = WaiverFile.read(source("waivers:\n- check: \"pod\n"), today: today)
        #expect(waivers.isEmpty)
        #expect(problems.first?.location?.file == "waivers.yaml")
    }
}

@Suite struct WaiverAnnotationTests {
    private func read(_ annotations: String) throws -> (waivers: [Waiver], problems: [Problem]) {
        let today = try #require(today)
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: api
              namespace: shop
              annotations:
            \(annotations)
            """
        let node = DocumentReader.read(source(text, name: "api.yaml")).documents[0].root
        return WaiverAnnotation.read(from: try #require(KubernetesObject(node)), today: today)
    }

    @Test func `What kubectl annotate writes is read`() throws {
        let (waivers, problems) = try read(
            "    martlet.dev/waive: 'pod/host-port,pod/host-pid owner=\"payments team\" expires=2027-03-31 reason=\"a; b\"'"
        )
        #expect(problems.isEmpty)
        #expect(waivers.map(\.scope.check) == ["pod/host-port", "pod/host-pid"])
        let first = try #require(waivers.first)
        #expect(first.owner == "payments team")
        #expect(first.reason == "a; b")
        #expect(first.place == "api.yaml:7:24")
        #expect(first.scope.kind == "Deployment")
        #expect(first.scope.namespace == "shop")
        #expect(first.scope.name == "api")
        #expect(first.scope.file == "api.yaml")
    }

    @Test func `Several waivers stand in one annotation or in several`() throws {
        let (waivers, problems) = try read(
            """
                martlet.dev/waive: pod/a owner=o reason=r expires=2027-01-01; pod/b owner=o reason=r expires=2027-01-01
                martlet.dev/waive-ports: pod/c owner=o reason=r expires=2027-01-01 path=spec.template.spec.containers[0]
                martlet.dev/waiver: nothing of ours
            """)
        #expect(problems.isEmpty)
        #expect(waivers.map(\.scope.check) == ["pod/a", "pod/b", "pod/c"])
        #expect(waivers.last?.scope.path == "spec.template.spec.containers[0]")
    }

    @Test(arguments: [
        ("pod/x", "owner="), ("owner=o reason=r expires=2027-01-01", "check"), ("''", "empty"),
        ("pod/x owner=o expires=2027-01-01", "reason="), ("pod/x owner=o reason=r", "expires="),
        ("pod/x owner=o reason=two words expires=2027-01-01", "quotes"),
        ("pod/x owner=o reason=r expires=2028-01-01", "more than a year"),
        ("pod/x owner=o owner=p reason=r expires=2027-01-01", "twice"),
        ("pod/x owner=o reason=r until=2027-01-01", "until"),
        ("'pod/x owner=\"o reason=r'", "quote"),
    ])
    func `An annotation that lacks something is refused`(value: String, says: String) throws {
        let (waivers, problems) = try read("    martlet.dev/waive: \(value)")
        #expect(waivers.isEmpty)
        #expect(problems.count == 1)
        #expect(problems.first?.message.contains(says) == true, "\(problems)")
        #expect(problems.first?.location?.line == 7)
    }
}

@Suite struct WaiverSetTests {
    private func waiver(
        _ check: String = "pod/host-port", expires: String = "2027-01-01", namespace: String? = "shop",
        name: String? = nil, labels: LabelSelector? = nil, path: String? = nil, file: String? = nil
    ) -> Waiver {
        Waiver(
            owner: "o", reason: "r", expires: expires,
            scope: Waiver.Scope(
                check: check, namespace: namespace, name: name, labels: labels, path: path, file: file), place: "w:1:1")
    }

    private func applied(_ waivers: [Waiver], labels: [String: String] = [:]) throws -> Report {
        var report = Sample.files()
        WaiverSet(waivers).apply(to: &report, today: try #require(today)) { _ in labels }
        return report
    }

    private func outcomes(_ report: Report, _ check: String = "pod/host-port") -> [String] {
        report.findings.filter { $0.rule.id == check && $0.subject.name == "api" }
            .map { "\($0.outcome) \($0.evidence.count)" }
    }

    @Test func `A waived finding stays in the report and is no pass`() throws {
        let before = Sample.files().coverage
        let report = try applied([waiver()])
        #expect(outcomes(report) == ["waived 2"])
        #expect(report.coverage.waived == before.waived + 1)
        #expect(report.coverage.failed == before.failed - 1)
        #expect(report.coverage.passed == before.passed)
        #expect(report.waiverNotes == Sample.files().waiverNotes)
        let kept = report.findings.first { $0.rule.id == "pod/host-port" && $0.subject.name == "api" }
        #expect(kept?.waiver?.owner == "o")
    }

    @Test func `A waiver of a path leaves the other places failing`() throws {
        let report = try applied([waiver(path: "spec.template.spec.containers[*].ports[0]")])
        #expect(outcomes(report) == ["fail 1", "waived 1"])
        #expect(report.coverage.failed == Sample.files().coverage.failed)
        #expect(report.failures.filter { $0.rule.id == "pod/host-port" }.first?.evidence.first?.value == "9090")
    }

    @Test(arguments: [
        ("spec.template.spec.containers[0].ports", true), ("spec.template.spec.containers[0].port", false),
        ("spec.template.spec.containers[1]", false), ("spec", true), ("*.hostPort", true), ("*[0].hostPort", false),
    ])
    func `A path covers the field and all below it`(path: String, covers: Bool) throws {
        let report = try applied([waiver(path: path)])
        let isWhole = outcomes(report) == ["waived 2"]
        #expect(isWhole == covers)
    }

    @Test func `A waiver of something else waives nothing and says so`() throws {
        let report = try applied([
            waiver(namespace: "other"), waiver("pod/host-p"), waiver(name: "ap"), waiver(file: "elsewhere/*"),
            waiver(labels: LabelSelector(matchLabels: ["app": "web"])),
        ])
        #expect(outcomes(report) == ["fail 2"])
        #expect(report.waiverNotes.count == Sample.files().waiverNotes.count + 5)
        #expect(report.waiverNotes.contains { $0.contains("names no check of this run") })
        #expect(report.waiverNotes.contains { $0.contains("matched nothing") })
    }

    @Test(arguments: [("pod/*", "*hop", "a*i"), ("*", "shop", "api"), ("pod/host-*", "s*o*p", nil as String?)])
    func `A star stands for any run of characters`(check: String, namespace: String, name: String?) throws {
        let report = try applied([waiver(check, namespace: namespace, name: name)])
        #expect(outcomes(report) == ["waived 2"])
    }

    @Test func `Labels decide where a waiver selects by them`() throws {
        let selector = LabelSelector(matchLabels: ["app": "api"])
        #expect(outcomes(try applied([waiver(labels: selector)], labels: ["app": "api"])) == ["waived 2"])
        #expect(outcomes(try applied([waiver(labels: selector)], labels: ["app": "web"])) == ["fail 2"])
    }

    @Test(arguments: [("2026-11-23", true), ("2026-11-22", false)])
    func `The last day counts, the next does not`(expires: String, holds: Bool) throws {
        let report = try applied([waiver(expires: expires)])
        #expect(outcomes(report) == [holds ? "waived 2" : "fail 2"])
        #expect(report.waiverNotes.contains { $0.contains("expired on 2026-11-22") } == !holds)
    }

    @Test func `An expired waiver does not hide a valid one`() throws {
        let report = try applied([waiver(expires: "2026-01-01"), waiver()])
        #expect(outcomes(report) == ["waived 2"])
        #expect(report.waiverNotes.contains { $0.contains("2 places of it fail again") || $0.contains("expired") })
    }

    @Test func `What could not be known is not waived`() throws {
        let report = try applied([waiver("pod/run-as-root")])
        #expect(report.findings.contains { $0.outcome == .notObservable })
    }
}

@Suite struct CalendarDateTests {
    @Test(arguments: [
        "2027-2-3", "2027-13-01", "2027-02-30", "2023-02-29", "0000-01-01", "27-01-01", "2027/01/01", "", "2027-01-0a",
    ])
    func `What is no date is none`(text: String) { #expect(CalendarDate(text) == nil) }

    @Test func `A leap day has a year of its own`() {
        #expect(CalendarDate("2028-02-29")?.inOneYear.description == "2029-02-28")
        #expect(CalendarDate("2027-03-01")?.inOneYear.description == "2028-03-01")
    }

    @Test(arguments: [
        ("1970-01-01", 0), ("2000-03-01", 11017), ("2026-11-23", 20780), ("1969-12-31", -1), ("2024-02-29", 19782),
    ])
    func `Days are counted from 1970`(text: String, days: Int) {
        #expect(CalendarDate(text)?.daysSinceEpoch == days)
    }
}
