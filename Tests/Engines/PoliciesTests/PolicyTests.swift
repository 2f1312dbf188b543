import Documents
import Findings
import Kubernetes
import Policies
import Testing

struct PolicyTests {
    private static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "test.yaml", bytes: Array(text.utf8))).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }

    private static let policy = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: replicas}
        spec:
          matchConstraints:
            resourceRules:
            - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
          matchConditions:
          - {name: not-exempt, expression: "!('exempt' in object.metadata.?labels.orValue({}))"}
          validations:
          - {expression: object.spec.replicas >= 2, message: at least two replicas}
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: replicas}
        spec:
          policyName: replicas
          validationActions: [Warn]
          matchResources: {namespaceSelector: {matchLabels: {tier: front}}}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {tier: front}}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: back}
        """

    private static func deployment(_ namespace: String, _ replicas: Int, labels: String = "{}") -> String {
        """
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: \(namespace), labels: \(labels)}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: web}}
          template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
        """
    }

    @Test(arguments: [
        (deployment("shop", 1), ["policy/violated"]), (deployment("shop", 2), []), (deployment("back", 1), []),
        (deployment("shop", 1, labels: "{exempt: yes}"), []),
    ])
    func aBoundPolicyIsAsked(_ text: String, _ rules: [String]) throws {
        let all = Self.objects(Self.policy + "\n" + text)
        let evaluation = PolicyEvaluation(Inventory(all), isCluster: false)
        let object = try #require(all.first { $0.kind == "Deployment" })
        let findings = evaluation.evaluate(object).findings
        #expect(findings.map(\.rule.id) == rules)
        #expect(findings.allSatisfy { $0.severity == .medium })
    }

    @Test func anErrorIsNoDenial() throws {
        let text = Self.policy.replacing("object.spec.replicas >= 2", with: "object.spec.missing >= 2")
        let all = Self.objects(text + "\n" + Self.deployment("shop", 1))
        let object = try #require(all.first { $0.kind == "Deployment" })
        let findings = PolicyEvaluation(Inventory(all), isCluster: false).evaluate(object).findings
        #expect(findings.map(\.outcome) == [.notObservable])
    }

    @Test func whatDoesNotCompileIsFoundAtItsPlace() throws {
        let all = Self.objects(Self.policy.replacing("object.spec.replicas >= 2", with: "objekt.spec.replicas >= 2"))
        let object = try #require(all.first { $0.kind == "ValidatingAdmissionPolicy" })
        let finding = try #require(PolicyEvaluation(Inventory(all), isCluster: true).evaluate(object).findings.first)
        #expect(finding.rule.id == "policy/does-not-compile")
        #expect(finding.evidence.first?.path.description == "spec.validations[0].expression")
    }

    @Test func otherEnginesAreNeverIgnored() throws {
        let all = Self.objects("{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: a}}")
        let finding = try #require(PolicyEvaluation(Inventory(all), isCluster: true).evaluate(all[0]).findings.first)
        #expect(finding.outcome == .notObservable)
    }

    @Test func everyRuleHasAnIdAReasonAndARemedy() {
        #expect(Set(PolicyRules.all.map(\.id)).count == PolicyRules.all.count)
        #expect(PolicyRules.all.allSatisfy { $0.id.hasPrefix("policy/") && !$0.why.isEmpty && !$0.remedy.isEmpty })
    }
}
