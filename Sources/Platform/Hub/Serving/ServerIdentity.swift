import Crypto
import Encodings
import FoundationEssentials
import NIOSSL
import Store
import SwiftASN1
import X509

/// The certificate a hub shows: one it is given, or one of its own, made on the first start and renewed before it ends.
struct ServerIdentity {
    let configuration: TLSConfiguration

    init(_ settings: HubSettings, now: Milliseconds) throws {
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource
        if let certificate = settings.certificate, let keyFile = settings.certificateKey {
            chain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            key = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
        } else {
            let own = try OwnCertificate(folder: settings.dataFolder, host: settings.host, now: now)
            chain = try NIOSSLCertificate.fromPEMBytes(Array(own.certificate.utf8)).map { .certificate($0) }
            key = .privateKey(try NIOSSLPrivateKey(bytes: Array(own.key.utf8), format: .pem))
        }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        self.configuration = configuration
    }
}

/// A certificate the hub has made for itself; whoever connects must be told to trust it.
struct OwnCertificate {
    /// PEM.
    let certificate: String
    let key: String

    private static let life = 365 * 86_400.0

    init(folder: String, host: String, now: Milliseconds) throws {
        let paths = ("\(folder)/tls.crt", "\(folder)/tls.key")
        let moment = Date(timeIntervalSince1970: Double(now) / 1000)
        if let old = Self.read(paths.0), let key = Self.read(paths.1),
            let known = try? Certificate(pemEncoded: old),
            known.notValidAfter.timeIntervalSince(moment) > 30 * 86_400
        {
            (certificate, self.key) = (old, key)
            return
        }
        let privateKey = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(privateKey)
        let name = try DistinguishedName { CommonName("Martlet hub") }
        var names: [GeneralName] = [.dnsName("localhost"), .ipAddress(Self.address([127, 0, 0, 1]))]
        let parts = host.split(separator: ".").compactMap { UInt8($0) }
        if parts.count == 4 {
            if parts != [0, 0, 0, 0], parts != [127, 0, 0, 1] { names.append(.ipAddress(Self.address(parts))) }
        } else if host != "localhost", !host.contains(":") {
            names.append(.dnsName(host))
        }
        let machine = ProcessInfo.processInfo.hostName
        if !machine.isEmpty, machine != "localhost", machine != host { names.append(.dnsName(machine)) }
        let alternatives = names
        let made = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey,
            notValidBefore: moment.addingTimeInterval(-300), notValidAfter: moment.addingTimeInterval(Self.life),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(alternatives)
            }, issuerPrivateKey: signer)
        certificate = try made.serializeAsPEM().pemString
        key = privateKey.pemRepresentation
        try Self.write(key, to: paths.1)
        try Self.write(certificate, to: paths.0)
    }

    private static func address(_ bytes: [UInt8]) -> ASN1OctetString { ASN1OctetString(contentBytes: bytes[...]) }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func write(_ text: String, to path: String) throws {
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw SettingsError("cannot write \(path)") }
    }

    /// What people compare when their browser asks: SHA-256 of the certificate.
    var fingerprint: String {
        guard let known = try? Certificate(pemEncoded: certificate), let pem = try? known.serializeAsPEM() else {
            return ""
        }
        return SHA256.hash(data: pem.derBytes).map { Hexadecimal.text([$0]).uppercased() }.joined(separator: ":")
    }
}
