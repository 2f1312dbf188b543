/// What lies beside an image in its registry. Mirrors are not asked: they seldom have it.
extension RegistrySource {
    private var host: String { Self.host(of: reference.registry) }

    /// The manifest or the index that the name stands for: what a signature is over.
    package func named() async throws(ImageError) -> Descriptor {
        try await client.manifest(
            host: host, repository: reference.repository,
            reference: reference.digest ?? reference.tag ?? "latest"
        ).descriptor
    }

    /// Puts something beside the image; returns the digest of its manifest.
    package func attach(
        _ artifact: ReferrerArtifact, to subject: Descriptor
    ) async throws(ImageError) -> ContentDigest {
        let repository = reference.repository
        let empty = try await client.push(Array("{}".utf8), host: host, repository: repository)
        let layer = try await client.push(artifact.contents, host: host, repository: repository)
        let manifest = artifact.manifest(subject: subject, layer: layer, empty: empty)
        let digest = BlobHash.digest(manifest)
        let isListed = try await client.push(
            manifest: manifest, mediaType: ReferrerArtifact.manifestType, host: host, repository: repository,
            reference: digest.description)
        if !isListed {
            var entry = Descriptor(
                mediaType: ReferrerArtifact.manifestType, digest: digest, size: manifest.count)
            entry.artifactType = artifact.artifactType
            entry.annotations = artifact.annotations
            try await client.listReferrer(entry, of: subject.digest, host: host, repository: repository)
        }
        return digest
    }

    /// A signature or an attestation as it lies in the registry.
    package struct Signed: Sendable {
        /// For people: where it was found.
        package var place: String
        package var contents: [UInt8]
        /// Of the layer, for cosign's older form; empty for bundles.
        package var annotations: [String: String]
        package var isBundle: Bool
    }

    /// Most signatures of one image that are looked at.
    private static let most = 64

    /// Everything beside the image that may be a signature of it, in the three ways in which they are kept: bundles
    /// among the referrers, and the tags `sha256-….sig` and `sha256-….att` of older versions of cosign.
    ///
    /// Anybody who may push may push what looks like a signature: what cannot be read is left out, so that it hides no
    /// other.
    package func signatures(of digest: ContentDigest) async throws(ImageError) -> [Signed] {
        var out: [Signed] = []
        for entry in try await referrers(of: digest) where out.count < Self.most {
            let type = entry.artifactType ?? ""
            guard type.isEmpty || type.hasPrefix("application/vnd.dev.sigstore.bundle") else { continue }
            for (layer, bytes) in try await layers(of: entry.digest.description)
            where layer.mediaType.hasPrefix("application/vnd.dev.sigstore.bundle") {
                out.append(
                    Signed(place: "referrer \(entry.digest.short)", contents: bytes, annotations: [:], isBundle: true))
            }
        }
        for ending in ["sig", "att"] {
            let tag = "\(digest.algorithm.rawValue)-\(digest.hex).\(ending)"
            for (layer, bytes) in try await layers(of: tag) where out.count < Self.most {
                out.append(
                    Signed(
                        place: "tag \(tag.prefix(19))….\(ending)", contents: bytes, annotations: layer.annotations,
                        isBundle: false))
            }
        }
        return out
    }

    /// The layers of a manifest that can be read; none where there is no such manifest.
    private func layers(of target: String) async throws(ImageError) -> [(Descriptor, [UInt8])] {
        let listed: [Descriptor]
        do throws(ImageError) {
            let found = try await client.manifest(host: host, repository: reference.repository, reference: target)
            guard case .image(let manifest) = try ImageManifest(found.bytes, of: target) else { return [] }
            listed = manifest.layers
        } catch {
            guard Self.isUnreadable(error) else { throw error }
            return []
        }
        var out: [(Descriptor, [UInt8])] = []
        for layer in listed.prefix(Self.most) {
            do throws(ImageError) {
                out.append((layer, try await document(layer, limit: limits.document)))
            } catch {
                guard Self.isUnreadable(error) else { throw error }
            }
        }
        return out
    }

    private static func isUnreadable(_ error: ImageError) -> Bool {
        switch error.code {
        case .notFound, .damaged, .unsupported, .tooLarge, .wrongDigest: true
        default: false
        }
    }
}
