package import Admission
package import ContainerImages
import Documents
package import ImageTrust
import Kubernetes

/// Finds out who signed an image: the bundles among its referrers and the tags that older cosigns write, each verified
/// before its signer counts.
package struct SignatureSearch: Sendable {
    /// More signatures of one image than anybody makes; further ones are not looked at.
    private static let most = 24
    private static let longest = 4 << 20

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
        func add(_ found: [ImageVerdict.Signer]) {
            for signer in found where !out.contains(signer) { out.append(signer) }
        }
        for descriptor in try await source.referrers(of: digest).prefix(Self.most) {
            let type = descriptor.artifactType ?? ""
            guard type.hasPrefix("application/vnd.dev.sigstore.bundle") || type.isEmpty else { continue }
            guard let manifest = try await image(descriptor.digest.description, source) else { continue }
            for layer in manifest.layers.prefix(Self.most)
            where layer.mediaType.hasPrefix("application/vnd.dev.sigstore.bundle") {
                guard let bytes = try await blob(layer, source) else { continue }
                add(bundleSigners(bytes, digest))
            }
        }
        for ending in ["sig", "att"] {
            let tag = "\(digest.algorithm.rawValue)-\(digest.hex).\(ending)"
            guard let manifest = try await image(tag, source) else { continue }
            for layer in manifest.layers.prefix(Self.most) {
                guard let bytes = try await blob(layer, source) else { continue }
                add(tagSigners(bytes, layer.annotations, digest))
            }
        }
        return out
    }

    /// Nil where there is none, or where it is no image's manifest.
    private func image(
        _ reference: String, _ source: RegistrySource
    ) async throws(ImageError) -> ImageManifest.Image? {
        do throws(ImageError) {
            let manifest = try await source.client.manifest(
                host: RegistrySource.host(of: source.reference.registry), repository: source.reference.repository,
                reference: reference)
            guard case .image(let image) = try ImageManifest(manifest.bytes, of: reference) else { return nil }
            return image
        } catch {
            switch error.code {
            case .notFound, .damaged, .unsupported, .tooLarge, .wrongDigest: return nil
            default: throw error
            }
        }
    }

    private func blob(_ layer: Descriptor, _ source: RegistrySource) async throws(ImageError) -> [UInt8]? {
        do throws(ImageError) {
            return try await source.document(layer, limit: Self.longest)
        } catch {
            switch error.code {
            case .notFound, .damaged, .tooLarge, .wrongDigest: return nil
            default: throw error
            }
        }
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
