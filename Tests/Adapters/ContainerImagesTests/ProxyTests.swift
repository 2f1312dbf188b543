import Testing

@testable import ContainerImages

@Suite struct ProxyTests {
    private static func settings(_ variables: [String: String]) -> ProxySettings {
        ProxySettings { variables[$0] }
    }

    @Test(arguments: [
        ("https://registry.test/v2/", "proxy.test:3128"), ("https://registry.test:8443/v2/", "proxy.test:3128"),
        ("http://registry.test/v2/", nil), ("https://localhost:5000/v2/", nil), ("https://127.0.0.1/v2/", nil),
        ("https://[::1]:5000/v2/", nil), ("https://inner.example/v2/", nil), ("https://a.inner.example/v2/", nil),
        ("https://notinner.example/v2/", "proxy.test:3128"), ("https://deep.other.example/", nil),
        ("https://10.1.2.3:5000/v2/", nil), ("https://11.1.2.3/v2/", "proxy.test:3128"),
        ("https://ported.example:5000/", nil), ("https://ported.example/", "proxy.test:3128"),
    ])
    func whatGoesThroughAProxy(address: String, proxy: String?) {
        let settings = Self.settings([
            "https_proxy": "http://proxy.test:3128", "HTTPS_PROXY": "http://not.me:1",
            "NO_PROXY": "inner.example, .other.example,10.0.0.0/8,ported.example:5000",
        ])
        #expect(settings.proxy(for: address).map { "\($0.host):\($0.port)" } == proxy)
    }

    @Test func aLoginIsTakenOutOfTheNameAndOddNamesAreTold() throws {
        let proxy = try #require(
            Self.settings(["ALL_PROXY": "http://me:p%40ss@proxy.test"]).proxy(for: "http://a.test/"))
        #expect(proxy.user == "me" && proxy.password == "p@ss" && proxy.port == 3128)
        let odd = Self.settings(["HTTPS_PROXY": "socks5://proxy.test:1080"])
        #expect(odd.proxy(for: "https://a.test/") == nil && odd.problems.count == 1)
        #expect(Self.settings(["HTTPS_PROXY": "p.test:1", "NO_PROXY": "*"]).proxy(for: "https://a.test/") == nil)
        // TLS to the proxy itself is refused aloud, never left out.
        var options = RegistryOptions()
        options.proxies = Self.settings(["HTTPS_PROXY": "https://proxy.test"])
        #expect(throws: ImageError.self) { try RegistryClient(options) }
    }

    @Test func aRegistryIsAskedThroughTheProxyAndNotPastIt() async throws {
        let proxy = try await ScriptedRegistry { _, _ in .text(405, "") }
        var options = RegistryOptions()
        options.retries = 0
        options.proxies = Self.settings(["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"])
        let client = try RegistryClient(options)
        await #expect(throws: ImageError.self) {
            try await client.tags(host: "registry.test", repository: "team/app")
        }
        #expect(proxy.asked.map(\.method) == ["CONNECT"])
        #expect(proxy.asked.first?.uri == "registry.test:443")
        await client.close()
        try await proxy.close()
    }
}
