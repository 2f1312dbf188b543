/// What one advisory entry says about one version, and how we know.
package struct EntryVerdict: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case vulnerable
        /// At or behind a fix, or outside every range.
        case fixed
        /// The source says that it is not.
        case notAffected
        case withdrawn
        case otherModule
        case otherArchitecture
    }
    package var kind: Kind
    /// The comparisons that decided, in words: `1.1.1k-1 < 1.1.1n-0+deb11u1`.
    package var trace: [String]
}

/// One advisory that decided about one package.
package struct Proof: Sendable, Hashable {
    package var feed: Int
    package var advisory: String
    package var key: EcosystemKey
    package var name: String
    package var verdict: EntryVerdict
    package var status: AdvisoryStatus
    package var note: String
}

/// One vulnerability of one package.
package struct VulnerabilityFinding: Sendable, Hashable {
    /// The name that most people know it by: a CVE where there is one.
    package var id: String
    /// Every name of it, sorted.
    package var ids: [String]
    /// Vendor errata that speak of it.
    package var errata: [String]
    /// Which of the packages that were matched.
    package var package: Int
    package var status: AdvisoryStatus
    /// Versions that fix it, the lowest that help this package first.
    package var fixes: [String]
    package var fixed: CivilDate?
    package var severity: Severity
    package var severitySource: String
    package var vectors: [String]
    package var summary: String
    package var published: CivilDate?
    package var isDisputed: Bool
    package var note: String
    package var proofs: [Proof]
}

/// Whether we were able to look.
package enum PackageCoverage: Sendable, Hashable {
    /// Names of the feeds.
    case assessed(by: [String], date: CivilDate?)
    /// The files belong to a distribution's package, which is assessed in its place.
    case ownedBy(String)
    case notAssessable(String)

    package var isAssessed: Bool {
        if case .notAssessable = self { return false }
        return true
    }
}

package struct MatchReport: Sendable {
    package var findings: [VulnerabilityFinding]
    package var coverage: [PackageCoverage]
    /// Set where the distribution's support has ended.
    package var endOfLife: CivilDate?
    package var isEndOfLife: Bool

    /// Nothing found, and nothing that we could not look at.
    package var isClean: Bool { findings.isEmpty && coverage.allSatisfy(\.isAssessed) && !isEndOfLife }
}

package struct MatchPolicy: Sendable {
    /// The day that ends of life and the age of feeds are measured against; nil to measure nothing.
    package var today: CivilDate?
    /// Feeds older than this many days count as stale.
    package var staleAfter = 30
    /// Match distribution packages by CPE where the distribution's support has ended.
    package var usesCPEsWhenEnded = false
    /// Report language packages that a distribution's package owns, too.
    package var includesOwned = false

    package init(today: CivilDate? = nil) { self.today = today }
}
