import Testing

@testable import KubernetesClient

@Suite struct KubeconfigTests {
    static let home = """
        apiVersion: v1
        kind: Config
        current-context: shop
        clusters:
        - name: shop
          cluster: {server: "https://shop.test:6443", certificate-authority: pki/ca.crt}
        - name: lab
          cluster: {server: "https://lab.test", insecure-skip-tls-verify: true}
        contexts:
        - name: shop
          context: {cluster: shop, user: ada, namespace: front}
        - name: lab
          context: {cluster: lab, user: bob}
        - name: broken
          context: {cluster: gone, user: ada}
        - name: nobody
          context: {cluster: shop, user: ghost}
        users:
        - name: ada
          user: {token: of-ada}
        - name: bob
          user: {username: bob, password: "p:w"}
        """
    static let files = [
        "/home/ada/.kube/config": home, "/home/ada/.kube/pki/ca.crt": "PEM of shop", "/etc/ca.crt": "PEM of etc",
        "/empty": "", "/cut": "clusters: [", "/manifest": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}",
        "/second": """
        current-context: lab
        clusters:
        - name: shop
          cluster: {server: "https://impostor.test"}
        - name: third
          cluster: {server: "https://third.test"}
        contexts:
        - name: third
          context: {cluster: third, user: ada}
        """,
        "/twice": "clusters: [{name: a, cluster: {}}, {name: a, cluster: {}}]",
    ]

    static func load(_ environment: [String: String] = [:], _ change: (inout KubeconfigFlags) -> Void = { _ in }) throws
        -> ClientConfiguration
    {
        var flags = KubeconfigFlags()
        change(&flags)
        return try ClientConfiguration.load(flags, on: bareMachine(environment, files: files))
    }

    @Test func `the current context gives server, authority beside the file, user and namespace`() throws {
        let configuration = try Self.load()
        #expect(configuration.server.description == "https://shop.test:6443")
        #expect(configuration.certificateAuthority.map { String(decoding: $0, as: UTF8.self) } == "PEM of shop")
        #expect(configuration.identity.token == "of-ada")
        #expect(configuration.namespace == "front")
        #expect(configuration.displayName == "shop")
        #expect(configuration.warnings.isEmpty)
    }

    @Test func `of the files in KUBECONFIG the first that has a name wins, and missing ones are left out`() throws {
        let environment = ["KUBECONFIG": "/missing::/home/ada/.kube/config:/second:/second"]
        #expect(try Self.load(environment).server.host == "shop.test")
        #expect(try Self.load(environment) { $0.context = "third" }.server.host == "third.test")
        let reversed = ["KUBECONFIG": "/second:/home/ada/.kube/config"]
        #expect(try Self.load(reversed).contextName == "lab")
        #expect(try Self.load(reversed) { $0.context = "shop" }.server.host == "impostor.test")
    }

    @Test func `flags win over the file`() throws {
        let configuration = try Self.load {
            $0.server = "https://other.test:8443/k8s/c-1/"
            $0.token = "given"
            $0.namespace = "back"
            $0.certificateAuthority = "/etc/ca.crt"
            $0.tlsServerName = "api.test"
            $0.impersonatedUser = "eve"
            $0.impersonatedGroups = ["a", "b"]
            $0.requestTimeout = "1m30s"
        }
        #expect(configuration.server.description == "https://other.test:8443/k8s/c-1")
        #expect(configuration.identity.token == "given")
        #expect(configuration.namespace == "back")
        #expect(configuration.certificateAuthority.map { String(decoding: $0, as: UTF8.self) } == "PEM of etc")
        #expect(configuration.tlsServerName == "api.test")
        #expect(configuration.identity.impersonatedGroups == ["a", "b"])
        #expect(configuration.requestTimeout == .seconds(90))
    }

    @Test func `the insecure flag warns and puts the authority aside`() throws {
        let configuration = try Self.load { $0.insecureSkipTLSVerify = true }
        #expect(configuration.certificateAuthority == nil)
        #expect(configuration.warnings.count == 1)
        #expect(configuration.warnings[0].contains("insecure-skip-tls-verify"))
        #expect(try Self.load { $0.context = "lab" }.skipsVerification)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var code: ClientError.Code
        var says: String
        var environment: [String: String] = [:]
        var change: @Sendable (inout KubeconfigFlags) -> Void = { _ in }
        var testDescription: String { name }
    }

    @Test(arguments: [
        Refusal(
            name: "no kubeconfig at all", code: .noConfiguration, says: "KUBECONFIG",
            environment: ["KUBECONFIG": "/none"]),
        Refusal(name: "an empty file", code: .noConfiguration, says: "/empty", environment: ["KUBECONFIG": "/empty"]),
        Refusal(name: "a file named by flag that is not there", code: .noConfiguration, says: "/nowhere") {
            $0.kubeconfig = "/nowhere"
        },
        Refusal(
            name: "a file broken off", code: .badConfiguration, says: "/cut:1:", environment: ["KUBECONFIG": "/cut"]),
        Refusal(
            name: "a manifest", code: .badConfiguration, says: "manifest", environment: ["KUBECONFIG": "/manifest"]),
        Refusal(name: "a name twice", code: .badConfiguration, says: "twice", environment: ["KUBECONFIG": "/twice"]),
        Refusal(name: "a context that is not there", code: .contextNotFound, says: "broken, lab, nobody, shop") {
            $0.context = "prod"
        },
        Refusal(name: "a cluster that is not there", code: .clusterNotFound, says: "\"gone\"") {
            $0.context = "broken"
        },
        Refusal(name: "a user that is not there", code: .userNotFound, says: "ada, bob") { $0.context = "nobody" },
        Refusal(name: "a server that is no URL", code: .badConfiguration, says: "https://host:port") {
            $0.server = "ftp://shop.test"
        },
        Refusal(name: "a certificate without key", code: .badConfiguration, says: "client-key") {
            $0.clientCertificate = "/etc/ca.crt"
        },
        Refusal(name: "groups without user", code: .badConfiguration, says: "--as") { $0.impersonatedGroups = ["a"] },
        Refusal(name: "an authority that is not there", code: .badConfiguration, says: "/gone.crt") {
            $0.certificateAuthority = "/gone.crt"
        },
        Refusal(name: "a timeout that is none", code: .badConfiguration, says: "10s") { $0.requestTimeout = "soon" },
    ])
    func refusals(_ refusal: Refusal) async throws {
        let error = try await failure { _ = try Self.load(refusal.environment, refusal.change) }
        #expect(error.code == refusal.code)
        #expect(error.message.contains(refusal.says), "\(error.message)")
    }

    @Test func `without a kubeconfig a pod is its service account, with the token read again`() async throws {
        let folder = "/var/run/secrets/kubernetes.io/serviceaccount"
        let token = Mutexed("first")
        let pod = Machine(
            environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"], homeDirectory: "/"
        ) { path in
            switch path {
            case "\(folder)/token": Array(token.value.utf8)
            case "\(folder)/ca.crt": Array("PEM".utf8)
            case "\(folder)/namespace": Array("monitoring".utf8)
            default: nil
            }
        }
        let configuration = try ClientConfiguration.load(on: pod)
        #expect(configuration.server.description == "https://[fd00::1]:443")
        #expect(configuration.namespace == "monitoring")
        let time = ManualTime()
        let credentials = Credentials(configuration, time: time.source)
        #expect(try await credentials.current().headers.first?.value == "Bearer first")
        token.change { $0 = "second\n" }
        #expect(try await credentials.current().headers.first?.value == "Bearer first")
        time.advance(61)
        #expect(try await credentials.current().headers.first?.value == "Bearer second")
        token.change { $0 = "" }
        time.advance(61)
        #expect(
            try await credentials.current().headers.first?.value == "Bearer second", "the last one read still serves")
    }

    @Test(arguments: [
        ("10s", 10.0), ("1m30s", 90), ("500ms", 0.5), ("2", 2), ("0", 0), ("1.5h", 5400),
    ])
    func `durations are read as Go writes them`(_ text: String, _ seconds: Double) {
        #expect(KubeconfigFlags.duration(text) == .seconds(seconds))
    }

    @Test(arguments: ["", "s", "10", "1x", "-1s", "1m30"].filter { $0 != "10" })
    func `what is no duration is refused`(_ text: String) { #expect(KubeconfigFlags.duration(text) == nil) }
}

@Suite struct EndpointTests {
    @Test(arguments: [
        ("https://a.test", "https://a.test:443"), ("http://a.test", "http://a.test:80"),
        ("https://[::1]:6443/", "https://[::1]:6443"), ("a.test:6443", "https://a.test:6443"),
        ("https://a.test/k8s/clusters/c-1", "https://a.test:443/k8s/clusters/c-1"),
    ])
    func `servers are read`(_ text: String, _ expected: String) { #expect(Endpoint(text)?.description == expected) }

    @Test(arguments: ["ftp://a", "https://", "https://a:0", "https://a:99999", "https://a:x", "https://[::1", "a b"])
    func `what is no server is refused`(_ text: String) { #expect(Endpoint(text) == nil) }

    @Test(arguments: [
        ("a.test", "", true), ("a.test", "a.test", false), ("x.a.test", "a.test", false), ("a.test", ".a.test", true),
        ("x.a.test", "*.a.test", false), ("xa.test", "a.test", true), ("a.test", "*", false),
        ("10.1.2.3", "10.0.0.0/8", false), ("11.1.2.3", "10.0.0.0/8", true), ("a.test", "b.test, a.test:6443", false),
        ("a.test", "a.test:443", true), ("127.0.0.1", "", false), ("localhost", "", false),
        ("fd00::5", "fd00::/16", false),
    ])
    func `a proxy of the environment is left out where NO_PROXY says so`(
        _ host: String, _ exceptions: String, _ isUsed: Bool
    ) throws {
        let server = Endpoint(isSecure: true, host: host, port: 6443)
        let environment = ["https_proxy": "http://proxy.test:3128", "NO_PROXY": exceptions]
        #expect((try ProxySettings.inEnvironment(environment, for: server) != nil) == isUsed)
    }

    @Test func `a proxy's user and password become a header, and never a message`() throws {
        let proxy = try ProxySettings("http://ada:p%40ss@proxy.test:3128/")
        #expect(proxy.endpoint.description == "http://proxy.test:3128")
        #expect(proxy.authorization == "Basic YWRhOnBAc3M=")
        let error = #expect(throws: ClientError.self) { try ProxySettings("socks5://ada:secret@proxy.test") }
        #expect(error?.message.contains("secret") == false)
    }

    @Test(arguments: [
        ("::1", true), ("127.0.0.1", true), ("127.9.9.9", true), ("::", false), ("10.0.0.1", false),
    ])
    func `loopback is known`(_ text: String, _ isLoopback: Bool) { #expect(IPAddress(text)?.isLoopback == isLoopback) }

    @Test(arguments: ["1.2.3", "1.2.3.256", "01234::", ":::", "1::2::3", "g::", "a.test", "", "1:2:3:4:5:6:7:8:9"])
    func `names are no addresses`(_ text: String) { #expect(IPAddress(text) == nil) }
}
