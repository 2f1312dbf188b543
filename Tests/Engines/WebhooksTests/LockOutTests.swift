import Documents
import Findings
import Kubernetes
import Testing

@testable import Webhooks

/// Objects of a text of YAML documents.
func objects(_ text: String) -> [KubernetesObject] {
    DocumentReader.read(SourceText(name: "test.yaml", bytes: Array(text.utf8))).documents
        .flatMap { KubernetesObject.objects(in: $0).objects }
}

@Suite struct LockOutTests {
    private static let service = """
        ---
        {apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {team: sec}}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: door, namespace: guard}, spec: {selector: {app: door}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: door, namespace: guard}
        spec:
          replicas: REPLICAS
          template:
            metadata: {labels: {app: door}}
            spec: {containers: [{name: door, image: door:1}]}

        """

    private static func webhook(
        _ more: String,
        rules: String = #"[{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]"#,
        name: String = "door.example", namespace: String = "guard"
    ) -> String {
        """
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: \(name)}
        webhooks:
        - name: \(name)
          clientConfig: {service: {namespace: \(namespace), name: door}}
          timeoutSeconds: 2
          rules: \(rules)
        \(more.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))

        """
    }

    private static func findings(
        _ text: String, replicas: Int = 2, isCluster: Bool = true,
        conditions: @escaping @Sendable (Node, AdmittedRequest) -> Bool? = { _, _ in nil }
    ) -> [String] {
        let all = objects(service.replacing("REPLICAS", with: "\(replicas)") + text)
        let evaluation = WebhookEvaluation(Inventory(all), isCluster: isCluster, conditions: conditions)
        return all.flatMap { evaluation.evaluate($0).findings }.map {
            $0.outcome == .fail ? $0.rule.id : "\($0.rule.id) \($0.outcome.rawValue)"
        }
    }

    @Test func aWebhookThatIsAskedAboutItsOwnPodsLocksOut() {
        let found = Self.findings(Self.webhook("failurePolicy: Fail"))
        #expect(found == ["admission/webhook-can-lock-out", "admission/webhook-blocks-bootstrap"])
    }

    @Test func whatAGateRefusesWhileItsBackendIsGoneIsSaid() {
        let rules = #"""
            [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/exec]},
            {apiGroups: [apps, "*"], apiVersions: ["*"], operations: ["*"], resources: [deployments]}]
            """#.replacing("\n", with: " ")
        func gate(_ more: String) -> AdmissionGate? {
            AdmissionGate.all(in: Inventory(objects(Self.webhook(more, rules: rules)))).first
        }
        #expect(
            gate("failurePolicy: Fail")?.blocked == [
                "CREATE, UPDATE of pods, pods/exec", "* of deployments.apps, deployments",
            ])
        #expect(gate("failurePolicy: Fail")?.isSelective == false)
        #expect(gate("namespaceSelector: {matchLabels: {a: b}}")?.isSelective == true)
        #expect(gate("failurePolicy: Ignore")?.blocked == [])
    }

    @Test func failIsWhatANamelessFailurePolicyMeans() {
        #expect(Self.findings(Self.webhook("sideEffects: None")).contains("admission/webhook-can-lock-out"))
    }

    @Test(arguments: [
        "failurePolicy: Ignore",
        """
        failurePolicy: Fail
        namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [guard, \
        kube-system]}]}
        """,
        "failurePolicy: Fail\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}",
        "failurePolicy: Fail\nobjectSelector: {matchExpressions: [{key: app, operator: In, values: [other]}]}",
    ])
    func whatLeavesItsOwnPodsOutLocksNobodyOut(_ more: String) {
        #expect(Self.findings(Self.webhook(more)) == [])
    }

    @Test func aLabelOfANamespaceThatWasNotSeenIsNoAccusation() {
        let found = Self.findings(
            Self.webhook("failurePolicy: Fail\nnamespaceSelector: {matchLabels: {checked: 'yes'}}"))
        // The own namespace was seen and lacks the label; kube-system was not.
        #expect(found == ["admission/webhook-blocks-bootstrap notObservable"])
    }

    @Test func matchConditionsCountWhereTheyCanBeEvaluated() {
        let hook = Self.webhook("failurePolicy: Fail\nmatchConditions: [{name: a, expression: 'false'}]")
        #expect(
            Self.findings(hook) == [
                "admission/webhook-can-lock-out notObservable", "admission/webhook-blocks-bootstrap notObservable",
            ])
        #expect(Self.findings(hook, conditions: { _, _ in false }) == [])
        #expect(Self.findings(hook, conditions: { _, _ in true }).contains("admission/webhook-can-lock-out"))
    }

    @Test func everythingReachesNodesAndLeases() throws {
        let all = objects(
            Self.service.replacing("REPLICAS", with: "2")
                + Self.webhook(
                    "failurePolicy: Fail",
                    rules: #"[{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"]}]"#))
        let entry = try #require(LockOutAnalysis(Inventory(all)).entries.first)
        #expect(entry.isLockOut)
        #expect(entry.bootstrap.count == EssentialRequest.all { _ in nil }.count)
        for resource in ["nodes", "nodes/status", "leases.coordination.k8s.io", "pods/binding"] {
            #expect(entry.blockedResources.contains(resource))
        }
    }

    @Test func aStarDoesNotReachSubresources() throws {
        let all = objects(
            Self.webhook(
                "failurePolicy: Fail",
                rules: #"[{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]"#))
        let entry = try #require(LockOutAnalysis(Inventory(all)).entries.first)
        #expect(entry.blockedResources.contains("nodes"))
        #expect(!entry.blockedResources.contains("nodes/status"))
    }

    @Test func twoWebhooksThatRefuseEachOthersPodsAreACycle() throws {
        let other = """
            ---
            {apiVersion: v1, kind: Service, metadata: {name: door, namespace: mesh}, spec: {selector: {app: mesh}}}
            ---
            {apiVersion: v1, kind: Namespace, metadata: {name: mesh}}

            """
        func only(_ namespace: String) -> String {
            "failurePolicy: Fail\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: \(namespace)}}"
        }
        let text =
            other + Self.webhook(only("mesh")) + Self.webhook(only("guard"), name: "mesh.example", namespace: "mesh")
        #expect(Self.findings(text) == ["admission/webhook-cycle", "admission/webhook-cycle"])
        // One that waits for another that waits for nobody is none.
        #expect(Self.findings(other + Self.webhook(only("mesh"))) == [])
    }

    @Test func whatIsMissingIsToldOfAClusterOnly() {
        let orphan = Self.webhook(
            "failurePolicy: Fail\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}",
            namespace: "gone")
        #expect(Self.findings(orphan) == ["admission/webhook-backend-missing"])
        #expect(Self.findings(orphan, isCluster: false) == [])
    }

    @Test func oneReplicaIsTold() {
        let hook = Self.webhook(
            "failurePolicy: Fail\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}")
        #expect(Self.findings(hook, replicas: 1) == ["admission/webhook-single-replica"])
        #expect(Self.findings(hook, replicas: 2) == [])
    }

    @Test func thePodsOfANetworkPluginAreFoundByWhatTheyMount() {
        let plugin = """
            ---
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: net, namespace: net-system}
            spec:
              template:
                metadata: {labels: {app: net}}
                spec:
                  containers: [{name: net, image: net:1}]
                  volumes: [{name: cni, hostPath: {path: /opt/cni/bin}}]

            """
        let hook = Self.webhook(
            """
            failurePolicy: Fail
            namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: \
            [guard, kube-system]}]}
            """)
        #expect(Self.findings(plugin + hook) == ["admission/webhook-blocks-node-plugins"])
    }

    @Test func aBoundPolicyOverNodesIsTold() {
        let policy = """
            ---
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingAdmissionPolicy
            metadata: {name: all}
            spec:
              matchConstraints: {resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]}
              validations: [{expression: "has(object.metadata.labels.team)"}]
            ---
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingAdmissionPolicyBinding
            metadata: {name: all}
            spec: {policyName: all, validationActions: [ACTION]}

            """
        #expect(Self.findings(policy.replacing("ACTION", with: "Deny")) == ["admission/webhook-blocks-bootstrap"])
        #expect(Self.findings(policy.replacing("ACTION", with: "Audit")) == [])
    }
}
