import Findings
import Kubernetes
import Testing

@testable import Posture

/// Fixes of roles and bindings, proposed and proven by the planner.
@Suite struct RightsFixTests {
    static let cases: [(String, String, Bool)] = [
        (
            "rbac/anonymous-bound",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: open}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            subjects: [{kind: User, name: eve}, {kind: Group, name: "system:unauthenticated"}, {kind: User, name: "system:anonymous"}]
            """, false
        ),
        (
            "rbac/masters-group-bound",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: masters}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            subjects: [{kind: Group, name: "system:masters"}, {kind: User, name: eve}]
            """, false
        ),
        (
            "rbac/dangling-subject",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: gone}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            subjects: [{kind: ServiceAccount, name: a, namespace: x}, {kind: User, name: eve}, {kind: ServiceAccount, name: b, namespace: x}]
            """, true
        ),
        (
            "rbac/changed-default-binding",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: cluster-admin}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
            subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:masters"}, {kind: User, name: eve}]
            """, false
        ),
        (
            "rbac/changed-default-role",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: "system:basic-user"}
            rules:
            - {apiGroups: [""], resources: [secrets], verbs: [get]}
            - {apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews, selfsubjectrulesreviews], verbs: [create]}
            """, false
        ),
        (
            "rbac/shadowed-rule",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: twice}
            rules:
            - {apiGroups: [""], resources: [pods, services], verbs: [get]}
            - {apiGroups: [""], resources: [pods], verbs: [get]}
            """, false
        ),
    ]

    @Test(arguments: cases)
    func everyFixPassesTheCheckItFixesAndOpensNothing(_ id: String, _ text: String, _ isCluster: Bool) throws {
        let planner = FixPlanner(engines: Inventory(objects(text)), isCluster: isCluster)
        let fix = try #require(planner.fixes { $0 == id }.first)
        #expect(fix.refused.isEmpty && fix.opened.isEmpty)
        #expect(fix.closed.map(\.rule.id).contains(id))
        let again = FixPlanner(engines: Inventory([fix.patched]), isCluster: isCluster)
        let key = try #require(again.inventory.keys.first)
        #expect(!again.findings(on: key).contains { $0.rule.id == id && $0.outcome == .fail })
    }

    @Test func aBindingToAnotherRoleThanItComesWithIsLeftToAPerson() throws {
        let text = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: "system:basic-user"}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
            subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:authenticated"}]
            """
        let planner = FixPlanner(engines: Inventory(objects(text)))
        for fix in planner.fixes(answering: { $0 == "rbac/changed-default-binding" }) {
            #expect(!fix.steps.contains { $0.operation.path.description.hasPrefix("roleRef") })
        }
    }

    @Test func aScanThatFollowedABindingSaysWhatAFreshOneSays() async throws {
        let all = objects(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop}
            spec: {serviceAccountName: web, containers: [{name: c, image: i}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: api, namespace: shop}
            spec: {serviceAccountName: api, containers: [{name: c, image: i}]}
            """)
        var scan = PostureScan(Inventory(all), options: ScanOptions(cluster: "c"))
        await scan.evaluateAll()
        let binding = try #require(
            objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: api, namespace: shop}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: api}
                subjects: [{kind: ServiceAccount, name: api}]
                """
            ).first)
        let owners = scan.apply(.added(binding))
        // The workload checks read bindings too, and judge every workload again.
        #expect(Set(owners.map(\.reference.description)).isSuperset(of: ["Pod shop/api", "RoleBinding shop/api"]))
        var fresh = PostureScan(scan.inventory, options: ScanOptions(cluster: "c"))
        await fresh.evaluateAll()
        for family in scan.inventory.families() {
            func said(_ scan: PostureScan) -> [String] {
                scan.result(of: family.owner)?.findings.map { finding in
                    "\(finding.rule.id) \(finding.outcome) \(finding.evidence.map(\.message))"
                } ?? []
            }
            #expect(said(scan) == said(fresh))
        }
    }

    @Test func aPolicyIsMendedAndTheWholeNetworkAskedAgain() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop, labels: {app: web}}
            spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: web, namespace: shop}
            spec:
              podSelector: {}
              policyTypes: [Ingress, Egress]
              ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]
              egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]
            """
        let planner = FixPlanner(engines: Inventory(objects(text)))
        let key = try #require(planner.inventory.keys.first { $0.reference.kind == "NetworkPolicy" })
        let fix = try #require(planner.fix(key) { $0.hasPrefix("network/") })
        #expect(fix.steps.flatMap(\.answers).sorted() == ["network/metadata-reachable", "network/service-port"])
        #expect(Set(fix.closed.map(\.rule.id)) == ["network/metadata-reachable", "network/service-port"])
        #expect(fix.opened.isEmpty && fix.refused.isEmpty)
    }
}
