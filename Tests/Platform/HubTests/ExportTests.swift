import Documents
import Foundation
import Hub
import Store
import Testing

@Suite struct ExportTests {
    @Test func findingsLeaveInTheFormsOfOtherPrograms() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            let sarif = try await hub.send("GET", "/api/v1/exports/findings.sarif?cluster=demo", as: admin).json
            #expect(sarif["version"].string == "2.1.0")
            let results = sarif["runs"][0]["results"].elements
            #expect(results.contains { $0["ruleId"].equals("pod/host-port") })
            let csv = try await hub.send(
                "GET", "/api/v1/exports/findings.csv?cluster=demo&rule=pod/host-port", as: admin)
            #expect(csv.text.contains("pod/host-port") && csv.headers["content-disposition"]?.contains("csv") == true)
            let reports = try await hub.send("GET", "/api/v1/exports/findings.policyreport?cluster=demo", as: admin)
                .json
            let shop = reports["items"].elements.first { $0["metadata"]["namespace"].equals("shop") }
            #expect(shop?["kind"].string == "PolicyReport")
            #expect(shop?["summary"]["fail"].int ?? 0 > 0)
            #expect(try await hub.send("GET", "/api/v1/exports/findings.policyreport", as: admin).status == 400)
        }
    }

    @Test func nobodyExportsWhatHeMayNotSee() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            let grants = #"[{"role":"viewer","cluster":"demo","namespace":"other"}]"#
            let bob = try await hub.user("bob", grants, as: admin)
            for name in ["findings.sarif", "findings.csv", "findings.openreports", "waivers.yaml", "vex.cdx.json"] {
                let answer = try await hub.send("GET", "/api/v1/exports/\(name)?cluster=demo", as: bob)
                #expect(answer.status == 200 && !answer.text.contains("cart"), "\(name)")
            }
            let path = "/api/v1/findings?cluster=demo&rule=pod/host-port"
            let print = try await hub.send("GET", path, as: admin).json["items"][0]["fingerprint"].string ?? ""
            #expect(try await hub.send("GET", "/api/v1/findings/demo/\(print)/fix", as: bob).status == 404)
        }
    }

    @Test func aFixIsTriedBeforeItIsOffered() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            let path = "/api/v1/findings?cluster=demo&rule=pod/privilege-escalation"
            let print = try #require(
                try await hub.send("GET", path, as: admin).json["items"][0]["fingerprint"].string)
            let fix = try await hub.send("GET", "/api/v1/findings/demo/\(print)/fix", as: admin).json
            #expect(fix["isEmpty"].bool == false)
            #expect(fix["closed"].strings.contains("pod/privilege-escalation"))
        }
    }

    @Test func decisionsAboutVulnerabilitiesBecomeVEX() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            try await hub.hub.store.write { db in
                try db.addCluster(ClusterRow(id: "a", name: "a", source: "reports", addedAt: 1))
                let rows = [
                    ("CVE-2026-1", "me: accepted (until 2027-01-01)"),
                    ("CVE-2026-2", "me: not affected: no TLS (until 2027-01-01)"),
                ]
                .map { id, waiver in
                    FindingRow(
                        cluster: "a", fingerprint: id, rule: "grype/\(id)", severity: .high, status: .waived,
                        kind: "Image", namespace: "", name: "x:1", title: id, message: id, source: "grype",
                        waiver: waiver)
                }
                _ = try db.apply(FindingDelta(cluster: "a", at: 5, present: rows))
            }
            let vex = try await hub.send("GET", "/api/v1/exports/vex.cdx.json", as: admin).json
            let states = vex["vulnerabilities"].elements.map { $0["analysis"]["state"].string ?? "" }
            #expect(states == ["exploitable", "not_affected"])
            #expect(vex["specVersion"].string == "1.6")
        }
    }

    static let kubeconfig = """
        apiVersion: v1
        kind: Config
        current-context: c
        clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
        contexts: [{name: c, context: {cluster: c, user: u}}]
        users: [{name: u, user: {token: secret-token}}]
        """

    static func body(_ kubeconfig: String) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("name", "far")
            json.member("kubeconfig", kubeconfig)
        }
        return json.string
    }

    @Test func anUploadedKubeconfigIsKeptSealed() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let answer = try await hub.send("POST", "/api/v1/clusters", Self.body(Self.kubeconfig), as: admin)
            #expect(answer.status == 201, "\(answer.text)")
            #expect(!answer.text.contains("secret-token"))
            let kept = try await hub.hub.store.read { try $0.connections() }
            #expect(kept.map(\.cluster) == ["far"])
            #expect(!String(decoding: kept[0].sealed, as: UTF8.self).contains("secret-token"))
            hub.hub.supervisor.stop("far")
            #expect(try await hub.server.connectKept() == ["far"], "it is read again at the next start")
        }
    }

    @Test(arguments: [
        ("user: {token: secret-token}", "user: {exec: {command: /bin/sh}}", "will not run"),
        ("user: {token: secret-token}", "user: {tokenFile: /etc/shadow}", "names a file"),
        ("current-context: c", "current-context: d", "context"),
    ])
    func aKubeconfigThatWouldReachIntoTheHubIsRefused(_ old: String, _ new: String, _ says: String) async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let text = Self.kubeconfig.replacing(old, with: new)
            let answer = try await hub.send("POST", "/api/v1/clusters", Self.body(text), as: admin)
            #expect(answer.status == 400 && answer.text.contains(says), "\(answer.text)")
        }
    }
}
