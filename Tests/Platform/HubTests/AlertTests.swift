import AsyncHTTPClient
import Crypto
import Documents
import Findings
import Foundation
import Hub
import Store
import Testing

@Suite struct AlertTests {
    static let event = #"""
        {"hostname":"n1","output":"12:00:00.0: Critical A shell was spawned","priority":"Critical",
        "rule":"Terminal shell in container","source":"syscall","tags":["shell"],"time":"2026-11-23T11:00:00.0Z",
        "output_fields":{"k8s.ns.name":"shop","k8s.pod.name":"cart-1"}}
        """#

    @Test func aChangeIsToldAndItsEndToo() async throws {
        // The first try fails: it is sent again.
        let receiver = try await Receiver(statuses: [503])
        let notifier = NotifierSettings(
            name: "hook", kind: .webhook, url: "http://127.0.0.1:\(receiver.port)/hook", secret: "s3cret")
        try await ExampleTests.withManifests({ $0.notifiers = [notifier] }) { hub, admin, folder in
            #expect(try await hub.send("GET", "/api/v1/alerts", as: admin).json["items"].isEmpty == true)
            let worse = ExampleTests.deployment.replacing(
                "image: cart:1", with: "image: cart:1\n        securityContext: {privileged: true}")
            try Data(worse.utf8).write(to: folder.appending(path: "cart.yaml"))
            try await ExampleTests.eventually("it was told") {
                try await hub.send("GET", "/api/v1/deliveries?state=sent", as: admin).json["items"].count > 0
            }
            let message = try #require(receiver.messages.last)
            let told = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(message.body.utf8)))
            #expect(told["state"].string == "firing")
            #expect(told["cluster"].string == "demo")
            let time = try #require(message.headers["x-martlet-timestamp"])
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("\(time).\(message.body)".utf8), using: SymmetricKey(data: Array("s3cret".utf8)))
            let hex = code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(message.headers["x-martlet-signature"] == "sha256=\(hex)")
            try Data(ExampleTests.deployment.utf8).write(to: folder.appending(path: "cart.yaml"))
            try await ExampleTests.eventually("its end was told") {
                receiver.messages.contains { $0.body.contains(#""state":"resolved""#) }
            }
            let firing = try await hub.send("GET", "/api/v1/alerts?state=firing", as: admin).json["items"]
            #expect(firing.isEmpty == true)
        }
        try await receiver.close()
    }

    @Test func theSameEventTwiceIsOne() async throws {
        let receiver = try await Receiver()
        let notifier = NotifierSettings(name: "hook", kind: .webhook, url: "http://127.0.0.1:\(receiver.port)/")
        try await HubFixture.with({ $0.notifiers = [notifier] }) { hub in
            let admin = try await hub.logIn()
            for _ in 0..<3 {
                let sent = try await hub.send("POST", "/api/v1/ingest/events?cluster=prod", Self.event, as: admin)
                #expect(sent.status == 202, "\(sent.text)")
            }
            let events = try await hub.send("GET", "/api/v1/events", as: admin).json["items"]
            #expect(events.count == 1)
            #expect(events[0]["severity"].string == "critical")
            #expect(events[0]["namespace"].string == "shop")
            try await ExampleTests.eventually("it was told") { !receiver.messages.isEmpty }
            let alerts = try await hub.send("GET", "/api/v1/alerts", as: admin).json["items"]
            #expect(alerts.count == 1)
            let id = try #require(alerts[0]["id"].string)
            let seen = try await hub.send("POST", "/api/v1/alerts/\(id)/acknowledge", "{}", as: admin)
            #expect(try seen.json["acknowledgedBy"].string == "admin")
            let deliveries = try await hub.send("GET", "/api/v1/deliveries", as: admin).json["items"]
            #expect(deliveries.count == 1)
        }
        try await receiver.close()
    }

    @Test func aSilenceKeepsItQuiet() async throws {
        let notifier = NotifierSettings(name: "hook", kind: .webhook, url: "http://127.0.0.1:9/")
        try await HubFixture.with({ $0.notifiers = [notifier] }) { hub in
            let admin = try await hub.logIn()
            let ends = TimeText.rfc3339(TimeText.system() + 3_600_000)
            let body = #"{"matcher":"Terminal*","reason":"drill","endsAt":"\#(ends)"}"#
            #expect(try await hub.send("POST", "/api/v1/silences", body, as: admin).status == 201)
            _ = try await hub.send("POST", "/api/v1/ingest/events?cluster=prod", Self.event, as: admin)
            #expect(try await hub.send("GET", "/api/v1/alerts", as: admin).json["items"].count == 1)
            #expect(try await hub.send("GET", "/api/v1/deliveries", as: admin).json["items"].isEmpty == true)
            let test = try await hub.send("POST", "/api/v1/notifiers/hook/test", "{}", as: admin)
            #expect(test.status == 502, "nobody listens there")
        }
    }

    @Test func reportsOfScannersAreHeldAgainstWhatIsKnown() async throws {
        let report = #"""
            {"SchemaVersion":2,"ArtifactName":"cart:1","Results":[{"Target":"cart","Class":"os-pkgs","Type":"debian",
            "Vulnerabilities":[{"VulnerabilityID":"CVE-2026-1","PkgName":"openssl","InstalledVersion":"3.0.1",
            "FixedVersion":"3.0.2","Severity":"CRITICAL"}]}]}
            """#
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let path = "/api/v1/ingest/reports?cluster=prod&image=cart:1"
            let first = try await hub.send("POST", path, report, as: admin)
            #expect(first.status == 202, "\(first.text)")
            #expect(try first.json["changes"].int == 1)
            #expect(try await hub.send("POST", path, report, as: admin).json["changes"].int == 0)
            let found = try await hub.send("GET", "/api/v1/findings?kind=Image", as: admin).json["items"]
            #expect(found[0]["rule"].string == "CVE-2026-1")
            #expect(found[0]["source"].string == "trivy")
            let clean = report.replacing(#/\{"VulnerabilityID".*?\}/#.dotMatchesNewlines(), with: "")
            #expect(try await hub.send("POST", path, clean, as: admin).json["changes"].int == 1)
            #expect(try await hub.send("GET", "/api/v1/findings?kind=Image", as: admin).json["items"].isEmpty == true)
            #expect(try await hub.send("POST", path, "{}", as: admin).status == 422)
        }
    }

    static let alertmanager = "/usr/bin/prometheus-alertmanager"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: alertmanager), "Alertmanager not found"))
    func aRealAlertmanagerIsTold() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = folder.appending(path: "config.yml")
        try Data("route: {receiver: none}\nreceivers: [{name: none}]\n".utf8).write(to: config)
        // A port that is free now; nobody else takes it within the moment.
        let probe = try await Receiver()
        let port = probe.port
        try await probe.close()
        let process = Process()
        process.executableURL = URL(filePath: Self.alertmanager)
        process.arguments = [
            "--config.file=\(config.path)", "--storage.path=\(folder.path)", "--cluster.listen-address=",
            "--web.listen-address=127.0.0.1:\(port)",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { process.terminate() }
        let base = "http://127.0.0.1:\(port)"
        let notifier = NotifierSettings(name: "am", kind: .alertmanager, url: base)
        try await HubFixture.with({ $0.notifiers = [notifier] }) { hub in
            let admin = try await hub.logIn()
            try await ExampleTests.eventually("Alertmanager is ready") {
                let request = HTTPClientRequest(url: "\(base)/-/ready")
                return (try? await hub.client.execute(request, timeout: .seconds(2)))?.status == .ok
            }
            _ = try await hub.send("POST", "/api/v1/ingest/events?cluster=prod", Self.event, as: admin)
            try await ExampleTests.eventually("Alertmanager has the alert") {
                let answer = try await hub.client.execute(
                    HTTPClientRequest(url: "\(base)/api/v2/alerts"), timeout: .seconds(2))
                let text = String(buffer: try await answer.body.collect(upTo: 1 << 20))
                return text.contains(#""cluster":"prod""#) && text.contains(#""namespace":"shop""#)
            }
        }
    }
}
