import Testing

@testable import ContainerImages

@Suite struct ReferrerTests {
    private static func options() -> RegistryOptions {
        var options = RegistryOptions(
            credentials: RegistryCredentials(
                json: Array("{\"auths\":{\"127.0.0.1\":{\"username\":\"u\",\"password\":\"p\"}}}".utf8), name: "test"))
        options.insecure = ["*"]
        options.retries = 0
        return options
    }

    private static let subject = "sha256:" + String(repeating: "1", count: 64)

    @Test(arguments: [true, false])
    func whatIsAttachedIsListedByTheRegistryOrByUs(listsItself: Bool) async throws {
        let registry = try await ScriptedRegistry { request, _ in
            switch request.method {
            case "HEAD": .text(404, "")
            case "POST": .text(202, "", [("Location", "/v2/team/app/blobs/uploads/abc?state=1")])
            case "PUT" where request.uri.contains("/blobs/uploads/"): .text(201, "")
            case "PUT": .text(201, "", listsItself ? [("OCI-Subject", Self.subject)] : [])
            default: .text(404, "{}")
            }
        }
        let client = try RegistryClient(Self.options())
        let source = try RegistrySource("\(registry.host)/team/app:1", client)
        let subject = Descriptor(mediaType: "m", digest: try ContentDigest(Self.subject), size: 10)
        let digest = try await source.attach(
            ReferrerArtifact(artifactType: "application/vnd.cyclonedx+json", contents: Array("{}".utf8)), to: subject)
        let puts = registry.asked.filter { $0.method == "PUT" }.map(\.uri)
        #expect(puts.contains { $0.hasPrefix("/v2/team/app/blobs/uploads/abc?state=1&digest=sha256%3A") })
        #expect(puts.contains("/v2/team/app/manifests/\(digest)"))
        let tag = "/v2/team/app/manifests/sha256-\(String(repeating: "1", count: 64))"
        #expect(puts.contains(tag) == !listsItself)
        await client.close()
        try await registry.close()
    }

    @Test func anUploadThatGoesElsewhereTakesNoLoginAlong() async throws {
        let store = try await ScriptedRegistry { _, _ in .text(201, "") }
        let elsewhere = store.host
        let registry = try await ScriptedRegistry { request, count in
            if request.header("Authorization") == nil {
                return .text(401, "", [("WWW-Authenticate", "Basic realm=\"r\"")])
            }
            if request.method == "HEAD" { return .text(404, "") }
            return .text(202, "", [("Location", "http://\(elsewhere)/upload?id=7")])
        }
        let json = "{\"auths\":{\"\(registry.host)\":{\"username\":\"u\",\"password\":\"p\"}}}"
        var options = Self.options()
        options.credentials = RegistryCredentials(json: Array(json.utf8), name: "test")
        let client = try RegistryClient(options)
        _ = try await client.push(Array("x".utf8), host: registry.host, repository: "a/b")
        #expect(registry.asked.contains { $0.header("Authorization") != nil })
        #expect(store.asked.count == 1)
        #expect(store.asked.allSatisfy { $0.header("Authorization") == nil })
        await client.close()
        try await registry.close()
        try await store.close()
    }

    @Test(arguments: [403, 404, 405, 500])
    func aRegistryThatTakesNothingIsAnError(status: Int) async throws {
        let registry = try await ScriptedRegistry { request, _ in
            .text(request.method == "HEAD" ? 404 : status, "")
        }
        let client = try RegistryClient(Self.options())
        await #expect(throws: ImageError.self) {
            try await client.push(Array("x".utf8), host: registry.host, repository: "a/b")
        }
        await client.close()
        try await registry.close()
    }
}
