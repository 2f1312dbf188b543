import Crypto
import Documents
import Encodings
import Foundation
import SwiftASN1
import X509

@testable import ImageTrust

/// A certificate authority, a certificate log and a signature log of our own, and one signature made with them.
///
/// Every part may be changed before it is put together, so that each check has something to refuse.
struct SigningWorld {
    var artifact = Array("what is signed".utf8)
    var identity = "https://example.org/build.yaml@refs/heads/main"
    var issuer = "https://issuer.example.org"
    /// When the log says that it took the entry in.
    var integrated = Date(timeIntervalSince1970: 1_700_000_100)
    var certificateFrom = Date(timeIntervalSince1970: 1_700_000_000)
    var usage = ExtendedKeyUsage.Usage.codeSigning
    var hasCertificateTimestamp = true
    var signsWithAnotherKey = false
    var promisesAnotherTime = false
    var proofHashFlipped = false
    var loggedArtifact: [UInt8]?
    var logValidFrom: String? = "2020-01-01T00:00:00Z"
    var trustsAnotherAuthority = false
    var mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

    private let authorityKey = P384.Signing.PrivateKey()
    private let leafKey = P256.Signing.PrivateKey()
    private let logKey = P256.Signing.PrivateKey()
    private let certificateLogKey = P256.Signing.PrivateKey()

    private func certificate(_ name: String, signedBy key: P384.Signing.PrivateKey) throws -> Certificate {
        let subject = try DistinguishedName { CommonName(name) }
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: [1, 2, 3]),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 1_600_000_000),
            notValidAfter: Date(timeIntervalSince1970: 1_900_000_000), issuer: subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA384,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: Certificate.PrivateKey(key))
    }

    private static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    private func leaf(_ root: Certificate) throws -> [UInt8] {
        var extensions = try Certificate.Extensions {
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([usage])
            Critical(SubjectAlternativeNames([.uniformResourceIdentifier(identity)]))
        }
        try extensions.append(
            Certificate.Extension(
                oid: FulcioClaim.issuer.oid, critical: false,
                value: DERText.wrap(0x0C, Array(issuer.utf8))[...]))
        func issue() throws -> Certificate {
            try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(bytes: [9]),
                publicKey: Certificate.PublicKey(leafKey.publicKey), notValidBefore: certificateFrom,
                notValidAfter: certificateFrom.addingTimeInterval(600), issuer: root.subject,
                subject: DistinguishedName(), signatureAlgorithm: .ecdsaWithSHA384, extensions: extensions,
                issuerPrivateKey: Certificate.PrivateKey(authorityKey))
        }
        guard hasCertificateTimestamp else { return try Self.der(issue()) }
        let body = Array(try issue().tbsCertificateBytes)
        var signed = WireWriter()
        signed.number(0, 2)
        signed.number(1_700_000_000_000, 8)
        signed.number(1, 2)
        signed.bytes += SHA256.hash(data: try SignerCertificate(der: Self.der(root)).subjectKeyInfo)
        signed.number(UInt64(body.count), 3)
        signed.bytes += body
        signed.number(0, 2)
        let signature = Array(
            try certificateLogKey.signature(for: SHA256.hash(data: signed.bytes)).derRepresentation)
        var timestamp = WireWriter()
        timestamp.number(0, 1)
        timestamp.bytes += SHA256.hash(data: certificateLogKey.publicKey.derRepresentation)
        timestamp.number(1_700_000_000_000, 8)
        timestamp.number(0, 2)
        timestamp.number(0x0403, 2)
        timestamp.number(UInt64(signature.count), 2)
        timestamp.bytes += signature
        var list = WireWriter()
        list.number(UInt64(timestamp.bytes.count + 2), 2)
        list.number(UInt64(timestamp.bytes.count), 2)
        list.bytes += timestamp.bytes
        try extensions.append(
            Certificate.Extension(
                oid: [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], critical: false, value: DERText.wrap(0x04, list.bytes)[...]))
        return try Self.der(issue())
    }

    struct Made {
        var bundle: [UInt8]
        var root: [UInt8]
        var tag: (payload: [UInt8], annotations: [String: String])
    }

    private static func pem(_ der: [UInt8]) -> String {
        "-----BEGIN CERTIFICATE-----\n\(Base64.text(der))\n-----END CERTIFICATE-----\n"
    }

    private func entry(_ signature: [UInt8], _ leaf: [UInt8], _ artifact: [UInt8]) -> [UInt8] {
        let digest = Hexadecimal.text(SHA256.hash(data: artifact))
        return Array(
            """
            {"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256",\
            "value":"\(digest)"}},"signature":{"content":"\(Base64.text(signature))",\
            "publicKey":{"content":"\(Base64.text(Self.pem(leaf).utf8))"}}}}
            """.utf8)
    }

    private func promise(_ body: [UInt8], _ logID: [UInt8]) throws -> [UInt8] {
        let time = Int(integrated.timeIntervalSince1970) + (promisesAnotherTime ? 1 : 0)
        let text =
            #"{"body":"\#(Base64.text(body))","integratedTime":\#(time),"logID":"\#(Hexadecimal.text(logID))","logIndex":7}"#
        return Array(try logKey.signature(for: SHA256.hash(data: Array(text.utf8))).derRepresentation)
    }

    func made() throws -> Made {
        let root = try certificate("root", signedBy: authorityKey)
        let leaf = try leaf(root)
        let signingKey = signsWithAnotherKey ? P256.Signing.PrivateKey() : leafKey
        let signature = Array(try signingKey.signature(for: SHA256.hash(data: artifact)).derRepresentation)
        let body = entry(signature, leaf, loggedArtifact ?? artifact)
        let logID = Array(SHA256.hash(data: logKey.publicKey.derRepresentation))
        // The entry is the first of a tree of two.
        var sibling = Array(repeating: UInt8(3), count: 32)
        let rootHash = Array(SHA256.hash(data: [1] + InclusionProof.leafHash(body) + sibling))
        if proofHashFlipped { sibling[0] ^= 1 }
        let note = "log.example.org - 1\n2\n\(Base64.text(rootHash))\n"
        let noteSignature = Array(
            try logKey.signature(for: SHA256.hash(data: Array(note.utf8))).derRepresentation)
        let checkpoint = "\(note)\n\u{2014} log.example.org \(Base64.text(logID.prefix(4) + noteSignature))\n"
        let promise = try promise(body, logID)
        let bundle = DocumentValue.object([
            .init("mediaType", .string(mediaType)),
            .init(
                "verificationMaterial",
                .object([
                    .init("certificate", .object([.init("rawBytes", .string(Base64.text(leaf)))])),
                    .init(
                        "tlogEntries",
                        .array([
                            .object([
                                .init("logIndex", .string("7")),
                                .init("logId", .object([.init("keyId", .string(Base64.text(logID)))])),
                                .init(
                                    "kindVersion",
                                    .object([
                                        .init("kind", .string("hashedrekord")), .init("version", .string("0.0.1")),
                                    ])
                                ),
                                .init("integratedTime", .string(String(Int(integrated.timeIntervalSince1970)))),
                                .init(
                                    "inclusionPromise",
                                    .object([.init("signedEntryTimestamp", .string(Base64.text(promise)))])),
                                .init(
                                    "inclusionProof",
                                    .object([
                                        .init("treeSize", .string("2")),
                                        .init("rootHash", .string(Base64.text(rootHash))),
                                        .init("hashes", .array([.string(Base64.text(sibling))])),
                                        .init("checkpoint", .object([.init("envelope", .string(checkpoint))])),
                                    ])),
                                .init("canonicalizedBody", .string(Base64.text(body))),
                            ])
                        ])),
                ])),
            .init("messageSignature", .object([.init("signature", .string(Base64.text(signature)))])),
        ])
        let shown = trustsAnotherAuthority ? try certificate("root", signedBy: P384.Signing.PrivateKey()) : root
        let text =
            #"{"Payload":{"body":"\#(Base64.text(body))","integratedTime":\#(Int(integrated.timeIntervalSince1970)),"#
            + #""logIndex":7,"logID":"\#(Hexadecimal.text(logID))"},"SignedEntryTimestamp":"\#(Base64.text(promise))"}"#
        return Made(
            bundle: Self.json(bundle), root: try trustedRoot(Self.der(shown), logID),
            tag: (
                artifact,
                [
                    "dev.cosignproject.cosign/signature": Base64.text(signature),
                    "dev.sigstore.cosign/certificate": Self.pem(leaf), "dev.sigstore.cosign/bundle": text,
                ]
            ))
    }

    private static func json(_ value: DocumentValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(value)
        return writer.bytes
    }

    private func trustedRoot(_ authority: [UInt8], _ logID: [UInt8]) throws -> [UInt8] {
        func log(_ key: P256.Signing.PublicKey, _ name: String, _ start: String?) -> String {
            let span = start.map { #"{"start":"\#($0)"}"# } ?? "{}"
            return """
                {"baseUrl":"https://\(name)","publicKey":{"rawBytes":"\(Base64.text(key.derRepresentation))",\
                "validFor":\(span)},"logId":{"keyId":"\(Base64.text(SHA256.hash(data: key.derRepresentation)))"}}
                """
        }
        return Array(
            """
            {"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs":[\(log(logKey.publicKey, "log.example.org", logValidFrom))],
            "ctlogs":[\(log(certificateLogKey.publicKey, "ct.example.org", "2020-01-01T00:00:00Z"))],
            "certificateAuthorities":[{"uri":"https://ca.example.org","validFor":{"start":"2020-01-01T00:00:00Z"},
            "certChain":{"certificates":[{"rawBytes":"\(Base64.text(authority))"}]}}]}
            """.utf8)
    }

    /// What the verifier says: nothing when it accepts.
    func refusal(
        identity: TextPattern? = nil, issuer: TextPattern? = nil, claims: [FulcioClaim: TextPattern] = [:]
    ) throws -> TrustError? {
        let made = try made()
        let expected = ExpectedIdentity(
            identity: identity ?? .exact("https://example.org/build.yaml@refs/heads/main"),
            issuer: issuer ?? .exact("https://issuer.example.org"), claims: claims)
        do throws(TrustError) {
            let verifier = TrustVerifier(
                root: try TrustedRoot(made.root), policy: TrustPolicy(.identities([expected])))
            _ = try verifier.verify(
                try SignedBundle(made.bundle), artifact: Artifact(bytes: Array("what is signed".utf8)))
            return nil
        } catch {
            return error
        }
    }
}
