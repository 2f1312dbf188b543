import Documents
import Findings
import Foundation
import Testing

@testable import Workloads

/// The ids that rules refer to are those of the catalogues in `MARTLET_CONFORMANCE`.
@Suite struct ReferenceTests {
    @Test(.enabled(if: ProbesTests.folder != nil)) func everyReferenceIsInItsCatalogue() throws {
        let posture = try #require(ProbesTests.folder).deletingLastPathComponent()
        func ids(_ file: String, _ list: String) throws -> Set<String> {
            let bytes = Array(try Data(contentsOf: posture.appendingPathComponent(file)))
            let set = DocumentReader.read(SourceText(name: file, bytes: bytes))
            let root = try #require(set.documents.first).root
            return Set(root[list].elements.compactMap { $0["id"].text })
        }
        let known: [RuleReference.Source: Set<String>] = [
            .cis: try ids("cis-kubernetes-2.0.1.yaml", "controls"),
            .nsa: try ids("compliance/nsa-cisa.yaml", "requirements"),
            .attack: try ids("compliance/mitre-attack-containers.yaml", "requirements"),
        ]
        for rule in WorkloadChecks.rules {
            for reference in rule.references {
                guard let catalogue = known[reference.source] else { continue }
                #expect(catalogue.contains(reference.id), "\(rule.id) refers to \(reference)")
            }
        }
    }
}
