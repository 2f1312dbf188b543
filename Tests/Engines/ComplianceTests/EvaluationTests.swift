import Documents
import Findings
import Kubernetes
import Testing

@testable import Compliance

/// A small world: some rules, some workloads, findings on them.
struct World {
    var rules = ["pod/host-port", "rbac/wildcard", "cis/1.2.1", "cis/1.2.20", "ingress/no-tls"].map(sampleRule)
    var findings: [(rule: String, outcome: Outcome, subject: String, isSystem: Bool)] = []
    var populations: [String: Int] = ["workloads": 3, "rights": 2]
    var isCluster = true
    var attestations: [Attestation] = []
    var history: EvidenceHistory?
    var observations: [FamilyObservation] = []
    var unlisted: Set<String> = []

    static let now = Moment(seconds: 1_790_000_000)

    static func workload(_ name: String) -> ObjectReference {
        ObjectReference(group: "apps", kind: "Deployment", namespace: "shop", name: name)
    }

    var facts: ComplianceFacts {
        var report = Report(
            target: "test", isCluster: isCluster, generatedAt: Self.now.description, version: "0", rules: rules)
        report.findings = findings.map { entry in
            var finding = Finding(
                rule: sampleRule(entry.rule), outcome: entry.outcome, subject: Self.workload(entry.subject),
                evidence: [], isSystem: entry.isSystem)
            if entry.outcome == .waived {
                finding.waiver = Waiver(
                    owner: "ada", reason: "old", expires: "2027-01-01", scope: .init(check: entry.rule),
                    place: "waivers.yaml:1:1")
            }
            return finding
        }
        return ComplianceFacts(
            report: report,
            populations: populations.mapValues { count in (0..<count).map { Self.workload("w\($0)") } },
            unlisted: unlisted, observations: observations, attestations: attestations, history: history, at: Self.now)
    }

    func outcome(_ checks: [String], evidence: [String] = [], reach: ControlReach = .strong) throws -> ControlOutcome {
        try result(checks, evidence: evidence, reach: reach).outcome
    }

    func result(
        _ checks: [String], evidence: [String] = [], reach: ControlReach = .strong, over period: Period? = nil
    ) throws -> ControlResult {
        let framework = ComplianceFramework(
            id: "f", title: "F",
            controls: [
                ComplianceControl(
                    id: "x", title: "X", reach: reach, evidence: evidence, checks: checks.map(CheckPattern.init))
            ])
        return try #require(ComplianceEvaluation(facts).report(framework, over: period).controls.first)
    }
}

@Suite struct EvaluationTests {
    @Test func nothingFoundIsAPassOnlyWhereSomethingWasAsked() throws {
        var world = World()
        #expect(try world.outcome(["pod/host-port"]) == .pass)
        world.populations = [:]
        #expect(try world.outcome(["pod/host-port"]) == .notApplicable)
        #expect(try world.outcome(["cis/1.2.1"]) == .notObservable)
        world.isCluster = false
        #expect(try world.outcome(["pod/host-port"]) == .notObservable)
    }

    @Test func aFailIsAFailAndAWaivedOneIsNoPass() throws {
        var world = World()
        world.findings = [("pod/host-port", .fail, "w0", false)]
        #expect(try world.outcome(["pod/host-port", "rbac/wildcard"]) == .fail)
        world.findings = [("pod/host-port", .waived, "w0", false)]
        #expect(try world.outcome(["pod/host-port", "rbac/wildcard"]) == .waived)
        #expect(try world.result(["pod/*"]).waived == [0])
    }

    @Test func whatWasNotSeenMakesItPartly() throws {
        var world = World()
        #expect(try world.outcome(["pod/host-port", "cis/1.2.1"]) == .partly)
        world.findings = [("pod/host-port", .notObservable, "w0", false)]
        #expect(try world.outcome(["pod/host-port"]) == .partly)
        world.populations["workloads"] = 1
        #expect(try world.outcome(["pod/host-port"]) == .notObservable)
        #expect(try world.result(["pod/host-port", "rbac/wildcard"]).coverage == 0.5)
    }

    @Test func whatCouldNotBeListedIsNeverWhole() throws {
        var world = World()
        world.unlisted = ["workloads"]
        #expect(try world.outcome(["pod/host-port"]) == .partly)
        world.populations = [:]
        #expect(try world.outcome(["pod/host-port"]) == .notObservable)
    }

    @Test func aPersonsJudgementStaysManual() throws {
        var world = World()
        world.populations["kube-apiserver"] = 1
        #expect(try world.outcome(["cis/1.2.20"]) == .manual)
        #expect(try world.outcome([], reach: .none) == .manual)
        #expect(try world.outcome([], evidence: ["incident"]) == .manual)
    }

    @Test func softwareOfTheProviderIsInherited() throws {
        var world = World()
        world.findings = [("pod/host-port", .fail, "kube-proxy", true)]
        #expect(try world.outcome(["pod/host-port"]) == .pass)
        #expect(try world.result(["pod/host-port"]).allChecks.first?.inherited == 1)
        world.isCluster = false
        #expect(try world.outcome(["pod/host-port"]) == .fail)
    }

    @Test func anAttestationFillsInForPeopleAndEnds() throws {
        var world = World()
        world.rules.append(sampleRule("rbac/dangling-role"))
        #expect(try world.outcome([], evidence: ["access-review"]) == .partly)
        let expires = try #require(CalendarDate("2026-12-31"))
        world.attestations = [
            Attestation(
                subject: "access-review", owner: "ada", statement: "reviewed", file: "r.pdf",
                sha256: String(repeating: "0", count: 64), date: Moment(seconds: World.now.seconds - 10),
                expires: expires, place: "")
        ]
        #expect(try world.outcome([], evidence: ["access-review"]) == .pass)
        world.attestations[0].expires = try #require(CalendarDate("2026-01-01"))
        #expect(try world.outcome([], evidence: ["access-review"]) == .partly)
    }

    @Test func anObservationStandsForWhatAFamilyNeeds() throws {
        var world = World()
        #expect(try world.outcome([], evidence: ["malware"]) == .notObservable)
        world.observations = [
            FamilyObservation(family: "malware", outcome: .pass, message: "no alert in 30 days", at: World.now)
        ]
        #expect(try world.outcome([], evidence: ["malware"]) == .pass)
    }

    @Test func aControlOfPartsIsWhatItsPartsAre() throws {
        var world = World()
        world.findings = [("rbac/wildcard", .fail, "w0", false)]
        let framework = ComplianceFramework(
            id: "f", title: "F",
            controls: [
                ComplianceControl(id: "both", title: "", reach: .strong, parts: ["a", "b"]),
                ComplianceControl(id: "a", title: "", reach: .strong, checks: [CheckPattern("pod/*")]),
                ComplianceControl(id: "b", title: "", reach: .strong, checks: [CheckPattern("rbac/*")]),
            ])
        let report = try ComplianceEvaluation(world.facts).report(framework)
        #expect(report.controls.map(\.outcome) == [.fail, .pass, .fail])
        #expect(report.controls.map(\.control.id) == ["both", "a", "b"])
    }

    @Test func aProofHoldsPopulationsSamplesAndCommandsThatQuote() throws {
        var world = World()
        world.populations["workloads"] = 20
        world.findings = [("pod/host-port", .fail, "w0", false)]
        let start = Moment(seconds: World.now.seconds - 864_000)
        world.history = EvidenceHistory(
            scans: (0..<10).map { .init(at: Moment(seconds: start.seconds + $0 * 86_400)) },
            changes: [
                .init(
                    at: Moment(seconds: start.seconds + 86_400), check: "pod/host-port", subject: "Deployment shop/w0",
                    outcome: .fail, actor: "ada")
            ])
        let period = try #require(Period(from: start, to: World.now))
        let framework = ComplianceFramework(
            id: "f", title: "F",
            controls: [ComplianceControl(id: "x", title: "", reach: .strong, checks: [CheckPattern("pod/*")])])
        let report = try ComplianceEvaluation(world.facts).report(framework, over: period)
        let proof = try #require(try report.proof(of: "x", over: period))
        #expect(proof.populations.map(\.members.count) == [20])
        #expect(proof.samples.count == 5)
        #expect(proof.changes.map(\.actor) == ["ada"])
        #expect(proof.states.seconds(.pass) == 86_400)
        #expect(proof.samples[0].commands[1] == "martlet scan --cluster --namespace shop --check pod/host-port")
        #expect(ComplianceReport.quoted("a'; rm -rf *") == "'a'\\''; rm -rf *'")
        #expect(try report.proof(of: "y", over: period) == nil)
    }
}
