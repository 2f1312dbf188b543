import Documents
import Findings
import Kubernetes
import Testing

@testable import Workloads

@Suite struct WorkloadChecksTests {
    @Test(arguments: Example.all) func everyFindingHasItsMark(_ example: Example) throws { try example.verify() }

    @Test(arguments: WorkloadChecks.rules.map(\.id))
    func everyCheckHasAFailingAndAPassingExample(_ id: String) {
        #expect(Example.all.contains { $0.check == id && $0.fails }, "no failing example")
        #expect(Example.all.contains { $0.check == id && !$0.fails }, "no passing example")
    }

    @Test func noExampleIsOfACheckThatIsNotInTheTables() {
        let ids = Set(WorkloadChecks.rules.map(\.id))
        #expect(Example.all.filter { !ids.contains($0.check) }.map(\.check) == [])
    }

    @Test func everyIdIsUsedOnceAndEveryRuleSaysWhatToDo() {
        var seen: Set<String> = []
        for rule in WorkloadChecks.rules {
            #expect(seen.insert(rule.id).inserted, "\(rule.id) twice")
            #expect(rule.id.wholeMatch(of: /[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*/) != nil, "\(rule.id)")
            for text in [rule.title, rule.why, rule.remedy] { #expect(text.count > 10, "\(rule.id)") }
            #expect(!rule.title.hasSuffix("."), "\(rule.id)")
        }
    }

    @Test(arguments: Example.all.filter(\.fails))
    func aFixClosesItsFinding(_ example: Example) throws {
        var inventory = try Example.inventory(Example.cut(example.text).plain)
        let evaluation = WorkloadEvaluation(inventory, options: example.options)
        let findings = evaluation.results().findings.filter { $0.rule.id == example.check }
        var isFixed = false
        for key in inventory.keys {
            guard let object = inventory[key] else { continue }
            for finding in findings where finding.subject == object.reference {
                let patch = evaluation.fix(finding, in: object)
                guard patch.operations.count == finding.evidence.count else { continue }
                let changed = try #require(patch.applied(to: object.node))
                let mended = try #require(KubernetesObject(changed))
                inventory.replace(key, with: object.apiVersion == mended.apiVersion ? object.with(changed) : mended)
                isFixed = true
            }
        }
        guard isFixed else { return }
        let left = WorkloadEvaluation(inventory, options: example.options).results().findings
        #expect(left.filter { $0.rule.id == example.check && $0.outcome == .fail }.isEmpty)
    }
}
