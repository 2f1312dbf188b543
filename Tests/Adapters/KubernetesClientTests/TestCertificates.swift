import FoundationEssentials
import NIOSSL
import Subprocess
import Testing

@testable import KubernetesClient

/// Authorities and certificates made by openssl for one run of the tests.
struct TestCertificates: Sendable {
    struct Pair: Sendable {
        var certificate: [UInt8]
        var key: [UInt8]
    }
    let authority: [UInt8]
    let otherAuthority: [UInt8]
    /// For `localhost`, `api.test` and `127.0.0.1`.
    let server: Pair
    /// For `localhost` and 127.0.0.1, ended yesterday.
    let expiredServer: Pair
    /// For another name and address.
    let foreignServer: Pair
    let client: Pair
    let expiredClient: Pair

    /// Made once; nil where there is no openssl.
    static let shared = Task { try? await make() }

    static func required() async throws -> TestCertificates {
        try #require(await shared.value, "openssl not found")
    }

    private static func make() async throws -> TestCertificates {
        try await withTemporaryFolder { folder in
            func openssl(_ arguments: String...) async throws {
                let result = try await Subprocess.run(
                    .name("openssl"), arguments: Arguments(arguments), output: .discarded, error: .discarded)
                guard result.terminationStatus == .exited(0) else { throw ClientError(.badConfiguration, "openssl") }
            }
            func read(_ name: String) throws -> [UInt8] {
                try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
            }
            for name in ["ca", "other"] {
                try await openssl(
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "30",
                    "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).crt")
            }
            func pair(_ name: String, _ names: String, days: Int = 30) async throws -> Pair {
                let base = "\(folder)/\(name)"
                try Data("subjectAltName=\(names)\nextendedKeyUsage=serverAuth,clientAuth\n".utf8)
                    .write(to: URL(filePath: "\(base).ext"))
                try await openssl(
                    "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/O=system:masters/CN=\(name)", "-keyout", "\(base).key", "-out", "\(base).csr")
                try await openssl(
                    "x509", "-req", "-in", "\(base).csr", "-CA", "\(folder)/ca.crt", "-CAkey", "\(folder)/ca.key",
                    "-CAcreateserial", "-days", "\(days)", "-extfile", "\(base).ext", "-out", "\(base).crt")
                return Pair(certificate: try read("\(name).crt"), key: try read("\(name).key"))
            }
            return TestCertificates(
                authority: try { try read("ca.crt") }(), otherAuthority: try { try read("other.crt") }(),
                server: try await pair("server", "DNS:localhost,DNS:api.test,IP:127.0.0.1"),
                expiredServer: try await pair("old", "DNS:localhost,IP:127.0.0.1", days: -1),
                foreignServer: try await pair("foreign", "DNS:elsewhere.test,IP:192.0.2.1"),
                client: try await pair("client", "DNS:client"),
                expiredClient: try await pair("oldclient", "DNS:client", days: -1))
        }
    }

    func context(_ pair: Pair, demandingClients: Bool = false) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(pair.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: pair.key, format: .pem)))
        if demandingClients {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

/// A folder that is gone when `body` is done.
func withTemporaryFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.path() + "martlet-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
