import FoundationEssentials
import NIOCore
import NIOPosix
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import KubernetesClient

extension Tag {
    /// Runs against a real kube-apiserver, where `KUBEBUILDER_ASSETS` names a folder with one and with etcd.
    @Tag static var apiserver: Self
}

/// A real API server with an etcd of its own, on free ports of loopback, in a folder that goes with them.
struct APIServer: Sendable {
    static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"].flatMap { $0.isEmpty ? nil : $0 }

    let certificates: TestCertificates
    let port: Int
    let etcdPort: Int

    /// As a member of system:masters.
    var administrator: ClientConfiguration {
        var out = ClientConfiguration.secure(port, authority: certificates.authority)
        out.identity.certificate = certificates.client.certificate
        out.identity.key = certificates.client.key
        return out
    }

    /// The administrator acting for somebody else.
    func acting(for user: String) -> ClientConfiguration {
        var out = administrator
        out.identity.impersonatedUser = user
        out.userName = user
        return out
    }

    /// Starts both, runs `body` and ends them.
    ///
    /// - Parameter arguments: more arguments for the API server, given the folder for files they name.
    static func run(
        arguments: (String) throws -> [String] = { _ in [] },
        _ body: @escaping @Sendable (APIServer) async throws -> Void
    ) async throws {
        let assets = try #require(assets)
        let certificates = try await TestCertificates.required()
        try await withTemporaryFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
            }
            try write("ca.crt", certificates.authority)
            try write("server.crt", certificates.server.certificate)
            try write("server.key", certificates.server.key)
            let more = try arguments(folder)
            let ports = (0..<3).map { _ in TestMachine.freePort() }
            let server = APIServer(certificates: certificates, port: ports[0], etcdPort: ports[1])
            let (etcd, peer) = ("http://127.0.0.1:\(ports[1])", "http://127.0.0.1:\(ports[2])")
            try await process(
                "\(assets)/etcd",
                [
                    "--data-dir", "\(folder)/etcd", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                    "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster",
                    "default=\(peer)", "--unsafe-no-fsync",
                ]
            ) {
                try await process(
                    "\(assets)/kube-apiserver",
                    [
                        "--etcd-servers=\(etcd)", "--bind-address=127.0.0.1", "--secure-port=\(ports[0])",
                        "--tls-cert-file=\(folder)/server.crt", "--tls-private-key-file=\(folder)/server.key",
                        "--client-ca-file=\(folder)/ca.crt", "--service-account-issuer=https://kubernetes.default.svc",
                        "--service-account-key-file=\(folder)/server.crt",
                        "--service-account-signing-key-file=\(folder)/server.key",
                        "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
                        "--endpoint-reconciler-type=none", "--watch-cache-sizes=limitranges#0",
                    ] + more
                ) {
                    try await server.waitUntilReady()
                    try await body(server)
                }
            }
        }
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
        let client = try APIClient(administrator)
        for _ in 0..<240 {
            // Another process says when it is ready; there is nothing to wait for but time.
            if (try? await client.get("/readyz")) != nil { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw ClientError(.timeout, "the API server was not ready within a minute")
    }
}
