import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
package import X509

/// A certificate authority of one webhook: made by the server itself, known to nobody but the API server.
package struct ServingAuthority: Sendable {
    package let certificate: Certificate
    package let certificatePEM: String
    private let key: Certificate.PrivateKey
    private let keyPEM: String
    /// Seconds since 1970.
    package let begins: Int
    package let ends: Int

    package static let lifetime = 365 * 86_400
    package static let leafLifetime = 30 * 86_400
    /// Clocks in a cluster differ a little.
    static let skew = 3600

    /// A certificate with its key, as a server uses them.
    package struct Leaf: Sendable {
        package var certificatePEM: String
        package var keyPEM: String
        package var begins: Int
        package var ends: Int
    }

    package init(now: Int, lifetime: Int = Self.lifetime) throws {
        let secret = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(secret)
        let name = try DistinguishedName { CommonName("martlet admission \(now)") }
        begins = now - Self.skew
        ends = now + lifetime
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: Double(begins)),
            notValidAfter: Date(timeIntervalSince1970: Double(ends)), issuer: name, subject: name,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            }, issuerPrivateKey: key)
        self.certificate = certificate
        self.key = key
        certificatePEM = try certificate.serializeAsPEM().pemString
        keyPEM = try key.serializeAsPEM().pemString
    }

    /// Makes a server's certificate for names and addresses.
    package func leaf(for names: [String], now: Int, lifetime: Int = Self.leafLifetime) throws -> Leaf {
        let secret = P256.Signing.PrivateKey()
        let leafKey = Certificate.PrivateKey(secret)
        let begins = max(now - Self.skew, self.begins)
        let ends = min(now + lifetime, self.ends)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: leafKey.publicKey,
            notValidBefore: Date(timeIntervalSince1970: Double(begins)),
            notValidAfter: Date(timeIntervalSince1970: Double(ends)), issuer: self.certificate.subject,
            subject: try DistinguishedName { CommonName(names.first ?? "martlet-admission") },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names.map(Self.generalName))
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: key.publicKey).keyIdentifier)
            }, issuerPrivateKey: key)
        return Leaf(
            certificatePEM: try certificate.serializeAsPEM().pemString, keyPEM: try leafKey.serializeAsPEM().pemString,
            begins: begins, ends: ends)
    }

    private static func generalName(_ name: String) -> GeneralName {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { UInt8($0) }
        if parts.count == 4, bytes.count == 4 { return .ipAddress(ASN1OctetString(contentBytes: bytes[...])) }
        return .dnsName(name)
    }
}
