import AsyncHTTPClient
import Documents
import Foundation
import Hub
import Logging
import NIOCore
import NIOSSL
import Store
import Testing

/// A hub on a free port with an empty store, and a client that speaks with it.
struct HubFixture: Sendable {
    let server: HubServer
    let base: String
    let client: HTTPClient
    let password: String

    var hub: HubContext { server.hub }

    /// Runs with a hub, which is stopped and whose folder is gone afterwards.
    ///
    /// - Parameter password: of the first user, where another hub on the same database made him.
    static func with<R: Sendable>(
        password known: String? = nil,
        _ configure: (inout HubSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (HubFixture) async throws -> R
    ) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var settings = HubSettings(dataFolder: folder.path)
        settings.port = 0
        settings.agents.port = 0
        configure(&settings)
        var log = Logger(label: "test")
        log.logLevel = .critical
        let server = try await HubServer.open(settings, version: "0", log: log)
        let password = try #require(known ?? server.firstPassword)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let running = Task {
            try await server.run(handlingSignals: false) { number in
                port.yield(number)
                port.finish()
            }
        }
        var iterator = ports.makeAsyncIterator()
        let number = try #require(await iterator.next())
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        if settings.speaksTLS {
            // The hub's own certificate, and no other.
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(folder.appending(path: "tls.crt").path)
            configuration.tlsConfiguration = tls
        }
        let client = HTTPClient(configuration: configuration)
        let fixture = HubFixture(
            server: server, base: settings.speaksTLS ? "https://localhost:\(number)" : "http://127.0.0.1:\(number)",
            client: client, password: password)
        do {
            let result = try await body(fixture)
            try await fixture.end(running)
            return result
        } catch {
            try await fixture.end(running)
            throw error
        }
    }

    private func end(_ running: Task<Void, any Error>) async throws {
        try await client.shutdown()
        running.cancel()
        _ = try? await running.value
    }

    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var text: String

        var json: Node {
            get throws { try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))) }
        }
    }

    /// Who asks: a session with its CSRF token, or a token.
    struct Caller: Sendable {
        var cookie: String?
        var csrf: String?
        var token: String?
    }

    func send(
        _ method: String, _ path: String, _ body: String? = nil, as caller: Caller? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = .init(rawValue: method)
        if let body {
            request.body = .bytes(ByteBuffer(string: body))
            request.headers.add(name: "content-type", value: "application/json")
        }
        if let cookie = caller?.cookie { request.headers.add(name: "cookie", value: cookie) }
        if let csrf = caller?.csrf { request.headers.add(name: "x-csrf-token", value: csrf) }
        if let token = caller?.token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(240))
        let bytes = try await response.body.collect(upTo: 16 << 20)
        var fields: [String: String] = [:]
        for header in response.headers { fields[header.name.lowercased()] = header.value }
        let answer = Answer(status: Int(response.status.code), headers: fields, text: String(buffer: bytes))
        // Whatever a test asks for, the answer is what the description of the API says.
        try APIDescription.shared.check(method, path, answer)
        return answer
    }

    /// A file of the dashboard.
    func bytes(_ path: String, as caller: Caller) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: base + path)
        if let cookie = caller.cookie { request.headers.add(name: "cookie", value: cookie) }
        let response = try await client.execute(request, timeout: .seconds(240))
        #expect(response.status == .ok)
        return Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
    }

    func logIn(_ name: String = "admin", _ password: String? = nil) async throws -> Caller {
        let answer = try await send(
            "POST", "/api/v1/session", #"{"name":"\#(name)","password":"\#(password ?? self.password)"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        let cookie = try #require(answer.headers["set-cookie"]?.split(separator: ";").first.map(String.init))
        return Caller(cookie: cookie, csrf: try answer.json["csrf"].string)
    }

    /// A user with some rights, logged in.
    func user(_ name: String, _ grants: String, as admin: Caller) async throws -> Caller {
        let body = #"{"name":"\#(name)","password":"a password of \#(name)","grants":\#(grants)}"#
        let answer = try await send("POST", "/api/v1/users", body, as: admin)
        #expect(answer.status == 201, "\(answer.text)")
        return try await logIn(name, "a password of \(name)")
    }
}
