import Crypto
import Encodings
import FoundationEssentials
import NIOSSL
import Store
import SwiftASN1
import X509

/// The hub's own authority over agents: made once, kept in the store and sealed with the hub's key, so that all hubs on
/// one database are the same to an agent.
///
/// Agents know its key by the pin in their join token and trust nothing else, whatever authorities their image brings.
struct AgentAuthority: Sendable {
    /// The one name the hub's certificate for agents has, at whatever address it is reached.
    static let hubName = "martlet-hub"
    static let leafLife = 30 * 86_400_000
    /// Clocks differ; a certificate holds from an hour before it was made.
    static let slack = 3_600_000
    /// How long after its end a certificate still proves who asks for the next one.
    static let grace = 400 * 86_400_000
    private static let life = 20 * 365 * 86_400.0

    let certificate: Certificate
    let pem: String
    private let key: Certificate.PrivateKey

    // MARK: Making and keeping

    /// The authority of a store; the first hub that asks makes it.
    static func load(_ store: Store, box: SecretBox, now: Milliseconds) async throws -> AgentAuthority {
        let name = "agent.authority"
        if let kept = try await store.read({ try $0.setting(name) }) { return try open(kept, box) }
        let made = try make(now: now)
        let sealed = Base64URL.encode(try box.seal(Array(made.utf8), for: name))
        let kept = try await store.write { db in
            // Two hubs that start at once: one is faster, both take what is there.
            try db.run(
                "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                [.text(name), .text(sealed)])
            return try db.setting(name) ?? sealed
        }
        return try open(kept, box)
    }

    private static func open(_ kept: String, _ box: SecretBox) throws -> AgentAuthority {
        let text = String(decoding: try box.open(Base64URL.decode(kept) ?? [], of: "agent.authority"), as: UTF8.self)
        let documents = try PEMDocument.parseMultiple(pemString: text)
        guard documents.count == 2 else { throw StoreError(.type, "the agents' authority is damaged") }
        let certificate = try Certificate(pemDocument: documents[0])
        return AgentAuthority(
            certificate: certificate, pem: try certificate.serializeAsPEM().pemString,
            key: try Certificate.PrivateKey(pemDocument: documents[1]))
    }

    /// Certificate and key, as PEM.
    private static func make(now: Milliseconds) throws -> String {
        let secret = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(secret)
        let moment = Date(timeIntervalSince1970: Double(now) / 1000)
        let name = try DistinguishedName {
            CommonName("Martlet agents \(Base64URL.encode(SecretText.bytes(6)))")
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: moment.addingTimeInterval(-Double(slack) / 1000),
            notValidAfter: moment.addingTimeInterval(life),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            }, issuerPrivateKey: key)
        return try certificate.serializeAsPEM().pemString + "\n" + secret.pemRepresentation
    }

    // MARK: Issuing

    struct Issued: Sendable {
        var pem: String
        var serial: String
        var endsAt: Milliseconds
    }

    /// A certificate for the key of a request; who it is for is the hub's word, not the request's.
    func issue(_ request: CertificateSigningRequest, to cluster: String, life: Int, now: Milliseconds) throws -> Issued
    {
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw HubProblem.invalid("the request is not signed with its own key")
        }
        return try issue(
            request.publicKey,
            subject: DistinguishedName {
                OrganizationName("martlet agent")
                CommonName(cluster)
            }, usage: .clientAuth, life: life, now: now)
    }

    private func issue(
        _ publicKey: Certificate.PublicKey, subject: DistinguishedName, usage: ExtendedKeyUsage.Usage,
        names: [GeneralName] = [], life: Int, now: Milliseconds
    ) throws -> Issued {
        let moment = Date(timeIntervalSince1970: Double(now) / 1000)
        let serial = Certificate.SerialNumber()
        let ends = moment.addingTimeInterval(Double(life) / 1000)
        let made = try Certificate(
            version: .v3, serialNumber: serial, publicKey: publicKey,
            notValidBefore: moment.addingTimeInterval(-Double(Self.slack) / 1000), notValidAfter: ends,
            issuer: certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage])
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                if !names.isEmpty { SubjectAlternativeNames(names) }
            }, issuerPrivateKey: key)
        return Issued(
            pem: try made.serializeAsPEM().pemString, serial: Self.text(serial),
            endsAt: Milliseconds(ends.timeIntervalSince1970 * 1000))
    }

    static func text(_ serial: Certificate.SerialNumber) -> String {
        Hexadecimal.text(serial.bytes)
    }

    /// What the listener for agents shows, and how it asks who they are. Who has no certificate yet may join.
    func configuration(now: Milliseconds) throws -> TLSConfiguration {
        let secret = P256.Signing.PrivateKey()
        let own = try issue(
            Certificate.PublicKey(secret.publicKey),
            subject: DistinguishedName { CommonName(Self.hubName) }, usage: .serverAuth,
            names: [.dnsName(Self.hubName)], life: 10 * 365 * 86_400_000, now: now)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(own.pem.utf8)).map { .certificate($0) },
            privateKey: .privateKey(
                try NIOSSLPrivateKey(bytes: Array(secret.pemRepresentation.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
        return configuration
    }

    // MARK: Recognizing

    /// SHA-256 of the authority's public key: what a join token carries.
    var pin: String { Self.pin(of: certificate) }

    static func pin(of certificate: Certificate) -> String {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(certificate.publicKey)
        } catch {
            return ""
        }
        return Base64URL.encode(Array(SHA256.hash(data: serializer.serializedBytes)))
    }

    /// Who a certificate speaks for, if this authority made it: cluster and serial number. Does not look at its end.
    func holder(of certificate: Certificate) -> (cluster: String, serial: String)? {
        guard self.certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else { return nil }
        var cluster: String?
        var isAgent = false
        for part in certificate.subject {
            for attribute in part {
                if attribute.type == .RDNAttributeType.commonName { cluster = String(describing: attribute.value) }
                if attribute.type == .RDNAttributeType.organizationName {
                    isAgent = String(describing: attribute.value) == "martlet agent"
                }
            }
        }
        guard isAgent, let cluster else { return nil }
        return (cluster, Self.text(certificate.serialNumber))
    }
}
