package import Vulnerabilities

/// What changed between two images, or between two days of one image, and what made each change.
package struct ImageDifference: Sendable {
    /// One of the two that are compared.
    package struct Side: Sendable {
        package var packages: [SoftwarePackage]
        package var findings: [VulnerabilityFinding]
        /// Ids that a VEX statement takes out of the findings, with the package's number.
        package var suppressed: Set<Suppression>
        package var database: AdvisoryDatabase

        package init(
            packages: [SoftwarePackage], findings: [VulnerabilityFinding], suppressed: Set<Suppression> = [],
            database: AdvisoryDatabase
        ) {
            self.packages = packages
            self.findings = findings
            self.suppressed = suppressed
            self.database = database
        }
    }

    package struct Suppression: Sendable, Hashable {
        package var id: String
        package var package: Int

        package init(id: String, package: Int) {
            self.id = id
            self.package = package
        }
    }

    package struct PackageChange: Sendable, Hashable {
        package enum Kind: String, Sendable { case added, removed, changed }
        package var kind: Kind
        package var type: String
        package var name: String
        package var before: [String]
        package var after: [String]
    }

    /// Why a vulnerability is there now, or no longer.
    package enum Cause: Sendable, Hashable {
        /// The package came, went, or has another version.
        case image(String)
        /// The package is the same; what a feed says of it is not.
        case feed(String)
        /// The package and what is known of it are the same; a VEX statement differs.
        case vex
        /// Nothing of this differs: then Martlet itself judges otherwise.
        case rule

        package var text: String {
            switch self {
            case .image(let why): "image: \(why)"
            case .feed(let why): "feed: \(why)"
            case .vex: "VEX statement"
            case .rule: "rule: Martlet judges it otherwise"
            }
        }
    }

    package struct VulnerabilityChange: Sendable {
        package var isNew: Bool
        package var id: String
        package var severity: Severity
        package var package: SoftwarePackage
        package var cause: Cause
    }

    package private(set) var packages: [PackageChange] = []
    package private(set) var vulnerabilities: [VulnerabilityChange] = []
    package private(set) var unchanged = 0

    package init(_ before: Side, _ after: Side) {
        let old = Self.versions(before.packages)
        let new = Self.versions(after.packages)
        for key in Set(old.keys).union(new.keys).sorted(by: Name.isBefore) {
            let (from, to) = (old[key] ?? [], new[key] ?? [])
            guard from != to else { continue }
            packages.append(
                PackageChange(
                    kind: from.isEmpty ? .added : to.isEmpty ? .removed : .changed, type: key.type, name: key.name,
                    before: from.sorted(), after: to.sorted()))
        }
        let oldFindings = Self.counted(before)
        let newFindings = Self.counted(after)
        for (key, finding) in newFindings {
            if oldFindings[key] != nil {
                unchanged += 1
                continue
            }
            vulnerabilities.append(Self.change(finding, true, in: after, other: before, otherVersions: old))
        }
        for (key, finding) in oldFindings where newFindings[key] == nil {
            vulnerabilities.append(Self.change(finding, false, in: before, other: after, otherVersions: new))
        }
        vulnerabilities.sort { left, right in
            if left.isNew != right.isNew { return left.isNew }
            if left.severity != right.severity { return left.severity > right.severity }
            return (left.id, left.package.name, left.package.version)
                < (right.id, right.package.name, right.package.version)
        }
    }

    private struct Name: Hashable {
        var type: String
        var name: String

        static func isBefore(_ left: Name, _ right: Name) -> Bool {
            (left.type, left.name) < (right.type, right.name)
        }
    }

    private struct Key: Hashable {
        var id: String
        var name: Name
    }

    private static func name(_ package: SoftwarePackage) -> Name { Name(type: package.type, name: package.name) }

    private static func versions(_ packages: [SoftwarePackage]) -> [Name: Set<String>] {
        var out: [Name: Set<String>] = [:]
        for package in packages { out[name(package), default: []].insert(package.version) }
        return out
    }

    /// What counts, once for each package name, with the first package that has it.
    private static func counted(_ side: Side) -> [Key: VulnerabilityFinding] {
        var out: [Key: VulnerabilityFinding] = [:]
        for finding in side.findings
        where !side.suppressed.contains(Suppression(id: finding.id, package: finding.package)) {
            let key = Key(id: finding.id, name: name(side.packages[finding.package]))
            if out[key] == nil { out[key] = finding }
        }
        return out
    }

    private static func change(
        _ finding: VulnerabilityFinding, _ isNew: Bool, in side: Side, other: Side, otherVersions: [Name: Set<String>]
    ) -> VulnerabilityChange {
        let package = side.packages[finding.package]
        let others = otherVersions[name(package)] ?? []
        let cause: Cause
        if others.isEmpty {
            cause = .image(isNew ? "the package was added" : "the package was removed")
        } else if !others.contains(package.version) {
            let versions = others.sorted().joined(separator: ", ")
            cause = .image(isNew ? "\(versions) became \(package.version)" : "\(package.version) became \(versions)")
        } else if other.findings.contains(where: {
            $0.id == finding.id && name(other.packages[$0.package]) == name(package)
        }) {
            cause = .vex
        } else {
            cause = feed(finding, side.database, other.database) ?? .rule
        }
        return VulnerabilityChange(
            isNew: isNew, id: finding.id, severity: finding.severity, package: package, cause: cause)
    }

    /// The feed that speaks of it on one side and is another, or none, on the other.
    private static func feed(
        _ finding: VulnerabilityFinding, _ own: AdvisoryDatabase, _ other: AdvisoryDatabase
    ) -> Cause? {
        for proof in finding.proofs where proof.verdict.kind == .vulnerable {
            let feed = own.feeds[proof.feed]
            let twin = other.feeds.first { $0.description.name == feed.description.name }
            guard twin?.digest != feed.digest else { continue }
            let date = feed.description.date.map { " of \($0.text)" } ?? ""
            let than =
                twin.map { " against \($0.description.date?.text ?? "another day")" } ?? ", which the other lacks"
            return .feed("\(feed.description.name)\(date)\(than) (\(proof.advisory))")
        }
        return nil
    }
}
