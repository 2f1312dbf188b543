package import Foundation
package import Vulnerabilities

/// What an image holds, as it is kept: enough to compare it with advisories again without reading the image.
package struct StoredImage: Sendable, Equatable {
    /// Of the manifest: `sha256:…`.
    package var digest: String
    /// A name it was known by, for people.
    package var reference: String
    package var distribution: Distribution?
    package var packages: [SoftwarePackage]
    package var stored: Date

    package init(
        digest: String, reference: String, distribution: Distribution?, packages: [SoftwarePackage], stored: Date
    ) {
        self.digest = digest
        self.reference = reference
        self.distribution = distribution
        self.packages = packages
        self.stored = stored
    }
}

/// What was found when an image was last compared with advisories.
package struct StoredVerdict: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        package var id: String
        package var package: String
        package var version: String
        package var severity: Severity
        /// The lowest version that fixes it; nothing where there is none.
        package var fix: String?
        package var isExploited: Bool
        /// The day on which the fix appeared, where somebody tells.
        package var fixed: CivilDate?
        /// How likely it is to be exploited within 30 days.
        package var epss: Double?

        package init(
            id: String, package: String, version: String, severity: Severity, fix: String? = nil,
            isExploited: Bool = false, fixed: CivilDate? = nil, epss: Double? = nil
        ) {
            self.fixed = fixed
            self.epss = epss
            self.id = id
            self.package = package
            self.version = version
            self.severity = severity
            self.fix = fix
            self.isExploited = isExploited
        }
    }

    /// What is known of the image beside its vulnerabilities.
    package struct Details: Sendable, Equatable {
        /// `debian 9, since 2022-06-30`; nil where it is supported.
        package var endOfLife: String?
        /// The day on which the image was built, where it tells one that can be.
        package var built: CivilDate?
        /// Names and digests of the base images that it begins with.
        package var bases: [String] = []
        /// The rules on how images are made that it breaks.
        package var faults: [String] = []
        /// Why something was not read or not assessed; empty where everything was.
        package var holes: [String] = []

        package init() {}
    }

    package var details = Details()
    package var digest: String
    /// The digest of the advisory database that it was compared with.
    package var database: String
    package var decided: Date
    /// Findings by severity.
    package var counts: [Severity: Int]
    package var fixable: Int
    package var exploited: Int
    /// Packages that could not be assessed: without them nothing is clean.
    package var unassessed: Int

    package init(digest: String, database: String, decided: Date, items: [Item], unassessed: Int) {
        self.digest = digest
        self.database = database
        self.decided = decided
        self.unassessed = unassessed
        counts = [:]
        for item in items { counts[item.severity, default: 0] += 1 }
        fixable = items.count { $0.fix != nil }
        exploited = items.count { $0.isExploited }
    }

    init(
        digest: String, database: String, decided: Date, counts: [Severity: Int], fixable: Int, exploited: Int,
        unassessed: Int
    ) {
        self.digest = digest
        self.database = database
        self.decided = decided
        self.counts = counts
        self.fixable = fixable
        self.exploited = exploited
        self.unassessed = unassessed
    }

    package var worst: Severity? { counts.keys.max() }
    /// Nothing found, and everything looked at.
    package var isClean: Bool { counts.isEmpty && unassessed == 0 }
}

/// A stored image that an advisory makes vulnerable.
package struct AffectedImage: Sendable, Hashable {
    package var digest: String
    package var package: String
    package var version: String
}

/// What went wrong with the store's file.
package struct ImageStoreError: Error, Equatable, CustomStringConvertible {
    package enum Code: Sendable { case cannotOpen, damaged, newer, failed }
    package var code: Code
    package var message: String

    package var description: String { message }
}

/// All that is known of one image but its packages.
package struct ImageKnowledge: Sendable {
    package var verdict: StoredVerdict
    package var items: [StoredVerdict.Item]
    /// The name it was looked into by.
    package var reference: String
    /// How many packages it has.
    package var packages: Int
}
