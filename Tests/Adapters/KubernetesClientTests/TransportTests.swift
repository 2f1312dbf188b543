import NIOSSL
import Testing

@testable import KubernetesClient

/// Connections to servers that are right, wrong and hostile.
@Suite struct TransportTests {
    static let version = #"{"major":"1","minor":"36","gitVersion":"v1.36.0"}"#

    static func server(_ certificates: TestCertificates, _ pair: TestCertificates.Pair? = nil) async throws
        -> FakeServer
    {
        try await FakeServer(tls: try certificates.context(pair ?? certificates.server)) { _ in .json(version) }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a server whose certificate is right answers, by name and by address`(_ host: String) async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates)
        let client = try APIClient(.secure(server.port, host: host, authority: certificates.authority))
        #expect(try await client.version() == "v1.36.0")
        #expect(server.requests[0].headers["host"] == ["\(host):\(server.port)"])
    }

    @Test func `one connection serves many requests`() async throws {
        let server = try await FakeServer { _ in .json(Self.version) }
        let client = try APIClient.plain(server)
        for _ in 0..<5 { _ = try await client.version() }
        #expect(server.requests.count == 5)
        #expect(server.connections == 1)
    }

    @Test func `another authority is refused`() async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates)
        let client = try APIClient(.secure(server.port, authority: certificates.otherAuthority))
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .unknownAuthority)
        #expect(error.message.contains("certificate-authority"))
        #expect(server.requests.isEmpty)
    }

    @Test func `without an authority the system's are asked, which know none of ours`() async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates)
        let client = try APIClient(.secure(server.port, authority: nil))
        #expect(try await failure { _ = try await client.version() }.code == .unknownAuthority)
    }

    @Test func `an expired server certificate is refused with its day`() async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates, certificates.expiredServer)
        let client = try APIClient(.secure(server.port, authority: certificates.authority))
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .serverCertificateExpired)
        #expect(error.message.contains("expired on 20"))
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a certificate for something else is refused, by name and by address`(_ host: String) async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates, certificates.foreignServer)
        var configuration = ClientConfiguration.secure(server.port, host: host, authority: certificates.authority)
        let client = try APIClient(configuration)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .hostnameMismatch)
        #expect(error.message.contains("tls-server-name"))
        // What the message says to do helps.
        configuration.tlsServerName = "elsewhere.test"
        #expect(try await APIClient(configuration).version() == "v1.36.0")
        configuration.tlsServerName = "192.0.2.1"
        #expect(try await APIClient(configuration).version() == "v1.36.0")
        configuration.tlsServerName = "192.0.2.2"
        let other = try APIClient(configuration)
        #expect(try await failure { _ = try await other.version() }.code == .hostnameMismatch)
    }

    @Test func `a certificate for the socket's address does not stand in for the name`() async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates)
        var configuration = ClientConfiguration.secure(
            server.port, host: "127.0.0.1", authority: certificates.authority)
        configuration.tlsServerName = "elsewhere.test"
        let client = try APIClient(configuration)
        #expect(try await failure { _ = try await client.version() }.code == .hostnameMismatch)
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `the insecure flag takes any certificate`(_ host: String) async throws {
        let certificates = try await TestCertificates.required()
        let server = try await Self.server(certificates, certificates.expiredServer)
        var configuration = ClientConfiguration.secure(server.port, host: host, authority: nil)
        configuration.skipsVerification = true
        #expect(try await APIClient(configuration).version() == "v1.36.0")
    }

    @Test func `a client certificate is shown where it is wanted`() async throws {
        let certificates = try await TestCertificates.required()
        let context = try certificates.context(certificates.server, demandingClients: true)
        let server = try await FakeServer(tls: context) { _ in .json(Self.version) }
        var configuration = ClientConfiguration.secure(server.port, authority: certificates.authority)
        configuration.identity.certificate = certificates.client.certificate
        configuration.identity.key = certificates.client.key
        #expect(try await APIClient(configuration).version() == "v1.36.0")

        configuration.identity.certificate = certificates.expiredClient.certificate
        configuration.identity.key = certificates.expiredClient.key
        let expired = try APIClient(configuration)
        let error = try await failure { _ = try await expired.version() }
        #expect(error.code == .clientCertificateExpired)
        #expect(error.message.contains("expired on 20"))
    }

    @Test func `a refusal of an expired client certificate names the expiry, not the refusal`() async throws {
        let certificates = try await TestCertificates.required()
        let server = try await FakeServer(tls: try certificates.context(certificates.server)) { _ in
            .json(status(401, "Unauthorized", "Unauthorized"), status: 401)
        }
        var configuration = ClientConfiguration.secure(server.port, authority: certificates.authority)
        let anonymous = try APIClient(configuration)
        #expect(try await failure { _ = try await anonymous.version() }.code == .unauthorized)
        configuration.identity.certificate = certificates.expiredClient.certificate
        configuration.identity.key = certificates.expiredClient.key
        let client = try APIClient(configuration)
        #expect(try await failure { _ = try await client.version() }.code == .clientCertificateExpired)
    }

    @Test func `a key that does not belong to the certificate, and PEM that is none, are told`() async throws {
        let certificates = try await TestCertificates.required()
        var configuration = ClientConfiguration.secure(1, authority: Array("no PEM".utf8))
        #expect(throws: ClientError.self) { try APIClient(configuration) }
        configuration.certificateAuthority = certificates.authority
        configuration.identity.certificate = certificates.client.certificate
        for key in [certificates.server.key, Array("no key".utf8)] {
            configuration.identity.key = key
            let client = try APIClient(configuration)
            #expect(try await failure { _ = try await client.version() }.code == .badConfiguration)
        }
    }

    @Test func `a port where nobody listens, a name nobody has`() async throws {
        let server = try await FakeServer { _ in .hangUp }
        let port = server.port
        try await server.stop()
        let refused = try APIClient(.plain(port))
        let error = try await failure { _ = try await refused.version() }
        #expect(error.code == .connectionRefused)
        #expect(error.message.contains("127.0.0.1:\(port)"))

        let nowhere = try APIClient(.secure(6443, host: "no-such-host.invalid", authority: nil))
        #expect(try await failure { _ = try await nowhere.version() }.code == .unknownHost)
    }

    @Test func `TLS with a server that speaks plain HTTP`() async throws {
        let server = try await FakeServer { _ in .json(Self.version) }
        let client = try APIClient(.secure(server.port, authority: nil))
        #expect(try await failure { _ = try await client.version() }.code == .handshake)
    }

    struct Stranger: Sendable, CustomTestStringConvertible {
        var name: String
        var reply: FakeServer.Reply
        var testDescription: String { name }
    }

    @Test(arguments: [
        Stranger(name: "a web page", reply: .html("<html><body>It works</body></html>")),
        Stranger(name: "a redirect", reply: .json("", status: 302, headers: [("Location", "https://login.test/")])),
        Stranger(name: "a login page", reply: .json("<html>", status: 403)),
        Stranger(name: "another API", reply: .json(#"{"hello":"world"}"#)),
        Stranger(name: "a list", reply: .json("[1]")),
        Stranger(name: "nothing", reply: .json("")),
    ])
    func `what is no API server is said to be none`(_ stranger: Stranger) async throws {
        let server = try await FakeServer { _ in stranger.reply }
        let client = try APIClient.plain(server)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .notAnAPIServer)
        #expect(error.message.contains("check the server's address"))
    }

    @Test func `an answer cut off in the middle is asked for again`() async throws {
        let count = Mutexed(0)
        let server = try await FakeServer { _ in
            count.increment() <= 2 ? .cut(#"{"gitVer"#, length: 5000) : .json(Self.version)
        }
        let time = ManualTime()
        #expect(try await APIClient.plain(server, time).version() == "v1.36.0")
        #expect(server.requests.count == 3)
        #expect(time.slept.count == 2)
    }

    @Test func `a server that always hangs up is given up`() async throws {
        let server = try await FakeServer { _ in .hangUp }
        let time = ManualTime()
        let client = try APIClient.plain(server, time)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .connectionCut)
        #expect(server.requests.count == 5)
        // Half of 0.5, 1, 2 and 4 seconds, the other half being chance, which is zero here.
        #expect(time.slept == [.seconds(0.25), .seconds(0.5), .seconds(1), .seconds(2)])
    }

    @Test func `a server that stops in the middle of an answer runs into the limit`() async throws {
        let server = try await FakeServer { _ in .stall(#"{"gitVersion":"#) }
        var configuration = ClientConfiguration.plain(server.port)
        configuration.requestTimeout = .seconds(1)
        let client = try APIClient(configuration)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .timeout)
        #expect(error.message.contains("--request-timeout"))
        #expect(server.requests.count <= 1)
    }

    @Test func `a kept connection the server has closed is replaced without a word`() async throws {
        let server = try await FakeServer { request in
            .json(Self.version, headers: [("Connection", request.query["last"] == nil ? "keep-alive" : "close")])
        }
        let time = ManualTime()
        let client = try APIClient.plain(server, time)
        _ = try await client.get("/version?last=1")
        _ = try await client.version()
        #expect(server.connections == 2)
        #expect(time.slept.isEmpty)
    }

    @Test func `an answer larger than the limit is dropped`() async throws {
        let server = try await FakeServer { _ in .json(String(repeating: " ", count: 5000)) }
        var options = APIClient.Options()
        options.bodyLimit = 1000
        let client = try APIClient(.plain(server.port), options: options)
        #expect(try await failure { _ = try await client.version() }.code == .tooLarge)
    }

    @Test func `cancelling ends a request that waits`() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let server = try await FakeServer { _ in
            arrived.continuation.yield()
            return .stall("")
        }
        let client = try APIClient.plain(server)
        let task = Task { try await client.version() }
        for await _ in arrived.stream { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite struct ProxyTests {
    @Test(arguments: ["http", "https"])
    func `a tunnel through the proxy reaches the server, whose certificate is still checked`(_ scheme: String)
        async throws
    {
        let certificates = try await TestCertificates.required()
        let server = try await TransportTests.server(certificates)
        let context = scheme == "https" ? try certificates.context(certificates.server) : nil
        let proxy = try await FakeProxy(to: server.port, tls: context)
        var configuration = ClientConfiguration.secure(6443, host: "api.test", authority: certificates.authority)
        configuration.proxy = try ProxySettings("\(scheme)://ada:pw@localhost:\(proxy.port)")
        #expect(try await APIClient(configuration).version() == "v1.36.0")
        #expect(proxy.asked.count == 1)
        #expect(proxy.asked[0].hasPrefix("CONNECT api.test:6443 HTTP/1.1\r\n"))
        #expect(proxy.asked[0].contains("Proxy-Authorization: Basic YWRhOnB3"))
        // The header meant for the proxy does not reach the server.
        #expect(server.requests[0].headers["proxy-authorization"].isEmpty)

        // An address is that of the server, though the socket's is the proxy's: 127.0.0.1, which the certificate has.
        configuration.server.host = "192.0.2.7"
        let other = try APIClient(configuration)
        #expect(try await failure { _ = try await other.version() }.code == .hostnameMismatch)
    }

    @Test(arguments: [(407, "user and password"), (403, "refused a tunnel")])
    func `a proxy that refuses is named`(_ code: Int, _ says: String) async throws {
        let proxy = try await FakeProxy(to: 1, status: code)
        var configuration = ClientConfiguration.secure(6443, host: "api.test", authority: nil)
        configuration.proxy = try ProxySettings("http://localhost:\(proxy.port)")
        let client = try APIClient(configuration)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .proxy)
        #expect(error.message.contains(says))
    }

    @Test func `a proxy that is not there, or does not speak HTTP`() async throws {
        let gone = try await FakeServer { _ in .hangUp }
        let port = gone.port
        try await gone.stop()
        var configuration = ClientConfiguration.secure(6443, host: "api.test", authority: nil)
        configuration.proxy = try ProxySettings("http://127.0.0.1:\(port)")
        let client = try APIClient(configuration)
        let error = try await failure { _ = try await client.version() }
        #expect(error.code == .proxy)
        #expect(error.message.contains("proxy 127.0.0.1:\(port)"))
    }

    @Test func `plain HTTP is handed to the proxy whole`() async throws {
        let server = try await FakeServer { _ in .json(TransportTests.version) }
        var configuration = ClientConfiguration.plain(8001)
        configuration.server.host = "api.test"
        configuration.proxy = try ProxySettings("http://127.0.0.1:\(server.port)")
        #expect(try await APIClient(configuration).version() == "v1.36.0")
        #expect(server.requests[0].path == "http://api.test:8001/version")
    }
}

@Suite struct CertificateNamesTests {
    static let names = CertificateNames(
        names: ["api.test", "*.shop.test", "*.com", "a*.test", "10.0.0.1"],
        addresses: [IPAddress(bytes: [10, 0, 0, 2])])

    @Test(arguments: [
        ("api.test", true), ("API.test.", true), ("x.api.test", false), ("web.shop.test", true), ("shop.test", false),
        ("a.b.shop.test", false), ("shop.com", false), ("ab.test", false), ("10.0.0.2", true), ("10.0.0.1", false),
        ("10.0.0.3", false), (".shop.test", false), ("", false),
    ])
    func `a certificate is for the names it has`(_ host: String, _ isIncluded: Bool) {
        #expect(Self.names.include(host) == isIncluded)
    }
}
