import Foundation
import Images
import Synchronization
import Testing

@testable import ContainerImages

@Suite struct RegistryTests {
    typealias Reply = ScriptedRegistry.Reply
    typealias Request = ScriptedRegistry.Request

    /// Waits that somebody asked for, in place of waiting.
    final class Waits: Sendable {
        let all = Mutex<[Duration]>([])
    }

    private static func options(_ waits: Waits = Waits()) -> RegistryOptions {
        var options = RegistryOptions()
        options.insecure = ["*"]
        options.pause = { wait in waits.all.withLock { $0.append(wait) } }
        return options
    }

    /// Answers as a sound registry does for one image.
    private static func sound(_ image: TestImage, _ request: Request) -> Reply {
        let name = request.uri.split(separator: "/").last.map(String.init) ?? ""
        if request.uri.contains("/manifests/") {
            guard name == "1" || name == image.manifestDigest else {
                return .text(404, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}")
            }
            return Reply(
                headers: [("Content-Type", TestImage.mediaType), ("Docker-Content-Digest", image.manifestDigest)],
                body: image.manifest)
        }
        let blob = (image.layers + [image.configuration]).first { SHA256Text.text($0) == name }
        guard let blob else { return .text(404, "") }
        guard let range = request.header("Range"), let start = Int(range.dropFirst(6).dropLast()) else {
            return Reply(body: blob)
        }
        return Reply(
            status: 206, headers: [("Content-Range", "bytes \(start)-\(blob.count - 1)/\(blob.count)")],
            body: Array(blob[start...]))
    }

    /// Reads the whole image, and says what was in it.
    private static func read(
        _ registry: ScriptedRegistry, _ options: RegistryOptions = options(), name: String = "team/app:1"
    ) async throws -> [[String]] {
        let client = try RegistryClient(options)
        do {
            let source = try RegistrySource("\(registry.host)/\(name)", client)
            let image = try await source.resolve(platform: nil)
            var members: [[String]] = []
            for layer in image.layers {
                members.append(
                    try await source.read(layer, Recorder(), limits: LayerLimits()).visitor.members.map(\.path))
            }
            await client.close()
            return members
        } catch {
            await client.close()
            throw error
        }
    }

    private static func failure(
        _ options: RegistryOptions = options(), name: String = "team/app:1",
        _ answer: @escaping @Sendable (Request, Int) -> Reply
    ) async throws -> ImageError {
        let registry = try await ScriptedRegistry(answer)
        do {
            _ = try await read(registry, options, name: name)
        } catch let error as ImageError {
            try await registry.close()
            return error
        }
        try await registry.close()
        throw CocoaError(.featureUnsupported)
    }

    private static let expected = [["etc", "etc/os-release"], ["app", "etc/.wh.os-release"]]

    @Test func aRegistryThatIsBusyIsAskedAgainWhenItSays() async throws {
        let image = try await TestImage.simple()
        let waits = Waits()
        let registry = try await ScriptedRegistry { request, count in
            switch count {
            case 0: return .text(429, "", [("Retry-After", "7")])
            case 1:
                return .text(
                    503, "",
                    [
                        ("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ])
            case 2: return .text(500, "")
            default: return Self.sound(image, request)
            }
        }
        #expect(try await Self.read(registry, Self.options(waits)) == Self.expected)
        #expect(waits.all.withLock { $0 } == [.seconds(7), .seconds(10), .seconds(2)])
        try await registry.close()
    }

    @Test func aRegistryThatStaysBusyIsGivenUp() async throws {
        let error = try await Self.failure { _, _ in .text(429, "{\"errors\":[{\"message\":\"slow down\"}]}") }
        #expect(error.code == .busy)
        #expect(error.message.contains("slow down"))
        let long = try await Self.failure { _, _ in .text(429, "", [("Retry-After", "86400")]) }
        #expect(long.message.contains("86400"))
    }

    @Test(arguments: [500, 502, 503, 504])
    func aRegistryThatIsOutOfOrderIsAnErrorThatNamesItsAnswer(status: Int) async throws {
        let error = try await Self.failure { _, _ in .text(status, "out of order") }
        #expect(error.message.contains("\(status)"))
        #expect(error.code == (status == 503 ? .busy : .badAnswer))
    }

    @Test(arguments: [200, 403, 500])
    func aWebPageIsToldAsOne(status: Int) async throws {
        let error = try await Self.failure { _, _ in
            .text(status, "<html>Please log in</html>", [("Content-Type", "text/html; charset=utf-8")])
        }
        #expect(error.message.contains("web page"))
    }

    @Test func aWebPageUnderAnotherNameIsToldAsOne() async throws {
        let error = try await Self.failure { _, _ in .text(200, "<!doctype html><html></html>") }
        #expect(error.code == .badAnswer)
        #expect(error.message.contains("web page"))
    }

    @Test func aBlobThatBreaksOffGoesOnWhereItWas() async throws {
        let image = try await TestImage.simple(gzip: false)
        let cuts = Mutex(3)
        let registry = try await ScriptedRegistry { request, _ in
            var reply = Self.sound(image, request)
            let isLayer = request.uri.hasSuffix(SHA256Text.text(image.layers[1]))
            if isLayer,
                cuts.withLock({ left in
                    defer { left -= 1 }; return left > 0
                })
            {
                reply.cut = 500
            }
            return reply
        }
        #expect(try await Self.read(registry) == Self.expected)
        let ranges = registry.asked.compactMap { $0.header("Range") }
        #expect(ranges == ["bytes=500-", "bytes=1000-", "bytes=1500-"])
        try await registry.close()
    }

    @Test func aRegistryWithoutRangesStartsAgainAndNothingIsReadTwice() async throws {
        let image = try await TestImage.simple(gzip: false)
        let registry = try await ScriptedRegistry { request, count in
            var plain = request
            plain.headers.remove(name: "Range")
            var reply = Self.sound(image, plain)
            if request.uri.hasSuffix(SHA256Text.text(image.layers[0])), request.header("Range") == nil {
                reply.cut = 700
            }
            return reply
        }
        #expect(try await Self.read(registry) == Self.expected)
        try await registry.close()
    }

    @Test func bytesThatAreNotThoseOfTheDigestAreRefused() async throws {
        let image = try await TestImage.simple()
        let layer = try await Self.failure { request, _ in
            var reply = Self.sound(image, request)
            if request.uri.contains("/blobs/"), reply.body.first == 0x1F { reply.body[20] ^= 1 }
            return reply
        }
        #expect(layer.code == .wrongDigest)
        let manifest = try await Self.failure(name: "team/app@\(image.manifestDigest)") { request, _ in
            var reply = Self.sound(image, request)
            if request.uri.contains("/manifests/") { reply.body.append(0x20) }
            return reply
        }
        #expect(manifest.code == .wrongDigest)
        let longer = try await Self.failure { request, _ in
            var reply = Self.sound(image, request)
            if request.uri.contains("/blobs/") { reply.body += [0, 0] }
            return reply
        }
        #expect(longer.code == .wrongDigest)
    }

    @Test func aTokenIsFetchedWithTheLoginAndUsed() async throws {
        let image = try await TestImage.simple()
        let registry = try await ScriptedRegistry { request, _ in
            if request.uri.hasPrefix("/token") {
                // tester:secret
                guard request.header("Authorization") == "Basic dGVzdGVyOnNlY3JldA==" else { return .text(401, "{}") }
                guard request.uri.contains("scope=repository%3Ateam%2Fapp%3Apull") else { return .text(400, "{}") }
                return .text(200, "{\"token\":\"abc.def\"}")
            }
            guard request.header("Authorization") == "Bearer abc.def" else {
                let host = request.header("Host") ?? ""
                return .text(
                    401, "", [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\",service=\"r\",scope=\"x\"")])
            }
            return Self.sound(image, request)
        }
        var options = Self.options()
        options.credentials = RegistryCredentials(
            json: Array("{\"auths\":{\"\(registry.host)\":{\"auth\":\"dGVzdGVyOnNlY3JldA==\"}}}".utf8), name: "test")
        #expect(try await Self.read(registry, options) == Self.expected)
        // The token serves for all questions of the repository.
        #expect(registry.asked.count { $0.uri.hasPrefix("/token") } == 1)
        try await registry.close()
        let without = try await Self.failure { request, _ in
            .text(401, "", [("WWW-Authenticate", "Basic realm=\"r\"")])
        }
        #expect(without.code == .unauthorized)
    }

    @Test func aTokenServerWithoutTLSIsNotBelieved() async throws {
        // The registry itself is on the list of those without TLS only by its own name.
        let challenge = AuthenticationChallenge.parse("Bearer realm=\"http://evil/token\", service=\"a \\\"b\\\"\"")
        #expect(
            challenge == [.init(scheme: "bearer", parameters: ["realm": "http://evil/token", "service": "a \"b\""])])
        let many = AuthenticationChallenge.parse("Basic realm=\"x\", Bearer realm=\"y\",scope=\"a:b:pull,push\"")
        #expect(many.map(\.scheme) == ["basic", "bearer"])
        #expect(many.last?.parameters["scope"] == "a:b:pull,push")
        for odd in ["", "\"", "Bearer =", "=,=", "Bearer realm=\"open"] { _ = AuthenticationChallenge.parse(odd) }
    }

    @Test func theLoginDoesNotTravelWithARedirect() async throws {
        let image = try await TestImage.simple()
        let store = try await ScriptedRegistry { request, _ in Self.sound(image, request) }
        let port = store.port
        let registry = try await ScriptedRegistry { request, _ in
            guard request.header("Authorization") != nil else {
                return .text(401, "", [("WWW-Authenticate", "Basic realm=\"r\"")])
            }
            if request.uri.contains("/blobs/") {
                return .text(307, "", [("Location", "http://127.0.0.1:\(port)\(request.uri)")])
            }
            return Self.sound(image, request)
        }
        var options = Self.options()
        options.credentials = RegistryCredentials(
            json: Array("{\"auths\":{\"\(registry.host)\":{\"username\":\"a\",\"password\":\"b\"}}}".utf8), name: "test"
        )
        #expect(try await Self.read(registry, options) == Self.expected)
        #expect(!store.asked.isEmpty)
        #expect(store.asked.allSatisfy { $0.header("Authorization") == nil })
        try await registry.close()
        try await store.close()
    }

    @Test func aMirrorIsAskedFirstAndMayFail() async throws {
        let image = try await TestImage.simple()
        let mirror = try await ScriptedRegistry { _, _ in .text(404, "{}") }
        let registry = try await ScriptedRegistry { request, _ in Self.sound(image, request) }
        var options = Self.options()
        options.mirrors[registry.host] = [mirror.host]
        #expect(try await Self.read(registry, options) == Self.expected)
        #expect(!mirror.asked.isEmpty)
        try await mirror.close()
        try await registry.close()
    }

    @Test func referrersComeFromTheAPIOrFromTheTagInItsPlace() async throws {
        let digest = try ContentDigest("sha256:" + String(repeating: "1", count: 64))
        let entry =
            "{\"mediaType\":\"m\",\"digest\":\"sha256:\(String(repeating: "2", count: 64))\",\"size\":1,"
            + "\"artifactType\":\"sig\"}"
        for hasAPI in [true, false] {
            let registry = try await ScriptedRegistry { request, _ in
                let isAPI = request.uri.contains("/referrers/")
                if isAPI, !hasAPI { return .text(404, "") }
                if isAPI, !request.uri.contains("last=") {
                    return .text(
                        200, "{\"schemaVersion\":2,\"manifests\":[\(entry)]}",
                        [("Link", "</v2/a/b/referrers/\(digest)?last=1>; rel=\"next\"")])
                }
                return .text(200, "{\"schemaVersion\":2,\"manifests\":[\(entry)]}")
            }
            let client = try RegistryClient(Self.options())
            let found = try await client.referrers(
                of: digest, host: registry.host, repository: "a/b", artifactType: "sig")
            #expect(found.count == (hasAPI ? 2 : 1))
            await client.close()
            try await registry.close()
        }
    }

    @Test(arguments: ["Team/App", "a//b", "a/../b", "a:t@g", "a b", "a@sha256:12"])
    func namesThatAreNoneAreNotAskedFor(name: String) async throws {
        let client = try RegistryClient()
        #expect(throws: ImageError.self) { try RegistrySource("registry.test/\(name)", client) }
        await client.close()
    }

    @Test func theLoginOfTheLongestNameIsTaken() async {
        let credentials = RegistryCredentials(
            json: Array(
                """
                {"auths":{"https://index.docker.io/v1/":{"username":"hub","password":"p"},
                "r.test/team":{"username":"team","password":"p"},"r.test":{"identitytoken":"t"}},
                "credHelpers":{"h.test":"../evil"}}
                """.utf8), name: "test")
        #expect(
            await credentials.credential(host: "docker.io", repository: "library/a")
                == .password(user: "hub", password: "p"))
        #expect(
            await credentials.credential(host: "r.test", repository: "team/a") == .password(user: "team", password: "p")
        )
        #expect(await credentials.credential(host: "r.test", repository: "teams/a") == .identityToken("t"))
        #expect(await credentials.credential(host: "h.test", repository: "a") == nil)
        #expect(RegistryCredentials(json: Array("nonsense".utf8), name: "x").problems.count == 1)
    }
}
