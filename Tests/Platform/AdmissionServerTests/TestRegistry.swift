import AdvisoryStore
import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import Subprocess
import TestSupport
import Testing

@testable import AdmissionServer

/// Debian's docker-registry on loopback with TLS, in a folder that goes with it.
struct TestRegistry: Sendable {
    static let isInstalled = TestMachine.program("docker-registry") != nil

    let folder: String
    let host: String
    let authority: String
    private let client: HTTPClient

    /// Runs a registry for as long as `body`.
    static func run<Value: Sendable>(_ body: @escaping @Sendable (TestRegistry) async throws -> Value) async throws
        -> Value
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "registry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Int(Date().timeIntervalSince1970)
        let authority = try ServingAuthority(now: now)
        let leaf = try authority.leaf(for: ["localhost", "127.0.0.1"], now: now)
        let port = TestMachine.freePort()
        let settings = """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(folder)/data}}
            http:
              addr: 127.0.0.1:\(port)
              secret: test
              tls: {certificate: \(folder)/server.crt, key: \(folder)/server.key}
            """
        for (name, text) in [
            ("server.crt", leaf.certificatePEM), ("server.key", leaf.keyPEM), ("config.yml", settings),
        ] { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        return try await withClient(trusting: authority.certificatePEM) { client in
            let registry = TestRegistry(
                folder: folder, host: "localhost:\(port)", authority: authority.certificatePEM, client: client)
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask {
                    _ = try await Subprocess.run(
                        .name("docker-registry"), arguments: ["serve", "\(folder)/config.yml"], output: .discarded,
                        error: .discarded)
                    return nil
                }
                group.addTask {
                    try await registry.waitUntilReady()
                    return try await body(registry)
                }
                defer { group.cancelAll() }
                for try await value in group { if let value { return value } }
                throw CancellationError()
            }
        }
    }

    private func waitUntilReady() async throws {
        for _ in 0..<200 {
            // Another process says when it is ready; there is nothing to wait for but time.
            if let answer = try? await ask("GET", "https://\(host)/v2/"), answer.status.code == 200 { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CancellationError()
    }

    // MARK: Pushing

    private func ask(
        _ method: String, _ url: String, _ body: [UInt8] = [], type: String = "application/octet-stream"
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method)
        request.headers.add(name: "content-type", value: type)
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        let answer = try await client.execute(request, timeout: .seconds(120))
        _ = try await answer.body.collect(upTo: 1 << 20)
        return answer
    }

    private func push(_ bytes: [UInt8], to repository: String) async throws -> String {
        let digest = "sha256:\(AdvisoryStore.digest(bytes))"
        let begun = try await ask("POST", "https://\(host)/v2/\(repository)/blobs/uploads/")
        let place = try #require(begun.headers.first(name: "Location"))
        let url = (place.hasPrefix("/") ? "https://\(host)\(place)" : place)
        let answer = try await ask("PUT", "\(url)\(url.contains("?") ? "&" : "?")digest=\(digest)", bytes)
        #expect(answer.status.code == 201)
        return digest
    }

    /// Pushes an image of Debian 12 with one package of a version; gives its digest.
    @discardableResult
    func push(_ repository: String, _ tag: String, package: String, _ version: String) async throws -> String {
        let status = """
            Package: \(package)
            Status: install ok installed
            Architecture: amd64
            Version: \(version)
            Description: a package of a test


            """
        let release = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"\n"
        let layer = Self.tar([("etc/os-release", release), ("var/lib/dpkg/status", status)])
        let layerDigest = try await push(layer, to: repository)
        let configuration = """
            {"architecture":"amd64","os":"linux","created":"2026-10-01T10:00:00Z","config":{"User":"65532"},\
            "rootfs":{"type":"layers","diff_ids":["\(layerDigest)"]},"history":[{"created_by":"test \(version)"}]}
            """
        let configurationDigest = try await push(Array(configuration.utf8), to: repository)
        let type = "application/vnd.oci.image.manifest.v1+json"
        let manifest = """
            {"schemaVersion":2,"mediaType":"\(type)","config":{"mediaType":"application/vnd.oci.image.config.v1+json",\
            "digest":"\(configurationDigest)","size":\(configuration.utf8.count)},"layers":[{"mediaType":\
            "application/vnd.oci.image.layer.v1.tar","digest":"\(layerDigest)","size":\(layer.count)}]}
            """
        let answer = try await ask(
            "PUT", "https://\(host)/v2/\(repository)/manifests/\(tag)", Array(manifest.utf8), type: type)
        #expect(answer.status.code == 201)
        return "sha256:\(AdvisoryStore.digest(Array(manifest.utf8)))"
    }

    /// Pushes an index of one image of linux/amd64; gives its digest.
    func push(index tag: String, of manifest: String, in repository: String) async throws -> String {
        let type = "application/vnd.oci.image.index.v1+json"
        var question = HTTPClientRequest(url: "https://\(host)/v2/\(repository)/manifests/\(manifest)")
        question.headers.add(name: "accept", value: "application/vnd.oci.image.manifest.v1+json")
        let stored = try await client.execute(question, timeout: .seconds(120))
        let size = try await stored.body.collect(upTo: 1 << 20).readableBytes
        let index = """
            {"schemaVersion":2,"mediaType":"\(type)","manifests":[{"mediaType":\
            "application/vnd.oci.image.manifest.v1+json","digest":"\(manifest)","size":\(size),"platform":{"os":"linux",\
            "architecture":"amd64"}}]}
            """
        let answer = try await ask(
            "PUT", "https://\(host)/v2/\(repository)/manifests/\(tag)", Array(index.utf8), type: type)
        #expect(answer.status.code == 201)
        return "sha256:\(AdvisoryStore.digest(Array(index.utf8)))"
    }

    /// Pushes texts as layers with annotations, under a tag: signatures as older versions of cosign keep them.
    func push(
        layers: [(text: String, annotations: [String: String])], as tag: String, in repository: String
    ) async throws {
        var entries: [String] = []
        for (text, annotations) in layers {
            let digest = try await push(Array(text.utf8), to: repository)
            let pairs = annotations.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
            entries.append(
                """
                {"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","digest":"\(digest)","size":\
                \(text.utf8.count),"annotations":{\(pairs)}}
                """)
        }
        let configuration = try await push(Array("{}".utf8), to: repository)
        let type = "application/vnd.oci.image.manifest.v1+json"
        let manifest = """
            {"schemaVersion":2,"mediaType":"\(type)","config":{"mediaType":"application/vnd.oci.image.config.v1+json",\
            "digest":"\(configuration)","size":2},"layers":[\(entries.joined(separator: ","))]}
            """
        let answer = try await ask(
            "PUT", "https://\(host)/v2/\(repository)/manifests/\(tag)", Array(manifest.utf8), type: type)
        #expect(answer.status.code == 201)
    }

    /// Standard: POSIX ustar.
    private static func tar(_ files: [(name: String, text: String)]) -> [UInt8] {
        var out: [UInt8] = []
        for (name, text) in files {
            var head = [UInt8](repeating: 0, count: 512)
            func write(_ text: String, at place: Int) {
                for (index, byte) in text.utf8.enumerated() { head[place + index] = byte }
            }
            func octal(_ value: Int, _ width: Int) -> String {
                let digits = String(value, radix: 8)
                return String(repeating: "0", count: width - digits.count) + digits
            }
            write(name, at: 0)
            write(octal(0o644, 7), at: 100)
            write(octal(0, 7), at: 108)
            write(octal(0, 7), at: 116)
            write(octal(text.utf8.count, 11), at: 124)
            write(octal(0, 11), at: 136)
            write("        ", at: 148)
            write("0", at: 156)
            write("ustar\u{0}00", at: 257)
            write(octal(head.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
            out += head + Array(text.utf8)
            out += [UInt8](repeating: 0, count: (512 - out.count % 512) % 512)
        }
        return out + [UInt8](repeating: 0, count: 1024)
    }
}
