package import Admission
package import Findings
import ImageStore
import Vulnerabilities

/// What the door keeps of one image: everything that its policies may ask, with days in place of ages, so that a
/// verdict of last month is right today.
package struct ImageFacts: Sendable, Equatable {
    package struct Vulnerability: Sendable, Equatable {
        package var id: String
        package var severity: Findings.Severity
        package var package: String
        package var fix: String?
        /// The day a fixed version was there, counted from 1970.
        package var fixedDay: Int?
        package var epss: Double?
        package var isExploited = false
    }

    /// A name it was pulled by, to look again.
    package var reference: String
    /// The day it was built, counted from 1970.
    package var createdDay: Int?
    /// What has no more support: `debian 9 since 2022-06-30`.
    package var endOfLife: String?
    /// Names and digests of what it is built on.
    package var bases: [String] = []
    /// Who signed it; nil where nobody looked.
    package var signers: [ImageVerdict.Signer]?
    package var vulnerabilities: [Vulnerability] = []
    /// Why not all of it was seen.
    package var incomplete: String?

    /// What the store holds of an image, whoever looked into it: `martlet image scan`, the scan of a cluster, or the door.
    init(_ known: ImageKnowledge, _ note: DoorNote?) {
        let details = known.verdict.details
        reference = note?.reference ?? known.reference
        createdDay = details.built.map(\.dayNumber).flatMap { $0 < Self.firstDay ? nil : $0 }
        endOfLife = details.endOfLife
        bases = note?.bases ?? details.bases
        signers = note?.signers
        incomplete = details.holes.first
        if incomplete == nil, known.packages > 0, known.verdict.unassessed >= known.packages {
            incomplete = "no feed of the advisory database speaks of its packages"
        }
        vulnerabilities = known.items.map { item in
            Vulnerability(
                id: item.id, severity: Findings.Severity(of: item.severity), package: "\(item.package) \(item.version)",
                fix: item.fix, fixedDay: item.fixed?.dayNumber, epss: item.epss, isExploited: item.isExploited)
        }
    }

    /// Dates before this are marks of builds that come out the same every time, not days.
    private static let firstDay = CivilDate(year: 1990, month: 1, day: 1).dayNumber

    /// What is known of the image today.
    package func verdict(digest: String, today: Int) -> ImageVerdict {
        ImageVerdict(
            digest: digest,
            vulnerabilities: vulnerabilities.map { one in
                ImageVerdict.Vulnerability(
                    id: one.id, severity: one.severity, package: one.package, fixedVersion: one.fix,
                    fixKnownForDays: one.fixedDay.map { max(0, today - $0) }, epss: one.epss,
                    isKnownExploited: one.isExploited)
            }, endOfLife: endOfLife, ageDays: createdDay.map { max(0, today - $0) }, bases: bases, signers: signers,
            incomplete: incomplete)
    }
}

extension Findings.Severity {
    init(of severity: Vulnerabilities.Severity) {
        switch severity {
        case .critical: self = .critical
        case .high: self = .high
        case .medium: self = .medium
        case .low: self = .low
        case .unknown, .negligible: self = .info
        }
    }
}
