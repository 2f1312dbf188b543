package import Foundation
package import ImageStore
package import Vulnerabilities

/// Compares kept inventories with a newer database. VEX statements are those of the scan that comes next: here all
/// that is found counts.
package struct StoredRescan: Sendable {
    package struct Change: Sendable {
        package var digest: String
        package var reference: String
        package var new: [StoredVerdict.Item]
        package var gone: [StoredVerdict.Item]
    }

    private let store: ImageStore
    private let database: AdvisoryDatabase
    private let digest: String
    private let today: CivilDate

    /// - Parameter digest: what names the database.
    package init(_ store: ImageStore, _ database: AdvisoryDatabase, database digest: String, today: CivilDate) {
        self.store = store
        self.database = database
        self.digest = digest
        self.today = today
    }

    /// Everything that was never compared with this database.
    package func run(now: Date) throws(ImageStoreError) -> [Change] {
        var changes: [Change] = []
        while true {
            let digests = try store.needingRescan(since: digest)
            if digests.isEmpty { return changes }
            for image in digests { if let change = try compare(image, now) { changes.append(change) } }
        }
    }

    /// One image; nothing where it is not stored.
    package func compare(_ digest: String, _ now: Date) throws(ImageStoreError) -> Change? {
        guard let image = try store.image(digest: digest) else { return nil }
        var policy = MatchPolicy(today: today)
        policy.staleAfter = 90
        let matcher = PackageMatcher(database, distribution: image.distribution, policy: policy)
        let report = matcher.match(image.packages)
        let items = report.findings.map { finding in
            let priority = Priority(finding, database, today: today)
            let package = image.packages[finding.package]
            return StoredVerdict.Item(
                id: finding.id, package: package.name, version: package.version, severity: finding.severity,
                fix: finding.fixes.first, isExploited: priority.exploited != nil, fixed: finding.fixed,
                epss: priority.prediction?.score)
        }
        let before = try store.items(digest: digest)
        let details = try store.verdict(digest: digest)?.details ?? StoredVerdict.Details()
        var verdict = StoredVerdict(
            digest: digest, database: self.digest, decided: now, items: items,
            unassessed: max(report.coverage.count { !$0.isAssessed }, details.holes.isEmpty ? 0 : 1))
        verdict.details = details
        verdict.details.endOfLife =
            report.isEndOfLife
            ? (image.distribution?.title ?? "") + (report.endOfLife.map { ", since \($0.text)" } ?? "") : nil
        try store.store(verdict, items: items)
        func key(_ item: StoredVerdict.Item) -> String { "\(item.id)\n\(item.package)\n\(item.version)" }
        let (old, new) = (Set(before.map(key)), Set(items.map(key)))
        return Change(
            digest: digest, reference: image.reference, new: items.filter { !old.contains(key($0)) },
            gone: before.filter { !new.contains(key($0)) })
    }
}
