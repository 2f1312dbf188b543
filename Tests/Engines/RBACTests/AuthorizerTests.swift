import Documents
import Kubernetes
import Testing

@testable import RBAC

/// Objects of a YAML text.
func objects(_ text: String) -> [KubernetesObject] {
    DocumentReader.read(SourceText(name: "test.yaml", bytes: Array(text.utf8))).documents.flatMap {
        KubernetesObject.objects(in: $0).objects
    }
}

@Suite struct AuthorizerTests {
    private static let shop = objects(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader, namespace: shop}
        rules:
        - {apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}
        - {apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: readers, namespace: shop}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        subjects:
        - {kind: ServiceAccount, name: api}
        - {kind: Group, name: devs, apiGroup: rbac.authorization.k8s.io}
        """)

    private static let api = Identity.serviceAccount("shop", "api")

    @Test(arguments: [
        (AccessRequest("get", .init("pods", namespace: "shop")), true),
        (AccessRequest("get", .init("pods", subresource: "log", namespace: "shop")), true),
        (AccessRequest("get", .init("pods", subresource: "exec", namespace: "shop")), false),
        (AccessRequest("get", .init("pods", namespace: "other")), false),
        (AccessRequest("get", .init("pods")), false),
        (AccessRequest("get", .init("secrets", name: "db", namespace: "shop")), true),
        (AccessRequest("get", .init("secrets", name: "other", namespace: "shop")), false),
        (AccessRequest("list", .init("secrets", namespace: "shop")), false),
        (AccessRequest("get", .init(group: "apps", "pods", namespace: "shop")), false),
    ])
    func aRoleBindingGrantsItsRoleInItsNamespace(_ request: AccessRequest, _ allowed: Bool) {
        #expect(AccessModel(Self.shop).isAllowed(Self.api, request) == allowed)
    }

    @Test func anAnswerNamesBindingRoleRuleAndPlace() throws {
        let request = AccessRequest("get", .init("secrets", name: "db", namespace: "shop"))
        guard case .granted(let grant) = AccessModel(Self.shop).decide(Self.api, request) else {
            Issue.record("expected a grant")
            return
        }
        #expect(grant.binding.name == "readers")
        #expect(grant.subject == Subject(.serviceAccount, namespace: "shop", "api"))
        #expect(grant.ruleNode.location?.line == 6)
    }

    @Test func groupsAreThoseSentAndNoneIsImplied() {
        let model = AccessModel(Self.shop)
        let request = AccessRequest("get", .init("pods", namespace: "shop"))
        #expect(model.isAllowed(Identity(user: "eve", groups: ["devs"]), request))
        #expect(!model.isAllowed(Identity(user: "devs"), request))
        #expect(model.isAllowed(Identity(user: "eve", groups: ["system:masters"]), AccessRequest("x", path: "/")))
    }

    @Test func whoCanListsEverySubjectWithItsChain() {
        let found = AccessModel(Self.shop).whoCan(AccessRequest("list", .init("pods", namespace: "shop")))
        #expect(found.map(\.subject.description) == ["Group devs", "ServiceAccount shop/api"])
        #expect(found.allSatisfy { $0.grants.count == 1 })
    }

    @Test func aWatchEventChangesTheAnswer() throws {
        var model = AccessModel(Self.shop)
        let request = AccessRequest("get", .init("pods", namespace: "shop"))
        let binding = try #require(Self.shop.last)
        model.apply(.deleted(binding))
        #expect(!model.isAllowed(Self.api, request))
        #expect(model.whoCan(request).isEmpty)
        model.apply(.added(binding))
        #expect(model.isAllowed(Self.api, request))
        model.apply(.deleted(Self.shop[0]))
        guard case .denied(let missing) = model.decide(Self.api, request) else {
            Issue.record("expected no")
            return
        }
        #expect(missing == [RoleReference(.role, namespace: "shop", "reader")])
    }

    @Test func rolesThatAggregateOneAnotherEndWithTheSameRules() {
        let model = AccessModel(
            objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: a, labels: {to: b}}
                aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: a}}]}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: b, labels: {to: a}}
                aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: b}}]}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: c, labels: {to: a}}
                rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
                """))
        #expect(model.rules(of: RoleReference(.clusterRole, "a"))?.count == 1)
        #expect(model.rules(of: RoleReference(.clusterRole, "b"))?.count == 1)
    }

    @Test func fieldsOfTheWrongKindGrantNothing() {
        let model = AccessModel(
            objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: odd}
                rules: [{apiGroups: "", resources: 7, verbs: null, surprise: [x]}, 5, null]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: odd}
                roleRef: {kind: ClusterRole, name: odd}
                subjects: [{kind: User, name: eve}, {kind: Robot, name: r}, {kind: ServiceAccount, name: s}, 3]
                """))
        #expect(!model.isAllowed(Identity(user: "eve"), AccessRequest("get", .init("pods"))))
        #expect(model.subjects == [Subject(.user, "eve")])
    }

    @Test func aDiffSaysWhoGainsAndLosesWhat() throws {
        let before = AccessModel(Self.shop)
        var after = before
        let role = try #require(
            objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: Role
                metadata: {name: reader, namespace: shop}
                rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, delete]}]
                """
            ).first)
        after.apply(.modified(role))
        let change = try #require(AccessDiff(from: before, to: after).changes.first)
        #expect(change.gained.map(\.description) == ["delete pods"])
        #expect(change.lost.map(\.description) == ["get, list pods/log", "get secrets named db"])
    }

    @Test func theBootstrapPolicyHasKubernetesOwnRoles() {
        let policy = BootstrapPolicy.current
        #expect(policy.roles.count == 76)
        #expect(policy.bindings.count == 57)
        #expect(policy.rules(of: RoleReference(.clusterRole, "admin")).count > 20)
        #expect(
            RuleCovering.covers(
                policy.rules(of: RoleReference(.clusterRole, "cluster-admin")), PolicyRule.fullAuthority))
    }
}
