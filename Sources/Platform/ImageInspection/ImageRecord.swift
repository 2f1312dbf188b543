import Encodings
package import Foundation
package import ImageStore
package import Vulnerabilities

/// What is kept of an image that was looked into: its inventory, its programs, and what was found.
package struct ImageRecord: Sendable {
    /// A finding with how urgent it is.
    package typealias Row = (finding: VulnerabilityFinding, priority: Priority, package: SoftwarePackage)

    package var image: StoredImage
    package var programs: [StoredProgram]
    package var verdict: StoredVerdict
    package var items: [StoredVerdict.Item]

    /// nil where the image has no digest to be found by: a folder, a bill of materials.
    ///
    /// - Parameters:
    ///   - rows: what counts, without what VEX statements take out.
    ///   - database: the digest of the advisory database.
    ///   - keepsParts: whether an image is kept of which a part failed to be read; the failure is a hole then.
    package init?(
        _ result: ImageResult, _ report: MatchReport, rows: [Row], faults: [ImageFault], bases: BaseImageIndex,
        database: String, keepsParts: Bool = false, now: Date
    ) {
        guard let digest = result.identity?.description, let catalogue = result.catalogue,
            result.failure == nil || keepsParts
        else { return nil }
        image = StoredImage(
            digest: digest, reference: result.name, distribution: result.distribution, packages: result.packages,
            stored: now)
        programs = catalogue.executables.map { file in
            StoredProgram(
                path: "/" + file.path, mode: file.mode, size: file.size, digest: Hexadecimal.text(file.digest),
                owner: catalogue.owner(of: file.path))
        }
        items = rows.map { row in
            StoredVerdict.Item(
                id: row.finding.id, package: row.package.name, version: row.package.version,
                severity: row.finding.severity, fix: row.finding.fixes.first,
                isExploited: row.priority.exploited != nil, fixed: row.finding.fixed,
                epss: row.priority.prediction?.score)
        }
        let unassessed = report.coverage.count { !$0.isAssessed }
        var holes = result.notes.filter { $0.kind == .incomplete }.map(\.message)
        if let failure = result.failure { holes.append(failure.message) }
        // A hole is never clean, even where no package stands for it.
        verdict = StoredVerdict(
            digest: digest, database: database, decided: now, items: items,
            unassessed: max(unassessed, holes.isEmpty ? 0 : 1))
        verdict.details.holes = holes
        if report.isEndOfLife, let distribution = result.distribution {
            verdict.details.endOfLife =
                distribution.title + (report.endOfLife.map { ", since \($0.text)" } ?? "")
        }
        verdict.details.built = result.image?.configuration.created.flatMap { CivilDate(String($0.prefix(10))) }
            .flatMap { $0 > CivilDate(year: 1981, month: 1, day: 1) ? $0 : nil }
        verdict.details.faults = Set(faults.map(\.rule.id)).sorted()
        if let diffIDs = result.image?.configuration.diffIDs, let match = bases.base(of: diffIDs) {
            verdict.details.bases = [match.base.name, match.base.digest] + match.alsoKnownAs
        }
    }

    package func store(in store: ImageStore) throws(ImageStoreError) {
        try store.store(image)
        try store.store(programs: programs, digest: image.digest)
        try store.store(verdict, items: items)
    }
}
