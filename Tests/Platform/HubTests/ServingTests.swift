import Documents
import Findings
import Foundation
import Hub
import Store
import Testing

@Suite struct ServingTests {
    @Test func nothingIsToldToNobody() async throws {
        try await HubFixture.with { hub in
            for route in HubRoutes.all() where route.permission != nil {
                let path = route.path.replacing(#/\{[a-z]+\}/#, with: "x")
                let answer = try await hub.send(route.method.rawValue, path, route.method == .get ? nil : "{}")
                #expect(answer.status == 401, "\(route.method) \(path)")
                #expect(answer.headers["content-type"] == "application/problem+json")
            }
            #expect(try await hub.send("GET", "/healthz").status == 200)
            #expect(try await hub.send("GET", "/readyz").status == 200)
        }
    }

    @Test func aSessionNeedsItsTokenToChangeSomething() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let who = try await hub.send("GET", "/api/v1/session", as: admin)
            #expect(try who.json["user"].string == "admin")
            let forged = HubFixture.Caller(cookie: admin.cookie)
            #expect(try await hub.send("DELETE", "/api/v1/session", as: forged).status == 403)
            #expect(try await hub.send("DELETE", "/api/v1/session", as: admin).status == 204)
            #expect(try await hub.send("GET", "/api/v1/session", as: admin).status == 401, "it is over")
        }
    }

    @Test func theHubSpeaksTLSWithACertificateOfItsOwn() async throws {
        try await HubFixture.with({ $0.usesTLS = true }) { hub in
            let admin = try await hub.logIn()
            #expect(admin.cookie?.hasPrefix("__Host-martlet=") == true)
            let answer = try await hub.send("GET", "/api/v1/clusters", as: admin)
            #expect(answer.status == 200)
            #expect(answer.headers["strict-transport-security"] != nil)
        }
    }

    @Test func aCopyHoldsWhatTheHubHeld() async throws {
        try await HubFixture.with { hub in
            let folder = hub.hub.settings.dataFolder
            let target = folder + ".copy"
            defer { try? FileManager.default.removeItem(atPath: target) }
            try await hub.hub.store.write { db in
                try db.addCluster(ClusterRow(id: "a", name: "a", source: "files", addedAt: 1))
            }
            let content = try await HubBackup.write(folder, to: target)
            #expect(content == HubBackup.Content(clusters: 1, findings: 0))
            #expect(try await HubBackup.check(target).isWhole)
            await #expect(throws: StoreError.self) { try await HubBackup.write(folder, to: target) }
        }
    }

    @Test(arguments: [
        ("listen: {port: 99999}", "\"port\" is a number"), ("colour: red", "no setting \"colour\""),
        ("notifiers: [{name: a, kind: smoke, url: x}]", "a notifier is one of"),
        ("notifiers: [{name: a, kind: jira, url: x}]", "options.project"),
        ("alerts: [{name: a, notifiers: [b]}]", "which is not there"),
        ("alerts: [{name: a, quiet: {from: \"25:00\", to: \"07:00\"}}]", "a time of the day"),
        ("tls: {certificate: a.pem}", "both a certificate and a key"),
        ("openid: {issuer: x, client: y, groups: [{group: g, role: king}]}", "a role is one of"),
    ])
    func settingsThatAreWrongAreRefused(_ text: String, _ says: String) {
        var settings = HubSettings(dataFolder: "/nowhere")
        let error = #expect(throws: SettingsError.self) {
            try settings.read(SourceText(name: "hub.yaml", bytes: Array(text.utf8)))
        }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test func guessingPasswordsEnds() async throws {
        try await HubFixture.with { hub in
            var statuses: [Int] = []
            for _ in 0..<9 {
                let body = #"{"name":"admin","password":"wrong wrong"}"#
                statuses.append(try await hub.send("POST", "/api/v1/session", body).status)
            }
            #expect(statuses.prefix(8).allSatisfy { $0 == 401 })
            #expect(statuses.last == 429)
        }
    }

    @Test func headersAreStrictAndListsHaveTags() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let first = try await hub.send("GET", "/api/v1/clusters", as: admin)
            #expect(first.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
            #expect(first.headers["x-content-type-options"] == "nosniff")
            let tag = try #require(first.headers["etag"])
            let again = try await hub.send("GET", "/api/v1/clusters", as: admin, headers: ["if-none-match": tag])
            #expect(again.status == 304)
            #expect(again.text.isEmpty)
        }
    }

    @Test(arguments: [
        ("GET", "/api/v1/findings?limit=0", 400), ("GET", "/api/v1/findings?limit=x", 400),
        ("GET", "/api/v1/findings?limit=1&limit=2", 400), ("GET", "/api/v1/findings?colour=red", 400),
        ("GET", "/api/v1/findings?severity=awful", 400), ("GET", "/api/v1/findings?cursor=zz", 400),
        ("GET", "/api/v1/findings?q=%ff", 400),
        ("GET", "/api/v1/findings?since=yesterday", 400), ("GET", "/api/v1/nothing", 404),
        ("PATCH", "/api/v1/findings", 405), ("POST", "/api/v1/waivers", 400),
        ("GET", "/api/v1/findings/a/b", 404), ("GET", "/api/v1/clusters/%00", 404),
    ])
    func whatIsWrongIsRefused(_ method: String, _ path: String, _ status: Int) async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let answer = try await hub.send(method, path, method == "GET" ? nil : "[1]", as: admin)
            #expect(answer.status == status, "\(answer.text)")
            #expect(try answer.json["detail"].string?.isEmpty == false)
        }
    }

    @Test func aBodyThatIsTooLargeIsRefused() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let body = #"{"rule":""# + String(repeating: "x", count: 2 << 20) + #""}"#
            #expect(try await hub.send("POST", "/api/v1/waivers", body, as: admin).status == 413)
        }
    }
}
