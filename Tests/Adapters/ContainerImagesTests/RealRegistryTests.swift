import Foundation
import Images
import NIOCore
import NIOPosix
import Subprocess
import Testing

@testable import ContainerImages

/// Debian's docker-registry on loopback, with TLS and a login, and images that skopeo pushed.
@Suite struct RealRegistryTests {
    /// A port that was free a moment ago.
    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }

    private static func settings(_ folder: String, _ port: Int) -> String {
        """
        version: 0.1
        storage:
          filesystem: {rootdirectory: \(folder)/data}
        http:
          addr: 127.0.0.1:\(port)
          secret: test
          tls: {certificate: \(folder)/cert.pem, key: \(folder)/key.pem}
        auth:
          htpasswd: {realm: test, path: \(folder)/htpasswd}
        """
    }

    @Test func aPushedImageIsReadWithItsLoginAndAuthorityAndNotWithout() async throws {
        for tool in ["docker-registry", "skopeo", "openssl"] where !Command.exists(tool) {
            return print("skipped: \(tool) not found")
        }
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        try image.writeLayout("\(folder.path)/layout")
        _ = try await Command.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "\(folder.path)/key.pem", "-out", "\(folder.path)/cert.pem", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ])
        try FileManager.default.createDirectory(atPath: "\(folder.path)/certs", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(folder.path)/cert.pem", toPath: "\(folder.path)/certs/ca.crt")
        // The bcrypt hash of "secret".
        try Data("tester:$2b$04$hXjD.8lnvdTywQCtW.iN6uKRwu0oYthnDL/TiSKW2BYSqnQqU28sC\n".utf8).write(
            to: URL(filePath: "\(folder.path)/htpasswd"))
        let port = try await Self.freePort()
        try Data(Self.settings(folder.path, port).utf8).write(to: URL(filePath: "\(folder.path)/config.yml"))
        let path = folder.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await Subprocess.run(
                    .name("docker-registry"), arguments: ["serve", "\(path)/config.yml"],
                    output: .discarded, error: .discarded)
            }
            try await Self.check(image, path, port)
            group.cancelAll()
        }
    }

    private static func check(_ image: TestImage, _ folder: String, _ port: Int) async throws {
        let host = "localhost:\(port)"
        // Skopeo tries again until the registry is there.
        _ = try await Command.run(
            "skopeo",
            [
                "copy", "--quiet", "--retry-times", "8", "--dest-cert-dir", "\(folder)/certs", "--dest-creds",
                "tester:secret", "oci:\(folder)/layout:latest", "docker://\(host)/team/app:1",
            ])
        let logins = "{\"auths\":{\"\(host)\":{\"auth\":\"dGVzdGVyOnNlY3JldA==\"}}}"
        var options = RegistryOptions(credentials: RegistryCredentials(json: Array(logins.utf8), name: "test"))
        options.authorities = Array(try Data(contentsOf: URL(filePath: "\(folder)/cert.pem")))
        options.retries = 0
        for name in ["\(host)/team/app:1", "\(host)/team/app@\(image.manifestDigest)"] {
            let found = try await read(name, options)
            #expect(found.digest == image.manifestDigest)
            #expect(found.members == [["etc", "etc/os-release"], ["app", "etc/.wh.os-release"]])
        }
        try await checkReferrers("\(host)/team/app:1", image, options)
        var stranger = options
        stranger.credentials = RegistryCredentials()
        await #expect { try await read("\(host)/team/app:1", stranger) } throws: {
            ($0 as? ImageError)?.code == .unauthorized
        }
        var distrustful = options
        distrustful.authorities = nil
        await #expect { try await read("\(host)/team/app:1", distrustful) } throws: {
            ($0 as? ImageError)?.code == .untrusted
        }
        distrustful.insecure = [host]
        #expect(try await read("\(host)/team/app:1", distrustful).digest == image.manifestDigest)
        await #expect { try await read("\(host)/team/app:2", options) } throws: {
            ($0 as? ImageError)?.code == .notFound
        }
    }

    /// Debian's registry lists no referrers itself, so that the tag in the list's place is tried too.
    private static func checkReferrers(_ name: String, _ image: TestImage, _ options: RegistryOptions) async throws {
        let client = try RegistryClient(options)
        do {
            let source = try RegistrySource(name, client)
            let subject = try await source.named()
            #expect(subject.digest.description == image.manifestDigest)
            let bill = ReferrerArtifact(artifactType: "application/vnd.cyclonedx+json", contents: Array("{}".utf8))
            let bundle = ReferrerArtifact(
                artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json", contents: Array("{\"a\":1}".utf8))
            let first = try await source.attach(bill, to: subject)
            #expect(try await source.attach(bill, to: subject) == first)
            let second = try await source.attach(bundle, to: subject)
            #expect(try await source.referrers(of: subject.digest).map(\.digest) == [first, second])
            let signed = try await source.signatures(of: subject.digest)
            #expect(signed.map(\.contents) == [Array("{\"a\":1}".utf8)])
            #expect(signed.allSatisfy { $0.isBundle })
            let tags = try await source.tags()
            #expect(tags.contains("1"))
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }

    private static func read(
        _ name: String, _ options: RegistryOptions
    ) async throws -> (digest: String?, members: [[String]]) {
        let client = try RegistryClient(options)
        do {
            let source = try RegistrySource(name, client)
            let image = try await source.resolve(platform: nil)
            var members: [[String]] = []
            for layer in image.layers {
                members.append(
                    try await source.read(layer, Recorder(), limits: LayerLimits()).visitor.members.map(\.path))
            }
            await client.close()
            return (image.digest?.description, members)
        } catch {
            await client.close()
            throw error
        }
    }
}
