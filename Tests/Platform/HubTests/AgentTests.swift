import Crypto
import Documents
import Findings
import Foundation
import Logging
import Store
import Testing

@testable import Hub

@Suite struct AgentTests {
    /// A folder that is gone afterwards.
    static func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    /// Invites an agent; its settings.
    static func invite(_ hub: HubFixture, _ admin: HubFixture.Caller, to cluster: String, _ folder: URL) async throws
        -> Agent.Settings
    {
        try await ExampleTests.eventually("the hub listens for agents") { hub.hub.agents != nil }
        let answer = try await hub.send("POST", "/api/v1/agents", #"{"cluster":"\#(cluster)"}"#, as: admin)
        #expect(answer.status == 201, "\(answer.text)")
        let token = try #require(JoinToken(answer.json["token"].string ?? ""))
        let port = try #require(hub.hub.agents?.port)
        var settings = Agent.Settings(
            host: "127.0.0.1", port: port, folder: folder.appending(path: "agent").path, version: "7", pod: "pod-1")
        settings.token = token
        return settings
    }

    static func agent(
        _ settings: Agent.Settings, _ folder: URL, now: @escaping @Sendable () -> Milliseconds = TimeText.system
    ) -> Agent {
        var log = Logger(label: "test")
        log.logLevel = .critical
        var agent = Agent(settings, source: .files([folder.appending(path: "shop").path]), now: now, log: log)
        agent.pulse = 0.1
        return agent
    }

    static func write(_ text: String, _ folder: URL) throws {
        let shop = folder.appending(path: "shop")
        try FileManager.default.createDirectory(at: shop, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: shop.appending(path: "cart.yaml"))
    }

    static func whileRunning(_ agent: Agent, _ body: () async throws -> Void) async throws {
        let running = Task { try await agent.run() }
        do {
            try await body()
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        _ = try? await running.value
    }

    @Test func anAgentsFindingsAreTheHubsAndFollowTheCluster() async throws {
        try await Self.withFolder { folder in
            try Self.write(ExampleTests.deployment, folder)
            try await HubFixture.with { hub in
                let admin = try await hub.logIn()
                let settings = try await Self.invite(hub, admin, to: "edge", folder)
                try await Self.whileRunning(Self.agent(settings, folder)) {
                    let path = "/api/v1/findings?cluster=edge&rule=pod/host-port"
                    try await ExampleTests.eventually("the finding came") {
                        try await hub.send("GET", path, as: admin).json["items"][0]["status"].equals("failing")
                    }
                    try await ExampleTests.eventually("the agent tells how it fares") {
                        let cluster = try await hub.send("GET", "/api/v1/clusters/edge", as: admin).json
                        return cluster["freshness"]["state"].equals("resting")
                            && cluster["agent"]["version"].equals("7") && cluster["agent"]["memoryBytes"].int ?? 0 > 0
                    }
                    try Self.write(ExampleTests.deployment.replacing(", hostPort: 80", with: ""), folder)
                    try await ExampleTests.eventually("it was fixed") {
                        try await hub.send("GET", path + "&status=fixed", as: admin).json["items"][0]["status"]
                            .equals("fixed")
                    }
                    let counted = try await hub.hub.store.read { try $0.countedRollups() }
                    #expect(try await hub.hub.store.read { try $0.rollups(.namespace) } == counted)
                }
                // Again, with the identity on disk: what the hub has is not sent a second time.
                let before = try await hub.hub.store.read { try $0.agent(of: "edge") }
                try await Self.whileRunning(Self.agent(settings, folder)) {
                    try await ExampleTests.eventually("it is back") {
                        try await hub.hub.store.read { try $0.agent(of: "edge") }?.seenAt ?? 0 > before?.seenAt ?? 0
                    }
                }
            }
        }
    }

    @Test func aTokenLetsInOnceAndOnlyToTheHubThatMadeIt() async throws {
        try await Self.withFolder { folder in
            try await HubFixture.with { hub in
                let admin = try await hub.logIn()
                let settings = try await Self.invite(hub, admin, to: "edge", folder)
                let token = try #require(settings.token)
                let join = AgentJoin(
                    host: "127.0.0.1", port: settings.port, folder: folder.path, version: "7", now: TimeText.system)
                let other = JoinToken(secret: token.secret, pin: Base64URL.encode(SecretText.bytes(32)))
                let pin = await #expect(throws: LinkError.self) { try await join.join(other) }
                #expect(pin?.code == "pin", "another hub's key ends it before the secret is sent")
                let identity = try await join.join(token)
                #expect(identity.cluster == "edge")
                let used = await #expect(throws: LinkError.self) { try await join.join(token) }
                #expect(used?.code == "bad-token")
                let stranger = AgentLink(
                    host: "127.0.0.1", port: settings.port, try AgentIdentity.pinned(identity.authority),
                    now: TimeText.system)
                let nobody = await #expect(throws: LinkError.self) {
                    _ = try await stranger.ask(.POST, "hello") { _ in }
                }
                #expect(nobody?.status == 401)
                await stranger.close()
                let link = AgentLink(
                    host: "127.0.0.1", port: settings.port, try identity.configuration(), now: TimeText.system)
                #expect(try await link.ask(.POST, "hello") { _ in }["serial"].int == 0)
                #expect(try await hub.send("DELETE", "/api/v1/agents/edge", as: admin).status == 204)
                let out = await #expect(throws: LinkError.self) { _ = try await link.ask(.POST, "hello") { _ in } }
                #expect(out?.code == "revoked")
                await link.close()
            }
        }
    }

    @Test func aCertificateThatHasEndedIsReplacedByTheKeyThatHeldIt() async throws {
        try await Self.withFolder { folder in
            try Self.write(ExampleTests.deployment, folder)
            try await HubFixture.with { hub in
                let admin = try await hub.logIn()
                let settings = try await Self.invite(hub, admin, to: "edge", folder)
                // The agent's clock says it slept for 40 days.
                let late: @Sendable () -> Milliseconds = { TimeText.system() + 40 * 86_400_000 }
                try await Self.whileRunning(Self.agent(settings, folder, now: late)) {
                    try await ExampleTests.eventually("there is another certificate") {
                        let agent = try await hub.hub.store.read { try $0.agent(of: "edge") }
                        return agent?.previous.isEmpty == false && agent?.serial ?? 0 > 0
                    }
                    let finding = try await hub.send("GET", "/api/v1/findings?cluster=edge", as: admin).json["items"][0]
                    let seen = TimeText.milliseconds(finding["firstSeen"].string ?? "") ?? Int.max
                    #expect(seen <= TimeText.system(), "times are the hub's, whatever the agent's clock says")
                }
            }
        }
    }

    @Test func aBatchThatIsRepeatedIsTakenOnce() async throws {
        try await Self.withFolder { folder in
            try await HubFixture.with { hub in
                let admin = try await hub.logIn()
                _ = try await Self.invite(hub, admin, to: "edge", folder)
                var row = AgentRow(cluster: "edge", version: "", certificate: "x", joinedAt: 1, endsAt: 2)
                row.stream = "s"
                let agent = row
                try await hub.hub.store.write { try $0.write(agent) }
                let desk = AgentDesk(hub: hub.hub, agent: agent, skew: 0)
                func bytes(_ number: Int) throws -> [UInt8] {
                    try BatchCoding.bytes(PostureBatch(at: number, present: [Self.finding(number)]))
                }
                for number in [1, 1, 2, 1, 2, 3] { _ = try await desk.take(number, of: "s", bytes(number)) }
                let stored = try await hub.hub.store.read { try $0.digests(of: "edge").count }
                #expect(stored == 3)
                await #expect(throws: HubProblem.self) { try await desk.take(5, of: "s", bytes(5)) }
                await #expect(throws: HubProblem.self) { try await desk.take(4, of: "other", bytes(4)) }
                await #expect(throws: (any Error).self) { try await desk.take(4, of: "s", Array("nonsense".utf8)) }
            }
        }
    }

    static func finding(_ number: Int) -> FindingRow {
        FindingRow(
            cluster: "edge", fingerprint: "f\(number)", rule: "pod/host-port", severity: .high, status: .failing,
            group: "apps", kind: "Deployment", namespace: "shop-\(number % 3)", name: "cart \"\(number)\"",
            file: number % 2 == 0 ? "a.yaml" : "", isSystem: number % 5 == 0, title: "A title", message: "é\n\u{1}",
            evidence: #"[{"path":"spec","message":"\#(number)"}]"#, origin: number % 4 == 0 ? "Helm a/b" : "",
            waiver: number % 7 == 0 ? "me: why (until 2027-01-01)" : nil, objectVersion: "\(number)")
    }

    static func object(_ number: Int) -> ObjectRow {
        ObjectRow(
            cluster: "edge", group: "apps", kind: "Deployment", namespace: "shop-\(number % 3)", name: "o\(number)",
            runsPods: number % 2 == 0, labels: ["a=b"], images: ["x:1"], worst: number % 3 == 0 ? nil : .low,
            failing: number, seenAt: 5)
    }

    @Test func aBatchIsTheSameOnTheOtherSide() throws {
        var batch = PostureBatch(
            at: 77, present: (0..<40).map(Self.finding), gone: ["g1", "g2"], objects: (0..<20).map(Self.object),
            goneObjects: (20..<25).map { Self.object($0).key })
        batch.images = [ImageRow(cluster: "edge", image: "x:1", digest: "sha256:1", workloads: 2, seenAt: 5)]
        batch.end = .init(
            counts: .init(objects: 1, workloads: 2, passed: 3, failed: 4, waived: 5, unobservable: 6), score: 0.75,
            eventAt: 9, lag: 11)
        #expect(try BatchCoding.batch(BatchCoding.bytes(batch), of: "edge") == batch)
        let parts = batch.parts(of: 15)
        #expect(parts.allSatisfy { $0.present.count + $0.gone.count + $0.objects.count <= 15 })
        #expect(parts.dropLast().allSatisfy { $0.end == nil } && parts.last?.end == batch.end)
        var whole = PostureDigests()
        whole.apply(batch)
        var pieces = PostureDigests()
        for part in parts { pieces.apply(part) }
        #expect(whole == pieces)
    }

    @Test func bytesThatAreNoBatchAreRefused() throws {
        let good = try BatchCoding.bytes(PostureBatch(at: 1, present: [Self.finding(1)]))
        var generator = SystemRandomNumberGenerator()
        for round in 0..<2000 {
            var bytes = good
            for _ in 0...(round % 5) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if round % 3 == 0 { bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))) }
            // Whatever it is, it is an error or a batch of this cluster.
            if let batch = try? BatchCoding.batch(bytes, of: "edge") {
                #expect(batch.present.allSatisfy { $0.cluster == "edge" })
            }
        }
    }

    @Test func whatLiesOnDiskOutlivesACrash() async throws {
        try await Self.withFolder { folder in
            let path = folder.appending(path: "buffer").path
            var expected = PostureDigests()
            do {
                let buffer = try AgentBuffer(cluster: "edge", folder: path)
                for number in 1...6 {
                    let batch = PostureBatch(
                        at: number, present: [Self.finding(number)], gone: number == 6 ? ["f2"] : [],
                        objects: [Self.object(number)])
                    try await buffer.add(batch)
                    expected.apply(batch)
                }
            }
            // A power cut in the middle of a record.
            let log = URL(filePath: path).appending(path: "batches.log")
            var bytes = try Data(contentsOf: log)
            bytes.append(contentsOf: [9, 0, 0, 0, 0, 0, 0, 0, 7, 0])
            try bytes.write(to: log)
            let buffer = try AgentBuffer(cluster: "edge", folder: path)
            #expect(await buffer.waiting == 6)
            #expect(try await buffer.digests() == expected)
            #expect(await buffer.goesOn(from: 4, of: buffer.stream))
            #expect(try await buffer.next()?.number == 5)
            try await buffer.acknowledge(6)
            #expect(try await buffer.next() == nil)
            #expect(await !buffer.goesOn(from: 9, of: buffer.stream), "a hub that knows more than was ever said")
        }
    }

    @Test func whatWaitsTooLongIsDroppedAndCounted() async throws {
        try await Self.withFolder { folder in
            let day = 86_400_000
            let buffer = try AgentBuffer(cluster: "edge", folder: folder.path)
            let stream = await buffer.stream
            for number in 0..<5 { try await buffer.add(PostureBatch(at: number, present: [Self.finding(number)])) }
            try await buffer.add(PostureBatch(at: day + 10, present: [Self.finding(9)]))
            #expect(await buffer.lost == 5)
            #expect(await buffer.waiting == 1)
            #expect(await buffer.stream != stream, "the hub is asked what it has")
            #expect(try await buffer.digests().parts.values.reduce(0) { $0 + $1.findings.count } == 6)
        }
    }
}
