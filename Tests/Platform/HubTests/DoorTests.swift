import Admission
import Findings
import Hub
import Testing

/// What happens at the webhook beside the hub is seen and alerted on there.
@Suite struct DoorTests {
    private static func event(_ kind: DoorEvent.Kind, _ severity: Severity = .low) -> DoorEvent {
        DoorEvent(
            kind, severity, namespace: "shop", subject: "Deployment shop/web", user: "alice",
            rules: ["pod/privileged"], message: "alice may not create Deployment shop/web: pod/privileged")
    }

    @Test func refusalsAreEventsAndAnEmergencyIsAnAlert() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let log = DoorLog(hub.server, cluster: "Prod EU")
            for _ in 0..<3 { log.note(Self.event(.refused)) }
            await log.flush()
            let refused = try await hub.send("GET", "/api/v1/events?source=admission", as: admin).json["items"]
            #expect(refused.count == 1)
            #expect(refused[0]["cluster"].string == "prod-eu")
            #expect(refused[0]["rule"].string == "admission/refused")
            #expect(refused[0]["namespace"].string == "shop")
            #expect(refused[0]["message"].string?.hasSuffix("pod/privileged (3 times)") == true)
            // A door that works is nothing to wake anybody for.
            #expect(try await hub.send("GET", "/api/v1/alerts", as: admin).json["items"].isEmpty == true)
            log.note(Self.event(.brokenGlass, .high))
            await log.flush()
            let alerts = try await hub.send("GET", "/api/v1/alerts", as: admin).json["items"]
            #expect(alerts.count == 1)
            #expect(alerts[0]["severity"].string == "high")
            let known = try await hub.send("GET", "/api/v1/clusters", as: admin).json["items"]
            #expect(known[0]["id"].string == "prod-eu")
        }
    }

    @Test func whatWaitsWhenTheHubEndsIsWrittenFirst() async throws {
        try await HubFixture.with { hub in
            let admin = try await hub.logIn()
            let log = DoorLog(hub.server, cluster: "prod")
            let running = Task { await log.run() }
            log.note(Self.event(.refused))
            running.cancel()
            await running.value
            await log.flush()
            await log.flush()
            #expect(try await hub.send("GET", "/api/v1/events", as: admin).json["items"].count == 1)
        }
    }
}
