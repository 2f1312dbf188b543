import Documents
import Kubernetes
import Testing

@testable import Secrets

@Suite struct AuditTests {
    @Test("a text without an event is told apart from a log in which nobody reads Secrets")
    func textWithoutEvents() {
        let event = #"{"kind":"Event","stage":"ResponseComplete","verb":"get","objectRef":{"resource":"pods"}}"#
        for (lines, hasEvents) in [(["junk", "{"], false), ([], false), (["junk", event], true), ([event], true)] {
            var audit = SecretAudit()
            for line in lines { audit.read(line: Array(line.utf8)) }
            #expect(audit.summary.hasEvents == hasEvents, "\(lines)")
        }
    }

    @Test func `a time is read with fractions and offsets`() {
        #expect(EventTime("1970-01-02T00:00:00Z").seconds == 86400)
        #expect(EventTime("2026-11-15T01:12:00.500000Z").seconds == 1_794_705_120.5)
        #expect(EventTime("2026-11-15T03:12:00+02:00").seconds == 1_794_705_120)
        #expect(EventTime("yesterday").seconds == nil)
        #expect(EventTime("2026-13-15T03:12:00Z").seconds == nil)
        #expect(EventTime("2026-11-15T03:12:00.").seconds == nil)
    }

    private static let account = "system:serviceaccount:shop:app"

    private static func event(
        _ verb: String, _ name: String = "", in namespace: String = "shop", by user: String,
        from address: String = "10.0.0.1",
        agent: String = "app/1", at time: String, code: Int = 200, stage: String = "ResponseComplete",
        resource: String = "secrets", more: String = ""
    ) -> String {
        let named = name.isEmpty ? "" : #","name":"\#(name)""#
        let placed = namespace.isEmpty ? "" : #","namespace":"\#(namespace)""#
        return
            #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"\#(verb)-\#(name)-\#(time)","stage":"\#(stage)","verb":"\#(verb)","requestURI":"/api","user":{"username":"\#(user)"},"sourceIPs":["\#(address)"],"userAgent":"\#(agent)","objectRef":{"resource":"\#(resource)","apiVersion":"v1"\#(placed)\#(named)},"responseStatus":{"code":\#(code)},"requestReceivedTimestamp":"2026-11-\#(time):00Z"\#(more)}"#
    }

    private func audit(_ lines: [String]) -> SecretAudit {
        var audit = SecretAudit()
        for line in lines { audit.read(line: Array(line.utf8)) }
        return audit
    }

    private func kinds(_ lines: [String]) -> [SecretIncident.Kind] { audit(lines).incidents.map(\.kind) }

    @Test func `a watch counts once, ended or not`() {
        let ended = audit([
            Self.event("watch", by: Self.account, at: "01T10:00", stage: "ResponseStarted"),
            Self.event("watch", by: Self.account, at: "01T10:05"),
        ])
        #expect(ended.readers.sorted.map(\.row.count) == [1])
        let open = audit([Self.event("watch", by: Self.account, at: "01T10:00", stage: "ResponseStarted")])
        #expect(open.readers.sorted.map(\.row.count) == [1])
    }

    @Test func `refused and failed reads are no reads`() {
        let found = audit([
            Self.event("get", "db", by: Self.account, at: "01T10:00", code: 403),
            Self.event("get", "db", by: Self.account, at: "01T10:01", code: 404),
            Self.event("patch", "db", by: Self.account, at: "01T10:02"),
        ])
        #expect(found.readers.sorted.isEmpty)
        #expect(found.summary.events == 3)
    }

    @Test func `what an identity did before is nothing new`() {
        let usual = Self.event("list", in: "", by: "ada", from: "192.0.2.1", at: "01T10:00")
        #expect(kinds([usual, Self.event("list", in: "", by: "ada", from: "192.0.9.9", at: "02T10:00")]).isEmpty)
        #expect(
            kinds([usual, Self.event("list", in: "", by: "ada", from: "203.0.113.7", at: "02T10:00")])
                == [.wideListFromNewAddress])
        // Nobody knows what is usual on the first day.
        #expect(kinds([usual, Self.event("list", in: "", by: "ada", from: "203.0.113.7", at: "01T11:00")]).isEmpty)
    }

    @Test func `a token outside the cluster is told, a pod on another node is not`() {
        let usual = Self.event("get", "db", by: Self.account, from: "10.20.1.1", at: "01T10:00")
        #expect(
            kinds([
                usual, Self.event("get", "db", by: Self.account, from: "10.20.7.9", agent: "curl/8", at: "02T10:00"),
            ])
            .isEmpty)
        #expect(
            kinds([
                usual, Self.event("get", "db", by: Self.account, from: "198.51.100.9", agent: "curl/8", at: "02T10:00"),
            ])
                == [.tokenOffCluster])
        #expect(
            kinds([Self.event("get", "db", by: Self.account, from: "198.51.100.9", agent: "curl/8", at: "01T10:00")])
                == [.tokenOffCluster])
    }

    @Test func `three refusals are an enumeration, two are a mistake`() {
        let refused = ["a", "b", "c"].enumerated().map {
            Self.event("get", $1, by: Self.account, at: "01T10:0\($0)", code: 403)
        }
        #expect(kinds(Array(refused.prefix(2))).isEmpty)
        let found = audit(refused).incidents
        #expect(found.map(\.kind) == [.deniedEnumeration])
        #expect(found[0].auditIDs.count == 3)
        // The same Secret three times is one mistake.
        #expect(kinds((0..<3).map { Self.event("get", "a", by: Self.account, at: "01T10:0\($0)", code: 403) }).isEmpty)
    }

    @Test func `a pod made by hand is told unless its body shows that it mounts nothing`() {
        let made = Self.event(
            "create", "x", by: "ada", at: "01T10:00", code: 201, resource: "pods",
            more: #","requestObject":{"spec":{"containers":[{"name":"c"}]}}"#)
        #expect(kinds([made]).isEmpty)
        let mounting = Self.event(
            "create", "x", by: "ada", at: "01T10:00", code: 201, resource: "pods",
            more: #","requestObject":{"spec":{"volumes":[{"name":"v","secret":{"secretName":"db"}}]}}"#)
        #expect(kinds([mounting]) == [.mountingPod])
        #expect(
            kinds([Self.event("create", "x", by: "ada", at: "01T10:00", code: 201, resource: "pods")]) == [.mountingPod]
        )
        let controller = "system:serviceaccount:kube-system:replicaset-controller"
        #expect(kinds([Self.event("create", "x", by: controller, at: "01T10:00", code: 201, resource: "pods")]).isEmpty)
    }

    @Test func `lines that are no events are counted and passed over`() {
        let found = audit(["", "{", #"{"secrets": "secrets""#, "[]", #"{"resource":"secrets"}"#, #"{"kind":"Event"}"#])
        #expect(found.summary.events == 0)
        #expect(found.summary.malformed == 4)
        #expect(found.incidents.isEmpty)
    }

    /// Logs come from outside: whatever a line holds, reading ends and a half event counts for nothing.
    @Test func `events cut and changed anywhere never trap`() {
        let whole = Array(Self.event("get", "db", by: Self.account, at: "01T10:00").utf8)
        var audit = SecretAudit()
        for end in 0..<whole.count { audit.read(line: Array(whole[..<end])) }
        #expect(audit.readers.sorted.isEmpty)
        var seed: UInt64 = 11
        for _ in 0..<3_000 {
            var bytes = whole
            for _ in 0..<4 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 40)
            }
            audit.read(line: bytes)
        }
    }

    @Test func `every incident says what to do`() {
        for kind in SecretIncident.Kind.allCases { #expect(!kind.advice.isEmpty) }
    }
}

@Suite struct SecretUsesTests {
    @Test func `every way in which a Secret reaches a pod is seen`() throws {
        let spec = """
            imagePullSecrets: [{name: pull}]
            volumes:
            - {name: a, secret: {secretName: vol, items: [{key: k, path: p}]}}
            - {name: b, projected: {sources: [{secret: {name: proj}}, {configMap: {name: not}}]}}
            - {name: c, csi: {driver: d, nodePublishSecretRef: {name: csi}}}
            - {name: d, azureFile: {secretName: az}}
            - {name: e, configMap: {name: not}}
            initContainers:
            - name: i
              env: [{name: V, valueFrom: {secretKeyRef: {name: env, key: x}}}]
            containers:
            - name: c
              envFrom: [{secretRef: {name: all, optional: true}}]
              volumeMounts: [{name: a, mountPath: /a, subPath: p}, {name: b, mountPath: /b}]
            """
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(spec.utf8)))
        let uses = SecretUses(try #require(set.documents.first).root).uses
        let told = uses.map {
            "\($0.secret) \($0.way.rawValue) \($0.container) \($0.place)\($0.isSubPath ? " sub" : "")"
        }
        #expect(
            told == [
                "pull imagePull  ", "vol volume c /a sub", "proj projected c /b", "csi volumeDriver  ",
                "az volumeDriver  ", "env variable i V", "all environment c ",
            ])
    }

    @Test func `the evidence of a write is the newest of what touched the data`() throws {
        let metadata = """
            creationTimestamp: "2026-01-01T00:00:00Z"
            annotations: {reconcile.external-secrets.io/last-refresh: "2026-03-01T00:00:00Z"}
            managedFields:
            - {manager: kubectl, operation: Update, time: "2026-02-01T00:00:00Z", fieldsV1: {"f:data": {}}}
            - {manager: label, operation: Update, time: "2026-09-01T00:00:00Z", fieldsV1: {"f:metadata": {}}}
            """
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(metadata.utf8)))
        let evidence = WriteEvidence(metadata: try #require(set.documents.first).root)
        #expect(evidence.lastWrite?.time.description == "2026-03-01T00:00:00Z")
        #expect(!evidence.isLowerBound)
        #expect(evidence.marks.count == 4)
    }
}
