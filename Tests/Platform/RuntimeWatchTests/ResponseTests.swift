import Foundation
import Sensor
import Testing

@testable import RuntimeWatch

/// Programs that the image did not bring are stopped, those it did bring are not.
@Suite(.serialized, .enabled(if: Live.isPossible)) struct ResponseTests {
    private func run(_ response: SensorOptions.Response) throws -> (alerts: [String], output: String, isOverlay: Bool)?
    {
        let live: LiveWatch
        do {
            live = try LiveWatch(response: response)
        } catch let error as SensorError {
            print("skipped: \(error.message)")
            return nil
        }
        var container = try TestContainer()
        defer { container.remove() }
        // What is written tells which programs came to their end.
        let script =
            "/bin/true && echo own >> /tmp/out; cp /bin/busybox /tmp/true; "
            + "/tmp/true && echo dropped >> /tmp/out; sync"
        let found = try live.run(&container, script)
        let output = (try? String(contentsOfFile: "\(container.folder)/rootfs/tmp/out", encoding: .utf8)) ?? ""
        return (found.map(\.rule), output, container.isOverlay)
    }

    @Test(arguments: [SensorOptions.Response.signal, .deny])
    func aDroppedProgramIsStopped(_ response: SensorOptions.Response) throws {
        guard let (alerts, output, isOverlay) = try run(response) else { return }
        guard isOverlay else { return print("skipped: no overlay here, so nothing tells what was written") }
        #expect(alerts.contains(OwnAlert.stopped.rawValue))
        #expect(output == "own\n")
    }

    @Test func nothingIsStoppedUnlessAskedFor() throws {
        guard let (alerts, output, _) = try run(.none) else { return }
        #expect(!alerts.contains(OwnAlert.stopped.rawValue))
        #expect(output == "own\ndropped\n")
    }
}
