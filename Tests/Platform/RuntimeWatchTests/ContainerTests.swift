import Crypto
import Detection
import Foundation
import Testing

@testable import RuntimeWatch

extension LiveTests {
    @Suite struct ContainerTests {
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

        @Test func programsAreComparedWithTheImagesOwnByContent() throws {
            // In this process: another program's pipe may be held open by whatever else is started meanwhile, and the
            // kernel's ring runs over while nobody reads.
            let digests: (String) -> String? = { path in
                guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
                return SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
            }
            let digest = try #require(digests("/usr/bin/busybox"))
            let own = ContentDrift.File(
                digest: digest, package: "busybox 1.35.0", vulnerabilities: ["CVE-2022-28391"])
            let lists = ImageFileLists(
                [
                    .init(
                        names: ["registry.example/web:1.4"], digest: nil, isComplete: true, files: ["/bin/busybox": own]
                    )
                ],
                sha256: digests)
            let live = try LiveWatch(images: lists)
            var container = try TestContainer()
            defer { container.remove() }
            // Whoever is gone has no content to be read: each program stays until it was looked at.
            let found = try live.run(
                &container,
                "mkdir /tmp/a /tmp/b; cp /bin/busybox /tmp/a/sleep; " + LiveWatch.held("/tmp/a/sleep", 0)
                    + "cp /bin/busybox /tmp/b/sleep; echo x >> /tmp/b/sleep; " + LiveWatch.held("/tmp/b/sleep", 1)
                    + "mv /tmp/b/sleep /bin/busybox; " + LiveWatch.held("/bin/sleep", 2) + "true",
                awaited: [
                    "of the container's image ran", "of the container's image ran: the image has no such file",
                    "it has other content than the image's",
                ])
            let drift = found.filter { $0.rule == OwnAlert.drift.rawValue }.map(\.message)
            #expect(live.containers.contains(container.id))
            #expect(live.sensor.ledger.counts.allSatisfy { $0.lost == 0 }, "\(live.sensor.ledger)")
            #expect(drift.contains { $0.contains("it is a copy of /bin/busybox (of busybox 1.35.0, CVE-2022-28391)") })
            #expect(drift.contains { $0.contains("the image has no such file") && $0.contains("exepath=/tmp/b/sleep") })
            #expect(
                drift.contains { $0.contains("it has other content than the image's") && $0.contains("/bin/busybox") })
            // The image's own programs are no news.
            #expect(!drift.contains { $0.contains("exepath=/bin/busybox") && $0.contains("no such file") })
            let copied = try #require(found.first { $0.rule == OwnAlert.drift.rawValue })
            #expect(copied.field("martlet.package") == "busybox 1.35.0")
            #expect(copied.field("martlet.vulnerabilities") == "CVE-2022-28391")
            #expect(copied.field("martlet.process_tree")?.contains(" > ") == true)
        }

        @Test func librariesOfTheImageAreNoNewsAndDroppedOnesAre() throws {
            let live = try LiveWatch()
            let program = "/usr/bin/true"
            var container = try TestContainer(programs: [program])
            defer { container.remove() }
            let library = try #require(container.libraries.first { $0.contains("libc.so") })
            let found = try live.run(
                &container, "\(program); cp \(library) /tmp/dropped.so; LD_PRELOAD=/tmp/dropped.so \(program)")
            let alerts = found.filter { $0.rule == OwnAlert.libraryDrift.rawValue }
            #expect(!alerts.isEmpty)
            #expect(alerts.allSatisfy { $0.message.contains("library=/tmp/dropped.so") }, "\(alerts.map(\.message))")
            #expect(alerts.first?.message.contains("it was written into the running container") == true)
            #expect(alerts.allSatisfy { $0.field("k8s.pod.uid") == TestContainer.podUID })
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
}
