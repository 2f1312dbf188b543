import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import SecretManagers

/// A server program that runs while a test needs it, on a free port of loopback.
struct ServerProcess {
    /// Runs the program until `body` is done; `isReady` asks whether it serves yet.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        isReady: () async -> Bool, _ body: () async throws -> Void
    ) async throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Some servers do not end when they are asked to; there is nothing in them to be kept.
        defer { kill(process.processIdentifier, SIGKILL) }
        var ready = false
        for _ in 0..<240 where !ready {
            // Another process says when it is ready; there is nothing to wait for but time.
            ready = await isReady()
            if !ready { try await Task.sleep(for: .milliseconds(250)) }
        }
        try #require(ready, "\(program) was not ready within a minute")
        try await body()
    }

    /// What a web server answers.
    static func ask(
        _ method: String, _ url: String, headers: [String: String] = [:], body: String = ""
    ) async throws -> (status: Int, text: String) {
        let address = try #require(WebAddress(url))
        let answer = try await WebClient().send(
            WebClient.Request(
                method: .init(rawValue: method), address: address,
                headers: headers.map { (name: $0.key, value: $0.value) }, body: Array(body.utf8)))
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }
}
