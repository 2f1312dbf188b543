import Documents
import Kubernetes
import Testing

@testable import RBAC

/// A glance at an event, and what is kept of a log that never ends.
@Suite struct AuditBoundsTests {
    private static func event(
        _ verb: String, _ uri: String, user: String = "system:serviceaccount:shop:api", code: Int = 200,
        time: String = "2026-09-01T10:00:00.000001Z", more: String = ""
    ) -> [UInt8] {
        Array(
            """
            {"kind":"Event","stage":"ResponseComplete", "requestURI":"\(uri)","verb":"\(verb)","user":{"username":\
            "\(user)","groups":["system:authenticated","a\\"b"],"extra":{"k":["}",1.5e3,null]}},"objectRef":{"a":[{}]},\
            "responseStatus":{"metadata":{},"code":\(code)},"requestReceivedTimestamp":"\(time)"\(more),\
            "annotations":{"authorization.k8s.io/decision":"allow"}}
            """.utf8)
    }

    private static let lines = [
        event("get", "/api/v1/namespaces/shop/secrets/db"), event("list", "/api/v1/namespaces/shop/pods"),
        event("update", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/l"),
        event("patch", "/apis/apps/v1/namespaces/shop/deployments/api", code: 201),
        event("create", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", code: 201),
        event("create", "/api/v1/namespaces/shop/events", code: 201),
        event("get", "/api/v1/pods", more: #","impersonatedUser":{"username":"eve"}"#),
        event("get", "/api/v1/pods", code: 404), event("get", "/healthz"),
    ]

    @Test func aGlanceCountsWhatReadingTheWholeEventCounts() {
        var quick = AuditUsage()
        for _ in 0..<3 { for line in Self.lines { quick.read(line: line) } }
        var slow = AuditUsage()
        for _ in 0..<3 {
            for line in Self.lines {
                for document in DocumentReader.read(SourceText(name: "", bytes: line)).documents {
                    slow.read(document.root)
                }
            }
        }
        #expect(quick.used == slow.used)
        #expect(quick.summary == slow.summary)
        #expect(quick.days == slow.days)
        #expect(quick.binders == slow.binders)
    }

    @Test func aLineCutAnywhereIsCountedAsMalformed() {
        for line in Self.lines {
            var usage = AuditUsage()
            usage.read(line: line)
            let events = usage.summary.events
            for end in 1..<line.count { usage.read(line: Array(line[..<end])) }
            #expect(usage.summary.events == events)
            #expect(usage.summary.malformed == line.count - 1)
        }
    }

    @Test func noBytesMakeAGlanceFail() {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for round in 0..<4000 {
            var line = Self.lines[round % Self.lines.count]
            for _ in 0...next(4) { line[next(line.count)] = Array("{}[]\",:\\ 0a\u{0}".utf8)[next(12)] }
            guard let glance = AuditGlance(line.span) else { continue }
            var memory = GlanceMemory<Int>(limit: 4)
            let hash = GlanceMemory<Int>.hash(line.span, glance.verb, glance.uri)
            memory.keep(round, line.span, glance.verb, glance.uri, hash)
            let found = memory.value(line.span, glance.verb, glance.uri, hash)
            let other = memory.value(line.span, glance.uri, glance.verb, hash)
            #expect(found == round)
            #expect(other == nil || glance.verb == glance.uri || glance.verb.count == glance.uri.count)
        }
    }

    @Test(arguments: [
        ("1970-01-01", 0), ("2000-02-29", 11016), ("2000-03-01", 11017), ("2026-09-01", 20697), ("2024-12-31", 20088),
    ])
    func daysAreNumbersAndBack(_ text: String, _ number: Int32) {
        #expect(DayNumber.of("\(text)T00:00:00Z".utf8) == number)
        #expect(DayNumber.text(number) == text)
    }

    @Test(arguments: ["", "2026", "2026/09/01", "2026-13-01", "yesterday's"])
    func whatIsNoDayHasNoNumber(_ text: String) { #expect(DayNumber.of(text.utf8) == nil) }

    @Test func identitiesThatNoBindingNamesArePutTogetherByTheirGroups() {
        let named = Subject(.user, "max")
        var table = UsageTable(bound: [named, Subject(.group, "devs")])
        for number in 0..<(UsageTable.identityLimit + 10) {
            _ = table.number(of: Identity(user: "p\(number)", groups: ["devs", "g\(number)"]))
        }
        #expect(table.people.count == UsageTable.identityLimit + 1)
        #expect(table.people.last?.identity == Identity(user: "", groups: ["devs"]))
        let own = table.number(of: Identity(user: "max"))
        #expect(table.people[Int(own)].identity.user == "max")
    }

    /// However lines are mixed, and however often what was seen is forgotten, a glance counts what a reader counts.
    @Test func aGlanceCountsWhatReadingCounts() {
        var (quick, slow) = (AuditUsage(), AuditUsage())
        var state: UInt64 = 5
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for _ in 0..<3000 {
            let verb = ["get", "list", "create", "update"][next(4)]
            let place = "n\(next(3))"
            let text = """
                {"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete",\
                "requestURI":"/api/v1/namespaces/\(place)/pods\(verb == "list" ? "" : "/p\(next(3))")","verb":"\(verb)",\
                "user":{"username":"u\(next(4))","groups":["g\(next(2))","system:authenticated"]},\
                "objectRef":{"resource":"pods","namespace":"\(place)"},"responseStatus":{"code":200},\
                "requestReceivedTimestamp":"2026-09-0\(1 + next(9))T10:00:00Z"}
                """
            quick.read(line: Array(text.utf8))
            // A field nobody knows before the rest changes nothing, but an escape has to be read.
            slow.read(line: Array(text.replacing("\"username\":\"u", with: "\"username\":\"\\u0075").utf8))
        }
        #expect(quick.used == slow.used)
        #expect(quick.days == slow.days)
        #expect(quick.summary == slow.summary)
    }

    @Test func moreNamespacesThanAreKeptApartBecomeAllOfThem() {
        var table = UsageTable(bound: nil)
        let who = table.number(of: Identity(user: "operator"))
        for place in 0..<(UsageTable.nameLimit * 2) {
            _ = table.note(who, AccessRequest("list", .init("pods", namespace: "n\(place)")), day: 1)
        }
        #expect(table.rows.count == UsageTable.nameLimit + 1)
        #expect(table.rows.last?.request == AccessRequest("list", .init("pods")))
        #expect(table.widened.count == 1)
    }

    @Test func aProposalForEveryNamespaceStillAllowsEach() throws {
        let cluster = objects(
            """
            {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [""], \
            resources: [pods, secrets], verbs: [get, list]}]}
            ---
            {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {kind: \
            ClusterRole, name: r}, subjects: [{kind: ServiceAccount, name: api, namespace: shop}]}
            """)
        let model = AccessModel(cluster)
        var usage = AuditUsage(subjects: model.subjects)
        for place in 0..<(UsageTable.nameLimit * 2) {
            usage.read(line: Self.event("list", "/api/v1/namespaces/n\(place)/pods"))
        }
        let proposal = try #require(RightSizing(usage, model).proposals.first)
        #expect(proposal.rules[""]?.map(\.description) == ["list pods"])
        #expect(usage.simplification?.contains("stand for all") == true)
    }

    // MARK: What a log cannot show

    private static func cluster(_ rules: String) -> [KubernetesObject] {
        objects(
            """
            {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: shop}, rules: [\(rules)]}
            ---
            {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: shop}, roleRef: \
            {kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: api, namespace: shop}]}
            """)
    }

    @Test func aListByNameIsKept() throws {
        let model = AccessModel(
            Self.cluster(#"{apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get, list, watch]}"#))
        var usage = AuditUsage()
        usage.read(line: Self.event("list", "/api/v1/namespaces/shop/secrets"))
        let proposal = try #require(RightSizing(usage, model).proposals.first)
        #expect(proposal.kept.map(\.rule.description) == ["list, watch secrets named db"])
        #expect(proposal.kept.first?.why.contains("without its name") == true)
    }

    @Test func bindIsKeptWhereTheLogHasNoBodies() throws {
        let model = AccessModel(
            Self.cluster(
                """
                {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}, {apiGroups: \
                [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}
                """))
        var usage = AuditUsage()
        usage.read(
            line: Self.event("create", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", code: 201))
        let proposal = try #require(RightSizing(usage, model).proposals.first)
        #expect(proposal.kept.map(\.rule.description) == ["bind clusterroles (rbac.authorization.k8s.io)"])
    }

    @Test(arguments: [("0 3 1 * *", true), ("@monthly", true), ("0 3 * * *", false), ("*/5 * * * *", false)])
    func whatRunsMoreSeldomThanTheLogIsLongIsNotJudged(_ schedule: String, _ isSeldom: Bool) {
        let job = objects(
            """
            {apiVersion: batch/v1, kind: CronJob, metadata: {name: report, namespace: shop}, spec: {schedule: \
            "\(schedule)", jobTemplate: {spec: {template: {spec: {serviceAccountName: api, containers: [{name: c}]}}}}}}
            """)
        let rights = Self.cluster(#"{apiGroups: [""], resources: [secrets], verbs: [get]}"#)
        var usage = AuditUsage()
        usage.read(line: Self.event("get", "/api/v1/pods", user: "other"))
        usage.read(line: Self.event("get", "/api/v1/pods", user: "other", time: "2026-09-12T00:00:00Z"))
        let sizing = RightSizing(usage, AccessModel(rights), objects: job)
        let account = Subject(.serviceAccount, namespace: "shop", "api")
        #expect(sizing.unjudged.map(\.subject) == (isSeldom ? [account] : []))
        #expect(sizing.dormant == (isSeldom ? [] : [account]))
    }
}
