import Encodings
package import Foundation

/// What was proven.
package struct TrustResult: Sendable {
    package enum Signer: Sendable, Equatable {
        case key(algorithm: String, fingerprint: String)
        case certificate(identities: [String], issuer: String?, claims: [FulcioClaim: String])
    }

    package struct Witness: Sendable, Equatable {
        package var name: String
        package var moment: Date
    }

    package var signer: Signer
    /// The logs that hold the signature, with the entry's number.
    package var logEntries: [(log: String, index: Int64)]
    /// Who says when it was signed.
    package var moments: [Witness]
    package var statement: Statement?
    /// What could not be used and did not matter: entries of logs that the trusted root does not know.
    package var notes: [String]
}

/// Verifies signatures offline: everything comes in as an argument, the trusted root too (sigstore, client specification).
package struct TrustVerifier: Sendable {
    package var root: TrustedRoot?
    package var policy: TrustPolicy

    /// - Parameter root: May be left out only when keys are trusted and no log is asked for.
    package init(root: TrustedRoot?, policy: TrustPolicy) {
        self.root = root
        self.policy = policy
    }

    /// Verifies a bundle. Without an artifact only an envelope can be verified, and only for what it says itself.
    package func verify(_ bundle: SignedBundle, artifact: Artifact?) throws(TrustError) -> TrustResult {
        let (key, certificate) = try signer(of: bundle)
        var notes: [String] = []
        // First what needs no trust: that the signature fits at all says most plainly what is wrong.
        let statement = try verifySignature(bundle, key, artifact)
        let held = try verifyLogs(bundle, key, certificate, artifact, &notes)
        var moments = held.compactMap { entry, log in
            entry.promisedTime.map { TrustResult.Witness(name: log.name, moment: $0) }
        }
        moments += try verifyTimestamps(bundle, &notes)
        try verifyValidity(held, moments)
        let wanted = max(policy.moments, 1)
        if let certificate {
            guard moments.count >= wanted else {
                throw TrustError(
                    .timestamp,
                    (["\(moments.count) of \(wanted) needed moments of signing are proven"] + notes).joined(
                        separator: "; "))
            }
            try verifyChain(certificate, moments.map(\.moment))
        }
        if let certificate { try verifyIdentity(certificate) }
        if let wanted = policy.statement {
            guard let statement else {
                throw TrustError(.policy, "an attestation is asked for, and this is a bare signature")
            }
            try statement.check(wanted)
        }
        return TrustResult(
            signer: describe(key, certificate), logEntries: held.map { ($0.log.name, $0.entry.index) },
            moments: moments, statement: statement, notes: notes)
    }

    /// Verifies what an older cosign tag holds of an image.
    package func verify(_ tag: CosignTag, imageDigest: String) throws(TrustError) -> TrustResult {
        switch tag.bundle.content {
        case .envelope: return try verify(tag.bundle, artifact: try Artifact(digest: imageDigest))
        case .message:
            let result = try verify(tag.bundle, artifact: Artifact(bytes: tag.payload))
            let signed = try CosignTag.imageDigest(tag.payload)
            guard signed == imageDigest else {
                throw TrustError(.artifact, "the signature is of the image \(signed), not of \(imageDigest)")
            }
            return result
        }
    }

    // MARK: The signer

    private func signer(
        of bundle: SignedBundle
    ) throws(TrustError) -> (key: VerificationKey, certificate: SignerCertificate?) {
        switch (policy.signers, bundle.signer) {
        case (.identities(let expected), .certificate(let certificate)):
            guard !expected.isEmpty else { throw TrustError(.policy, "no identity is trusted") }
            return (certificate.key, certificate)
        case (.keys, .certificate):
            throw TrustError(.signer, "it is signed with a certificate, and a key is expected")
        case (.identities, .key):
            throw TrustError(.signer, "it is signed with a key that it does not hold; give the key to trust")
        case (.keys(let keys), .key(let hint)):
            guard let first = keys.first else { throw TrustError(.policy, "no key is trusted") }
            // The hint is not signed: it chooses among keys that are trusted anyway.
            let hinted = keys.first { Base64.text($0.fingerprint) == hint || Hexadecimal.text($0.fingerprint) == hint }
            return (hinted ?? keys.first { signs($0, bundle) } ?? first, nil)
        }
    }

    private func signs(_ key: VerificationKey, _ bundle: SignedBundle) -> Bool {
        guard case .envelope(let envelope) = bundle.content else { return false }
        return key.isValid(bundle.signature, over: envelope.signedBytes, .envelope)
    }

    private func describe(_ key: VerificationKey, _ certificate: SignerCertificate?) -> TrustResult.Signer {
        guard let certificate else {
            return .key(algorithm: key.algorithm, fingerprint: "sha256:\(Hexadecimal.text(key.fingerprint))")
        }
        var claims: [FulcioClaim: String] = [:]
        for claim in FulcioClaim.allCases { claims[claim] = certificate.claim(claim) }
        return .certificate(identities: certificate.identities, issuer: certificate.issuer, claims: claims)
    }

    private func verifyIdentity(_ certificate: SignerCertificate) throws(TrustError) {
        guard case .identities(let expected) = policy.signers else { return }
        var reasons: [TrustError] = []
        for identity in expected {
            do throws(TrustError) {
                try identity.check(certificate)
                return
            } catch {
                reasons.append(error)
            }
        }
        guard let last = reasons.last else { throw TrustError(.policy, "no identity is trusted") }
        // A pattern that cannot be read is our user's mistake, not the signer's.
        let check = reasons.contains { $0.check == .policy } ? TrustCheck.policy : last.check
        throw TrustError(check, reasons.map(\.message).joined(separator: "; or: "))
    }

    // MARK: The log

    private typealias Held = (entry: LogEntry, log: TrustedRoot.Log)

    private func verifyLogs(
        _ bundle: SignedBundle, _ key: VerificationKey, _ certificate: SignerCertificate?, _ artifact: Artifact?,
        _ notes: inout [String]
    ) throws(TrustError) -> [Held] {
        var held: [Held] = []
        for entry in bundle.entries {
            let statement = try LogStatement(entry)
            guard let log = root?.logs.first(where: { $0.id == entry.logID }) else {
                notes.append("the log \(Hexadecimal.text(entry.logID.prefix(8)))… is not in the trusted root")
                continue
            }
            try entry.verify(log)
            try compare(statement, bundle, key, certificate, artifact)
            held.append((entry, log))
        }
        let logs = Set(held.map(\.log.id)).count
        guard logs >= policy.logEntries else {
            throw TrustError(
                .log,
                (["\(logs) of \(policy.logEntries) needed logs hold the signature"] + notes).joined(separator: "; "))
        }
        return held
    }

    /// The log's entry has to be of this signature, by this signer, over this artifact: not only of some.
    private func compare(
        _ statement: LogStatement, _ bundle: SignedBundle, _ key: VerificationKey, _ certificate: SignerCertificate?,
        _ artifact: Artifact?
    ) throws(TrustError) {
        let own = statement.signatures.filter { $0.bytes == nil || $0.bytes == bundle.signature }
        guard !own.isEmpty else { throw TrustError(.log, "the entry is of another signature") }
        guard own.contains(where: { $0.verifier == certificate?.der || $0.verifier == key.encoded }) else {
            throw TrustError(.log, "the entry is of another signer's \(certificate == nil ? "key" : "certificate")")
        }
        switch (statement.subject, bundle.content) {
        case (.message(let function, let digest), .message):
            guard let found = artifact?.digests[function] else {
                throw TrustError(.artifact, "its \(function.rawValue), which the log holds, is not known")
            }
            guard found == digest else {
                throw TrustError(
                    .log, "the entry is of \(function.rawValue):\(Hexadecimal.text(digest)), not of the artifact")
            }
        case (.message(let function, let digest), .envelope(let envelope)):
            guard function.hash(envelope.signedBytes) == digest else {
                throw TrustError(.log, "the entry is of another envelope")
            }
        case (.payload(let function, let digest), .envelope(let envelope)):
            guard function.hash(envelope.payload) == digest else {
                throw TrustError(.log, "the entry is of another payload")
            }
            if let wanted = statement.envelopeHash {
                guard let source = envelope.source, HashFunctionName.sha256.hash(source) == wanted else {
                    throw TrustError(.log, "the entry is of another text of the envelope")
                }
            }
        case (.payload, .message):
            throw TrustError(.log, "the entry is of an attestation, and this is a bare signature")
        }
    }

    // MARK: Time

    private func verifyTimestamps(
        _ bundle: SignedBundle, _ notes: inout [String]
    ) throws(TrustError) -> [TrustResult.Witness] {
        guard let root else { return [] }
        var moments: [TrustResult.Witness] = []
        for bytes in bundle.timestamps {
            let token = try TimestampToken(bytes)
            guard let authority = try token.verify(bundle.signature, root) else {
                notes.append("a timestamp is of an authority that is not in the trusted root")
                continue
            }
            // One authority counts once, however often it is asked.
            if !moments.contains(where: { $0.name == authority }) {
                moments.append(TrustResult.Witness(name: authority, moment: token.moment))
            }
        }
        return moments
    }

    /// The keys of the logs have to be valid at every moment of signing that is proven.
    private func verifyValidity(_ held: [Held], _ moments: [TrustResult.Witness]) throws(TrustError) {
        for (entry, log) in held {
            if log.validity.start == nil {
                throw TrustError(.trustedRoot, "it does not say since when the key of \(log.name) is valid")
            }
            let times = entry.promisedTime.map { [$0] } ?? moments.map(\.moment)
            for time in times {
                if let problem = log.problem(at: time) { throw TrustError(.log, problem) }
            }
        }
    }

    // MARK: The certificate

    private func verifyChain(_ certificate: SignerCertificate, _ moments: [Date]) throws(TrustError) {
        guard let root else { throw TrustError(.trustedRoot, "certificates need a trusted root") }
        var path: CertificatePath?
        for moment in moments {
            var reasons: [String] = []
            var found: CertificatePath?
            for authority in root.certificateAuthorities {
                do throws(TrustError) {
                    if let problem = authority.validity.problem(at: moment, of: authority.name) {
                        throw TrustError(.certificate, problem)
                    }
                    found = try CertificatePath(certificate, authority: authority.chain, at: moment, for: .codeSigning)
                    break
                } catch {
                    if !reasons.contains(error.message) { reasons.append(error.message) }
                }
            }
            guard let found else {
                throw TrustError(
                    .certificate,
                    reasons.isEmpty
                        ? "the trusted root names no certificate authority" : reasons.joined(separator: "; "))
            }
            path = found
        }
        guard let path, path.certificates.count > 1 else {
            throw TrustError(.timestamp, "no moment of signing is proven")
        }
        try certificate.verifyTransparency(
            issuer: path.certificates[1], root, threshold: policy.certificateTimestamps)
    }

    // MARK: The signature

    private func verifySignature(
        _ bundle: SignedBundle, _ key: VerificationKey, _ artifact: Artifact?
    ) throws(TrustError) -> Statement? {
        switch bundle.content {
        case .message(let signature, let stated):
            guard let artifact else { throw TrustError(.artifact, "a bare signature needs the artifact") }
            if let (function, digest) = stated, let found = artifact.digests[function], found != digest {
                throw TrustError(
                    .artifact,
                    "it is \(function.rawValue):\(Hexadecimal.text(found)), the bundle is of \(Hexadecimal.text(digest))"
                )
            }
            guard key.isValid(signature, over: artifact, .message) else {
                throw TrustError(.signature, "it does not fit the artifact and the signer's key (\(key.algorithm))")
            }
            return nil
        case .envelope(let envelope):
            guard envelope.signatures.contains(where: { key.isValid($0, over: envelope.signedBytes, .envelope) }) else {
                throw TrustError(.signature, "it does not fit the envelope and the signer's key (\(key.algorithm))")
            }
            guard envelope.payloadType == Envelope.inToto else {
                throw TrustError(
                    .statement, "the envelope holds \"\(envelope.payloadType)\", not an in-toto statement")
            }
            let statement = try Statement(envelope.payload)
            if let artifact, !statement.names(artifact) {
                throw TrustError(.artifact, "the statement does not name \(artifact.text) among its subjects")
            }
            return statement
        }
    }
}
