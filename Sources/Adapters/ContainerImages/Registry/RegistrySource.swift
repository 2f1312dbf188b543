package import Kubernetes

/// An image in a registry, or in one of its mirrors.
package struct RegistrySource: ImageSource {
    package let reference: ImageReference
    package let name: String
    package let client: RegistryClient
    package var limits = LayerLimits()

    package init(_ name: String, _ client: RegistryClient) throws(ImageError) {
        let reference = ImageReference(name)
        try Self.check(reference, name)
        self.name = name
        self.reference = reference
        self.client = client
    }

    /// What a name may hold: it becomes an address.
    private static func check(_ reference: ImageReference, _ name: String) throws(ImageError) {
        func isWord(_ text: some StringProtocol, _ marks: String) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || marks.utf8.contains(byte)
                }
        }
        let parts = reference.repository.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ isWord($0, "._-") && $0 != "." && $0 != ".." }) else {
            throw ImageError(
                .badName, "\"\(name)\" names no image: repositories are written in lower case, as registry/team/app:1.2"
            )
        }
        if let tag = reference.tag, !isWord(tag.lowercased(), "._-") || tag.count > 128 {
            throw ImageError(.badName, "\"\(name)\" has a tag that registries do not know")
        }
        if let digest = reference.digest { _ = try ContentDigest(digest) }
        guard isWord(reference.registry.lowercased(), ".-:[]") else {
            throw ImageError(.badName, "\"\(reference.registry)\" is no registry")
        }
    }

    /// Docker Hub's name and its address differ.
    package static func host(of registry: String) -> String {
        ["docker.io", "index.docker.io"].contains(registry) ? "registry-1.docker.io" : registry
    }

    /// The mirrors, then the registry itself.
    package var hosts: [String] {
        (client.options.mirrors[reference.registry] ?? []) + [Self.host(of: reference.registry)]
    }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        let target = reference.digest ?? reference.tag ?? "latest"
        var remarks: [ImageNote] = []
        for (index, host) in hosts.enumerated() {
            do throws(ImageError) {
                let manifest = try await client.manifest(
                    host: host, repository: reference.repository, reference: target)
                var image = try await resolve(
                    manifest.bytes, manifest.descriptor, name: name, platform: platform, limits: limits)
                image.notes = remarks + image.notes
                return image
            } catch {
                // A mirror that lacks an image or is down is no reason to fail.
                guard index + 1 < hosts.count else { throw error }
                remarks.append(ImageNote(.remark, "mirror-failed", "mirror \(host): \(error.message)"))
            }
        }
        throw ImageError(.notFound, "\(name) has no registry")
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        for (index, host) in hosts.enumerated() {
            var hasStarted = false
            do throws(ImageError) {
                // What an index lists are manifests, which registries give out under their own address and no other.
                if ImageManifest.accepted.contains(blob.mediaType) {
                    let manifest = try await client.manifest(
                        host: host, repository: reference.repository, reference: "\(blob.digest)")
                    let bytes = manifest.bytes
                    _ = sink(bytes.span)
                    return
                }
                return try await client.blob(blob, host: host, repository: reference.repository) { piece in
                    hasStarted = true
                    return sink(piece)
                }
            } catch {
                guard index + 1 < hosts.count, !hasStarted else { throw error }
            }
        }
    }

    /// The tags that the image's repository has.
    package func tags() async throws(ImageError) -> [String] {
        try await client.tags(host: Self.host(of: reference.registry), repository: reference.repository)
    }

    /// Signatures, bills of materials and attestations of the image.
    package func referrers(
        of digest: ContentDigest, artifactType: String? = nil
    ) async throws(ImageError) -> [Descriptor] {
        try await client.referrers(
            of: digest, host: Self.host(of: reference.registry), repository: reference.repository,
            artifactType: artifactType)
    }
}
