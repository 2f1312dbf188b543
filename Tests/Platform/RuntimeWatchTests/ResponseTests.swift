import Foundation
import Sensor
import Testing

@testable import RuntimeWatch

/// Programs that the image did not bring are stopped, those it did bring are not.
@Suite(.serialized, .enabled(if: Live.isPossible)) struct ResponseTests {
    private func run(
        _ response: SensorOptions.Response, isFallback: Bool = false
    ) throws -> (alerts: [String], output: String, isOverlay: Bool)? {
        let live: LiveWatch
        do {
            live = try LiveWatch(response: response, isFallback: isFallback)
        } catch let error as SensorError {
            print("skipped: \(error.message)")
            return nil
        }
        if let problem = live.denialProblem {
            print("denied by other means: \(problem)")
            #expect(problem.contains("fanotify"))
        }
        var container = try TestContainer()
        defer { container.remove() }
        // What is written tells which programs came to their end. A container is watched from its first program on.
        let script =
            LiveWatch.known + "/bin/true; echo own >> /tmp/out; cp /bin/busybox /tmp/true; "
            + "/tmp/true && echo dropped >> /tmp/out; /bin/sleep 0.2; sync"
        let found = try live.run(&container, script)
        let output = (try? String(contentsOfFile: "\(container.folder)/rootfs/tmp/out", encoding: .utf8)) ?? ""
        #expect(live.sensor.ledger.counts.allSatisfy { $0.isExact })
        return (found.map(\.rule), output, container.isOverlay)
    }

    @Test(arguments: [SensorOptions.Response.signal, .deny])
    func aDroppedProgramIsStopped(_ response: SensorOptions.Response) throws {
        guard let (alerts, output, isOverlay) = try run(response) else { return }
        guard isOverlay else { return print("skipped: no overlay here, so nothing tells what was written") }
        #expect(alerts.contains(OwnAlert.stopped.rawValue))
        #expect(output == "own\n")
    }

    @Test func withoutKernelProgramsADroppedProgramIsDeniedByFanotify() throws {
        guard let (alerts, output, isOverlay) = try run(.deny, isFallback: true) else { return }
        guard isOverlay else { return print("skipped: no overlay here, so nothing tells what was written") }
        #expect(alerts.contains(OwnAlert.stopped.rawValue))
        #expect(output == "own\n")
    }

    /// The runtime's folder in memory is where an intruder drops programs; a volume of the pod in memory is where its
    /// containers hand each other theirs.
    @Test(arguments: [SensorOptions.Response.signal, .deny])
    func memoryOfTheRuntimeIsNoPlaceForProgramsAndAVolumeOfThePodIs(_ response: SensorOptions.Response) throws {
        let live = try LiveWatch(response: response)
        let volume = "/var/tmp/martlet-volumes-\(getpid())-\(response)/volumes/kubernetes.io~empty-dir/tools"
        try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: true)
        guard try TestContainer.run(["/bin/mount", "-t", "tmpfs", "tmpfs", volume]) == 0 else {
            return print("skipped: no file system in memory can be mounted")
        }
        defer {
            _ = try? TestContainer.run(["/bin/umount", "-l", volume])
            try? FileManager.default.removeItem(
                atPath: "/var/tmp/martlet-volumes-\(getpid())-\(response)")
        }
        try FileManager.default.copyItem(atPath: "/usr/bin/busybox", toPath: "\(volume)/true")
        let mounts: [[String: Any]] = [
            ["destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "rw"]],
            ["destination": "/tools", "type": "bind", "source": volume, "options": ["rbind", "rw"]],
        ]
        var container = try TestContainer(mounts: mounts)
        defer { container.remove() }
        let found = try live.run(
            &container,
            LiveWatch.known + "/bin/true; cp /bin/busybox /scratch/true; "
                + "/scratch/true && echo scratch >> /tools/out; /tools/true && echo tools >> /tools/out; /bin/sleep 0.2"
        )
        let output = try String(contentsOfFile: "\(volume)/out", encoding: .utf8)
        #expect(output == "tools\n")
        let stopped = found.filter { $0.rule == OwnAlert.stopped.rawValue }.map(\.message)
        #expect(stopped.count == 1 && stopped.allSatisfy { $0.contains("/scratch/true") })
    }

    @Test func nothingIsStoppedUnlessAskedFor() throws {
        guard let (alerts, output, _) = try run(.none) else { return }
        #expect(!alerts.contains(OwnAlert.stopped.rawValue))
        #expect(output == "own\ndropped\n")
    }
}
