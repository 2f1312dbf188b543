/// What a vendor or a community says about one vulnerability or one update, in the form that matching reads.
package struct Advisory: Sendable, Hashable {
    package var id: String
    /// Other names of the same vulnerability.
    package var aliases: [String] = []
    /// Vulnerabilities that this one update answers: an errata names many CVEs, none of which is its alias.
    package var upstream: [String] = []
    package var summary = ""
    /// The vendor's own word, which goes before any score.
    package var severity: Severity?
    package var vectors: [String] = []
    package var published: CivilDate?
    package var modified: CivilDate?
    package var withdrawn: CivilDate?
    package var isDisputed = false
    package var affected: [AffectedPackage] = []

    package init(_ id: String) { self.id = id }
}

/// What a source says about a package.
package enum AdvisoryStatus: UInt8, Sendable, Hashable, CaseIterable {
    /// In the ranges it is vulnerable; behind the fixes it is not.
    case affected = 0
    /// The vendor says that it never was, or that the finding is false.
    case notAffected = 1
    case underInvestigation = 2
    /// Vulnerable, and the vendor will not fix it.
    case willNotFix = 3
    /// Vulnerable, the fix was put off.
    case deferred = 4
    /// Vulnerable as far as anyone knew; nobody looked further since support ended.
    case endOfLife = 5
    /// The vendor ignored it for another reason.
    case ignored = 6

    package var name: String {
        switch self {
        case .affected: "affected"
        case .notAffected: "not affected"
        case .underInvestigation: "under investigation"
        case .willNotFix: "will not fix"
        case .deferred: "deferred"
        case .endOfLife: "end of life"
        case .ignored: "ignored"
        }
    }
}

/// Bounds that all have to hold.
package typealias VersionBounds = [VersionConstraint]

/// One package that an advisory speaks of, in one ecosystem.
package struct AffectedPackage: Sendable, Hashable {
    package var ecosystem: EcosystemKey
    package var name: String
    package var status = AdvisoryStatus.affected
    /// Vulnerable where any of these holds; one without bounds holds always.
    package var ranges: [VersionBounds] = []
    /// Vulnerable versions named one by one.
    package var versions: [String] = []
    /// Not vulnerable where any of these holds, whatever `ranges` say.
    package var unaffected: [VersionBounds] = []
    /// Versions that fix it, as far as they are known.
    package var fixes: [String] = []
    /// The module stream of an rpm, `httpd:2.4`; nil where the package belongs to none.
    package var module: String?
    package var architectures: [String] = []
    /// When the fix appeared: grace periods count from here.
    package var fixed: CivilDate?
    package var severity: Severity?
    /// The vendor's errata for this package.
    package var errata: [String] = []
    /// The source's own words for the status.
    package var note = ""

    package init(_ ecosystem: EcosystemKey, _ name: String) {
        self.ecosystem = ecosystem
        self.name = ecosystem.normalized(name)
    }

    /// Everything before `version` is vulnerable.
    package mutating func fix(in version: String) {
        ranges = [[VersionConstraint(.less, version)]]
        fixes = [version]
    }

    /// Every version is vulnerable, no fix is known.
    package mutating func affectsAll() { ranges = [[]] }
}

/// What is known about a vulnerability by its CVE, whatever package has it.
package struct VulnerabilityFacts: Sendable, Hashable {
    package struct Exploited: Sendable, Hashable {
        package var added: CivilDate
        package var isUsedByRansomware = false

        package init(added: CivilDate, isUsedByRansomware: Bool = false) {
            self.added = added
            self.isUsedByRansomware = isUsedByRansomware
        }
    }
    package struct Prediction: Sendable, Hashable {
        package var score: Double
        package var percentile: Double

        package init(score: Double, percentile: Double) {
            self.score = score
            self.percentile = percentile
        }
    }
    /// CISA's decision points.
    package struct Decision: Sendable, Hashable {
        package var exploitation: String
        package var automatable: String
        package var impact: String
    }

    package var id: String
    package var exploited: Exploited?
    package var prediction: Prediction?
    package var decision: Decision?
    package var vectors: [String] = []

    package init(_ id: String) { self.id = id }
}

/// One release of a distribution and how long it is supported.
package struct ReleaseLifecycle: Sendable, Hashable {
    package var product: String
    package var cycle: String
    package var codename: String?
    package var endOfLife: CivilDate?
    /// Paid or long-term support beyond.
    package var endOfExtendedSupport: CivilDate?
    package var isEnded = false
}
