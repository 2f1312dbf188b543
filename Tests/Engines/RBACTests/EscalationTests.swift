import Kubernetes
import Testing

@testable import RBAC

@Suite struct EscalationTests {
    /// A deployer may create pods in ops, where an account may do everything.
    private static let cluster = objects(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: everything}
        rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: operator}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: everything}
        subjects: [{kind: ServiceAccount, name: operator, namespace: ops}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: deploy, namespace: ops}
        rules: [{apiGroups: [apps], resources: [deployments], verbs: [create]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: deployers, namespace: ops}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deploy}
        subjects: [{kind: User, name: dana}, {kind: User, name: erik}]
        """)

    @Test func aPathLeadsThroughTheAccountsOfANamespace() throws {
        let paths = EscalationGraph(AccessModel(Self.cluster)).shortestPaths(to: .clusterAdmin)
        #expect(paths.map(\.subject.description) == ["ServiceAccount ops/operator", "User dana", "User erik"])
        let path = try #require(paths.first { $0.subject.name == "dana" })
        #expect(path.steps.map(\.edge.id) == ["workload-create", "wildcard-all"])
        #expect(path.steps.first?.becomes == Subject(.serviceAccount, namespace: "ops", "operator"))
        #expect(path.steps.first?.grants.map(\.binding.name) == ["deployers"])
    }

    @Test func cuttingABindingIsCountedByComputingAgain() {
        let cuts = EscalationGraph(AccessModel(Self.cluster)).cuts(to: .clusterAdmin)
        #expect(cuts.map(\.binding.name) == ["operator", "deployers"])
        #expect(cuts.map(\.cut) == [3, 2])
    }

    @Test func aRightInAnotherNamespaceLeadsNowhere() {
        let other = Self.cluster.filter { $0.name != "operator" }
        #expect(EscalationGraph(AccessModel(other)).shortestPaths(to: .clusterAdmin).isEmpty)
    }

    @Test func everyEdgeOfTheCatalogueIsRead() {
        let edges = EscalationEdge.all
        #expect(edges.count == 151)
        #expect(Set(edges.map(\.id)).count == 151)
        for edge in edges where !edge.needsRights { #expect(edge.condition != nil, "\(edge.id)") }
    }

    @Test func versionsBoundWhatWorks() throws {
        let edge = try #require(EscalationEdge.all.first { $0.id == "pod-exec-get" })
        #expect(edge.applies(toMinor: 34) && !edge.applies(toMinor: 35))
    }
}
