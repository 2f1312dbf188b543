import Compliance
import Documents
import Findings
import Kubernetes
import Testing

@testable import Posture

@Suite struct ComplianceFactsTests {
    @Test func everyPatternNamesAnExistingCheck() {
        let benchmark = Set(ComplianceCatalogue.builtIn.framework("cis")?.controls.map { "cis:\($0.id)" } ?? [])
        for family in ComplianceCatalogue.builtIn.families {
            for pattern in family.checks {
                #expect(PostureScan.allRules.contains(where: pattern.matches), "\(family.id): \(pattern)")
            }
        }
        for framework in ComplianceCatalogue.builtIn.frameworks {
            for control in framework.controls {
                for pattern in control.checks where !benchmark.contains(pattern.text) {
                    #expect(PostureScan.allRules.contains(where: pattern.matches), "\(control.id): \(pattern)")
                }
            }
        }
    }

    @Test func everyCheckHasAPopulation() {
        for rule in PostureScan.allRules {
            #expect(ComplianceCatalogue.builtIn.population(of: rule.id) != nil, "\(rule.id)")
        }
    }

    private static func facts(_ inventory: Inventory, cluster: String = "") async throws -> ComplianceFacts {
        var scan = PostureScan(
            inventory, options: ScanOptions(workloads: .init(includesReliability: true), cluster: cluster))
        await scan.evaluateAll()
        let report = scan.takeReport(target: "test", generatedAt: "2026-11-23T00:00:00Z", version: "0")
        return ComplianceFacts(report, inventory: inventory, at: try #require(Moment("2026-11-23T00:00:00Z")))
    }

    @Test func aCarelessShopFailsWhereItIsCareless() async throws {
        let facts = try await Self.facts(RiskShop.inventory())
        #expect(facts.populations["workloads"]?.map(\.name) == ["web", "worker"])
        #expect(facts.populations["rights"]?.count == 2)
        let framework = try #require(ComplianceCatalogue.builtIn.framework("pci-dss"))
        let report = try ComplianceEvaluation(facts).report(framework)
        func outcome(_ id: String) -> ControlOutcome? { report.controls.first { $0.control.id == id }?.outcome }
        #expect(outcome("7.2.2") == .fail)
        #expect(outcome("10.2.1") == .notObservable)
        #expect(report.controls.count == 94)
        #expect(report.count(.pass) + report.count(.fail) < 94)
    }

    @Test func aLiveControlPlaneIsAPopulation() async throws {
        let pods = [
            ("kube-apiserver", KubeadmCluster.server), ("kube-controller-manager", KubeadmCluster.manager),
            ("kube-scheduler", KubeadmCluster.scheduler), ("etcd", KubeadmCluster.etcd),
        ].map { KubeadmCluster().staticPod($0, $1) }
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(pods.joined(separator: "\n---\n").utf8)))
        let inventory = Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects })
        let populations = ComplianceFacts.populations(inventory)
        for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            #expect(populations[component]?.isEmpty == false, "\(component)")
        }
    }

    /// A folder without anything in it passes nothing.
    @Test func nothingSeenIsNothingPassed() async throws {
        let facts = try await Self.facts(Inventory())
        for framework in ComplianceCatalogue.builtIn.frameworks {
            let report = try ComplianceEvaluation(facts).report(framework)
            let passing = report.controls.filter { $0.outcome == .pass && !$0.allChecks.isEmpty }
            #expect(passing.isEmpty, "\(framework.id): \(passing.map(\.control.id))")
        }
    }
}
