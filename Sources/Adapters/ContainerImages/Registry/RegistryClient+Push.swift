import AsyncHTTPClient
import Documents
import Encodings
import NIOCore
import NIOHTTP1

/// Putting something into a registry: only small things that speak of an image, never an image.
///
/// Source: OCI Distribution Specification 1.1, "Push" and "Referrers Tag Schema".
extension RegistryClient {
    private static let rights = "pull,push"

    /// Puts a blob there, unless it is there already.
    package func push(_ bytes: [UInt8], host: String, repository: String) async throws(ImageError) -> ContentDigest {
        let digest = BlobHash.digest(bytes)
        let place = "\(host)/\(repository)"
        let known = try await ask(
            Question(
                method: .HEAD, host: host, repository: repository, path: "blobs/\(digest)", actions: Self.rights))
        if known.status.code == 200 { return digest }
        let opened = try await ask(
            Question(method: .POST, host: host, repository: repository, path: "blobs/uploads/", actions: Self.rights))
        await Self.discard(opened)
        guard opened.status.code == 202, let location = opened.headers.first(name: "Location") else {
            throw ImageError(.badAnswer, "\(place) takes no uploads: it answers \(opened.status.code)")
        }
        var question = Question(
            method: .PUT, host: host, repository: repository, path: "",
            headers: [("Content-Type", "application/octet-stream")], body: bytes, actions: Self.rights)
        question.path = Self.ending(await address(location, of: question), digest)
        let answer = try await upload(question)
        await Self.discard(answer)
        guard (200..<300).contains(answer.status.code) else {
            throw ImageError(.badAnswer, "\(place) does not keep the upload: it answers \(answer.status.code)")
        }
        return digest
    }

    /// Where a registry says that an upload goes on.
    func address(_ location: String, of question: Question) async -> String {
        let scheme = await scheme(of: question.host)
        return Self.resolved(location, against: "\(scheme)://\(question.host)/v2/\(question.repository)/blobs/uploads/")
    }

    /// The address that ends an upload.
    static func ending(_ address: String, _ digest: ContentDigest) -> String {
        address + (address.contains("?") ? "&" : "?") + "digest=\(PercentEncoding.encoded(digest.description))"
    }

    /// A login is for the host that asked for it; where uploads go elsewhere, the address itself is the permission.
    func upload(_ question: Question) async throws(ImageError) -> Answer {
        Self.authority(of: question.path) == question.host
            ? try await ask(question) : try await uploadElsewhere(question, to: question.path)
    }

    /// Puts a manifest there, under a tag or its digest.
    ///
    /// - Returns: whether the registry says that it lists it as a referrer of its subject.
    package func push(
        manifest bytes: [UInt8], mediaType: String, host: String, repository: String, reference: String
    ) async throws(ImageError) -> Bool {
        let answer = try await ask(
            Question(
                method: .PUT, host: host, repository: repository, path: "manifests/\(reference)",
                headers: [("Content-Type", mediaType)], body: bytes, actions: Self.rights))
        let told = answer.status.code == 404 ? await Self.told(answer) : ""
        await Self.discard(answer)
        guard (200..<300).contains(answer.status.code) else {
            throw ImageError(.badAnswer, "\(host)/\(repository) does not keep the manifest\(told)")
        }
        return answer.headers.first(name: "OCI-Subject") != nil
    }

    /// Adds a referrer to the list that stands under a tag, for registries that keep none themselves.
    func listReferrer(
        _ referrer: Descriptor, of digest: ContentDigest, host: String, repository: String
    ) async throws(ImageError) {
        let tag = "\(digest.algorithm.rawValue)-\(digest.hex.prefix(64))"
        var entries: [Descriptor] = []
        do throws(ImageError) {
            let known = try await manifest(host: host, repository: repository, reference: tag)
            if case .index(let listed) = try ImageManifest(known.bytes, of: tag) { entries = listed }
        } catch {
            guard error.code == .notFound else { throw error }
        }
        guard !entries.contains(where: { $0.digest == referrer.digest }) else { return }
        entries.append(referrer)
        var writer = JSONWriter(compact: true)
        writer.object { writer in
            writer.member("schemaVersion", 2)
            writer.member("mediaType", ReferrerArtifact.indexType)
            writer.member("manifests", array: { writer in for entry in entries { entry.write(&writer) } })
        }
        _ = try await push(
            manifest: Array(writer.string.utf8), mediaType: ReferrerArtifact.indexType, host: host,
            repository: repository, reference: tag)
    }
}

/// Something that speaks of an image and lies beside it: a bill of materials, an attestation.
package struct ReferrerArtifact: Sendable {
    static let indexType = "application/vnd.oci.image.index.v1+json"
    static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    private static let emptyType = "application/vnd.oci.empty.v1+json"

    /// By which readers ask for it, as `application/vnd.cyclonedx+json`.
    package var artifactType: String
    package var contents: [UInt8]
    package var annotations: [String: String]

    package init(artifactType: String, contents: [UInt8], annotations: [String: String] = [:]) {
        self.artifactType = artifactType
        self.contents = contents
        self.annotations = annotations
    }

    /// Source: OCI Image Specification 1.1, "Guidelines for Artifact Usage".
    func manifest(subject: Descriptor, layer: ContentDigest, empty: ContentDigest) -> [UInt8] {
        var writer = JSONWriter(compact: true)
        writer.object { writer in
            writer.member("schemaVersion", 2)
            writer.member("mediaType", Self.manifestType)
            writer.member("artifactType", artifactType)
            writer.member("config", object: { Descriptor.write(Self.emptyType, empty, 2, &$0) })
            writer.member(
                "layers",
                array: { writer in
                    writer.object { Descriptor.write(artifactType, layer, contents.count, &$0) }
                })
            writer.member(
                "subject", object: { Descriptor.write(subject.mediaType, subject.digest, subject.size ?? 0, &$0) })
            if !annotations.isEmpty {
                writer.member(
                    "annotations",
                    object: { writer in
                        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
                    })
            }
        }
        return Array(writer.string.utf8)
    }
}

extension Descriptor {
    static func write(_ type: String, _ digest: ContentDigest, _ size: Int, _ writer: inout JSONWriter) {
        writer.member("mediaType", type)
        writer.member("digest", digest.description)
        writer.member("size", size)
    }

    func write(_ writer: inout JSONWriter) {
        writer.object { writer in
            Self.write(mediaType, digest, size ?? 0, &writer)
            if let artifactType { writer.member("artifactType", artifactType) }
            guard !annotations.isEmpty else { return }
            writer.member(
                "annotations",
                object: { writer in
                    for (key, value) in annotations.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
                })
        }
    }
}
