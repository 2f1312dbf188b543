import Documents
import Findings
import Foundation
import Hub
import Store
import Testing

@Suite struct ExampleTests {
    static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: cart, namespace: shop}
        spec:
          selector: {matchLabels: {app: cart}}
          template:
            metadata: {labels: {app: cart}}
            spec:
              containers:
              - name: cart
                image: cart:1
                ports: [{containerPort: 80, hostPort: 80}]
        """

    /// Waits for something that the hub does by itself.
    static func eventually(
        _ what: Comment, within seconds: Int = 240, _ holds: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record(what)
    }

    static func withManifests(
        _ configure: (inout HubSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (HubFixture, HubFixture.Caller, URL) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(deployment.utf8).write(to: folder.appending(path: "cart.yaml"))
        try await HubFixture.with(configure) { hub in
            let admin = try await hub.logIn()
            try await hub.hub.supervisor.add("demo", name: "demo", source: .files([folder.path]))
            try await eventually("the folder was evaluated") {
                try await hub.send("GET", "/api/v1/clusters/demo", as: admin)
                    .json["freshness"]["state"].equals("resting")
            }
            try await body(hub, admin, folder)
        }
    }

    @Test func aFolderOfManifestsIsKeptUpToDate() async throws {
        try await Self.withManifests { hub, admin, folder in
            let path = "/api/v1/findings?cluster=demo&rule=pod/host-port"
            let first = try await hub.send("GET", path, as: admin).json["items"][0]
            #expect(first["subject"]["name"].string == "cart")
            #expect(first["status"].string == "failing")
            let fingerprint = try #require(first["fingerprint"].string)
            let one = try await hub.send("GET", "/api/v1/findings/demo/\(fingerprint)", as: admin).json
            #expect(one["evidence"][0]["path"].string == "spec.template.spec.containers[0].ports[0].hostPort")
            #expect(one["remedy"].string?.isEmpty == false)
            let workloads = try await hub.send("GET", "/api/v1/workloads", as: admin).json["items"]
            #expect(workloads[0]["images"].strings == ["cart:1"])
            let mended = Self.deployment.replacing(", hostPort: 80", with: "")
            try Data(mended.utf8).write(to: folder.appending(path: "cart.yaml"))
            try await Self.eventually("the finding was fixed") {
                let kept = try await hub.send("GET", "/api/v1/findings/demo/\(fingerprint)", as: admin).json
                return kept["status"].equals("fixed") && kept["history"][0]["event"].equals("fixed")
            }
            let counted = try await hub.hub.store.read { try $0.countedRollups() }
            #expect(try await hub.hub.store.read { try $0.rollups(.namespace) } == counted)
        }
    }

    @Test func aWaiverNeedsTwoPeople() async throws {
        try await Self.withManifests { hub, admin, _ in
            let bob = try await hub.user("bob", #"[{"role":"editor","cluster":"demo"}]"#, as: admin)
            let day = "\(CalendarDate.of(TimeText.system() + 86_400_000))"
            let body = #"""
                {"cluster":"demo","rule":"pod/host-port","namespace":"shop","name":"cart","owner":"bob",
                "reason":"legacy client","expires":"\#(day)"}
                """#
            let own = try await hub.send("POST", "/api/v1/waivers", body, as: admin).json["id"].string ?? ""
            #expect(try await hub.send("POST", "/api/v1/waivers/\(own)/approve", "{}", as: admin).status == 403)
            let asked = try await hub.send("POST", "/api/v1/waivers", body, as: bob)
            #expect(asked.status == 201, "\(asked.text)")
            let id = try #require(try asked.json["id"].string)
            #expect(try await hub.send("POST", "/api/v1/waivers/\(id)/approve", "{}", as: bob).status == 403)
            #expect(try await hub.send("POST", "/api/v1/waivers/\(id)/approve", "{}", as: admin).status == 200)
            let waived = try await hub.send(
                "GET", "/api/v1/findings?rule=pod/host-port&status=waived", as: admin
            ).json["items"][0]
            #expect(waived["waiver"].string == "bob: legacy client (until \(day))")
            #expect(try await hub.send("POST", "/api/v1/waivers/\(id)/revoke", "{}", as: admin).status == 200)
            let again = try await hub.send("GET", "/api/v1/findings?rule=pod/host-port", as: admin).json["items"]
            #expect(again.count == 1)
            let audit = try await hub.send("GET", "/api/v1/audit/verify", as: admin).json
            #expect(audit["whole"].bool == true)
        }
    }

    @Test func aTokenSeesTheNamespacesThatCarryItsLabels() async throws {
        try await Self.withManifests { hub, admin, folder in
            func label(_ team: String) throws {
                let text = """
                    {kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {team: \(team), tier: web}}}
                    """
                try Data(text.utf8).write(to: folder.appending(path: "namespace.yaml"))
            }
            func ask(_ grants: String) async throws -> HubFixture.Answer {
                try await hub.send(
                    "POST", "/api/v1/tokens", #"{"name":"t","grants":\#(grants),"days":1}"#, as: admin)
            }
            let made = try await ask(#"[{"role":"viewer","labels":{"team":"red","tier":"web"}}]"#)
            #expect(made.status == 201, "\(made.text)")
            #expect(try made.json["grants"][0]["labels"]["team"].string == "red")
            let caller = HubFixture.Caller(token: try made.json["secret"].string)
            #expect(try await hub.send("GET", "/api/v1/findings", as: caller).status == 403, "nothing is labelled yet")
            try label("red")
            try await Self.eventually("the namespace was labelled") {
                let seen = try await hub.send("GET", "/api/v1/workloads", as: caller)
                return try seen.status == 200 && seen.json["items"].elements.contains { $0["name"].equals("cart") }
            }
            #expect(try await hub.send("GET", "/api/v1/findings", as: caller).json["items"].isEmpty == false)
            let whole = try await hub.send("GET", "/api/v1/clusters/demo/scores", as: caller)
            #expect(whole.status == 404, "no figure of the whole cluster")
            try label("blue")
            try await Self.eventually("the namespace is somebody else's") {
                try await hub.send("GET", "/api/v1/findings", as: caller).status == 403
            }
            for wrong in [#"{"a=b":"c"}"#, #"["team"]"#, #"{"team":1}"#, #"{"":"c"}"#] {
                #expect(try await ask(#"[{"role":"viewer","labels":\#(wrong)}]"#).status == 400, "\(wrong)")
            }
            let misspelt = try await ask(#"[{"role":"viewer","label":{"team":"red"}}]"#)
            #expect(misspelt.status == 400, "a limit that is misspelt is no right without one")
            let users = try await hub.send("GET", "/api/v1/users", as: admin).json["items"]
            let own = try #require(users[0]["id"].string)
            let unsaid = try await hub.send("PATCH", "/api/v1/users/\(own)", #"{"disabled":{}}"#, as: admin)
            #expect(unsaid.status == 400, "neither yes nor no")
            let part = try await hub.user(
                "part", #"[{"role":"admin","cluster":"demo","namespace":"shop"}]"#, as: admin)
            let more = try await hub.send(
                "POST", "/api/v1/tokens",
                #"{"name":"t","grants":[{"role":"viewer","cluster":"demo","namespace":"shop","labels":{"team":"red"}}]}"#,
                as: part)
            #expect(more.status == 403, "labels may come to stand on any namespace")
        }
    }

    @Test func aTokenSeesItsNamespacesOnly() async throws {
        try await Self.withManifests { hub, admin, _ in
            for (grants, expected) in [
                (#"[{"role":"viewer","cluster":"demo","namespace":"shop"}]"#, true),
                (#"[{"role":"viewer","cluster":"demo","namespace":"sh*"}]"#, true),
                (#"[{"role":"viewer","cluster":"demo","namespace":"bank"}]"#, false),
                (#"[{"role":"viewer","cluster":"other"}]"#, false),
            ] {
                let body = #"{"name":"t","grants":\#(grants),"days":1}"#
                let made = try await hub.send("POST", "/api/v1/tokens", body, as: admin)
                let caller = HubFixture.Caller(token: try made.json["secret"].string)
                let findings = try await hub.send("GET", "/api/v1/findings", as: caller).json["items"]
                #expect(findings.isEmpty != expected, "\(grants)")
                let workloads = try await hub.send("GET", "/api/v1/workloads", as: caller).json["items"]
                #expect(workloads.isEmpty != expected)
                #expect(try await hub.send("GET", "/api/v1/users", as: caller).status == 403)
                let id = try #require(try made.json["id"].string)
                #expect(try await hub.send("DELETE", "/api/v1/tokens/\(id)", as: admin).status == 204)
                #expect(try await hub.send("GET", "/api/v1/findings", as: caller).status == 401)
            }
        }
    }
}
