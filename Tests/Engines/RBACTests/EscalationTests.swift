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

    private static func user(_ name: String) -> EscalationActor { .subject(Subject(.user, name)) }

    @Test func aPathLeadsThroughTheAccountsOfANamespace() throws {
        let paths = EscalationGraph(AccessModel(Self.cluster)).shortestPaths(to: .clusterAdmin)
        #expect(paths.map(\.start.description) == ["ServiceAccount ops/operator", "User dana", "User erik"])
        let path = try #require(paths.first { $0.start == Self.user("dana") })
        #expect(path.steps.map { $0.ways[0].id } == ["workload-create", "wildcard-all"])
        #expect(path.steps.first?.becomes == .subject(Subject(.serviceAccount, namespace: "ops", "operator")))
        #expect(path.steps.first?.ways[0].grants.map(\.binding.name) == ["deployers"])
    }

    @Test func cuttingABindingIsCountedByComputingAgain() throws {
        let cuts = EscalationCuts(EscalationGraph(AccessModel(Self.cluster)), to: .clusterAdmin)
        let singles = cuts.singles()
        #expect(
            singles.map(\.changes[0].description) == [
                "remove ClusterRoleBinding operator", "remove rules[0] of ClusterRole everything",
                "remove RoleBinding ops/deployers", "remove rules[0] of Role ops/deploy",
            ])
        #expect(singles.map(\.starts.cut) == [3, 3, 2, 2])
        #expect(singles.map(\.paths.of) == [3, 3, 3, 3])
        let set = try #require(cuts.set())
        #expect(set.changes.count == 1 && set.paths == (3, 3) && set.isFewest)
    }

    @Test func aRightGivenTwiceIsCutBySeveralChangesOnly() throws {
        let twice =
            Self.cluster
            + objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: everything-too}
                rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: operator-too}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: everything-too}
                subjects: [{kind: ServiceAccount, name: operator, namespace: ops}]
                """)
        let cuts = EscalationCuts(EscalationGraph(AccessModel(twice)), to: .clusterAdmin)
        #expect(cuts.singles().map(\.paths.cut) == [2, 2])
        let set = try #require(cuts.set())
        #expect(set.paths == (3, 3) && set.changes.count == 2 && set.isFewest)
    }

    // MARK: Workloads

    private static let running = objects(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: agent-1, namespace: infra, ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, \
        name: agent, uid: d1, controller: true}]}
        spec: {nodeName: n1, serviceAccountName: agent, hostPID: true, containers: [{name: c, image: i, \
        securityContext: {privileged: true}}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: operator-1, namespace: ops}
        spec: {nodeName: n1, serviceAccountName: operator, containers: [{name: c, image: i}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web-1, namespace: infra}
        spec: {nodeName: n2, serviceAccountName: web, containers: [{name: c, image: i}]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: debug, namespace: infra}
        rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: debuggers, namespace: infra}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: debug}
        subjects: [{kind: User, name: dora}]
        """)

    private static func graph(_ objects: [KubernetesObject]) -> EscalationGraph {
        EscalationGraph(AccessModel(objects), workloads: WorkloadMap(objects))
    }

    @Test func aPodTheNodeAndTheTokensOnItAreStepsOfOnePath() throws {
        let graph = Self.graph(Self.cluster + Self.running)
        let path = try #require(graph.shortestPaths(to: .clusterAdmin).first { $0.start == Self.user("dora") })
        #expect(
            path.steps.map { "\($0.ways[0].id) \($0.becomes?.description ?? "goal")" } == [
                "pod-exec DaemonSet infra/agent", "CE-privileged node n1",
                "tokens-of-pods-on-node ServiceAccount ops/operator", "wildcard-all goal",
            ])
        #expect(path.steps[1].ways[0].field?.path.description == "spec.containers[0].securityContext.privileged")
    }

    @Test func confiningTheWorkloadCutsThePathAcrossTheNode() {
        let graph = Self.graph(Self.cluster + Self.running)
        let singles = EscalationCuts(graph, to: .node).singles()
        #expect(
            singles.contains {
                $0.changes == [
                    .confine(ObjectReference(group: "apps", kind: "DaemonSet", namespace: "infra", name: "agent"))
                ]
            })
    }

    @Test func whoeverEntersRunningPodsTakesTheirAccountsAndNoOthers() {
        let graph = Self.graph(Self.cluster + Self.running.filter { $0.name != "agent-1" })
        #expect(!graph.shortestPaths(to: .clusterAdmin).contains { $0.start == Self.user("dora") })
        #expect(graph.shortestPaths(to: .accounts).contains { $0.start == Self.user("dora") })
    }

    @Test func aNamespaceThatEnforcesBaselineKeepsPodsOffTheNode() {
        let maker = objects(
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata: {name: make, namespace: shop}
            rules: [{apiGroups: [""], resources: [pods], verbs: [create]}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: makers, namespace: shop}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: make}
            subjects: [{kind: User, name: mia}]
            """)
        let space = objects(
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}"
        )
        #expect(Self.graph(maker).count(reaching: .node) == 1)
        #expect(Self.graph(maker + space).count(reaching: .node) == 0)
    }

    @Test func everyMinimalPathIsFoundAndNoneHasAStepTooMany() {
        let graph = Self.graph(
            Self.cluster
                + objects(
                    """
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: ClusterRole
                    metadata: {name: act}
                    rules: [{apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [dana]}]
                    ---
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: Role
                    metadata: {name: mint, namespace: mid}
                    rules: [{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}]
                    ---
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: RoleBinding
                    metadata: {name: mint, namespace: mid}
                    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mint}
                    subjects: [{kind: User, name: max}]
                    ---
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: RoleBinding
                    metadata: {name: far, namespace: ops}
                    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deploy}
                    subjects: [{kind: ServiceAccount, name: one, namespace: mid}, {kind: ServiceAccount, name: two, namespace: mid}]
                    """))
        let (paths, limit) = graph.minimalPaths(from: Self.user("max"), to: .clusterAdmin)
        #expect(limit == nil)
        #expect(
            paths.map { $0.steps.map { $0.becomes?.description ?? "goal" } } == [
                ["ServiceAccount mid/one", "ServiceAccount ops/operator", "goal"],
                ["ServiceAccount mid/two", "ServiceAccount ops/operator", "goal"],
            ])
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
