package import Findings
package import Kubernetes

/// What is known of one image, by its digest.
package struct ImageVerdict: Sendable, Hashable {
    package struct Vulnerability: Sendable, Hashable {
        package var id: String
        package var severity: Severity
        package var package: String
        package var fixedVersion: String?
        /// Days since a fixed version was there; nil where no day is known.
        package var fixKnownForDays: Int?
        package var epss: Double?
        package var isKnownExploited: Bool

        package init(
            id: String, severity: Severity, package: String, fixedVersion: String? = nil, fixKnownForDays: Int? = nil,
            epss: Double? = nil, isKnownExploited: Bool = false
        ) {
            self.id = id
            self.severity = severity
            self.package = package
            self.fixedVersion = fixedVersion
            self.fixKnownForDays = fixKnownForDays
            self.epss = epss
            self.isKnownExploited = isKnownExploited
        }
    }

    /// Who signed it, as a certificate says, after the signature was checked.
    package struct Signer: Sendable, Hashable {
        /// `key` for whoever signed with a key that is trusted; the subject is then its fingerprint.
        package var issuer: String
        package var subject: String
        /// What an attestation says something of; nil for a bare signature.
        package var predicateType: String?

        package init(issuer: String, subject: String, predicateType: String? = nil) {
            self.issuer = issuer
            self.subject = subject
            self.predicateType = predicateType
        }
    }

    package var digest: String
    package var vulnerabilities: [Vulnerability]
    /// What has no more support: `debian 9 since 2022-06-30`; nil where all of it has.
    package var endOfLife: String?
    /// Days since the image was made.
    package var ageDays: Int?
    /// Digests and names of what it was built upon.
    package var bases: [String]
    /// Nil where signatures were not looked for.
    package var signers: [Signer]?
    /// Why not all of the image was seen; nothing found is then not known to be nothing there.
    package var incomplete: String?

    package init(
        digest: String, vulnerabilities: [Vulnerability] = [], endOfLife: String? = nil, ageDays: Int? = nil,
        bases: [String] = [], signers: [Signer]? = nil, incomplete: String? = nil
    ) {
        self.digest = digest
        self.vulnerabilities = vulnerabilities
        self.endOfLife = endOfLife
        self.ageDays = ageDays
        self.bases = bases
        self.signers = signers
        self.incomplete = incomplete
    }

    /// Takes in what is known of another platform of the same image: what is wrong with one is wrong with all, and what
    /// is required must hold of each.
    package mutating func merge(_ other: ImageVerdict) {
        for one in other.vulnerabilities where !vulnerabilities.contains(one) { vulnerabilities.append(one) }
        endOfLife = endOfLife ?? other.endOfLife
        incomplete = incomplete ?? other.incomplete
        ageDays = ageDays.flatMap { own in other.ageDays.map { max(own, $0) } }
        bases = bases.filter(other.bases.contains)
        signers = signers.flatMap { own in other.signers.map { theirs in own.filter(theirs.contains) } }
    }
}

/// Where verdicts come from. Nothing is pulled and nothing scanned while a request waits.
package protocol ImageVerdicts: Sendable {
    /// What is known of an image; nil where it was not scanned. Answers from memory or a local store.
    func verdict(of digest: String) -> ImageVerdict?

    /// The digest a tag stands for at the moment; nil with the reason where that cannot be known in time.
    func resolve(_ image: ImageReference) async -> ImageResolution

    /// Has an image scanned soon.
    func enqueue(_ image: ImageReference, digest: String?)

    /// Whether two digests are of one image: of an index and of a manifest that it lists. Nil where nobody knows.
    func areSame(_ one: String, _ other: String) -> Bool?
}

extension ImageVerdicts {
    package func areSame(_ one: String, _ other: String) -> Bool? { one == other ? true : nil }
}

package enum ImageResolution: Sendable, Hashable {
    case digest(String)
    case unknown(String)
}

/// What is known of one image that a request names.
package struct ImageAnswer: Sendable, Hashable {
    package var resolution: ImageResolution
    package var verdict: ImageVerdict?

    package init(_ resolution: ImageResolution, _ verdict: ImageVerdict? = nil) {
        self.resolution = resolution
        self.verdict = verdict
    }
}
