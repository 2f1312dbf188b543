import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import Store
import TestSupport
import Testing

@testable import Hub

/// A provider of this machine: `oidc-provider-mock` from PyPI.
private struct ProviderFixture {
    let process: Process
    let issuer: String

    static var program: String? { TestMachine.program("oidc-provider-mock") }

    init(_ program: String) throws {
        let port = TestMachine.freePort()
        process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = [
            "-p", "\(port)", "--user-claims", #"{"sub":"alice","preferred_username":"alice","groups":["sec","dev"]}"#,
            "--user-claims", #"{"sub":"bob","groups":["sales"]}"#,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        issuer = "http://127.0.0.1:\(port)"
    }
}

@Suite struct OpenIDTests {
    /// Goes the whole way as a browser does; the answer to the way back.
    private static func logIn(_ subject: String, _ hub: HubFixture) async throws -> HTTPClientResponse {
        let client = hub.client
        let start = try await client.execute(
            HTTPClientRequest(url: hub.base + "/login/openid?next=/findings"), timeout: .seconds(120))
        #expect(start.status == .seeOther, "\(start.status)")
        let cookie = start.headers.first(name: "set-cookie")?.split(separator: ";").first.map(String.init) ?? ""
        var login = HTTPClientRequest(url: start.headers.first(name: "location") ?? "")
        login.method = .POST
        login.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        login.body = .bytes(ByteBuffer(string: "sub=\(subject)"))
        let answer = try await client.execute(login, timeout: .seconds(120))
        var back = HTTPClientRequest(url: answer.headers.first(name: "location") ?? "")
        back.headers.add(name: "cookie", value: cookie)
        return try await client.execute(back, timeout: .seconds(120))
    }

    @Test func groupsOfAProviderBecomeRoles() async throws {
        guard let program = ProviderFixture.program else {
            print("skipped: oidc-provider-mock not found")
            return
        }
        let provider = try ProviderFixture(program)
        defer { provider.process.terminate() }
        try await HubFixture.with({ settings in
            settings.openID = OpenIDSettings(
                issuer: provider.issuer, client: "martlet", secret: "s",
                groups: [.init(group: "sec", role: .operator), .init(group: "dev", role: .viewer, cluster: "demo")])
        }) { hub in
            try await ExampleTests.eventually("the provider is up") {
                let answer = try? await hub.client.execute(
                    HTTPClientRequest(url: provider.issuer + "/.well-known/openid-configuration"),
                    timeout: .seconds(120))
                return answer?.status == .ok
            }
            let back = try await Self.logIn("alice", hub)
            #expect(back.status == .seeOther && back.headers.first(name: "location") == "/findings")
            let cookie = back.headers[canonicalForm: "set-cookie"].map(String.init).first { $0.hasPrefix("martlet=") }
            let caller = HubFixture.Caller(cookie: cookie?.split(separator: ";").first.map(String.init))
            let who = try await hub.send("GET", "/api/v1/session", as: caller).json
            #expect(who["user"].string == "alice")
            #expect(who["grants"].elements.map { $0["role"].string } == ["operator", "viewer"])
            let refused = try await Self.logIn("bob", hub)
            #expect(refused.status == .forbidden, "who is in no group that has a role stays outside")
            let forged = try await hub.send("GET", "/login/openid/callback?code=x&state=y")
            #expect(forged.status == 403)
        }
    }

    @Test(arguments: ["none", "HS256", "RS256"])
    func aTokenThatTheProviderDidNotSignIsRefused(_ algorithm: String) throws {
        let openID = OpenID(
            settings: OpenIDSettings(issuer: "https://id", client: "me", secret: "s"), client: HTTPClient.shared, now: 0
        )
        let head = Base64URL.encode(Array(#"{"alg":"\#(algorithm)","kid":"1"}"#.utf8))
        let claims = #"{"iss":"https://id","aud":"me","sub":"x","exp":99999999999,"nonce":"n"}"#
        let token = "\(head).\(Base64URL.encode(Array(claims.utf8))).\(Base64URL.encode([1, 2, 3]))"
        let modulus = Base64URL.encode([UInt8](repeating: 0xC1, count: 256))
        let text = #"{"keys":[{"kid":"1","kty":"RSA","n":"\#(modulus)","e":"AQAB"}]}"#
        let keys = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))
        #expect(throws: HubProblem.self) { try openID.check(token, keys: keys, "n") }
    }
}
