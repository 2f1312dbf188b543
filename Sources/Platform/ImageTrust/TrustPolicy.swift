package import Foundation

/// A text that must be met exactly, or as a regular expression over the whole of it.
package enum TextPattern: Sendable, Equatable {
    case exact(String)
    case expression(String)

    package func matches(_ text: String) throws(TrustError) -> Bool {
        switch self {
        case .exact(let wanted): return wanted == text
        case .expression(let source):
            do {
                return try Regex(source).wholeMatch(in: text) != nil
            } catch {
                throw TrustError(.policy, "\"\(source)\" is no regular expression")
            }
        }
    }

    package var text: String {
        switch self {
        case .exact(let text): "\"\(text)\""
        case .expression(let text): "/\(text)/"
        }
    }
}

/// Who may sign without a key of their own: an identity that an issuer vouched for.
package struct ExpectedIdentity: Sendable {
    package var identity: TextPattern
    package var issuer: TextPattern
    /// Further extensions of the certificate, such as the source repository.
    package var claims: [FulcioClaim: TextPattern]

    package init(identity: TextPattern, issuer: TextPattern, claims: [FulcioClaim: TextPattern] = [:]) {
        self.identity = identity
        self.issuer = issuer
        self.claims = claims
    }

    func check(_ certificate: SignerCertificate) throws(TrustError) {
        let identities = certificate.identities
        var isNamed = false
        for name in identities where try identity.matches(name) { isNamed = true }
        guard isNamed else {
            let shown = identities.isEmpty ? "nobody" : identities.map { "\"\($0)\"" }.joined(separator: ", ")
            throw TrustError(.identity, "the certificate is of \(shown), expected \(identity.text)")
        }
        // The two extensions that hold the issuer may not contradict each other.
        if let older = certificate.claim(.olderIssuer), let newer = certificate.claim(.issuer), older != newer {
            throw TrustError(.identity, "the certificate names two issuers, \"\(older)\" and \"\(newer)\"")
        }
        let found = certificate.issuer
        guard let found, try issuer.matches(found) else {
            throw TrustError(
                .identity, "the issuer is \(found.map { "\"\($0)\"" } ?? "not named"), expected \(issuer.text)")
        }
        for (claim, pattern) in claims.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let value = certificate.claim(claim)
            guard let value, try pattern.matches(value) else {
                let shown = value.map { "\"\($0)\"" } ?? "not named"
                throw TrustError(.identity, "the \(claim.title) is \(shown), expected \(pattern.text)")
            }
        }
    }
}

/// What must hold of an attestation.
package struct StatementPolicy: Sendable {
    package var predicateTypes: [TextPattern]
    /// Of SLSA provenance: who built it, and from which repository.
    package var builder: TextPattern?
    package var sourceRepository: TextPattern?
    /// Of a vulnerability scan: the oldest that counts.
    package var scannedSince: Date?

    package init(
        predicateTypes: [TextPattern] = [], builder: TextPattern? = nil, sourceRepository: TextPattern? = nil,
        scannedSince: Date? = nil
    ) {
        self.predicateTypes = predicateTypes
        self.builder = builder
        self.sourceRepository = sourceRepository
        self.scannedSince = scannedSince
    }
}

/// Whose signatures count, and how well they must be witnessed.
package struct TrustPolicy: Sendable {
    package enum Signers: Sendable {
        /// Any of these keys.
        case keys([VerificationKey])
        /// Any of these identities.
        case identities([ExpectedIdentity])
    }

    package var signers: Signers
    /// How many logs must hold the signature. Zero only makes sense with a key: a certificate lives for minutes, and
    /// nothing else would say that it was alive.
    package var logEntries = 1
    /// How many independent moments must be proven, by a log's promise or a timestamp authority.
    package var moments = 1
    /// How many certificate transparency logs must have seen the certificate.
    package var certificateTimestamps = 1
    package var statement: StatementPolicy?

    package init(_ signers: Signers) { self.signers = signers }
}
