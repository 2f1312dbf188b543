import Crypto
import Documents
import FoundationEssentials
import NIOSSL
import Store
import SwiftASN1
import X509

/// Who an agent is: its key, which never leaves its disk, the certificate for it, and the hub's authority.
struct AgentIdentity: Sendable {
    var cluster: String
    /// PEM of the certificate, and of its key.
    var certificate: String
    var key: String
    /// PEM of the one authority that a hub's certificate may come from.
    var authority: String
    var begins: Milliseconds
    var ends: Milliseconds

    // MARK: On disk

    /// One file, replaced in one step: certificate and key can never be of different times.
    static func load(_ folder: String) throws -> AgentIdentity? {
        guard let bytes = try DurableFile.read("\(folder)/identity.json") else { return nil }
        let node = try DocumentReader.readJSON(SourceText(name: "identity.json", bytes: bytes))
        return try AgentIdentity(
            cluster: node["cluster"].string ?? "", certificate: node["certificate"].string ?? "",
            key: node["key"].string ?? "", authority: node["authority"].string ?? "")
    }

    init(cluster: String, certificate: String, key: String, authority: String) throws {
        self.cluster = cluster
        self.certificate = certificate
        self.key = key
        self.authority = authority
        let parsed = try Certificate(pemEncoded: certificate)
        begins = Milliseconds(parsed.notValidBefore.timeIntervalSince1970 * 1000) + AgentAuthority.slack
        ends = Milliseconds(parsed.notValidAfter.timeIntervalSince1970 * 1000)
    }

    func save(_ folder: String) throws {
        var json = JSONWriter()
        json.object { json in
            json.member("cluster", cluster)
            json.member("certificate", certificate)
            json.member("key", key)
            json.member("authority", authority)
        }
        try DurableFile.replace("\(folder)/identity.json", with: json.bytes)
    }

    /// Two thirds of the certificate's time have passed.
    func isDue(at now: Milliseconds) -> Bool { now > begins + (ends - begins) * 2 / 3 }

    func isOver(at now: Milliseconds) -> Bool { now >= ends }

    // MARK: TLS

    /// Trusts the hub's authority and nothing else, and shows the certificate.
    func configuration() throws -> TLSConfiguration {
        var configuration = try Self.pinned(authority)
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
            .certificate($0)
        }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        return configuration
    }

    static func pinned(_ authority: String) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        return configuration
    }

    /// A request for a certificate of a key, as PEM.
    static func request(for key: P256.Signing.PrivateKey) throws -> String {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("martlet agent") }, privateKey: .init(key),
            attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256)
        return try request.serializeAsPEM().pemString
    }
}

/// What lets an agent in: a secret that is good once, and what the hub's key must be.
package struct JoinToken: Sendable, Hashable {
    package static let prefix = "mlj_"
    package var secret: String
    /// SHA-256 of the public key of the hub's authority.
    package var pin: String

    package var text: String { "\(secret).\(pin)" }

    package init(secret: String, pin: String) {
        self.secret = secret
        self.pin = pin
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[0].hasPrefix(Self.prefix), Base64URL.decode(parts[1])?.count == 32 else {
            return nil
        }
        (secret, pin) = (parts[0], parts[1])
    }
}
