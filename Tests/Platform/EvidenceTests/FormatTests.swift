import Compliance
import Documents
import Findings
import Foundation
import Testing

@testable import Evidence

@Suite struct FormatTests {
    @Test(arguments: ["soc2", "hipaa", "pci-dss", "cis", "attack"])
    func hostileNamesAreHarmlessEverywhere(_ framework: String) throws {
        let report = try SampleReport.make(framework, period: SampleReport.period())
        let html = ComplianceHTML(report).render()
        #expect(!html.contains("<script") && !html.contains("\u{202E}"))
        let csv = ComplianceTable(report).csv() + ComplianceTable(report).populations()
        for line in csv.split(separator: "\r\n") { #expect(!line.hasPrefix("=") && !line.contains(",=")) }
        let text = ComplianceText(report).render(details: true)
        #expect(!text.contains("\u{202E}") && !text.contains("\u{1B}"))
        let json = ComplianceJSON(report).render()
        let root = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(json.utf8)))
        #expect(root["controls"].count == report.controls.count)
        #expect(root["format"].string == "martlet-compliance/1")
        let sum = ControlOutcome.allCases.reduce(0) { $0 + (root["counts"][$1.rawValue].int ?? 0) }
        #expect(sum == report.controls.count)
    }

    @Test func aSecondRunGivesTheSameBytes() throws {
        let (a, b) = try (SampleReport.make(), SampleReport.make())
        for (one, other) in zip(EvidencePack.artefacts(of: a), EvidencePack.artefacts(of: b)) {
            #expect(one.name == other.name && one.bytes == other.bytes, "\(one.name)")
        }
    }

    @Test func aProofSaysWhatAnAuditorAsks() throws {
        let period = try SampleReport.period()
        let report = try SampleReport.make(hostile: false, period: period)
        let proof = try #require(try report.proof(of: "CC6.1", over: period))
        let text = ProofText(proof).render()
        for part in [
            "State over the period", "pod/host-port  Deployment shop/web  fail by ada", "Exceptions in force",
            "all workloads of the cluster example", "kubectl get deployment.apps web --namespace shop --output yaml",
            "The newest scan is 0 seconds old",
        ] { #expect(text.contains(part), "\(part)") }
    }

    // MARK: OSCAL

    /// Every rule of the format that our own text can break: patterns of tokens, UUIDs and lines, no empty list.
    @Test(arguments: ["soc2", "hipaa", "pci-dss"])
    func exchangeFilesKeepTheRulesOfTheFormat(_ framework: String) throws {
        let report = try SampleReport.make(framework)
        for text in [OSCAL(report).assessmentResults(), OSCAL(report).planOfAction()] {
            let root = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))
            var seen: Set<String> = []
            var named: Set<String> = []
            check(root, "", &seen, &named)
            for reference in named { #expect(seen.contains(reference), "nothing has the UUID \(reference)") }
        }
        let ids = report.controls.map { OSCAL.name("\(framework)-\($0.control.id)") }
        #expect(Set(ids).count == ids.count)
    }

    private func check(_ node: Node, _ key: String, _ seen: inout Set<String>, _ named: inout Set<String>) {
        if node.isArray {
            #expect(!node.isEmpty, "\(node.path) is empty")
            for element in node.elements { check(element, key, &seen, &named) }
        }
        for member in node.members { check(member.value, member.key, &seen, &named) }
        guard let text = node.string else { return }
        switch key {
        case "uuid":
            #expect(text.wholeMatch(of: #/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/#) != nil)
            seen.insert(text)
        case "observation-uuid", "risk-uuid": named.insert(text)
        case "control-id", "target-id", "reason": #expect(text.wholeMatch(of: #/[_a-z][-._a-z0-9]*/#) != nil, "\(text)")
        case "title": #expect(!text.isEmpty && !text.contains("\n"))
        case "value": #expect(text.wholeMatch(of: #/\S(.*\S)?/#) != nil)
        case "start", "end", "collected", "last-modified", "deadline": #expect(Moment(text) != nil)
        default: break
        }
    }

    /// The models of compliance-trestle come from the official JSON schemas.
    @Test func complianceTrestleReadsTheExchangeFiles() throws {
        guard let python = ProcessInfo.processInfo.environment["MARTLET_TRESTLE_PYTHON"] else {
            print("skipped: MARTLET_TRESTLE_PYTHON names no python with compliance-trestle")
            return
        }
        try SampleReport.inFolder { folder in
            let report = try SampleReport.make("hipaa", period: SampleReport.period())
            try Data(OSCAL(report).assessmentResults().utf8).write(to: URL(filePath: "\(folder)/ar.json"))
            try Data(OSCAL(report).planOfAction().utf8).write(to: URL(filePath: "\(folder)/poam.json"))
            let script = """
                import sys, pathlib
                from trestle.oscal.assessment_results import AssessmentResults
                from trestle.oscal.poam import PlanOfActionAndMilestones
                folder = pathlib.Path(sys.argv[1])
                results = AssessmentResults.oscal_read(folder / 'ar.json')
                plan = PlanOfActionAndMilestones.oscal_read(folder / 'poam.json')
                print(len(results.results[0].findings), len(plan.poam_items))
                """
            let run = try #require(try SampleReport.run(python, ["-c", script, folder]))
            #expect(run.status == 0, "\(run.output)")
            #expect(run.output.hasSuffix("48 2\n"), "\(run.output)")
        }
    }
}
