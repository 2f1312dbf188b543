import Documents
import Findings
import Kubernetes
import Testing

@testable import Admission

/// What comes from outside and is not as it should be: there is an answer each time, and a fitting one.
@Suite struct BadInputTests {
    // MARK: Replayed

    @Test func aReviewThatComesTwiceIsAnsweredAlike() async throws {
        let door = try Door(ReviewTests.enforce)
        let body = try Door.body(ReviewTests.bad)
        let first = await door.reviewer.review(body, today: today)
        let second = await door.reviewer.review(body, today: today)
        #expect(first.body == second.body)
        #expect(first.event == second.event)
    }

    @Test func aReviewWhoseUidWasSeenIsJudgedByWhatItHolds() async throws {
        let door = try Door(ReviewTests.enforce)
        #expect(try await door.ask(ReviewTests.good).outcome == .allowed)
        // The same uid, another object: nothing is remembered by uid.
        #expect(try await door.ask(ReviewTests.bad).outcome == .refused)
    }

    // MARK: Policies that go wrong

    private static func policy(_ expression: String, failurePolicy: String = "Fail") -> String {
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: heavy}
        spec:
          failurePolicy: \(failurePolicy)
          matchConstraints:
            resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
          validations: [{expression: "\(expression)", message: too much}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: heavy}
        spec: {policyName: heavy, validationActions: [Deny]}
        """
    }

    /// Four nested loops over 60 entries are 13 million steps: more than an expression may cost.
    private static let heavy = {
        let list = "[" + (0..<60).map { "\($0)" }.joined(separator: ",") + "]"
        return "\(list).all(a, \(list).all(b, \(list).all(c, \(list).all(d, a + b + c + d >= 0))))"
    }()

    @Test func aPolicyThatCostsTooMuchIsStoppedAndRefusesOnlyWhereItFailsClosed() async throws {
        let closed = try await Door("default: off", custom: Self.policy(Self.heavy)).ask(ReviewTests.good)
        #expect(closed.outcome == .refused)
        #expect(closed.message.contains("cost"))
        let open = Self.policy(Self.heavy, failurePolicy: "Ignore")
        #expect(try await Door("default: off", custom: open).ask(ReviewTests.good).outcome == .allowed)
    }

    @Test(arguments: [
        String(repeating: "(", count: 5000) + "true" + String(repeating: ")", count: 5000),
        String(repeating: "!", count: 20_000) + "true", (0..<5000).map { _ in "true" }.joined(separator: " && "),
        String(repeating: "[", count: 3000) + String(repeating: "]", count: 3000) + " == []",
        "object" + String(repeating: ".a", count: 20_000) + " == 1",
    ])
    func aPolicyThatIsTooDeepIsToldOrDecided(_ expression: String) async throws {
        let custom = CustomPolicies(objects(Self.policy(expression)))
        guard custom.problems.isEmpty else { return }
        let decision = try await Door("default: off", custom: Self.policy(expression)).ask(ReviewTests.good)
        #expect([.allowed, .refused].contains(decision.outcome))
    }

    @Test func anObjectThatIsTooDeepIsRefusedAsUnreadable() async throws {
        let deep = String(repeating: #"{"a":"#, count: 20_000) + "1" + String(repeating: "}", count: 20_000)
        let body = """
            {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","kind":\
            {"group":"","version":"v1","kind":"ConfigMap"},"resource":{"group":"","version":"v1","resource":"configmaps"},\
            "namespace":"shop","object":\(deep)}}
            """
        let reviewed = await (try Door("default: enforce")).reviewer.review(Array(body.utf8), today: today)
        #expect(reviewed.httpStatus == 400)
        #expect(!reviewed.decision.response.allowed)
    }

    // MARK: Anything

    /// Reviews made of the words that the engines look for, in places where nobody puts them.
    private struct Words {
        var state: UInt64

        mutating func number(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }

        mutating func pick(_ words: [String]) -> String { words[number(words.count)] }

        static let keys = [
            "metadata", "spec", "template", "containers", "initContainers", "securityContext", "capabilities", "drop",
            "image", "name", "namespace", "labels", "annotations", "ownerReferences", "volumes", "hostPath", "ports",
            "rules", "verbs", "resources", "apiGroups", "data", "stringData", "podSelector", "ingress", "egress",
            "from",
            "to", "env", "value", "valueFrom", "subjects", "roleRef", "jobTemplate", "replicas", "selector",
            "matchLabels", "matchExpressions", "resourcesLimits", "seccompProfile", "type", "status", "items",
            "deletionTimestamp", "uid", "controller", "martlet.dev/waive", "martlet.dev/break-glass", "loadBalancerIP",
        ]
        static let texts = [
            "", "*", "web", "a@sha256:0", "registry.example:5000/x:y@z", "-1", "restricted", "system:masters",
            "::1/128",
            "10.0.0.0/33", "\\u0000", "\\ud83d\\ude00", "true", "0x10", "1e9999", "AKIAQYLPMN5HHHFPZAM2", "Always",
            "2026-13-45T99:99:99Z", "pod/privileged owner=me expires=9999-99-99 reason=x",
        ]
        static let kinds = [
            ("", "Pod", "pods"), ("apps", "Deployment", "deployments"), ("batch", "CronJob", "cronjobs"),
            ("", "Secret", "secrets"), ("", "ConfigMap", "configmaps"), ("", "Namespace", "namespaces"),
            ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles"),
            ("rbac.authorization.k8s.io", "RoleBinding", "rolebindings"),
            ("networking.k8s.io", "NetworkPolicy", "networkpolicies"), ("networking.k8s.io", "Ingress", "ingresses"),
            ("", "Service", "services"), ("example.com", "Thing", "things"),
        ]

        mutating func value(_ depth: Int) -> String {
            switch number(depth > 0 ? 10 : 5) {
            case 0: return "null"
            case 1: return number(2) == 0 ? "true" : "false"
            case 2: return pick(["0", "-1", "1.5", "9223372036854775808", "1e400", "65536"])
            case 3, 4: return "\"\(pick(Self.texts))\""
            case 5, 6: return "[" + (0..<number(4)).map { _ in value(depth - 1) }.joined(separator: ",") + "]"
            default:
                return "{"
                    + (0..<number(5)).map { _ in "\"\(pick(Self.keys))\":\(value(depth - 1))" }
                    .joined(separator: ",") + "}"
            }
        }

        mutating func review(_ index: Int) -> String {
            let (group, kind, resource) = Self.kinds[index % Self.kinds.count]
            func spec(_ words: inout Words) -> String {
                "{\"apiVersion\":\"\(group.isEmpty ? "v1" : group + "/v1")\",\"kind\":\"\(kind)\",\"metadata\":"
                    + words.value(3) + ",\"spec\":" + words.value(7) + ",\"data\":" + words.value(2) + ",\"rules\":"
                    + words.value(4) + "}"
            }
            return """
                {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-\(index)","operation":\
                "\(pick(["CREATE", "UPDATE", "DELETE", "CONNECT"]))","kind":{"group":"\(group)","version":"v1","kind":\
                "\(kind)"},"resource":{"group":"\(group)","version":"v1","resource":"\(resource)"},"subResource":\
                "\(pick(["", "", "", "status", "ephemeralcontainers"]))","namespace":"\(pick(["shop", "", "kube-system"]))",\
                "userInfo":\(value(2)),"object":\(number(5) == 0 ? value(3) : spec(&self)),"oldObject":\
                \(number(2) == 0 ? "null" : spec(&self)),"dryRun":\(number(2) == 0)}}
                """
        }
    }

    @Test(arguments: 1...6) func whateverAReviewHoldsIsAnsweredUnderItsOwnUid(_ seed: UInt64) async throws {
        let known = KnownImages([ImageVerdict(digest: "sha256:0", endOfLife: "debian 9")])
        let door = try Door(
            """
            default: enforce
            podSecurity: {defaults: {enforce: restricted}}
            images: {registries: [reg.example], requireDigest: true, refuseEndOfLife: true, mutateToDigest: true}
            """, cluster: "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
            custom: Self.policy("object.spec.replicas > 2"), images: known)
        var words = Words(state: seed)
        for index in 0..<72 {
            let text = words.review(index)
            for mutates in [false, true] {
                let reviewed = await door.reviewer.review(Array(text.utf8), today: today, mutates: mutates)
                let answer = try DocumentReader.readJSON(SourceText(name: "", bytes: reviewed.body))
                #expect(answer["response"]["allowed"].bool != nil)
                #expect(reviewed.httpStatus == 400 || answer["response"]["uid"].string == "u-\(index)", "\(text)")
            }
        }
    }
}
