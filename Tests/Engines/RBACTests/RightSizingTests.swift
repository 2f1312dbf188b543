import Kubernetes
import Testing

@testable import RBAC

@Suite struct RightSizingTests {
    private static let cluster = objects(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: wide}
        rules:
        - {apiGroups: ["", apps], resources: [pods, secrets, deployments], verbs: ["*"]}
        - {apiGroups: [apps], resources: [deployments/finalizers], verbs: [update]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: wide}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: wide}
        subjects: [{kind: ServiceAccount, name: api, namespace: shop}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: idle}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: wide}
        subjects: [{kind: User, name: gone}]
        """)

    private static func event(_ verb: String, _ uri: String, code: Int = 200, day: Int = 1) -> [UInt8] {
        Array(
            """
            {"stage":"ResponseComplete","verb":"\(verb)","requestURI":"\(uri)","user":{"username":\
            "system:serviceaccount:shop:api","groups":["system:authenticated"]},"objectRef":{"resource":"x"},\
            "responseStatus":{"code":\(code)},"requestReceivedTimestamp":"2026-09-0\(day)T00:00:00Z",\
            "annotations":{"authorization.k8s.io/decision":"\(code == 403 ? "forbid" : "allow")"}}
            """.utf8)
    }

    private static func proposal(_ lines: [[UInt8]]) throws -> (RightSizing, RightSizing.Proposal) {
        var usage = AuditUsage()
        for line in lines { usage.read(line: line) }
        let sizing = RightSizing(usage, AccessModel(cluster))
        return (sizing, try #require(sizing.proposals.first))
    }

    @Test func whatWasUsedStaysAndTheRestGoes() throws {
        let (sizing, proposal) = try Self.proposal([
            Self.event("get", "/api/v1/namespaces/shop/secrets/db"),
            Self.event("list", "/api/v1/namespaces/shop/pods", day: 2),
            Self.event("delete", "/api/v1/namespaces/shop/pods/api-x2k4b"),
        ])
        #expect(proposal.rules.keys.sorted() == ["shop"])
        #expect(proposal.rules["shop"]?.map(\.description) == ["delete, list pods", "get secrets named db"])
        #expect(proposal.days == 2)
        #expect(proposal.denied.isEmpty)
        #expect(sizing.dormant == [Subject(.user, "gone")])
        #expect(sizing.unusedBindings.map(\.name) == ["idle"])
    }

    @Test func anUpdateThatMadeTheObjectNeedsCreate() throws {
        let (_, proposal) = try Self.proposal([
            Self.event("patch", "/apis/apps/v1/namespaces/shop/deployments/api", code: 201)
        ])
        #expect(
            proposal.rules["shop"]?.map(\.description) == [
                "create deployments (apps)", "patch deployments (apps) named api",
                "update deployments/finalizers (apps)",
            ])
        #expect(proposal.kept.map(\.rule.description) == ["update deployments/finalizers (apps)"])
    }

    @Test func whatWasRefusedIsNotProposed() throws {
        let (_, proposal) = try Self.proposal([
            Self.event("get", "/api/v1/namespaces/shop/secrets/db"),
            Self.event("get", "/api/v1/namespaces/shop/services/db", code: 403),
        ])
        #expect(proposal.rules["shop"]?.map(\.description) == ["get secrets named db"])
    }

    @Test func halfALineIsCountedAndPassedOver() {
        var usage = AuditUsage()
        usage.read(line: Array(Self.event("get", "/api/v1/pods").dropLast(9)))
        usage.read(line: Array("[]".utf8))
        usage.read(line: Array("{}".utf8))
        usage.read(line: [])
        usage.read(line: Self.event("list", "/api/v1/pods"))
        #expect(usage.summary.malformed == 3)
        #expect(usage.summary.events == 1)
    }

    @Test func aPeriodLeavesOutWhatCameBefore() {
        var usage = AuditUsage(since: "2026-09-02")
        usage.read(line: Self.event("list", "/api/v1/pods", day: 1))
        usage.read(line: Self.event("list", "/api/v1/pods", day: 2))
        #expect(usage.used.values.first?.values.first == 1)
        #expect(usage.summary.passedOver == 1)
    }

    @Test(arguments: [
        ("api-6cc4899989-cbspq", true), ("web-5d6b44b4f5", true), ("db", false), ("app-config", false),
        ("operator-lock", false), ("kube-root-ca.crt", false), ("node-a", false),
    ])
    func generatedNamesAreKnownByTheirEnds(_ name: String, _ expected: Bool) {
        #expect(RightSizing.isGenerated(name) == expected)
    }

    @Test func moreNamesThanAnybodyReadsBecomeAllNames() throws {
        var lines = (0..<(AuditUsage.nameLimit + 40)).map {
            Self.event("get", "/api/v1/namespaces/shop/secrets/s\($0)x")
        }
        lines.append(Self.event("get", "/api/v1/namespaces/shop/pods/one"))
        let (_, proposal) = try Self.proposal(lines)
        #expect(proposal.rules["shop"]?.map(\.description) == ["get pods named one", "get secrets"])
        #expect(proposal.requests <= AuditUsage.nameLimit + 2)
        #expect(proposal.denied.isEmpty)
    }

    @Test func rulesNobodyNeededAreNamed() throws {
        let (sizing, proposal) = try Self.proposal([Self.event("get", "/api/v1/namespaces/shop/secrets/db")])
        #expect(sizing.unusedRules.map { "\($0.role) \($0.index)" } == ["ClusterRole wide 1"])
        #expect(proposal.period == ("2026-09-01", "2026-09-01"))
    }

    @Test(arguments: [1, 3, 7, 4096])
    func aListOfEventsIsTakenApartAsItsBytesCome(_ size: Int) {
        let events = [
            Self.event("list", "/api/v1/pods"), Array(#"{"a":"}\"]{","items":[{"b":[1]}]}"#.utf8),
            Self.event("get", "/api/v1/namespaces/shop/secrets/db"),
        ]
        let text =
            Array(#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.utf8)
            + events.joined(separator: Array(",\n".utf8)) + Array("]}\n".utf8)
        var splitter = EventListSplitter()
        var found: [[UInt8]?] = []
        for start in stride(from: 0, to: text.count, by: size) {
            splitter.take(text[start..<min(text.count, start + size)]) { found.append($0) }
        }
        #expect(found == events)
        #expect(!splitter.isCutOff)
        var cut = EventListSplitter()
        cut.take(text.dropLast(9)) { _ in }
        #expect(cut.isCutOff)
    }

    @Test func anEventLongerThanTheLimitIsSkippedAndTheNextIsRead() {
        var splitter = EventListSplitter(limit: 20)
        var found: [[UInt8]?] = []
        splitter.take(Array(#"{"items":[{"a":"0123456789012345678"},{"b":1}]}"#.utf8)[...]) { found.append($0) }
        #expect(found == [nil, Array(#"{"b":1}"#.utf8)])
    }
}
