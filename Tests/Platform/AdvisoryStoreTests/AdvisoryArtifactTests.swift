import ContainerImages
import Foundation
import Subprocess
import TestSupport
import Testing
import Vulnerabilities

@testable import AdvisoryStore

/// Databases in Debian's docker-registry on loopback.
@Suite struct AdvisoryArtifactTests {
    /// Runs `work` with the address of an empty registry; says so and does nothing where there is none to start.
    private func withRegistry(_ folder: FeedFolder, _ work: @Sendable @escaping (String) async throws -> Void)
        async throws
    {
        guard TestMachine.program("docker-registry") != nil else { return print("skipped: docker-registry not found") }
        let port = TestMachine.freePort()
        try folder.write(
            "config.yml",
            """
            version: 0.1
            storage:
              filesystem: {rootdirectory: \(folder.path)/data}
            http:
              addr: 127.0.0.1:\(port)
              secret: test
            """)
        let configuration = "\(folder.path)/config.yml"
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await Subprocess.run(
                    .name("docker-registry"), arguments: ["serve", configuration], output: .discarded,
                    error: .discarded)
            }
            try await work("127.0.0.1:\(port)/security/advisories:1")
            group.cancelAll()
        }
    }

    /// Asks again while the registry starts.
    private static func client() throws(ImageError) -> RegistryClient {
        var options = RegistryOptions()
        options.insecure = ["*"]
        options.retries = 8
        return try RegistryClient(options)
    }

    @Test func whatIsPushedIsPulledOnceAndThenKnown() async throws {
        let folder = try FeedFolder()
        let (privateKey, publicKey) = AdvisoryStore.newPrivateKey()
        let database = try folder.database(key: privateKey)
        let target = "\(folder.path)/there/advisories.db"
        try await withRegistry(folder) { name in
            let client = try Self.client()
            let digest = try await AdvisoryArtifact.push(database, to: name, client)
            let artifact = try await AdvisoryArtifact(name, client)
            #expect(artifact.digest == digest)
            guard case .new = try await artifact.download(to: target, key: publicKey) else {
                Issue.record("nothing was there before")
                return
            }
            #expect(FileManager.default.contentsEqual(atPath: database, andPath: target))
            guard case .same = try await artifact.download(to: target, key: publicKey) else {
                Issue.record("it was there already")
                return
            }
            // Pushing the same again changes nothing.
            #expect(try await AdvisoryArtifact.push(database, to: name, client) == digest)
            await client.close()
        }
    }

    @Test func anOtherKeyOrAnOlderDayLeavesWhatIsThere() async throws {
        let folder = try FeedFolder()
        let older = try folder.database("2026-11-01")
        let target = "\(folder.path)/there.db"
        try AdvisoryStore.write(try folder.built("2026-11-20"), to: target)
        let before = try Data(contentsOf: URL(filePath: target))
        try await withRegistry(folder) { name in
            let client = try Self.client()
            _ = try await AdvisoryArtifact.push(older, to: name, client)
            let artifact = try await AdvisoryArtifact(name, client)
            await #expect(throws: DatabaseError.self) { try await artifact.download(to: target) }
            let key = AdvisoryStore.newPrivateKey().publicKey
            await #expect(throws: DatabaseError.self) {
                try await artifact.download(to: target, key: key, allowsOlder: true)
            }
            #expect(try Data(contentsOf: URL(filePath: target)) == before)
            guard case .new(let taken) = try await artifact.download(to: target, allowsOlder: true) else {
                Issue.record("an older one was asked for")
                return
            }
            #expect(taken.built?.text == "2026-11-01")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".part") }
            #expect(left.isEmpty)
            await client.close()
        }
    }

    @Test func anArtifactOfAnotherKindIsNamed() async throws {
        let folder = try FeedFolder()
        try await withRegistry(folder) { name in
            let client = try Self.client()
            let host = String(name.prefix { $0 != "/" })
            let blob = try await client.push(Array("{}".utf8), host: host, repository: "security/advisories")
            let manifest = """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":\
                {"mediaType":"application/vnd.oci.empty.v1+json","digest":"\(blob)","size":2},"layers":[]}
                """
            _ = try await client.push(
                manifest: Array(manifest.utf8), mediaType: "application/vnd.oci.image.manifest.v1+json", host: host,
                repository: "security/advisories", reference: "1")
            let error = await #expect(throws: ImageError.self) { _ = try await AdvisoryArtifact(name, client) }
            #expect(error?.code == .unsupported)
            await client.close()
        }
    }
}
