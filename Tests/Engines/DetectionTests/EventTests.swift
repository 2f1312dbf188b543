import Documents
import Testing

@testable import Detection

@Suite struct EventTests {
    private static let audit = """
        {"kind":"Event","auditID":"1","stage":"ResponseComplete","verb":"create",\
        "user":{"username":"eve","groups":["g"]},\
        "objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},\
        "requestURI":"/api/v1/namespaces/shop/pods?dryRun=All&x=a%20b","stageTimestamp":"2026-11-23T08:00:00.5Z",\
        "annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by \
        ClusterRoleBinding \\"admins\\" of ClusterRole \\"cluster-admin\\" to Group \\"g\\""},\
        "requestObject":{"spec":{"hostNetwork":true,"containers":[{"name":"a","image":"r/x:1","securityContext":\
        {"privileged":true}},{"name":"b","image":"r/y@sha256:0"}],"volumes":[{"name":"v","hostPath":{"path":"/etc"}}]}}}
        """

    private static func values(_ field: String) throws -> [String]? {
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(audit.utf8)))
        let found = AuditEvent(node).values(FieldReference(spelled: field), FieldInfo(field, .string))
        return found?.map { $0.asBytes.asText }
    }

    @Test(arguments: [
        ("ka.user.name", ["eve"]), ("ka.user.groups", ["g"]), ("ka.verb", ["create"]), ("ka.response.code", ["201"]),
        ("ka.uri.param[x]", ["a b"]), ("ka.req.pod.containers.image", ["r/x:1", "r/y@sha256:0"]),
        ("ka.req.pod.containers.image.repository", ["r/x", "r/y"]),
        ("ka.req.pod.containers.image[1]", ["r/y@sha256:0"]),
        ("ka.req.pod.containers.privileged", ["true"]), ("ka.req.container.privileged", ["true"]),
        ("ka.req.pod.host_network", ["true"]), ("ka.req.pod.volumes.hostpath", ["/etc"]),
        ("ka.req.volume.hostpath[/e*]", ["true"]), ("ka.req.pod.volumes.volume_type", ["hostPath"]),
        ("jevt.value[/objectRef/namespace]", ["shop"]), ("jevt.rawtime", ["1795420800500000000"]),
    ])
    func fieldsOfAnAuditEvent(_ field: String, _ expected: [String]) throws {
        #expect(try Self.values(field) == expected)
    }

    @Test(arguments: [
        "ka.impuser.name", "ka.req.binding.subjects", "ka.uri.param[none]", "ka.req.pod.containers.image[9]",
    ])
    func whatAnEventDoesNotSayIsAbsent(_ field: String) throws { #expect(try Self.values(field) == nil) }

    @Test func theGrantThatAllowedARequestIsRead() throws {
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(Self.audit.utf8)))
        let grant = try #require(AuditEvent(node).grant)
        #expect(grant.bindingKind == "ClusterRoleBinding" && grant.binding == "admins")
        #expect(grant.role == "cluster-admin" && grant.subjectKind == "Group" && grant.subject == "g")
    }

    private static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.value(text)
        return writer.string
    }

    @Test func everyWrappingHoldsTheSameEvent() {
        let line = Self.audit.split(separator: "\n").joined()
        let texts = [
            line, "[\(line)]", "{\"kind\":\"EventList\",\"items\":[\(line)]}", "2026-11-23T08:00:00Z \(line)",
            "{\"logEvents\":[{\"id\":\"1\",\"message\":\(Self.quoted(line))}]}",
            "{\"records\":[{\"category\":\"kube-audit\",\"properties\":{\"log\":\(Self.quoted(line))}}]}",
            "{\n  \"kind\": \"EventList\",\n  \"items\": [\n\(line)\n]}",
        ]
        for text in texts {
            let stream = EventStream.read(Array(text.utf8))
            #expect(stream.events.count == 1 && stream.unreadable == 0 && stream.unknown == 0, "\(text.prefix(60))")
            #expect(stream.events.first?.source == "k8s_audit")
        }
    }

    @Test func anEntryOfCloudLoggingReadsAsAnAuditEvent() throws {
        let text = """
            {"insertId":"i","receiveTimestamp":"2026-11-23T08:00:00Z","protoPayload":\
            {"methodName":"io.k8s.core.v1.pods.exec.create",\
            "resourceName":"core/v1/namespaces/shop/pods/p/exec","authenticationInfo":{"principalEmail":"eve@x"}}}
            """
        let stream = EventStream.read(Array(text.utf8))
        guard case .audit(let event)? = stream.events.first else {
            Issue.record("no audit event")
            return
        }
        #expect(event.node["objectRef"]["subresource"].string == "exec" && event.userName == "eve@x")
    }

    @Test func aStreamThatIsCutOffIsCounted() {
        let line = Self.audit.split(separator: "\n").joined()
        let stream = EventStream.read(Array("\(line)\n{\"auditID\":\"2\",\"verb\n\n{\"x\":1}".utf8))
        #expect(stream.events.count == 1 && stream.unreadable == 1 && stream.unknown == 1)
    }

    @Test func alertsOfFalcoPassThroughUnchanged() throws {
        let text = """
            {"hostname":"n","output":"08:00:00.000000000: Warning Shell in pod","output_fields":\
            {"evt.time":1795420800000000000,\
            "k8s.ns.name":"shop","k8s.pod.name":"api-6d4b75cb6d-hx2zq","proc.name":"sh"},"priority":"Warning",\
            "rule":"Shell","source":"syscall","tags":["T1059"],"time":"2026-11-23T08:00:00.000000000Z"}
            """
        let stream = EventStream.read(Array(text.utf8))
        guard case .alert(let alert)? = stream.events.first else {
            Issue.record("no alert")
            return
        }
        #expect(alert.json() == text)
        #expect(alert.message == "Shell in pod" && alert.techniques == ["T1059"])
    }

    @Test func hostileTextStaysInItsPlace() throws {
        var set = RuleSet()
        _ = set.load(
            SourceText(
                name: "r",
                bytes: Array(
                    "- rule: r\n  desc: d\n  condition: proc.name exists\n  output: \"<%proc.name>\"\n  priority: INFO"
                        .utf8)))
        let hostile = "a\u{1B}[2J\n\"x\u{0}" + String(repeating: "A", count: 1 << 20)
        var detector = try #require(set.detector("syscall"))
        let values: (FieldReference, FieldInfo) -> [FieldValue]? = { field, _ in
            field.name == "proc.name" ? [FieldValue(hostile)] : nil
        }
        let found = detector.match(values)
        #expect(found.count == 1)
        let alert = Alert(found[0], time: 0, hostname: "h", values)
        #expect(!alert.line.utf8.contains { $0 < 0x20 })
        #expect(
            try DocumentReader.readJSON(SourceText(name: "", bytes: Array(alert.json().utf8)))["rule"].string == "r")
    }
}

@Suite struct FoldingTests {
    private static func alert(_ pod: String, _ path: String, at time: UInt64) -> Alert {
        Alert(
            rule: "R", priority: .warning, source: "syscall", time: time, hostname: "n", message: "m", tags: ["T1059"],
            outputFields: [("fd.name", .text(path)), ("k8s.ns.name", .text("shop")), ("k8s.pod.name", .text(pod))])
    }

    @Test func replicasAndNumbersAreOneGroup() {
        var groups = AlertGroups()
        groups.add(Self.alert("api-6d4b75cb6d-hx2zq", "/tmp/f1", at: 30))
        groups.add(Self.alert("api-6d4b75cb6d-zzxw2", "/tmp/f22", at: 10))
        groups.add(Self.alert("db-0", "/tmp/f3", at: 20))
        #expect(groups.all.map(\.key.workload).sorted() == ["shop/api", "shop/db"])
        let api = groups.all.first { $0.key.workload == "shop/api" }
        #expect(api?.count == 2 && api?.first == 10 && api?.last == 30 && api?.techniques == ["T1059"])
    }

    @Test func anAlertWithoutAUsualFieldIsAboutWhatItsOutputTells() {
        var groups = AlertGroups()
        for (container, time) in [("0a1b2c3d4e5f", 1), ("f5e4d3c2b1a0", 2)] as [(String, UInt64)] {
            groups.add(
                Alert(
                    rule: "R", priority: .warning, source: "syscall", time: time, hostname: "n",
                    message: "rights (file=/srv/x) container_id=\(container)", tags: [],
                    outputFields: [
                        ("evt.time", .unsigned(time)), ("fs.path.name", .text("/srv/x")),
                        ("container.id", .text(container)), ("container.image.repository", .text("web")),
                    ]))
        }
        #expect(groups.all.map(\.key.item) == ["/srv/x"])
        #expect(groups.all.map(\.count) == [2])
    }

    @Test func groupsAreBoundedAndTheRestIsCounted() {
        var groups = AlertGroups(largest: 1)
        groups.add(Self.alert("a", "/x", at: 1))
        groups.add(Self.alert("b", "/y", at: 1))
        #expect(groups.all.count == 1 && groups.uncounted == 1)
    }

    @Test func aCounterTellsOnceUntilItFell() {
        var counter = WindowCounter<String>(window: 100, bound: 2)
        var told: [Bool] = []
        for time in [1, 2, 3, 4, 500] as [UInt64] { told.append(counter.add("k", at: time)) }
        #expect(told == [false, false, true, false, false])
        #expect(counter.count("k") == 1)
        _ = counter.add("k", at: 501)
        let again = counter.add("k", at: 502)
        #expect(again)
    }
}
