package import Findings

/// Which images may come in.
///
/// What a verdict does not know (no signature was looked for, no date stands in the image) is no pass: what is
/// required and not known refuses as what is required and not there.
package struct ImagePolicy: Sendable, Hashable {
    package enum Unknown: String, Sendable {
        /// The image comes in, and is scanned at once.
        case allowAndScan = "allow-and-scan"
        case deny
    }

    /// Vulnerabilities that keep an image out: all that an entry says must hold of one vulnerability.
    package struct Refusal: Sendable, Hashable {
        package var severity: Severity?
        /// Exploit prediction score, 0...1, from which on.
        package var epss: Double?
        /// Only what is in the catalogue of known exploited vulnerabilities.
        package var knownExploited = false
        /// Only where a fixed version has been there for longer than so many days; 0 for any that is fixed.
        package var fixAvailableForDays: Int?

        package init(
            severity: Severity? = nil, epss: Double? = nil, knownExploited: Bool = false,
            fixAvailableForDays: Int? = nil
        ) {
            self.severity = severity
            self.epss = epss
            self.knownExploited = knownExploited
            self.fixAvailableForDays = fixAvailableForDays
        }

        package func covers(_ vulnerability: ImageVerdict.Vulnerability) -> Bool {
            if let severity, vulnerability.severity < severity { return false }
            if let epss, (vulnerability.epss ?? 0) < epss { return false }
            if knownExploited, !vulnerability.isKnownExploited { return false }
            if let days = fixAvailableForDays {
                guard vulnerability.fixedVersion != nil else { return false }
                // A fix of which nobody noted the day has been there for as long as nobody knows: not long enough.
                guard days == 0 || (vulnerability.fixKnownForDays ?? 0) > days else { return false }
            }
            return true
        }
    }

    /// Who must have signed images of some repositories.
    package struct Identity: Sendable, Hashable {
        /// Repositories it is required of; every one, where empty.
        package var repositories: [Glob] = []
        package var issuer: Glob
        package var subject: Glob
        /// The type of the attestation that they must have signed; nil where any signature will do.
        package var predicate: Glob?

        package init(repositories: [Glob] = [], issuer: Glob, subject: Glob, predicate: Glob? = nil) {
            self.repositories = repositories
            self.issuer = issuer
            self.subject = subject
            self.predicate = predicate
        }

        package func covers(_ signer: ImageVerdict.Signer) -> Bool {
            guard issuer.matches(signer.issuer), subject.matches(signer.subject) else { return false }
            return predicate.map { $0.matches(signer.predicateType ?? "") } ?? true
        }
    }

    package var unknown = Unknown.allowAndScan
    /// `registry.example.com/team/*`; any, where empty.
    package var registries: [Glob] = []
    package var requiresDigest = false
    package var maximumAgeDays: Int?
    package var refusals: [Refusal] = []
    package var refusesEndOfLife = false
    /// Digests or names of base images; any, where empty.
    package var approvedBases: [Glob] = []
    package var identities: [Identity] = []
    /// Writes the digest in place of the tag, so that what was judged is what runs.
    package var mutatesToDigest = false

    package init() {}

    /// Whether a decision needs to know what is in the image.
    package var needsVerdict: Bool {
        !refusals.isEmpty || refusesEndOfLife || maximumAgeDays != nil || !approvedBases.isEmpty
            || !identities.isEmpty
    }
}
