package import Admission
package import ContainerImages
import Documents
package import ImageTrust
import Kubernetes

/// Finds out who signed an image: the bundles among its referrers and the tags that older cosigns write, each verified
/// before its signer counts.
package struct SignatureSearch: Sendable {
    private let verifiers: [TrustVerifier]

    /// - Parameters:
    ///   - root: whom Sigstore's certificates and logs are believed by; nil where only keys count.
    ///   - keys: public keys; a signer by key has the issuer `key` and its fingerprint as subject.
    package init(root: TrustedRoot?, keys: [VerificationKey]) {
        var verifiers: [TrustVerifier] = []
        if !keys.isEmpty {
            var policy = TrustPolicy(.keys(keys))
            // Without a root there is no log to ask.
            if root == nil { policy.logEntries = 0 }
            verifiers.append(TrustVerifier(root: root, policy: policy))
        }
        if root != nil {
            // Whoever it is: the admission policy says whose signature is enough.
            let anybody = ExpectedIdentity(identity: .expression("(?s).*"), issuer: .expression("(?s).*"))
            verifiers.append(TrustVerifier(root: root, policy: TrustPolicy(.identities([anybody]))))
        }
        self.verifiers = verifiers
    }

    /// The signers of a digest, each once.
    ///
    /// - Throws: where the registry could not be asked; a signature that does not verify is none, and no error.
    package func signers(
        of digest: ContentDigest, _ source: RegistrySource
    ) async throws(ImageError) -> [ImageVerdict.Signer] {
        var out: [ImageVerdict.Signer] = []
        for signed in try await source.signatures(of: digest) {
            let found =
                signed.isBundle
                ? bundleSigners(signed.contents, digest) : tagSigners(signed.contents, signed.annotations, digest)
            for signer in found where !out.contains(signer) { out.append(signer) }
        }
        return out
    }

    private func bundleSigners(_ bytes: [UInt8], _ digest: ContentDigest) -> [ImageVerdict.Signer] {
        verified { verifier throws(TrustError) in
            try verifier.verify(SignedBundle(bytes), artifact: Artifact(digest: digest.description))
        }
    }

    private func tagSigners(
        _ bytes: [UInt8], _ annotations: [String: String], _ digest: ContentDigest
    ) -> [ImageVerdict.Signer] {
        verified { verifier throws(TrustError) in
            try verifier.verify(
                CosignTag(payload: bytes, annotations: annotations), imageDigest: digest.description)
        }
    }

    private func verified(
        _ verify: (TrustVerifier) throws(TrustError) -> TrustResult
    ) -> [ImageVerdict.Signer] {
        verifiers.flatMap { verifier -> [ImageVerdict.Signer] in
            let result: TrustResult
            do throws(TrustError) {
                result = try verify(verifier)
            } catch {
                // Anybody may push what looks like a signature; only what verifies says anything.
                return []
            }
            let type = result.statement?.predicateType
            switch result.signer {
            case .key(_, let fingerprint):
                return [ImageVerdict.Signer(issuer: "key", subject: fingerprint, predicateType: type)]
            case .certificate(let identities, let issuer, _):
                return identities.map {
                    ImageVerdict.Signer(issuer: issuer ?? "", subject: $0, predicateType: type)
                }
            }
        }
    }
}
