package import ContainerImages
import Documents
import Foundation
package import Vulnerabilities

/// An advisory database in a registry: an artifact whose only blob is the file itself.
///
/// The blob is not packed, so that its digest is that of the file on disk: whether there is something new is known
/// from the manifest alone. Any tool that stores artifacts can put it there:
/// `oras push registry/team/advisories:1 --artifact-type TYPE advisories.db:TYPE`.
///
/// Source: OCI Image Specification 1.1, "Guidelines for Artifact Usage".
package struct AdvisoryArtifact: Sendable {
    /// Of the artifact and of its blob.
    package static let mediaType = "application/vnd.martlet.advisories.v1"
    /// Largest database taken.
    package static let sizeLimit = 8 << 30

    package let blob: Descriptor
    /// The digest of the manifest, to pin what was taken.
    package let digest: ContentDigest
    private let source: RegistrySource

    /// Asks the registry what it has under a name, as `registry/team/advisories:2026-11-23`.
    package init(_ name: String, _ client: RegistryClient) async throws(ImageError) {
        let source = try RegistrySource(name, client)
        let target = source.reference.digest ?? source.reference.tag ?? "latest"
        var found: RegistryClient.Manifest?
        for (index, host) in source.hosts.enumerated() {
            do throws(ImageError) {
                found = try await client.manifest(
                    host: host, repository: source.reference.repository, reference: target)
                break
            } catch {
                guard index + 1 < source.hosts.count else { throw error }
            }
        }
        guard let found else { throw ImageError(.notFound, "\(name) has no registry") }
        guard case .image(let manifest) = try ImageManifest(found.bytes, of: name),
            let blob = manifest.layers.first(where: { $0.mediaType == Self.mediaType })
        else { throw ImageError(.unsupported, "\(name) holds no advisory database (\(Self.mediaType))") }
        guard let size = blob.size, size <= Self.sizeLimit else {
            throw ImageError(.tooLarge, "\(name) has more than \(Self.sizeLimit >> 30) GiB")
        }
        (self.blob, self.digest, self.source) = (blob, found.descriptor.digest, source)
    }

    /// What became of a download.
    package enum Outcome: Sendable {
        case new(AdvisoryDatabase)
        /// The file that is there has the same digest.
        case same(AdvisoryDatabase)
    }

    /// Takes it, checks every part of it, and only then puts it in the place of what was there.
    ///
    /// - Parameters:
    ///   - key: The public key it has to be signed with; without one, a signature that does not fit is still refused.
    ///   - allowsOlder: Whether it may take the place of a database that was built later.
    ///   - progress: Told how many bytes have come.
    /// - Throws: ``ImageError`` of the registry; ``DatabaseError`` when it is damaged, badly signed or too old.
    package func download(
        to path: String, key: [UInt8]? = nil, allowsOlder: Bool = false, progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> Outcome {
        // What is there and cannot be read is no reason to refuse what can.
        let present = try? AdvisoryStore.open(path)
        if let present, present.size == blob.size, try Self.digest(of: path) == blob.digest {
            try AdvisoryStore.verify(present, key: key)
            return .same(present)
        }
        let place = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        let part = "\(path).\(ProcessInfo.processInfo.processIdentifier).part"
        defer { try? FileManager.default.removeItem(atPath: part) }
        try await fetch(to: part, progress)
        let taken = try AdvisoryStore.open(part)
        try AdvisoryStore.verify(taken, key: key)
        if !allowsOlder, let present, let old = present.built, let new = taken.built, new < old {
            throw DatabaseError(
                code: .older, message: "it was built on \(new.text), and the one that is there on \(old.text)")
        }
        guard rename(part, path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
        return .new(taken)
    }

    /// Puts a database in a registry, in one go or not at all: the name points to it only when all of it is there.
    ///
    /// - Returns: The digest of the manifest.
    package static func push(
        _ path: String, to name: String, _ client: RegistryClient, progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> ContentDigest {
        let built = try dayOfWhole(path)
        return try await push(path, built: built, RegistrySource(name, client), progress)
    }

    /// When the database was built, once every part of it was checked.
    private static func dayOfWhole(_ path: String) throws -> CivilDate? {
        let database = try AdvisoryStore.open(path)
        try AdvisoryStore.verify(database)
        return database.built
    }

    private static func push(
        _ path: String, built: CivilDate?, _ source: RegistrySource, _ progress: @Sendable (Int) -> Void
    ) async throws(ImageError) -> ContentDigest {
        let (host, repository) = (RegistrySource.host(of: source.reference.registry), source.reference.repository)
        let blob = try await source.client.push(
            file: path, mediaType: mediaType, host: host, repository: repository, progress: progress)
        let empty = try await source.client.push(Array("{}".utf8), host: host, repository: repository)
        let bytes = manifest(blob, empty, built: built)
        _ = try await source.client.push(
            manifest: bytes, mediaType: manifestType, host: host, repository: repository,
            reference: source.reference.tag ?? "latest")
        return BlobHash.digest(bytes)
    }

    private static let manifestType = "application/vnd.oci.image.manifest.v1+json"

    /// The same file gives the same manifest, so that its digest can be compared, too.
    private static func manifest(_ blob: Descriptor, _ empty: ContentDigest, built: CivilDate?) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schemaVersion", 2)
            writer.member("mediaType", manifestType)
            writer.member("artifactType", mediaType)
            writer.member(
                "config",
                object: { writer in
                    writer.member("mediaType", "application/vnd.oci.empty.v1+json")
                    writer.member("digest", "\(empty)")
                    writer.member("size", 2)
                })
            writer.member(
                "layers",
                array: { writer in
                    writer.object { writer in
                        writer.member("mediaType", mediaType)
                        writer.member("digest", "\(blob.digest)")
                        writer.member("size", blob.size ?? 0)
                        writer.member(
                            "annotations", object: { $0.member("org.opencontainers.image.title", "advisories.db") })
                    }
                })
            guard let built else { return }
            writer.member(
                "annotations", object: { $0.member("org.opencontainers.image.created", "\(built.text)T00:00:00Z") })
        }
        return writer.bytes
    }

    private func fetch(to path: String, _ progress: @Sendable (Int) -> Void) async throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw CocoaError(.fileWriteNoPermission, userInfo: [NSFilePathErrorKey: path])
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        var hash = BlobHash(blob.digest.algorithm)
        var done = 0
        var failure: (any Error)?
        try await source.stream(blob) { piece in
            hash.update(piece)
            let data = piece.withUnsafeBytes { Data($0) }
            do { try file.write(contentsOf: data) } catch {
                failure = error
                return false
            }
            done += piece.count
            progress(done)
            return true
        }
        if let failure { throw failure }
        guard hash.digest == blob.digest else {
            throw ImageError(.wrongDigest, "\(blob.digest.short) holds other bytes than its digest says")
        }
    }

    private static func digest(of path: String) throws -> ContentDigest {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        var hash = BlobHash(.sha256)
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data.span) }
        return hash.digest
    }
}
