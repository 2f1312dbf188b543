import TestSupport
import Testing

@testable import SecretManagers

@Suite struct AzureTests {
    private func client(_ address: String, secret: String = "s&cret") throws -> AzureKeyVaultClient {
        try AzureKeyVaultClient(
            vault: address, login: .client(tenant: "tenant-1", id: "app", secret: secret, authority: address),
            allowsAnyHost: true)
    }

    @Test func `versions over several pages come in order, and no value is asked for`() async throws {
        let vault = FakeKeyVault([
            .init(name: "db", version: "c", created: 1_795_420_800, expires: 1_800_000_000),
            .init(name: "db", version: "a", created: 1_700_000_000),
            .init(name: "db", version: "b", created: 1_750_000_000, isEnabled: false),
            .init(name: "other", version: "x", created: 1),
        ])
        try await vault.run { address in
            let found = try await client(address).secret("db")
            #expect(found.versions.map(\.id) == ["a", "b", "c"])
            #expect(found.versions.map(\.isGone) == [false, true, false])
            #expect(found.changed == "2026-11-23T08:00:00Z")
            #expect(found.expires == "2027-01-15T08:00:00Z")
            #expect(vault.requests.count == 3)
            #expect(!vault.requests.contains { $0.hasPrefix("GET /secrets/db?") || $0.hasSuffix("/secrets/db/c") })
            try await expectFailure(.notFound) { _ = try await client(address).secret("none") }
            try await expectFailure(.unauthorized) { _ = try await client(address, secret: "wrong").secret("db") }
        }
    }

    @Test func `a next page on another host is not followed with the token`() async throws {
        let vault = FakeKeyVault(
            (0..<5).map { .init(name: "db", version: "v\($0)", created: $0) }, foreignLink: "http://evil.test")
        try await vault.run { address in
            try await expectFailure(.badAnswer) { _ = try await client(address).secret("db") }
        }
    }

    @Test(arguments: [
        "https://evil.test", "http://shop.vault.azure.net", "https://shop.vault.azure.net.evil.test",
        "https://u@shop.vault.azure.net",
    ])
    func `no token goes to an address that is not Azure's`(_ address: String) {
        #expect(throws: SecretManagerError.self) { try AzureKeyVaultClient(vault: address, login: .token("t")) }
    }

    @Test func `a vault of Azure is taken`() throws {
        _ = try AzureKeyVaultClient(vault: "https://shop.vault.azure.net/", login: .token("t"))
    }

    @Test func `nobody listening is said in one line`() async throws {
        let port = TestMachine.freePort()
        try await expectFailure(.unreachable) { _ = try await client("http://127.0.0.1:\(port)").secret("db") }
    }
}

@Suite struct WebAddressTests {
    @Test(arguments: [
        ("https://vault:8200/base/", "https://vault:8200/base"), ("http://[::1]:80/", "http://[::1]"),
        ("HTTPS://a.test?x=1#y", "https://a.test"),
    ])
    func `an address is read`(_ text: String, _ expected: String) throws {
        #expect(try #require(WebAddress(text)).description == expected)
    }

    @Test(arguments: [
        "vault:8200", "ftp://a", "https://", "https://a:0", "https://a:b", "https://u:p@a", "https://a b",
    ])
    func `what is no address is refused`(_ text: String) { #expect(WebAddress(text) == nil) }

    /// Whatever comes in, the reader ends and what it gives can be written again.
    @Test func `random bytes never trap`() {
        var seed: UInt64 = 7
        for _ in 0..<20_000 {
            var text = "http"
            for _ in 0..<12 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.unicodeScalars.append(UnicodeScalar(UInt8(truncatingIfNeeded: seed >> 33) & 0x7F))
            }
            if let address = WebAddress(text) { #expect(WebAddress(address.description) != nil) }
        }
    }
}
