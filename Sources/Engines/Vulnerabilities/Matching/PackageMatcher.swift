/// Compares packages with advisories.
///
/// For each package: the keys under which advisories may stand, all entries under them, a verdict for each, and then
/// one answer for each vulnerability: what a more special source says goes before what a more general one does.
package struct PackageMatcher: Sendable {
    package let database: AdvisoryDatabase
    package let distribution: Distribution?
    package let policy: MatchPolicy
    private let lifecycle: ReleaseLifecycle?
    /// The distribution's keys and its upstream's, with what every package would ask of them anew.
    private let distributionKeys: [MatchKey]
    private let languageKeys: [String: MatchKey]

    package init(_ database: AdvisoryDatabase, distribution: Distribution?, policy: MatchPolicy = MatchPolicy()) {
        self.database = database
        self.distribution = distribution
        self.policy = policy
        lifecycle = distribution?.lifecycle(in: database.lifecycles)
        let own = (distribution?.keys ?? []).map { MatchKey($0, rank: 0, feeds: database.feeds(for: $0)) }
        distributionKeys =
            own + (distribution?.upstreamKeys ?? []).map { MatchKey($0, rank: 1, feeds: database.feeds(for: $0)) }
        var languages: [String: MatchKey] = [:]
        for type in Self.languages {
            let key = EcosystemKey(type)
            languages[type] = MatchKey(key, rank: 0, feeds: database.feeds(for: key))
        }
        languageKeys = languages
    }

    package var isEndOfLife: Bool {
        guard let lifecycle else { return false }
        let isPaid = distribution?.streams.isEmpty == false
        let end = isPaid ? lifecycle.endOfExtendedSupport ?? lifecycle.endOfLife : lifecycle.endOfLife
        guard let end else { return lifecycle.isEnded }
        guard let today = policy.today else { return false }
        return end < today
    }

    package func match(_ packages: [SoftwarePackage]) -> MatchReport {
        var findings: [VulnerabilityFinding] = []
        var coverage: [PackageCoverage] = []
        var answers: [Question: [VulnerabilityFinding]] = [:]
        coverage.reserveCapacity(packages.count)
        // Most packages are of one kind, and their coverage is the kind's.
        var usual: [String: PackageCoverage] = [:]
        for (index, package) in packages.enumerated() {
            if package.owner == nil, package.cpes.isEmpty, isComparable(package) {
                let known = usual[package.type] ?? self.coverage(package)
                usual[package.type] = known
                coverage.append(known)
            } else {
                coverage.append(self.coverage(package))
            }
            if package.owner != nil, !policy.includesOwned { continue }
            // Binary packages of one source are asked the same question; most of a distribution is such.
            let places = places(package)
            let question = Question(package, places)
            if let known = answers[question] {
                findings += known.map { finding in
                    var own = finding
                    own.package = index
                    return own
                }
                continue
            }
            let found = self.findings(package, index, places)
            answers[question] = found
            findings += found
        }
        return MatchReport(
            findings: findings, coverage: coverage, endOfLife: lifecycle?.endOfLife, isEndOfLife: isEndOfLife)
    }

    /// Everything of a package that a verdict hangs on.
    private struct Question: Hashable {
        var places: [Place]
        var module: String?
        var architecture: String?
        /// Only rpm's builds tell in their version that they are of a module.
        var version: String

        init(_ package: SoftwarePackage, _ places: [Place]) {
            self.places = places
            module = package.module
            architecture = package.architecture
            let isSaidByPlace = package.type == "deb" && !places.isEmpty && !package.version.isEmpty
            version = isSaidByPlace ? "" : package.version
        }
    }

    // MARK: Where to look

    /// A place where advisories for a package may stand.
    package struct Place: Hashable, Sendable {
        package var key: EcosystemKey
        package var name: String
        package var version: String
        /// Places of the same rank speak together; a lower one goes before.
        var rank: Int
        var scheme: VersionScheme
        /// The feeds that speak of the key.
        var feeds: [Int]

        package static func == (left: Place, right: Place) -> Bool {
            left.rank == right.rank && left.name == right.name && left.version == right.version
                && left.key == right.key
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(version)
        }
    }

    func places(_ package: SoftwarePackage) -> [Place] {
        var out = Self.places(package, distributionKeys, languageKeys[package.type])
        guard usesCPEs(package) else { return out }
        addCPEs(package) { key, name, version, rank, scheme in
            let place = Place(
                key: key, name: key.normalized(name), version: version, rank: rank, scheme: scheme ?? key.scheme,
                feeds: database.feeds(for: key))
            if !out.contains(where: { $0.key == place.key && $0.name == place.name }) { out.append(place) }
        }
        return out
    }

    /// Where advisories stand that name the package by its own ecosystem, whatever the database: what an index of
    /// stored packages is made of. Their `feeds` are empty.
    package static func places(_ package: SoftwarePackage, distribution: Distribution?) -> [Place] {
        let own = (distribution?.keys ?? []).map { MatchKey($0, rank: 0, feeds: []) }
        let upstream = (distribution?.upstreamKeys ?? []).map { MatchKey($0, rank: 1, feeds: []) }
        return places(package, own + upstream, languageKey(package.type).map { MatchKey($0, rank: 0, feeds: []) })
    }

    private static func places(
        _ package: SoftwarePackage, _ distributionKeys: [MatchKey], _ languageKey: MatchKey?
    ) -> [Place] {
        var out: [Place] = []
        func add(_ key: MatchKey, _ name: String, _ version: String) {
            let name = key.isNormalized ? key.key.normalized(name) : name
            for known in out where known.name == name && known.key == key.key { return }
            out.append(
                Place(
                    key: key.key, name: name, version: version, rank: key.rank, scheme: key.scheme, feeds: key.feeds))
        }
        if package.isOfDistribution {
            // Debug symbols hold no code that runs.
            if package.name.hasSuffix("-debuginfo") || package.name.hasSuffix("-debugsource") { return [] }
            for key in distributionKeys {
                if key.knowsBinaries { add(key, package.name, package.version) }
                guard key.knowsSources else { continue }
                for source in package.sources where source.name != package.name || !key.knowsBinaries {
                    add(key, source.name, sourceVersion(source, package))
                }
                if package.sources.isEmpty { add(key, package.name, package.version) }
            }
        } else if let languageKey {
            add(languageKey, package.name, comparable(package))
        }
        return out
    }

    private static func sourceVersion(_ source: SoftwarePackage.Source, _ package: SoftwarePackage) -> String {
        guard let version = source.version, !version.isEmpty else { return package.version }
        return version
    }

    /// The key of a purl type that is a registry of libraries.
    static func languageKey(_ type: String) -> EcosystemKey? {
        languages.contains(type) ? EcosystemKey(type) : nil
    }

    private static let languages: Set<String> = [
        "pypi", "npm", "golang", "cargo", "gem", "composer", "maven", "nuget", "hex", "pub", "hackage", "cran",
        "conan", "swift", "bitnami", "cocoapods",
    ]

    /// Go writes its own version `go1.20.1` and modules' `v1.2.3`; advisories write neither letter.
    private static func comparable(_ package: SoftwarePackage) -> String {
        guard package.type == "golang" else { return package.version }
        if package.version.hasPrefix("go") { return String(package.version.dropFirst(2)) }
        return package.version.hasPrefix("v") ? String(package.version.dropFirst()) : package.version
    }

    /// CPEs name upstream products: right for binaries without a package manager and for apk, whose versions are
    /// upstream's; wrong where a distribution backports fixes.
    private func usesCPEs(_ package: SoftwarePackage) -> Bool {
        guard !package.cpes.isEmpty, database.hasEcosystem(.cpe) else { return false }
        switch package.type {
        case "apk", "generic", "binary", "": return true
        case "deb", "rpm": return policy.usesCPEsWhenEnded && isEndOfLife
        default: return false
        }
    }

    private func addCPEs(
        _ package: SoftwarePackage,
        _ add: (EcosystemKey, String, String, Int, VersionScheme?) -> Void
    ) {
        var version = package.version
        // The revision is the distribution's, not the product's.
        if package.type == "apk", let mark = version.range(of: "-r") { version = String(version[..<mark.lowerBound]) }
        if package.isOfDistribution, let colon = version.firstIndex(of: ":") {
            version = String(version[version.index(after: colon)...])
        }
        for cpe in package.cpes { add(.cpe, cpe.key, version, 2, .generic) }
        for source in package.sources { add(.cpe, "\(source.name):\(source.name)", version, 2, .generic) }
    }

    // MARK: Verdicts

    /// An entry with its verdict.
    struct Judged {
        var place: Place
        var feed: Int
        var advisoryIndex: Int
        var entry: AffectedPackage
        var verdict: EntryVerdict
    }

    /// Every entry under the package's places. With `positivesOnly`, those that a glance shows to be fixed are left out.
    func judged(_ package: SoftwarePackage, _ places: [Place]? = nil, positivesOnly: Bool) -> [Judged] {
        var out: [Judged] = []
        for place in places ?? self.places(package) {
            let rule = EntryRule(scheme: place.scheme, version: place.version, package: package)
            for feed in place.feeds {
                database.segments[feed].entries(place.key, place.name) { view in
                    if positivesOnly, view.isBeforeOnlyFix(place.version, place.scheme) == false { return }
                    if positivesOnly, view.status == .notAffected { return }
                    let entry = view.full(place.key, place.name)
                    let verdict = rule.verdict(entry)
                    if positivesOnly, verdict.kind != .vulnerable { return }
                    out.append(
                        Judged(place: place, feed: feed, advisoryIndex: view.advisory, entry: entry, verdict: verdict))
                }
            }
        }
        return out
    }

    private func findings(_ package: SoftwarePackage, _ index: Int, _ places: [Place]) -> [VulnerabilityFinding] {
        guard isComparable(package) else { return [] }
        // Most packages have no vulnerability: only then is it worth to ask who says otherwise.
        guard !judged(package, places, positivesOnly: true).isEmpty else { return [] }
        return VulnerabilityGroups(judged(package, places, positivesOnly: false), database).findings(package, index)
    }

    /// The same for one vulnerability, with everything that spoke for and against.
    package func explain(_ package: SoftwarePackage, id: String) -> Explanation {
        let groups = VulnerabilityGroups(judged(package, positivesOnly: false), database)
        return Explanation(
            places: places(package).map { (key: $0.key, name: $0.name, version: $0.version) },
            proofs: groups.proofs(naming: id), coverage: coverage(package),
            finding: groups.findings(package, 0).first { $0.ids.contains(id) || $0.errata.contains(id) })
    }

    /// Ids that some source says the package does not have, or no longer has.
    package func cleared(_ package: SoftwarePackage) -> [String] {
        VulnerabilityGroups(judged(package, positivesOnly: false), database).cleared
    }

    package struct Explanation: Sendable {
        package var places: [(key: EcosystemKey, name: String, version: String)]
        package var proofs: [Proof]
        package var coverage: PackageCoverage
        package var finding: VulnerabilityFinding?
    }

    // MARK: Coverage

    private func isComparable(_ package: SoftwarePackage) -> Bool {
        !package.version.isEmpty && package.version != "(devel)" && package.version != "UNKNOWN"
    }

    func coverage(_ package: SoftwarePackage) -> PackageCoverage {
        if let owner = package.owner { return .ownedBy(owner) }
        guard isComparable(package) else {
            return .notAssessable(
                package.version.isEmpty
                    ? "it has no version" : "its version is \"\(package.version)\", which no advisory can name")
        }
        let keys: [EcosystemKey]
        if package.isOfDistribution {
            guard let distribution else { return .notAssessable("the distribution is unknown") }
            keys = distribution.keys
            if !keys.contains(where: database.hasEcosystem) {
                return .notAssessable("no feed of the database speaks of \(distribution.title)")
            }
            if isEndOfLife {
                let day = lifecycle?.endOfLife.map { " on \($0.text)" } ?? ""
                return .notAssessable(
                    "support of \(distribution.title) ended\(day): nobody looks for new vulnerabilities")
            }
        } else if let key = Self.languageKey(package.type) {
            keys = [key]
            if !database.hasEcosystem(key) { return .notAssessable("no feed of the database speaks of \(key.text)") }
        } else if usesCPEs(package) {
            keys = [.cpe]
        } else {
            return .notAssessable(
                package.type.isEmpty
                    ? "what kind of package it is is unknown" : "no feed speaks of packages of type \(package.type)")
        }
        let feeds = keys.flatMap { database.feeds(for: $0) }
        let dates = feeds.compactMap { database.feeds[$0].description.date }
        let newest = dates.max()
        if let today = policy.today, let newest, today.days(since: newest) > policy.staleAfter {
            let names = feeds.map { database.feeds[$0].description.name }.joined(separator: ", ")
            return .notAssessable("the feed \(names) is of \(newest.text), older than \(policy.staleAfter) days")
        }
        return .assessed(by: feeds.map { database.feeds[$0].description.name }, date: newest)
    }
}

/// A key under which advisories stand, with what every package would ask of it anew.
struct MatchKey: Sendable {
    let key: EcosystemKey
    let rank: Int
    let scheme: VersionScheme
    let feeds: [Int]
    /// Whether its advisories name binary packages.
    let knowsBinaries: Bool
    /// Whether they name source packages; Red Hat's are found under both, and Fedora's updates are builds of sources.
    let knowsSources: Bool
    /// Whether several spellings of a name are one package.
    let isNormalized: Bool

    init(_ key: EcosystemKey, rank: Int, feeds: [Int]) {
        self.key = key
        self.rank = rank
        scheme = key.scheme
        self.feeds = feeds
        knowsBinaries = scheme != .deb
        isNormalized = ["pypi", "composer", "nuget"].contains(key.family)
        switch scheme {
        case .deb, .apk, .alpm: knowsSources = true
        case .rpm: knowsSources = key.family == "redhat" || key.family == "fedora"
        default: knowsSources = false
        }
    }
}
