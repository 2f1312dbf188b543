import Documents
import Findings
import Kubernetes
import Synchronization
import Testing

@testable import Admission

@Suite struct ReviewTests {
    static let bad = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop, uid: d-1}
        spec:
          template:
            metadata: {labels: {app: web}}
            spec:
              containers: [{name: app, image: "web@sha256:0", securityContext: {privileged: true}}]
        """
    static let good = bad.replacing("privileged: true", with: "privileged: false")
    static let enforce = "default: off\nrules: [{check: pod/privileged, mode: enforce}]"

    @Test func aRefusalTellsReasonPlaceAndFix() async throws {
        let decision = try await Door(Self.enforce).ask(Self.bad)
        #expect(decision.outcome == .refused)
        #expect(decision.response.status?.code == 403)
        #expect(decision.message.contains("Deployment shop/web"))
        #expect(decision.message.contains("pod/privileged"))
        #expect(decision.message.contains("spec.template.spec.containers[0].securityContext.privileged"))
        #expect(decision.message.contains("fix: "))
        #expect(decision.response.auditAnnotations["findings"] == "pod/privileged=refused")
        #expect(try await Door(Self.enforce).ask(Self.good).outcome == .allowed)
    }

    @Test func whatAFieldCanMendComesAsAPatch() async throws {
        let decision = try await Door("default: off\nrules: [{check: \"pod/*\", mode: enforce}]").ask(Self.good)
        #expect(decision.outcome == .refused)
        #expect(decision.message.contains("JSON patch that mends it"))
        #expect(decision.message.contains(#""path":"/spec/template/spec/containers/0/securityContext/"#))
        #expect(!decision.fix.isEmpty)
    }

    @Test(arguments: [("audit", true, 0), ("warn", true, 1), ("enforce", false, 0)])
    func modes(_ mode: String, _ isAllowed: Bool, _ warnings: Int) async throws {
        let decision = try await Door("default: off\nrules: [{check: pod/privileged, mode: \(mode)}]").ask(Self.bad)
        #expect(decision.response.allowed == isAllowed)
        #expect(decision.response.warnings.count == warnings)
        #expect(decision.response.auditAnnotations["findings"]?.hasPrefix("pod/privileged=") == true)
    }

    @Test func offIsNotEvenAsked() async throws {
        let decision = try await Door("default: off").ask(Self.bad)
        #expect(decision.response.allowed)
        #expect(decision.judged.isEmpty)
    }

    @Test func theFirstEntryThatFitsCounts() async throws {
        let policy = """
            default: off
            rules:
            - {check: "pod/*", namespaces: {names: [test-*]}, mode: audit}
            - {check: pod/privileged, labels: {app: web}, mode: enforce}
            """
        let door = try Door(policy)
        #expect(try await door.ask(Self.bad).outcome == .refused)
        #expect(try await door.ask(Self.bad.replacing("shop", with: "test-1")).outcome == .allowed)
        #expect(try await door.ask(Self.bad.replacing("app: web", with: "app: other")).outcome == .allowed)
    }

    @Test func labelsOfTheNamespaceSelect() async throws {
        let policy = """
            default: off
            rules: [{check: pod/privileged, namespaces: {selector: {matchLabels: {tier: prod}}}, mode: enforce}]
            """
        func cluster(_ tier: String) -> String {
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: \(tier)}}}"
        }
        #expect(try await Door(policy, cluster: cluster("prod")).ask(Self.bad).outcome == .refused)
        #expect(try await Door(policy, cluster: cluster("test")).ask(Self.bad).outcome == .allowed)
    }

    @Test(arguments: ["kube-system", "kube-node-lease", "kube-public"])
    func theNamespacesOfKubernetesAreNeverJudged(_ namespace: String) async throws {
        let decision = try await Door(Self.enforce).ask(Self.bad.replacing("shop", with: namespace))
        #expect(decision.outcome == .exempt)
    }

    @Test func whoIsExemptPasses() async throws {
        let door = try Door(Self.enforce + "\nexempt: {users: [\"ci-*\"], groups: [admins], namespaces: [build]}")
        #expect(try await door.ask(Self.bad, user: "ci-1").outcome == .exempt)
        #expect(try await door.ask(Self.bad, groups: ["admins"]).outcome == .exempt)
        #expect(try await door.ask(Self.bad.replacing("shop", with: "build")).outcome == .exempt)
        #expect(try await door.ask(Self.bad).outcome == .refused)
    }

    // MARK: What is asked again

    @Test func anUpdateThatWorsensNothingPasses() async throws {
        let door = try Door(Self.enforce)
        let scaled = Self.bad.replacing("spec:\n  template", with: "spec:\n  replicas: 3\n  template")
        let decision = try await door.ask(scaled, operation: "UPDATE", old: Self.bad)
        #expect(decision.outcome == .allowed)
        #expect(decision.told == ["pod/privileged known-before"])
        #expect(try await door.ask(Self.bad, operation: "UPDATE", old: Self.good).outcome == .refused)
    }

    @Test func everythingIsAskedOfUpdatesWherePolicyWantsIt() async throws {
        let door = try Door(Self.enforce + "\nupdates: everything")
        #expect(try await door.ask(Self.bad, operation: "UPDATE", old: Self.bad).outcome == .refused)
    }

    @Test func deletionsAndFinalizersPass() async throws {
        let door = try Door(Self.enforce)
        #expect(try await door.ask(Self.bad, operation: "DELETE").outcome == .allowed)
        let going = Self.bad.replacing("uid: d-1", with: "uid: d-1, deletionTimestamp: \"2026-11-23T10:00:00Z\"")
        #expect(try await door.ask(going, operation: "UPDATE", old: Self.good).outcome == .allowed)
    }

    @Test func subresourcesWithoutPodsPassAndEphemeralContainersDoNot() async throws {
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: shop}
            spec:
              containers: [{name: app, image: "web@sha256:0"}]
            """
        let debugged =
            pod + "\n  ephemeralContainers: [{name: debug, image: b, securityContext: {privileged: true}}]"
        let door = try Door(Self.enforce)
        #expect(
            try await door.ask(debugged, operation: "UPDATE", old: pod, subresource: "ephemeralcontainers").outcome
                == .refused)
        #expect(try await door.ask(debugged, operation: "UPDATE", old: pod, subresource: "status").outcome == .allowed)
        #expect(
            try await door.ask(Self.bad, operation: "UPDATE", old: Self.good, subresource: "scale").outcome == .allowed)
    }

    // MARK: Owners

    static func pod(owner uid: String, privileged: Bool = true, name: String = "web-1") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          namespace: shop
          ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: \(uid), controller: true}]
        spec:
          containers: [{name: app, image: "web@sha256:0", securityContext: {privileged: \(privileged)}}]
        """
    }

    @Test func aPodOfAToldOwnerIsNotedOnly() async throws {
        let decision = try await Door(Self.enforce, cluster: Self.bad).ask(Self.pod(owner: "d-1"))
        #expect(decision.outcome == .allowed)
        #expect(decision.told == ["pod/privileged told-owner"])
    }

    @Test func aNameInOwnerReferencesMakesNobodyAnOwner() async throws {
        let door = try Door(Self.enforce, cluster: Self.good)
        #expect(try await door.ask(Self.pod(owner: "nobody")).outcome == .refused)
        // The owner is there, but its template is not privileged.
        #expect(try await door.ask(Self.pod(owner: "d-1")).outcome == .refused)
    }

    /// A controller is faster than what follows the cluster: what it makes of a template that came in is not held up.
    @Test func whatAControllerMakesOfAnOwnerNotHeardOfYetIsNotedOnly() async throws {
        let door = try Door(Self.enforce)
        let controller = "system:serviceaccount:kube-system:deployment-controller"
        let decision = try await door.ask(Self.pod(owner: "new"), user: controller)
        #expect(decision.outcome == .allowed)
        #expect(decision.told == ["pod/privileged told-owner"])
        let other = "system:serviceaccount:shop:deployment-controller"
        #expect(try await door.ask(Self.pod(owner: "new"), user: other).outcome == .refused)
        // Of another kind, and where the owner is known and says nothing of it.
        let job = "system:serviceaccount:kube-system:job-controller"
        #expect(try await door.ask(Self.pod(owner: "new"), user: job).outcome == .refused)
        let known = try Door(Self.enforce, cluster: Self.good)
        #expect(try await known.ask(Self.pod(owner: "d-1"), user: controller).outcome == .refused)
    }

    @Test func podsCountTooWherePolicySaysSo() async throws {
        let policy = "default: off\nrules: [{check: pod/privileged, mode: enforce, pods: true}]"
        #expect(try await Door(policy, cluster: Self.bad).ask(Self.pod(owner: "d-1")).outcome == .refused)
    }

    // MARK: Waivers and emergencies

    @Test func aWaiverOfTheScanHoldsAtTheDoor() async throws {
        let waivers = """
            waivers:
            - check: pod/privileged
              owner: platform
              reason: it reads the disks of the node
              expires: 2027-01-31
              match: {namespace: shop, name: web}
            """
        let decision = try await Door(Self.enforce, waivers: waivers).ask(Self.bad)
        #expect(decision.outcome == .allowed)
        #expect(decision.response.auditAnnotations["waived"] == "pod/privileged by platform until 2027-01-31")
        #expect(
            try await Door(Self.enforce, waivers: waivers.replacing("name: web", with: "name: other")).ask(Self.bad)
                .outcome == .refused)
    }

    @Test func anAnnotatedWaiverHoldsUnlessPolicySaysNo() async throws {
        let annotation =
            #"annotations: {martlet.dev/waive: "pod/privileged owner=me expires=2027-01-31 reason=disks"}"#
        let waived = Self.bad.replacing("uid: d-1", with: "uid: d-1, \(annotation)")
        #expect(try await Door(Self.enforce).ask(waived).outcome == .allowed)
        #expect(try await Door(Self.enforce + "\nannotatedWaivers: false").ask(waived).outcome == .refused)
    }

    @Test func theGlassIsBrokenByThoseWhoMayWithAReason() async throws {
        func broken(_ reason: String) -> String {
            Self.bad.replacing(
                "uid: d-1", with: "uid: d-1, annotations: {martlet.dev/break-glass: \"\(reason)\"}")
        }
        let door = try Door(Self.enforce)
        let decision = try await door.ask(broken("the shop is down, ticket 4711"), groups: ["system:masters"])
        #expect(decision.outcome == .brokenGlass)
        #expect(decision.response.allowed)
        #expect(
            decision.response.auditAnnotations["break-glass"] == "alice: the shop is down, ticket 4711")
        #expect(try await door.ask(broken("the shop is down, ticket 4711")).outcome == .refused)
        #expect(try await door.ask(broken("help"), groups: ["system:masters"]).outcome == .refused)
    }

    // MARK: Other kinds

    @Test func rightsAreJudgedAsTheScanJudgesThem() async throws {
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: all}
            rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
            """
        let decision = try await Door("default: off\nrules: [{check: \"rbac/*\", mode: enforce}]").ask(role)
        #expect(decision.outcome == .refused)
        #expect(decision.message.contains("rbac/"))
    }

    @Test func aCredentialIsNamedByItsFieldAndNeverShown() async throws {
        let secret = ["AKIA", "QYLPMN5HHHFPZAM2"].joined()
        let map = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings, namespace: shop}
            data: {AWS_ACCESS_KEY_ID: \(secret), password: "hT9#vq2LmW8z!kRp"}
            """
        let decision = try await Door("default: off\nrules: [{check: \"secrets/*\", mode: enforce}]").ask(map)
        #expect(decision.outcome == .refused)
        #expect(decision.message.contains("data."))
        let body = String(decoding: decision.body, as: UTF8.self)
        #expect(!body.contains(secret))
        #expect(!body.contains("hT9#vq2LmW8z!kRp"))
        // Nor its ends, nor how long it is.
        #expect(!body.contains("hT") && !body.contains("AK…") && !body.contains("characters"))
    }

    // MARK: Bad input

    @Test(arguments: [
        "", "{", "[]", "null", #"{"kind":"AdmissionReview"}"#,
        #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"a"}}"#,
        #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}"#,
        #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":7}"#,
        String(repeating: "[", count: 200_000), "\u{0}\u{FFFD}",
    ])
    func whatIsNoReviewIsAnswered(_ text: String) async throws {
        let reviewed = await (try Door(Self.enforce)).reviewer.review(Array(text.utf8), today: today)
        #expect(reviewed.httpStatus == 400)
        #expect(!reviewed.decision.response.allowed)
        let root = try DocumentReader.readJSON(SourceText(name: "", bytes: reviewed.body))
        #expect(root["response"]["allowed"].bool == false)
    }

    @Test(arguments: [
        #""object":null"#, #""object":[]"#, #""object":{"metadata":7,"spec":[]}"#,
        #""object":{"spec":{"containers":{"a":1}}}"#, #""operation":"DANCE""#,
    ])
    func requestsOfOddShapesAreAnsweredUnderTheirUID(_ member: String) async throws {
        let text =
            #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"x","operation":"CREATE","#
            + #""kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"namespace":"a","#
            + member + "}}"
        let reviewed = await (try Door("default: enforce\npodSecurity: {}")).reviewer.review(
            Array(text.utf8), today: today)
        #expect(reviewed.decision.response.uid == "x")
    }

    /// Every way of cutting or bending a review gives an answer.
    @Test func bentReviewsAreAnswered() async throws {
        let whole = try Door.body(Self.bad)
        let door = try Door("default: enforce\npodSecurity: {}")
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
            if random(3) == 0 { bytes.removeLast(random(bytes.count)) }
            let reviewed = await door.reviewer.review(bytes, today: today)
            #expect([200, 400].contains(reviewed.httpStatus))
            #expect((try? DocumentReader.readJSON(SourceText(name: "", bytes: reviewed.body))) != nil)
        }
    }

    @Test(arguments: [
        "defaults: audit", "default: never", "rules: [{mode: enforce}]", "rules: [{check: a}]",
        "rules: [{check: a, mode: enforce, namespace: shop}]", "images: {refuse: [{}]}",
        "images: {signatures: [{issuer: a}]}", "images: {maximumAgeDays: -1}", "podSecurity: {defaults: {enforce: x}}",
        "- a", "",
    ])
    func aPolicyWithAMistakeIsNoPolicy(_ text: String) {
        let read = AdmissionPolicy.read(SourceText(name: "p.yaml", bytes: Array(text.utf8)))
        #expect(read.policy == nil)
        #expect(!read.problems.isEmpty)
    }

    // MARK: The network

    private static let namespace = """

        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        """
    private static let closed = """

        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: api, namespace: shop}
        spec: {podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress]}
        """

    private static func workload(_ app: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(app), namespace: shop}
        spec:
          selector: {matchLabels: {app: \(app)}}
          template:
            metadata: {labels: {app: \(app)}}
            spec: {containers: [{name: app, image: a}]}
        """
    }

    private static let network = "default: off\nrules: [{check: network/unselected-ingress, mode: enforce}]"

    @Test func aWorkloadThatNoPolicySelectsIsToldAtTheDoor() async throws {
        let door = try Door(Self.network, cluster: Self.namespace + Self.closed)
        #expect(try await door.ask(Self.workload("api")).outcome == .allowed)
        let decision = try await door.ask(Self.workload("web"))
        #expect(decision.refusals.map(\.rule.id) == ["network/unselected-ingress"])
    }

    @Test func aNamespaceThatWasNeverSeenIsNotAccused() async throws {
        #expect(try await Door(Self.network, cluster: Self.closed).ask(Self.workload("web")).outcome == .allowed)
    }
}
