import CISBenchmark
import Documents
import Kubernetes
import Posture
import Testing

@Suite("What pods a namespace admits") struct CISAdmissionTests {
    static let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}"

    static func report(_ more: String..., isCluster: Bool = true) -> CISReport {
        let text = ([namespace] + more).joined(separator: "\n---\n")
        let set = DocumentReader.read(SourceText(name: "o.yaml", bytes: Array(text.utf8)))
        let objects = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        return CISPosture.report(CISInput(inventory: Inventory(objects), isCluster: isCluster))
    }

    static func policy(
        _ expression: String, resources: String = "[pods]", actions: String = "[Deny]", match: String = ""
    )
        -> String
    {
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: p}
        spec:
          matchConstraints:
            resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: \(resources)}]
          validations: [{expression: '\(expression)', message: not here}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: b}
        spec: {policyName: p, validationActions: \(actions)\(match)}
        """
    }

    static let noHostNetwork = "!has(object.spec.hostNetwork) || !object.spec.hostNetwork"

    @Test func anAdmissionPolicyIsAskedWithEachBadPod() {
        let report = Self.report(Self.policy(Self.noHostNetwork))
        #expect(report["5.2.5"]?.outcome == .pass)
        #expect(report["5.2.5"]?.parts.first?.message == "namespace shop refuses it: policy p: not here")
        #expect(report["5.2.3"]?.outcome == .fail)
        // It refuses something, so it is a mechanism.
        #expect(report["5.2.1"]?.outcome == .passByEquivalence)
    }

    @Test(
        "a policy that refuses nothing of it changes nothing",
        arguments: [
            policy(noHostNetwork, actions: "[Warn, Audit]"), policy(noHostNetwork, resources: "[services]"),
            policy("true"),
            policy(noHostNetwork, match: ", matchResources: {namespaceSelector: {matchLabels: {team: b}}}"),
            // It refuses every pod without the label, the good ones too.
            policy("has(object.metadata.labels) && \"app\" in object.metadata.labels"),
        ])
    func idle(_ policy: String) {
        let report = Self.report(policy)
        #expect(report["5.2.5"]?.outcome == .fail)
        #expect(report["5.2.1"]?.outcome == .fail)
    }

    @Test func aPolicyOfANamespaceCountsThere() {
        let match = ", matchResources: {namespaceSelector: {matchLabels: {team: a}}}"
        #expect(Self.report(Self.policy(Self.noHostNetwork, match: match))["5.2.5"]?.outcome == .pass)
    }

    @Test func aPolicyThatFailsIsNoPass() {
        let report = Self.report(Self.policy("object.spec.nothing.there == 1"))
        #expect(report["5.2.5"]?.outcome == .notObservable)
    }

    // MARK: Other engines

    static let gatekeeper = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: gatekeeper-validating-webhook-configuration}
        webhooks:
        - name: validation.gatekeeper.sh
          failurePolicy: Fail
          rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}]
        """

    static func constraint(_ more: String = "") -> String {
        """
        apiVersion: constraints.gatekeeper.sh/v1beta1
        kind: K8sPSPHostNetworkingPorts
        metadata: {name: no-host-network}
        spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}], excludedNamespaces: [kube-*]}\(more)}
        """
    }

    @Test func whatGatekeeperClaimsIsToldAndNotCounted() {
        let report = Self.report(Self.gatekeeper, Self.constraint())
        let part = report["5.2.5"]?.parts.first
        #expect(part?.outcome == .notObservable)
        #expect(
            part?.message
                == "namespace shop: Pod Security admits it; Gatekeeper's K8sPSPHostNetworkingPorts no-host-network says "
                + "it refuses this, and was not evaluated")
        #expect(report["5.2.12"]?.parts.first?.message.contains("no-host-network") == true)
        #expect(report["5.2.3"]?.parts.first?.message.contains("no policy of it that is known claims to") == true)
        let dry = Self.report(Self.gatekeeper, Self.constraint(", enforcementAction: dryrun"))
        #expect(dry["5.2.5"]?.parts.first?.message.contains("only reports this") == true)
    }

    @Test func aConstraintWithoutItsEngineDoesNothing() {
        #expect(Self.report(Self.constraint())["5.2.5"]?.outcome == .fail)
        // Among files the engine may be elsewhere.
        #expect(Self.report(Self.constraint(), isCluster: false)["5.2.5"]?.outcome == .notObservable)
    }

    @Test(
        "Kyverno's policies are known by name and by their rule",
        arguments: [
            ("disallow-host-namespaces", "validationFailureAction: Enforce", "says it refuses this"),
            ("disallow-host-namespaces", "validationFailureAction: Audit", "says it only reports this"),
            (
                "mine", "rules: [{name: r, validate: {failureAction: Enforce, podSecurity: {level: baseline}}}]",
                "says it refuses this"
            ),
        ])
    func kyverno(_ name: String, _ spec: String, _ words: String) {
        let policy = "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: \(name)}, spec: {\(spec)}}"
        let part = Self.report(policy, isCluster: false)["5.2.5"]?.parts.first
        #expect(part?.outcome == .notObservable)
        #expect(part?.message.contains(words) == true, "\(part?.message ?? "")")
    }
}

@Suite("kube-bench's numbers") struct KubeBenchNumbersTests {
    static func result(_ version: String, _ tests: [(String, String)]) throws -> CISReport {
        let results = tests.map { "{\"test_number\": \"\($0.0)\", \"test_desc\": \"d\", \"status\": \"\($0.1)\"}" }
        let text =
            "{\"Controls\": [{\"version\": \"\(version)\", \"tests\": [{\"results\": [\(results.joined(separator: ","))]}]}]}"
        return try KubeBenchResult(SourceText(name: "k.json", bytes: Array(text.utf8))).report
    }

    @Test func aPlatformsOwnNumbersAreTranslated() throws {
        let report = try Self.result("eks-1.8.0", [("3.2.1", "PASS"), ("5.4.2", "FAIL"), ("4.1.1", "WARN")])
        #expect(report.platform.id == "eks")
        #expect(report["4.2.1"]?.outcome == .pass)
        // 3.2.1 is the audit policy in the Kubernetes benchmark, and nobody looked at that.
        #expect(report["3.2.1"]?.outcome == .notObservable)
        #expect(report["5.1.1"]?.outcome == .manual)
        #expect(report.own.first { $0.control.id == "5.4.2" }?.outcome == .fail)
    }

    @Test func olderNumbersAreMovedOrLeftOut() throws {
        let older = try Self.result("cis-1.10", [("5.7.2", "PASS"), ("5.2.10", "PASS"), ("5.2.9", "FAIL")])
        #expect(older["5.6.2"]?.outcome == .pass)
        #expect(older["5.2.9"]?.outcome == .pass)
        let same = try Self.result("cis-1.12", [("5.2.9", "FAIL")])
        #expect(same["5.2.9"]?.outcome == .fail)
        let strange = try Self.result("cis-1.6", [("1.2.1", "PASS")])
        #expect(strange["1.2.1"]?.outcome == .notObservable)
        #expect(strange.remarks.contains { $0.contains("cis-1.6 numbers its controls otherwise") })
    }

    /// A result cut or changed anywhere is refused, or read as far as it goes; never more passes than it says.
    @Test(arguments: 0..<20)
    func aBrokenResultIsReadOrRefused(_ seed: Int) {
        let text =
            "{\"Controls\": [{\"version\": \"cis-1.12\", \"tests\": [{\"results\": "
            + "[{\"test_number\": \"1.2.1\", \"status\": \"PASS\"}, {\"test_number\": \"1.2.2\", \"status\": \"FAIL\"}]}]}]}"
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        for _ in 0..<50 {
            var bytes = Array(text.utf8)
            for _ in 0..<(1 + next(3)) where !bytes.isEmpty {
                switch next(3) {
                case 0: bytes.removeLast(next(bytes.count))
                case 1: bytes[next(bytes.count)] = UInt8(next(256))
                default: bytes.remove(at: next(bytes.count))
                }
            }
            do {
                let report = try KubeBenchResult(SourceText(name: "k.json", bytes: bytes)).report
                #expect(report.count(.pass) <= 1)
                #expect(report.results.count == 131)
            } catch {
                #expect("\(error)".contains("k.json"))
            }
        }
    }
}
