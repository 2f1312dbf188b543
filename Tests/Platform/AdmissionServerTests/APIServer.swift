import FoundationEssentials
import KubernetesClient
import NIOCore
import NIOPosix
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import AdmissionServer

extension Tag {
    /// Runs against a real kube-apiserver, where `KUBEBUILDER_ASSETS` names a folder with one and with etcd.
    @Tag static var apiserver: Self
}

/// A real API server with an etcd of its own, on free ports of loopback, in a folder that goes with them.
struct APIServer: Sendable {
    static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"].flatMap { $0.isEmpty ? nil : $0 }
    private static let token = "administrator-of-a-test"

    let folder: String
    let authority: ServingAuthority
    let port: Int
    let etcd: String

    /// As a member of system:masters, or of other groups.
    func client(as user: String? = nil) throws -> APIClient {
        var configuration = ClientConfiguration(
            server: Endpoint(isSecure: true, host: "localhost", port: port),
            machine: Machine(environment: [:], homeDirectory: "/nowhere", isTerminal: false) { _ in nil })
        configuration.certificateAuthority = Array(authority.certificatePEM.utf8)
        configuration.identity.token = Self.token
        configuration.identity.impersonatedUser = user
        configuration.identity.impersonatedGroups = user == nil ? [] : ["system:masters"]
        var options = APIClient.Options()
        options.tries = 1
        options.rate = 1000
        options.burst = 1000
        return try APIClient(configuration, options: options)
    }

    /// Starts etcd, runs `body` and ends it; API servers come and go within.
    static func run(_ body: @escaping @Sendable (APIServer) async throws -> Void) async throws {
        let assets = try #require(assets)
        let folder = FileManager.default.temporaryDirectory.appending(path: "admission-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Int(Date().timeIntervalSince1970)
        let authority = try ServingAuthority(now: now)
        let leaf = try authority.leaf(for: ["localhost", "127.0.0.1", "kubernetes.default.svc"], now: now)
        for (name, text) in [
            ("ca.crt", authority.certificatePEM), ("server.crt", leaf.certificatePEM), ("server.key", leaf.keyPEM),
            ("tokens", "\(token),administrator,1,system:masters\n"),
        ] { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        let ports = (0..<3).map { _ in TestMachine.freePort() }
        let (client, peer) = ("http://127.0.0.1:\(ports[1])", "http://127.0.0.1:\(ports[2])")
        let server = APIServer(folder: folder, authority: authority, port: ports[0], etcd: client)
        try await process(
            "\(assets)/etcd",
            [
                "--data-dir", "\(folder)/etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster",
                "default=\(peer)", "--unsafe-no-fsync",
            ]
        ) { try await body(server) }
    }

    /// One life of the API server, from a cold start to its end.
    func live(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let assets = try #require(Self.assets)
        try await Self.process(
            "\(assets)/kube-apiserver",
            [
                "--etcd-servers=\(etcd)", "--bind-address=127.0.0.1", "--secure-port=\(port)",
                "--tls-cert-file=\(folder)/server.crt", "--tls-private-key-file=\(folder)/server.key",
                "--token-auth-file=\(folder)/tokens", "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=\(folder)/server.crt",
                "--service-account-signing-key-file=\(folder)/server.key",
                "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none",
                "--audit-log-path=\(folder)/audit.log", "--audit-policy-file=\(folder)/audit.yaml",
                "--audit-log-mode=blocking",
            ]
        ) {
            try await waitUntilReady()
            try await body()
        }
    }

    func prepare() throws {
        let policy = """
            apiVersion: audit.k8s.io/v1
            kind: Policy
            omitStages: [RequestReceived]
            rules:
            - {level: RequestResponse, namespaces: [shop]}
            - {level: None}
            """
        try Data(policy.utf8).write(to: URL(filePath: "\(folder)/audit.yaml"))
    }

    private static func process(
        _ path: String, _ arguments: [String], _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), input: .none, output: .discarded, error: .discarded
        ) { execution in
            var failure: (any Error)?
            do {
                try await body()
            } catch {
                failure = error
            }
            try execution.send(signal: .terminate)
            return failure
        }
        if let failure = result.closureResult { throw failure }
    }

    private func waitUntilReady() async throws {
        for _ in 0..<240 {
            // Another process says when it is ready; there is nothing to wait for but time.
            if (try? await client().get("/readyz")) != nil { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw ClientError(.timeout, "the API server was not ready within a minute")
    }
}
