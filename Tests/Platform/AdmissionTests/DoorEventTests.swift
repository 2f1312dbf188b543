import Findings
import Testing

@testable import Admission

@Suite struct DoorEventTests {
    private func event(_ policy: String, _ object: String, dryRun: Bool = false, mutates: Bool = false) async throws
        -> DoorEvent?
    {
        let body = try Door.body(object, groups: ["system:masters"], dryRun: dryRun)
        return await (try Door(policy)).reviewer.review(body, today: today, mutates: mutates).event
    }

    @Test func aRefusalIsTold() async throws {
        let event = try #require(try await event(ReviewTests.enforce, ReviewTests.bad))
        #expect(event.kind == .refused)
        #expect(event.severity == .low)
        #expect(event.rules == ["pod/privileged"])
        #expect(event.message == "alice may not create Deployment shop/web: pod/privileged")
    }

    @Test func anEmergencyIsToldWithItsReasonAndIsWorse() async throws {
        let broken = ReviewTests.bad.replacing(
            "uid: d-1", with: "uid: d-1, annotations: {martlet.dev/break-glass: \"the shop is down, ticket 4711\"}")
        let event = try #require(try await event(ReviewTests.enforce, broken))
        #expect(event.kind == .brokenGlass)
        #expect(event.severity == .high)
        #expect(event.message.contains("alice: the shop is down, ticket 4711"))
        #expect(event.message.contains("pod/privileged"))
    }

    @Test func whatPassesAndDryRunsAndMutationsAreNotTold() async throws {
        #expect(try await event(ReviewTests.enforce, ReviewTests.good) == nil)
        #expect(try await event(ReviewTests.enforce, ReviewTests.bad, dryRun: true) == nil)
        #expect(try await event(ReviewTests.enforce, ReviewTests.bad, mutates: true) == nil)
        #expect(try await event("default: audit", ReviewTests.bad) == nil)
    }

    @Test func aRefusalOfPodSecurityNamesTheLevel() async throws {
        let policy = "default: off\npodSecurity: {defaults: {enforce: restricted}}"
        let door = try Door(policy, cluster: "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        let pod = ReviewTests.pod(owner: "nobody")
        let reviewed = await door.reviewer.review(try Door.body(pod), today: today)
        #expect(reviewed.event?.rules == ["pod-security restricted:latest"])
    }
}
