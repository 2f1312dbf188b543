import Admission
import ContainerImages
package import Foundation
package import ImageInspection
package import Kubernetes
package import Vulnerabilities

/// Looks into an image for the door: what it holds on every platform of the cluster, what is known against it, what it
/// is built on and who signed it.
package struct ImageExaminer: Sendable {
    /// One manifest, looked into.
    package struct Part: Sendable {
        var record: ImageRecord
        var note: DoorNote
        var digest: String { record.image.digest }
    }

    package struct Examined: Sendable {
        package var parts: [Part]
        /// The index that was asked for, where it was one, and all that it lists.
        package var index: (digest: String, listed: [String])?
    }

    package struct Failed: Error, CustomStringConvertible {
        package var description: String
    }

    /// One for each platform.
    package let inspections: [ImageInspection]
    package let shelf: AdvisoryShelf
    package let bases: BaseImageIndex
    package let signatures: SignatureSearch?
    package let now: @Sendable () -> Date

    /// - Parameter inspections: one for each platform whose nodes the cluster has; the first one's client is used for all
    ///   else.
    package init(
        _ inspections: [ImageInspection], shelf: AdvisoryShelf, bases: BaseImageIndex = BaseImageIndex(),
        signatures: SignatureSearch? = nil, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        precondition(!inspections.isEmpty, "there is a platform to look at")
        self.inspections = inspections
        self.shelf = shelf
        self.bases = bases
        self.signatures = signatures
        self.now = now
    }

    package var today: CivilDate { CivilDate(dayNumber: Int(now().timeIntervalSince1970) / 86_400) }

    package func examine(_ image: ImageReference, digest: String?) async throws -> Examined {
        let copy = try shelf.current()
        let name = image.named(digest: digest)
        var parts: [Part] = []
        var index: ContentDigest?
        var failure: ImageError?
        for inspection in inspections {
            let result = await inspection.inspect(.registry(name))
            guard let found = result.image, let digest = found.digest else {
                failure = result.failure ?? failure
                continue
            }
            index = found.indexDigest ?? index
            // A manifest without an index is the same on every platform.
            guard !parts.contains(where: { $0.digest == digest.description }) else { continue }
            guard let part = part(result, found, copy, name) else {
                failure = result.failure ?? failure
                continue
            }
            parts.append(part)
        }
        guard !parts.isEmpty else { throw Failed(description: failure?.message ?? "\(name) has no platform of ours") }
        let source = try RegistrySource(name, inspections[0].client)
        if let signatures { try await sign(&parts, index, signatures, source) }
        guard let index else { return Examined(parts: parts) }
        let listed = try await listed(index, source)
        return Examined(parts: parts, index: (index.description, listed))
    }

    /// The same record as a scan keeps, and what only the door asks; nil where nothing of it could be read.
    private func part(
        _ result: ImageResult, _ image: ResolvedImage, _ copy: AdvisoryShelf.Copy, _ name: String
    ) -> Part? {
        var policy = MatchPolicy(today: today)
        policy.staleAfter = 90
        let report = PackageMatcher(copy.database, distribution: result.distribution, policy: policy)
            .match(result.packages)
        let rows = report.findings.map { finding -> ImageRecord.Row in
            (finding, Priority(finding, copy.database, today: today), result.packages[finding.package])
        }
        let inspector = ImageInspector(Vulnerabilities.ImagePolicy(today: today, bases: bases))
        let record = ImageRecord(
            result, report, rows: rows, faults: result.faults(inspector), bases: bases, database: copy.digest,
            keepsParts: true, now: now())
        guard var record else { return nil }
        record.image.reference = name
        var note = DoorNote(reference: name)
        if let base = bases.base(of: image.configuration.diffIDs), base.base.isApproved {
            note.bases = [base.base.name, base.base.digest] + base.alsoKnownAs
        }
        return Part(record: record, note: note)
    }

    /// Who signed the index signed all that it lists.
    private func sign(
        _ parts: inout [Part], _ index: ContentDigest?, _ signatures: SignatureSearch, _ source: RegistrySource
    ) async throws {
        var common: [ImageVerdict.Signer] = []
        if let index { common = try await signatures.signers(of: index, source) }
        for number in parts.indices {
            let own = try await signatures.signers(of: try ContentDigest(parts[number].digest), source)
            parts[number].note.signers = common + own.filter { !common.contains($0) }
        }
    }

    private func listed(_ index: ContentDigest, _ source: RegistrySource) async throws -> [String] {
        let manifest = try await source.client.manifest(
            host: RegistrySource.host(of: source.reference.registry), repository: source.reference.repository,
            reference: index.description)
        guard case .index(let entries) = try ImageManifest(manifest.bytes, of: source.name) else { return [] }
        return entries.map(\.digest.description)
    }
}

extension ImageReference {
    /// The name in full, by the digest where one is known: what is judged is then what is looked into.
    package func named(digest known: String? = nil) -> String {
        let place = "\(registry)/\(repository)"
        if let digest = known ?? digest { return "\(place)@\(digest)" }
        return "\(place):\(tag ?? "latest")"
    }
}
