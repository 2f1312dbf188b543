import FoundationEssentials
import Testing

@testable import KubernetesClient

/// Exec plugins, as scripts that are really run, and the headers credentials become.
@Suite struct CredentialsTests {
    /// A configuration whose user has this exec entry; `plugin` is written to `plugin.sh` beside the kubeconfig.
    static func configuration(
        _ folder: String, plugin: String, exec: String = "interactiveMode: Never", port: Int = 1,
        isTerminal: Bool = false
    ) throws -> ClientConfiguration {
        let path = "\(folder)/plugin.sh"
        try Data("#!/bin/sh\n\(plugin)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        let config = """
            current-context: a
            clusters: [{name: a, cluster: {server: "http://127.0.0.1:\(port)", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: me}}]}}]
            contexts: [{name: a, context: {cluster: a, user: ada}}]
            users:
            - name: ada
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/v1
                  command: ./plugin.sh
                  args: [get, token]
                  env: [{name: FLAVOUR, value: "sweet"}]
                  installHint: "install it with: brew install plugin"
                  \(exec)
            """
        try Data(config.utf8).write(to: URL(filePath: "\(folder)/config"))
        let machine = Machine(
            environment: ["KUBECONFIG": "\(folder)/config", "PATH": "/usr/bin:/bin"], homeDirectory: folder,
            isTerminal: isTerminal)
        return try ClientConfiguration.load(on: machine)
    }

    static func credential(_ fields: String) -> String {
        #"printf '%s' '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{\#(fields)}}'"#
    }

    @Test func `a plugin's token is used until it expires, then asked for again`() async throws {
        try await withTemporaryFolder { folder in
            let script = """
                cd "$(dirname "$0")"; echo run >> runs
                \(Self.credential(#""token":"t-'"$(grep -c run runs)"'","expirationTimestamp":"2027-01-15T08:10:00Z""#))
                """
            let time = ManualTime()
            let credentials = Credentials(try Self.configuration(folder, plugin: script), time: time.source)
            // It is 08:00 of that day.
            #expect(try await credentials.current().headers.first?.value == "Bearer t-1")
            #expect(try await credentials.current().headers.first?.value == "Bearer t-1")
            time.advance(601)
            #expect(try await credentials.current().headers.first?.value == "Bearer t-2")
        }
    }

    @Test func `a refused token is asked for again, once`() async throws {
        let server = try await FakeServer { request in
            request.headers["authorization"] == ["Bearer t-2"]
                ? .json(TransportTests.version) : .json(status(401, "Unauthorized", "no"), status: 401)
        }
        try await withTemporaryFolder { folder in
            let script = """
                cd "$(dirname "$0")"; echo run >> runs
                \(Self.credential(#""token":"t-'"$(grep -c run runs)"'""#))
                """
            let client = try APIClient(try Self.configuration(folder, plugin: script, port: server.port))
            #expect(try await client.version() == "v1.36.0")
            #expect(server.requests.count == 2)
        }
    }

    @Test func `a plugin is told what it needs to know`() async throws {
        try await withTemporaryFolder { folder in
            let script = """
                cd "$(dirname "$0")"; printf '%s\\n' "$FLAVOUR $*" "$KUBERNETES_EXEC_INFO" > told
                \(Self.credential(#""token":"t""#))
                """
            let configuration = try Self.configuration(
                folder, plugin: script, exec: "interactiveMode: IfAvailable\n      provideClusterInfo: true")
            _ = try await Credentials(configuration, time: .system).current()
            let told = try String(contentsOf: URL(filePath: "\(folder)/told"), encoding: .utf8)
            #expect(
                told == """
                    sweet get token
                    {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"cluster":{"server":"http://127.0.0.1:1","config":{"audience":"me"}},"interactive":false}}

                    """)
        }
    }

    struct Plugin: Sendable, CustomTestStringConvertible {
        var name: String
        var script: String
        var code: ClientError.Code
        var says: String
        var exec = "interactiveMode: Never"
        var testDescription: String { name }
    }

    @Test(arguments: [
        Plugin(
            name: "fails", script: "echo 'session expired' >&2; echo more >&2; exit 3", code: .pluginFailed,
            says: "session expired"),
        Plugin(name: "prints no JSON", script: "echo token-abc", code: .pluginFailed, says: "did not print"),
        Plugin(name: "gives nothing", script: credential(""), code: .pluginFailed, says: "neither a token"),
        Plugin(
            name: "gives a date that is none", script: credential(#""token":"t","expirationTimestamp":"soon""#),
            code: .pluginFailed, says: "no date"),
        Plugin(
            name: "speaks another version",
            script: "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\"}'",
            code: .pluginFailed, says: "v1beta1"),
        Plugin(
            name: "needs a terminal", script: credential(#""token":"t""#), code: .pluginFailed, says: "terminal",
            exec: "interactiveMode: Always"),
    ])
    func `a plugin that`(_ plugin: Plugin) async throws {
        try await withTemporaryFolder { folder in
            let configuration = try Self.configuration(folder, plugin: plugin.script, exec: plugin.exec)
            let error = try await failure { _ = try await Credentials(configuration, time: .system).current() }
            #expect(error.code == plugin.code)
            #expect(error.message.contains(plugin.says), "\(error.message)")
            #expect(!error.message.contains("token-abc"), "what a plugin prints is a secret")
        }
    }

    @Test func `a plugin that is not installed gives its author's hint`() async throws {
        try await withTemporaryFolder { folder in
            var configuration = try Self.configuration(folder, plugin: "")
            configuration.identity.plugin?.command = "no-such-plugin"
            let error = try await failure { _ = try await Credentials(configuration, time: .system).current() }
            #expect(error.code == .pluginMissing)
            #expect(error.message.contains("brew install plugin"))
        }
    }

    @Test func `a plugin of v1 must say whether it is interactive`() async throws {
        try await withTemporaryFolder { folder in
            let error = try await failure {
                _ = try Self.configuration(folder, plugin: "", exec: "provideClusterInfo: false")
            }
            #expect(error.message.contains("interactiveMode"))
        }
    }

    @Test func `users and passwords, and those who act for others, become headers`() async throws {
        var configuration = ClientConfiguration.plain(1)
        configuration.identity.username = "ada"
        configuration.identity.password = "p:w"
        configuration.identity.impersonatedUser = "eve"
        configuration.identity.impersonatedGroups = ["dev", "ops"]
        configuration.identity.impersonatedUID = "7"
        configuration.identity.impersonatedExtra = [("acme.io/team", ["red"])]
        let headers = try await Credentials(configuration, time: .system).current().headers
        #expect(
            headers.map { "\($0.name): \($0.value)" } == [
                "Authorization: Basic YWRhOnA6dw==", "Impersonate-User: eve", "Impersonate-Group: dev",
                "Impersonate-Group: ops", "Impersonate-Uid: 7", "Impersonate-Extra-acme.io%2Fteam: red",
            ])
    }
}
