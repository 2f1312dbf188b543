import Testing

@testable import Admission

@Suite struct CustomPolicyTests {
    static let policy = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: replicas}
        spec:
          matchConstraints:
            resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
          validations:
          - expression: "has(object.spec.replicas) && object.spec.replicas >= 2"
            message: two replicas or more
        """
    static func deployment(_ replicas: Int) -> String {
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: \(replicas)}}"
    }
    static func binding(_ action: String, _ more: String = "") -> String {
        """

        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: replicas}
        spec: {policyName: replicas, validationActions: [\(action)]\(more)}
        """
    }

    @Test func withoutABindingTheAdmissionPolicyDecides() async throws {
        let door = try Door("default: off\nrules: [{check: custom/replicas, mode: enforce}]", custom: Self.policy)
        let decision = try await door.ask(Self.deployment(1))
        #expect(decision.outcome == .refused)
        #expect(decision.message.contains("two replicas or more"))
        #expect(try await door.ask(Self.deployment(2)).outcome == .allowed)
    }

    @Test(arguments: [("Deny", false, 0), ("Warn", true, 1), ("Audit", true, 0)])
    func aBindingDecidesOtherwise(_ action: String, _ isAllowed: Bool, _ warnings: Int) async throws {
        let door = try Door("default: off", custom: Self.policy + Self.binding(action))
        let decision = try await door.ask(Self.deployment(1))
        #expect(decision.response.allowed == isAllowed)
        #expect(decision.response.warnings.count == warnings)
    }

    @Test func aBindingSelectsNamespaces() async throws {
        let selector = ", matchResources: {namespaceSelector: {matchLabels: {tier: prod}}}"
        func namespace(_ tier: String) -> String {
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: \(tier)}}}"
        }
        let custom = Self.policy + Self.binding("Deny", selector)
        #expect(
            try await Door("default: off", cluster: namespace("prod"), custom: custom).ask(Self.deployment(1)).outcome
                == .refused)
        #expect(
            try await Door("default: off", cluster: namespace("test"), custom: custom).ask(Self.deployment(1)).outcome
                == .allowed)
    }

    @Test func theRequestAndTheObjectBeforeAreSeen() async throws {
        let policy = Self.policy.replacing(
            #""has(object.spec.replicas) && object.spec.replicas >= 2""#,
            with: #""oldObject == null || request.userInfo.username == 'boss' || object.spec == oldObject.spec""#)
        let door = try Door("default: off", custom: policy + Self.binding("Deny"))
        #expect(try await door.ask(Self.deployment(1)).outcome == .allowed)
        #expect(
            try await door.ask(Self.deployment(3), operation: "UPDATE", old: Self.deployment(1)).outcome == .refused)
        #expect(
            try await door.ask(Self.deployment(3), operation: "UPDATE", old: Self.deployment(1), user: "boss").outcome
                == .allowed)
    }

    @Test func aMissingParameterIsWhatTheBindingSays() async throws {
        let policy = Self.policy
            .replacing(
                "  matchConstraints:", with: "  paramKind: {apiVersion: v1, kind: ConfigMap}\n  matchConstraints:"
            )
            .replacing(
                #""has(object.spec.replicas) && object.spec.replicas >= 2""#,
                with: #""object.spec.replicas <= int(params.data.most)""#)
        func custom(_ action: String) -> String {
            policy + Self.binding("Deny", ", paramRef: {name: limits, parameterNotFoundAction: \(action)}")
        }
        let limits = "{apiVersion: v1, kind: ConfigMap, metadata: {name: limits, namespace: shop}, data: {most: '5'}}"
        #expect(try await Door("default: off", custom: custom("Deny")).ask(Self.deployment(9)).outcome == .refused)
        #expect(try await Door("default: off", custom: custom("Allow")).ask(Self.deployment(9)).outcome == .allowed)
        let door = try Door("default: off", cluster: limits, custom: custom("Deny"))
        #expect(try await door.ask(Self.deployment(9)).outcome == .refused)
        #expect(try await door.ask(Self.deployment(4)).outcome == .allowed)
    }

    @Test func anErrorRefusesOnlyWhereThePolicyFailsClosed() async throws {
        let broken = Self.policy.replacing(
            #""has(object.spec.replicas) && object.spec.replicas >= 2""#, with: #""object.spec.missing > 2""#)
        let closed = try Door("default: off", custom: broken + Self.binding("Deny"))
        #expect(try await closed.ask(Self.deployment(1)).outcome == .refused)
        let open = try Door(
            "default: off",
            custom: broken.replacing("spec:\n  match", with: "spec:\n  failurePolicy: Ignore\n  match")
                + Self.binding("Deny"))
        #expect(try await open.ask(Self.deployment(1)).outcome == .allowed)
    }

    @Test func aPolicyThatDoesNotCompileIsToldAtOnce() {
        let broken = CustomPolicies(objects(Self.policy.replacing(">= 2", with: ">= ")))
        #expect(broken.problems.count == 1)
    }

    @Test func deletionsAreAskedWhereAPolicyMatchesThem() async throws {
        let policy = Self.policy.replacing("CREATE, UPDATE", with: "DELETE")
            .replacing(
                #""has(object.spec.replicas) && object.spec.replicas >= 2""#, with: #""oldObject.spec.replicas == 0""#)
        let door = try Door("default: off", custom: policy + Self.binding("Deny"))
        #expect(try await door.ask(Self.deployment(1), operation: "DELETE").outcome == .refused)
        #expect(try await door.ask(Self.deployment(0), operation: "DELETE").outcome == .allowed)
    }

    // MARK: Rights

    private static let asking = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: rights}
        spec:
          matchConstraints:
            resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
          validations:
          - expression: "authorizer.group('').resource('secrets').namespace('shop').check('get').allowed()"
            message: whoever deploys here may read its secrets
          - expression: "authorizer.requestResource.check('delete').allowed()"
            message: whoever deploys may delete it again
        """
    private static let rights = """
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: deployer}
        rules:
        - {apiGroups: [""], resources: [secrets], verbs: [get]}
        - {apiGroups: [apps], resources: [deployments], verbs: [delete]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: deployer, namespace: shop}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}
        subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]
        """

    @Test func aPolicyAsksWhoMayDoWhatByTheRightsOfTheCluster() async throws {
        let door = try Door(
            "default: off\nrules: [{check: \"custom/*\", mode: enforce}]", cluster: Self.rights, custom: Self.asking)
        #expect(try await door.ask(Self.deployment(2)).outcome == .allowed)
        let refused = try await door.ask(Self.deployment(2), user: "mallory")
        #expect(refused.outcome == .refused)
        #expect(refused.message.contains("may read its secrets"))
        #expect(refused.message.contains("may delete it again"))
        #expect(try await door.ask(Self.deployment(2), user: "root", groups: ["system:masters"]).outcome == .allowed)
    }

    @Test func rightsThatWereTakenAwayAreGoneAtOnce() async throws {
        var door = try Door(
            "default: off\nrules: [{check: \"custom/*\", mode: enforce}]", cluster: Self.rights, custom: Self.asking)
        let binding = try #require(objects(Self.rights).first { $0.kind == "RoleBinding" })
        door.reviewer.apply(.deleted(binding))
        #expect(try await door.ask(Self.deployment(2)).outcome == .refused)
    }

    @Test func whereNoRightsAreKnownTheQuestionIsAnErrorAndNoAnswer() async throws {
        let door = try Door("default: off\nrules: [{check: \"custom/*\", mode: enforce}]", custom: Self.asking)
        let decision = try await door.ask(Self.deployment(2))
        #expect(decision.outcome == .refused)
        #expect(!decision.message.contains("may read its secrets"))
    }
}
