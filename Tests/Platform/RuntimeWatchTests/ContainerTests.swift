import Detection
import Foundation
import Testing

@testable import RuntimeWatch

@Suite(.serialized, .enabled(if: Live.isPossible)) struct ContainerTests {
    @Test func aDroppedProgramARefusedWriteAndAConnectionAreThreeAlertsOfTheRightPod() throws {
        var settings = RuntimeWatch.Settings()
        settings.limit = 0.5
        let live = try LiveWatch(settings: settings)
        // The root is read-only, a folder in memory is not: that is where a program can be dropped.
        let memory: [String: Any] = [
            "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "rw"],
        ]
        var container = try TestContainer(isReadOnly: true, mounts: [memory])
        defer { container.remove() }
        let found = try live.run(
            &container,
            "cp /bin/busybox /tmp/dropped; /tmp/dropped true; echo x > /etc/passwd; nc -w 1 169.254.169.254 80 </dev/null"
        )
        let names = Set(found.map(\.rule))
        #expect(names.contains(OwnAlert.drift.rawValue))
        #expect(names.contains(OwnAlert.refusedWrite.rawValue))
        #expect(names.contains("Cloud metadata asked from a container"))
        for alert in found {
            #expect(alert.field("k8s.pod.uid") == TestContainer.podUID)
            #expect(alert.field("martlet.evidence") == "complete")
        }
        #expect(live.nameless == 0)
        #expect(live.sensor.ledger.counts.allSatisfy { $0.isExact && $0.lost == 0 })
    }

    @Test func containersThatLiveAFewMillisecondsHaveTheirPod() throws {
        let live = try LiveWatch()
        var identifiers: Set<String> = []
        for _ in 0..<5 {
            var container = try TestContainer()
            defer { container.remove() }
            identifiers.insert(container.id)
            _ = try live.run(&container, "true")
        }
        #expect(live.containers.isSuperset(of: identifiers))
        #expect(live.nameless == 0)
    }
}
