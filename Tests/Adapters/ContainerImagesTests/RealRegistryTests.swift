import Foundation
import Images
import NIOCore
import NIOPosix
import Subprocess
import TestSupport
import Testing

@testable import ContainerImages

/// Debian's docker-registry on loopback, with TLS and a login, and images that skopeo pushed.
@Suite struct RealRegistryTests {
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
        for tool in ["docker-registry", "skopeo", "openssl"] where TestMachine.program(tool) == nil {
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
        let port = TestMachine.freePort()
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
        try await checkIndex(folder, host, options)
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

    private static let indexType = "application/vnd.oci.image.index.v1+json"

    /// A layout of an index of two platforms; the digests of the index and of the images.
    private static func writeIndex(_ folder: String) throws -> (index: String, images: [TestImage]) {
        var layer = TarWriter()
        layer.add(LayerMember(path: "app", kind: .file, size: 1), Array("a".utf8))
        let images = ["amd64", "arm64"].map { architecture in
            TestImage(
                [layer.whole], architecture: architecture, layerType: "application/vnd.oci.image.layer.v1.tar")
        }
        for image in images { try image.writeLayout(folder) }
        let entries = zip(images, ["amd64", "arm64"]).map { image, architecture in
            "{\"mediaType\":\"\(TestImage.mediaType)\",\"digest\":\"\(image.manifestDigest)\","
                + "\"size\":\(image.manifest.count),"
                + "\"platform\":{\"os\":\"linux\",\"architecture\":\"\(architecture)\"}}"
        }.joined(separator: ",")
        let index = Array(
            "{\"schemaVersion\":2,\"mediaType\":\"\(indexType)\",\"manifests\":[\(entries)]}".utf8)
        let digest = SHA256Text.text(index)
        try Data(index).write(to: URL(filePath: "\(folder)/blobs/sha256/\(digest.dropFirst(7))"))
        let start = """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(indexType)","digest":"\(digest)","size":\(index.count),\
            "annotations":{"org.opencontainers.image.ref.name":"multi"}}]}
            """
        try Data(start.utf8).write(to: URL(filePath: "\(folder)/index.json"))
        return (digest, images)
    }

    private static func checkIndex(_ folder: String, _ host: String, _ options: RegistryOptions) async throws {
        let (index, images) = try writeIndex("\(folder)/multi")
        _ = try await Command.run(
            "skopeo",
            [
                "copy", "--quiet", "--all", "--preserve-digests", "--dest-cert-dir", "\(folder)/certs", "--dest-creds",
                "tester:secret",
                "oci:\(folder)/multi:multi", "docker://\(host)/team/multi:1",
            ])
        let client = try RegistryClient(options)
        do {
            for (architecture, image) in zip(["amd64", "arm64"], images) {
                for name in ["\(host)/team/multi:1", "\(host)/team/multi@\(index)"] {
                    let source = try RegistrySource(name, client)
                    let found = try await source.resolve(platform: Platform("linux/\(architecture)"))
                    #expect(found.digest?.description == image.manifestDigest)
                    #expect(found.indexDigest?.description == index)
                    #expect(found.platform?.description == "linux/\(architecture)")
                    let members = try await source.read(found.layers[0], Recorder(), limits: LayerLimits())
                    #expect(members.visitor.members.map(\.path) == ["app"])
                }
            }
            let source = try RegistrySource("\(host)/team/multi:1", client)
            await #expect {
                try await source.resolve(platform: Platform("windows/amd64"))
            } throws: {
                ($0 as? ImageError)?.code == .notFound
            }
            #expect(try await source.named().digest.description == index)
            try await checkCosignTags(source, client, host)
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }

    /// Signature and attestation under the tags that cosign gave them before there were referrers.
    private static func checkCosignTags(
        _ source: RegistrySource, _ client: RegistryClient, _ host: String
    ) async throws {
        let digest = try await source.named().digest
        #expect(try await source.signatures(of: digest).isEmpty)
        let empty = try await client.push(Array("{}".utf8), host: host, repository: "team/multi")
        for (ending, type) in [
            ("sig", "application/vnd.dev.cosign.simplesigning.v1+json"),
            ("att", "application/vnd.dsse.envelope.v1+json"),
        ] {
            let payload = Array("{\"is\":\"\(ending)\"}".utf8)
            let layer = try await client.push(payload, host: host, repository: "team/multi")
            let manifest = """
                {"schemaVersion":2,"mediaType":"\(TestImage.mediaType)","config":{"mediaType":\
                "application/vnd.oci.image.config.v1+json","digest":"\(empty)","size":2},"layers":[{"mediaType":\
                "\(type)","digest":"\(layer)","size":\(payload.count),"annotations":{"made-by":"\(ending)"}}]}
                """
            _ = try await client.push(
                manifest: Array(manifest.utf8), mediaType: TestImage.mediaType, host: host, repository: "team/multi",
                reference: "sha256-\(digest.hex).\(ending)")
        }
        let found = try await source.signatures(of: digest)
        #expect(found.map(\.contents) == [Array(#"{"is":"sig"}"#.utf8), Array(#"{"is":"att"}"#.utf8)])
        #expect(found.map { $0.annotations["made-by"] } == ["sig", "att"])
        #expect(found.allSatisfy { !$0.isBundle })
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
