package import Foundation
import SwiftASN1
import X509

/// An X.509 certificate with the parts that verification asks about.
package struct SignerCertificate: Sendable, Equatable {
    package let der: [UInt8]
    let certificate: Certificate
    let key: VerificationKey
    /// SubjectPublicKeyInfo.
    var subjectKeyInfo: [UInt8] { key.encoded }

    package static func == (left: SignerCertificate, right: SignerCertificate) -> Bool { left.der == right.der }

    package init(der: [UInt8]) throws(TrustError) {
        do {
            let root = try DER.parse(der)
            certificate = try Certificate(derEncoded: root)
            guard let body = root.children.first else { throw TrustError(.certificate, "has no body") }
            // version [0]?, serial, algorithm, issuer, validity, subject, key
            let fields = body.children
            let first = fields.first?.isTagged(0) == true ? 1 : 0
            guard fields.count > first + 5 else { throw TrustError(.certificate, "has no key") }
            key = try VerificationKey(der: Array(fields[first + 5].encodedBytes))
        } catch let error as TrustError {
            throw TrustError(.certificate, "a certificate \(error.message)")
        } catch {
            throw TrustError(.certificate, "a certificate cannot be read: \(error)")
        }
        self.der = der
    }

    package static func chain(pem: String) throws(TrustError) -> [SignerCertificate] {
        var chain: [SignerCertificate] = []
        for block in try PEMBlocks(pem).blocks where block.label == "CERTIFICATE" {
            chain.append(try SignerCertificate(der: block.bytes))
        }
        return chain
    }

    package var validity: ClosedRange<Date>? {
        certificate.notValidBefore <= certificate.notValidAfter
            ? certificate.notValidBefore...certificate.notValidAfter : nil
    }

    var subject: String { certificate.subject.description }

    var isAuthority: Bool {
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else { return false }
        return true
    }

    /// Names itself as its issuer and signed itself.
    var isSelfSigned: Bool { certificate.issuer == certificate.subject && isSigned(by: self) }

    func isSigned(by issuer: SignerCertificate) -> Bool {
        issuer.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    // MARK: What Fulcio wrote into it

    /// The identities that the issuer vouches for: URIs, mail addresses, DNS names, other names of Fulcio.
    package var identities: [String] {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .uniformResourceIdentifier(let uri): uri
            case .rfc822Name(let address): address
            case .dnsName(let name): name
            case .otherName(let other) where other.typeID == FulcioClaim.userName.oid:
                other.value.flatMap { value in
                    guard let node = try? DER.parse(Self.encoded(value)) else { return nil }
                    return Self.utf8(node.isTagged(0) ? node.children.first ?? node : node)
                }
            default: nil
            }
        }
    }

    private static func encoded(_ value: ASN1Any) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(value)
        return serializer.serializedBytes
    }

    private static func utf8(_ node: ASN1Node) -> String? {
        node.identifier == .utf8String ? String(validating: node.primitive, as: UTF8.self) : nil
    }

    /// The value of one of Fulcio's extensions: version 1 as bare text, later ones as a UTF8String.
    package func claim(_ claim: FulcioClaim) -> String? {
        guard let found = certificate.extensions[oid: claim.oid] else { return nil }
        if claim.isBareText { return String(validating: found.value, as: UTF8.self) }
        guard let node = try? DER.parse(found.value) else { return nil }
        return Self.utf8(node)
    }

    /// Who authenticated the signer: the newer extension, else the older.
    package var issuer: String? { claim(.issuer) ?? claim(.olderIssuer) }
}

/// Extensions of Fulcio's certificates, under 1.3.6.1.4.1.57264.1 (fulcio, docs/oid-info.md).
package enum FulcioClaim: UInt, Sendable, CaseIterable {
    case olderIssuer = 1
    case olderTrigger = 2
    case olderCommit = 3
    case olderWorkflow = 4
    case olderRepository = 5
    case olderRef = 6
    case userName = 7
    case issuer = 8
    case buildSigner = 9
    case buildSignerDigest = 10
    case runnerEnvironment = 11
    case sourceRepository = 12
    case sourceDigest = 13
    case sourceRef = 14
    case sourceRepositoryID = 15
    case sourceOwner = 16
    case sourceOwnerID = 17
    case buildConfig = 18
    case buildConfigDigest = 19
    case buildTrigger = 20
    case runInvocation = 21
    case sourceVisibility = 22

    var oid: ASN1ObjectIdentifier { [1, 3, 6, 1, 4, 1, 57264, 1, rawValue] }
    package var isBareText: Bool { rawValue < 7 }

    package var title: String {
        switch self {
        case .olderIssuer, .issuer: "issuer"
        case .olderTrigger, .buildTrigger: "trigger"
        case .olderCommit, .sourceDigest: "source commit"
        case .olderWorkflow: "workflow"
        case .olderRepository, .sourceRepository: "source repository"
        case .olderRef, .sourceRef: "source ref"
        case .userName: "user name"
        case .buildSigner: "build signer"
        case .buildSignerDigest: "build signer commit"
        case .runnerEnvironment: "runner"
        case .sourceRepositoryID: "source repository id"
        case .sourceOwner: "source owner"
        case .sourceOwnerID: "source owner id"
        case .buildConfig: "build file"
        case .buildConfigDigest: "build file commit"
        case .runInvocation: "run"
        case .sourceVisibility: "source visibility"
        }
    }
}
