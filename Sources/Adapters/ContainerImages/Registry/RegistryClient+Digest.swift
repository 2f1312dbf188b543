import NIOHTTP1

extension RegistryClient {
    /// The digest that a tag stands for at the moment, without the manifest: registries count pulls, and a HEAD is none.
    ///
    /// Source: OCI Distribution Specification 1.1, "Checking if content exists in the registry". A registry that does not
    /// tell the digest there is asked for the manifest, whose digest is computed.
    package func digest(host: String, repository: String, tag: String) async throws(ImageError) -> ContentDigest {
        let answer = try await ask(
            Question(
                method: .HEAD, host: host, repository: repository, path: "manifests/\(tag)",
                headers: ImageManifest.accepted.map { ("Accept", $0) }))
        guard answer.status.code != 404 else {
            throw ImageError(.notFound, "\(host)/\(repository) has no \"\(tag)\"")
        }
        if let told = answer.headers.first(name: "Docker-Content-Digest"), let digest = try? ContentDigest(told) {
            await Self.discard(answer)
            return digest
        }
        await Self.discard(answer)
        return try await manifest(host: host, repository: repository, reference: tag).descriptor.digest
    }
}

extension RegistrySource {
    /// The digest that the name stands for, asked of the mirrors and then of the registry.
    package func digest() async throws(ImageError) -> ContentDigest {
        if let digest = reference.digest { return try ContentDigest(digest) }
        for (index, host) in hosts.enumerated() {
            do throws(ImageError) {
                return try await client.digest(
                    host: host, repository: reference.repository, tag: reference.tag ?? "latest")
            } catch {
                guard index + 1 < hosts.count else { throw error }
            }
        }
        throw ImageError(.notFound, "\(name) has no registry")
    }
}
