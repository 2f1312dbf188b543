import Documents
import Findings
import Kubernetes
import Testing

@testable import Workloads

/// Evaluating what a watch event touched gives what evaluating everything gives.
@Suite struct IncrementalTests {
    private func object(_ text: String) throws -> KubernetesObject {
        try #require(try Example.objects(text, file: "").first)
    }

    private func pod(_ image: String, owner: String = "") throws -> KubernetesObject {
        try object(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: web-a, namespace: shop, uid: p\(owner)}
            spec: {containers: [{name: app, image: \(image)}]}
            """)
    }

    private func deployment(_ image: String) throws -> KubernetesObject {
        try object(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: shop, uid: d}
            spec:
              selector: {matchLabels: {app: web}}
              template: {spec: {containers: [{name: app, image: "\(image)"}]}}
            """)
    }

    private func ownedPod(_ image: String) throws -> KubernetesObject {
        try pod(
            image,
            owner: ", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d, controller: true}]")
    }

    @Test func everyEventLeavesTheResultsOfAFullRun() throws {
        let account = try object(
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: default, namespace: shop}
            automountServiceAccountToken: false
            """)
        let events: [Inventory.Event] = [
            .added(try pod("app:1")), .added(try deployment("web:1")), .modified(try ownedPod("web:1")),
            .added(account), .modified(try deployment("web")), .modified(try ownedPod("other")),
            .deleted(account), .deleted(try deployment("web")), .deleted(try ownedPod("other")),
        ]
        var inventory = Inventory()
        var known: [OwnerIdentity: OwnerResult] = [:]
        for event in events {
            let before = inventory
            let touched = inventory.apply(event)
            let evaluation = WorkloadEvaluation(inventory)
            for result in evaluation.owners(of: touched, before: before) { known[result.owner] = result }
            let left = known.values.flatMap(\.findings).sorted(by: Finding.areInOrder)
            #expect(left.map(Self.line) == evaluation.results().findings.map(Self.line))
        }
        #expect(known.values.allSatisfy { $0.findings.isEmpty })
    }

    @Test func theOrderOfObjectsDoesNotMatter() throws {
        let objects = try [deployment("web"), ownedPod("other"), pod("app:1")]
        let forward = WorkloadEvaluation(Inventory(objects.prefix(2))).results().findings.map(Self.line)
        let backward = WorkloadEvaluation(Inventory(objects.prefix(2).reversed())).results().findings.map(Self.line)
        #expect(forward == backward)
        #expect(!forward.isEmpty)
    }

    @Test func oneObjectAloneIsEvaluatedWithoutAnInventory() throws {
        let evaluation = WorkloadEvaluation(Inventory())
        let found = evaluation.findings(on: try deployment("web")).map(\.rule.id)
        #expect(found.contains("image/mutable-tag"))
    }

    private static func line(_ finding: Finding) -> String {
        "\(finding.subject) \(finding.rule.id) \(finding.outcome) "
            + finding.evidence.map(\.message).joined(separator: ";")
    }
}
