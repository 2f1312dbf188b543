import Foundation
import SwiftASN1
import X509

/// Path validation (RFC 5280, 6.1) at a moment that is not now, for the short chains of Sigstore.
struct CertificatePath {
    enum Purpose: String {
        case codeSigning = "code signing"
        case timeStamping = "time stamping"

        var usage: ExtendedKeyUsage.Usage { self == .codeSigning ? .codeSigning : .timeStamping }
    }

    /// Leaf first, root last.
    let certificates: [SignerCertificate]

    /// Extensions this code understands; another one marked critical refuses the certificate.
    private static let understood: Set<ASN1ObjectIdentifier> = [
        [2, 5, 29, 15], [2, 5, 29, 17], [2, 5, 29, 19], [2, 5, 29, 37], [2, 5, 29, 14], [2, 5, 29, 35],
    ]

    /// - Parameter authority: The chain of a certificate authority of the trusted root, its root last.
    init(
        _ leaf: SignerCertificate, authority: [SignerCertificate], at moment: Date, for purpose: Purpose
    ) throws(TrustError) {
        guard let root = authority.last else { throw TrustError(.trustedRoot, "an authority has no certificate") }
        if leaf == root {
            throw TrustError(.certificate, "the signing certificate is the authority's own root")
        }
        var path = [leaf]
        // Chains of Sigstore have at most four certificates; the bound keeps a loop of issuers from running on.
        while let last = path.last, last != root, path.count < 10 {
            guard
                let issuer = authority.first(where: { candidate in
                    !path.contains(candidate) && candidate.certificate.subject == last.certificate.issuer
                        && last.isSigned(by: candidate)
                })
            else {
                throw TrustError(
                    .certificate,
                    "\(last == leaf ? "the certificate" : "\"\(last.subject)\"") is not signed by \"\(root.subject)\"")
            }
            path.append(issuer)
        }
        certificates = path
        for certificate in path { try Self.check(certificate, at: moment) }
        try Self.checkLeaf(leaf, purpose)
        for (depth, certificate) in path.enumerated().dropFirst() {
            try Self.checkAuthority(certificate, below: depth - 1, purpose, isRoot: depth == path.count - 1)
        }
    }

    private static func check(_ certificate: SignerCertificate, at moment: Date) throws(TrustError) {
        let name = certificate.subject.isEmpty ? "the signing certificate" : "\"\(certificate.subject)\""
        guard let validity = certificate.validity, validity.contains(moment) else {
            let from = Moment.text(certificate.certificate.notValidBefore)
            let until = Moment.text(certificate.certificate.notValidAfter)
            throw TrustError(
                .certificate, "\(name) is valid from \(from) until \(until), not at \(Moment.text(moment))")
        }
        do {
            let extensions = certificate.certificate.extensions
            _ = try (extensions.basicConstraints, extensions.keyUsage, extensions.extendedKeyUsage)
        } catch {
            throw TrustError(.certificate, "\(name) has an extension that cannot be read: \(error)")
        }
        for found in certificate.certificate.extensions where found.critical && !understood.contains(found.oid) {
            throw TrustError(.certificate, "\(name) has the unknown critical extension \(found.oid)")
        }
    }

    private static func checkLeaf(_ leaf: SignerCertificate, _ purpose: Purpose) throws(TrustError) {
        if leaf.isAuthority { throw TrustError(.certificate, "the signing certificate is an authority's") }
        if let usage = try? leaf.certificate.extensions.keyUsage, !usage.digitalSignature, !usage.nonRepudiation {
            throw TrustError(.certificate, "the key of the certificate is not for signatures")
        }
        guard let usages = try? leaf.certificate.extensions.extendedKeyUsage else {
            throw TrustError(.certificate, "the certificate does not say that it is for \(purpose.rawValue)")
        }
        guard usages.contains(purpose.usage) || purpose == .codeSigning && usages.contains(.any) else {
            throw TrustError(.certificate, "the certificate is not for \(purpose.rawValue)")
        }
    }

    private static func checkAuthority(
        _ certificate: SignerCertificate, below: Int, _ purpose: Purpose, isRoot: Bool
    ) throws(TrustError) {
        let extensions = certificate.certificate.extensions
        guard case .isCertificateAuthority(let length)? = try? extensions.basicConstraints else {
            throw TrustError(.certificate, "\"\(certificate.subject)\" is no certificate authority")
        }
        if let length, below > length {
            throw TrustError(.certificate, "the chain below \"\(certificate.subject)\" is too long")
        }
        if let usage = try? extensions.keyUsage, !usage.keyCertSign {
            throw TrustError(.certificate, "\"\(certificate.subject)\" may not sign certificates")
        }
        // An authority that names purposes vouches for no other.
        if !isRoot, let usages = try? extensions.extendedKeyUsage, !usages.contains(purpose.usage),
            !usages.contains(.any)
        {
            throw TrustError(.certificate, "\"\(certificate.subject)\" does not vouch for \(purpose.rawValue)")
        }
    }
}
