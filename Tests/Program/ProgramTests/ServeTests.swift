import Foundation
import Synchronization
import Testing

/// The hub with a webhook beside it, as somebody starts and ends it.
@Suite(.serialized) struct ServeTests {
    /// What a process said so far, and whether it said what is waited for.
    private final class Said: Sendable {
        private let text = Mutex("")
        func add(_ data: Data) { text.withLock { $0 += String(decoding: data, as: UTF8.self) } }
        var all: String { text.withLock { $0 } }
    }

    private static let policy = """
        default: audit
        images:
          signatures: [{repositories: [registry.example/shop], issuer: key, subject: x}]
        """
    private static let key = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----
        """

    /// What it says until it has said `word` or has ended, and its code after an interrupt.
    private func serve(_ flags: [String], until word: String) async throws -> (said: String, code: Int32) {
        let program = try #require(ProgramTests.program, "the program is not built")
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-serve-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in [("policy.yaml", Self.policy), ("key.pem", Self.key)] {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        let advisory =
            #"{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":"#
            + #"{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#
        try Data(advisory.utf8).write(to: folder.appending(path: "feed.jsonl"))
        let build = Process()
        build.executableURL = program
        build.currentDirectoryURL = folder
        build.arguments = ["db", "build", "--feed", "osv=feed.jsonl", "--out", "advisories.db"]
        build.standardOutput = FileHandle.nullDevice
        build.standardError = FileHandle.nullDevice
        try build.run()
        build.waitUntilExit()
        try #require(build.terminationStatus == 0, "no advisory database was built")
        let process = Process()
        process.executableURL = program
        process.currentDirectoryURL = folder
        process.arguments =
            ["serve", "--data", "data", "--port", "0", "--admission-port", "0", "--image-db", "advisories.db"]
            + flags
        process.environment = ProcessInfo.processInfo.environment.merging([
            "HOME": folder.path, "KUBECONFIG": "/nonexistent/kubeconfig",
        ]) { $1 }
        let (pipe, said) = (Pipe(), Said())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        pipe.fileHandleForReading.readabilityHandler = { said.add($0.availableData) }
        try process.run()
        for _ in 0..<1200 where process.isRunning && !said.all.contains(word) {
            try await Task.sleep(for: .milliseconds(50))
        }
        // A moment for what would go wrong behind the first words.
        try await Task.sleep(for: .milliseconds(300))
        if process.isRunning { process.interrupt() }
        for _ in 0..<600 where process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        pipe.fileHandleForReading.readabilityHandler = nil
        return (said.all, process.terminationReason == .exit ? process.terminationStatus : -1)
    }

    @Test func aPolicyOfImagesIsServedBesideTheHub() async throws {
        let word = "answering admission reviews"
        let (said, code) = try await serve(["--policy", "policy.yaml", "--signature-key", "key.pem"], until: word)
        #expect(said.contains(word), "\(said)")
        #expect(code == 0, "\(said)")
    }

    @Test(arguments: [
        (["--policy", "policy.yaml"], "--signature-key"), (["--policy", "missing.yaml"], "missing.yaml"),
        (["--policy", "policy.yaml", "--signature-key", "policy.yaml"], "policy.yaml"),
    ])
    func whatIsMissingIsSaidAndNothingStarts(_ flags: [String], _ word: String) async throws {
        let (said, code) = try await serve(flags, until: "answering")
        #expect(!said.contains("answering"))
        #expect(said.contains(word), "\(said)")
        #expect(code != 0 && code != -1, "\(said)")
    }
}
