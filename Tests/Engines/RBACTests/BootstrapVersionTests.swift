import Documents
import Findings
import Kubernetes
import Testing

@testable import RBAC

/// What Kubernetes makes itself, version by version.
@Suite struct BootstrapVersionTests {
    @Test(arguments: 28...36)
    func everyVersionIsKnownAndItsOwnObjectsAreNoFindings(_ minor: Int) {
        let policy = BootstrapPolicy.of(minor: minor)
        #expect(policy.minor == minor)
        #expect(BootstrapPolicy.note(minor: minor) == nil)
        let inventory = Inventory(policy.objects)
        let evaluation = RBACEvaluation(
            inventory, isCluster: true, unlistedKinds: ["ServiceAccount"], minor: minor)
        let findings = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
        #expect(findings.filter { $0.outcome == .fail }.map { "\($0.rule.id) \($0.subject)" } == [])
    }

    private static func has(_ minor: Int, _ role: String, _ rule: String) -> Bool {
        BootstrapPolicy.of(minor: minor).rules(of: RoleReference(.clusterRole, role)).contains {
            $0.description == rule
        }
    }

    @Test(arguments: [
        // First version that has the rule, and the first that has it no more.
        ("system:kube-scheduler", "get, list, watch volumeattachments (storage.k8s.io)", 29, 99),
        ("system:controller:legacy-service-account-token-cleaner", "delete, patch secrets", 29, 99),
        ("system:controller:expand-controller", "get secrets", 28, 32),
        ("system:node", "get serviceaccounts", 34, 99),
        ("system:controller:device-taint-eviction-controller", "patch, update pods/status", 36, 99),
    ])
    func aRuleComesAndGoesWithItsVersions(_ role: String, _ rule: String, _ since: Int, _ until: Int) {
        for minor in 28...36 { #expect(Self.has(minor, role, rule) == (since..<until).contains(minor)) }
    }

    @Test func anUpgradedClusterKeepsTheRulesOfItsOlderVersions() {
        let inventory = Inventory(BootstrapPolicy.of(minor: 30).objects)
        let evaluation = RBACEvaluation(
            inventory, isCluster: true, unlistedKinds: ["ServiceAccount"], minor: 36)
        let findings = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
        #expect(findings.filter { $0.outcome == .fail }.map { "\($0.rule.id) \($0.subject)" } == [])
    }

    @Test func aRuleOfALaterVersionIsOneTooMany() {
        let inventory = Inventory(BootstrapPolicy.of(minor: 36).objects)
        let evaluation = RBACEvaluation(
            inventory, isCluster: true, unlistedKinds: ["ServiceAccount"], minor: 30)
        let findings = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
        #expect(findings.contains { $0.rule.id == "rbac/changed-default-role" })
    }

    @Test(arguments: [(27, 28), (40, 36)])
    func aVersionThatIsNotKnownIsSaid(_ minor: Int, _ used: Int) throws {
        #expect(BootstrapPolicy.of(minor: minor).minor == used)
        let note = try #require(BootstrapPolicy.note(minor: minor))
        #expect(note.contains("1.\(minor)") && note.contains("1.\(used)"))
    }

    @Test func theNewestKubeletTellsTheVersionWhereNobodyAskedTheServer() {
        let nodes = objects(
            """
            {apiVersion: v1, kind: Node, metadata: {name: a}, status: {nodeInfo: {kubeletVersion: v1.29.4}}}
            ---
            {apiVersion: v1, kind: Node, metadata: {name: b}, status: {nodeInfo: {kubeletVersion: v1.31.0+k3s1}}}
            """)
        #expect(BootstrapPolicy.minor(of: nodes) == 31)
        #expect(BootstrapPolicy.minor(of: []) == nil)
        #expect(RBACEvaluation(Inventory(nodes), isCluster: true).context.minor == 31)
    }
}
