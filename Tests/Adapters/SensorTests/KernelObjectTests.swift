import Foundation
import Testing

@Suite struct KernelObjectTests {
    @Test func theCheckedInObjectIsWhatTheSourceCompilesTo() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let out = NSTemporaryDirectory() + "martlet-object-\(getpid()).c"
        defer { try? FileManager.default.removeItem(atPath: out) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["\(root)/scripts/bpf", out]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus != 3 else {
            print("skipped: no clang with the target bpf beside swift")
            return
        }
        #expect(process.terminationStatus == 0)
        let made = try String(contentsOfFile: out, encoding: .utf8)
        let kept = try String(
            contentsOfFile: "\(root)/Sources/Adapters/SensorObject/sensor_object.c", encoding: .utf8)
        #expect(made == kept, "run `make bpf`")
    }
}
