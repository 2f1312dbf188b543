/// The least that has to be upgraded so that nothing that can be fixed is left.
package struct Remediation: Sendable {
    package struct Upgrade: Sendable, Hashable {
        /// Which of the packages; all of one name and version are upgraded together.
        package var packages: [Int]
        package var name: String
        package var from: String
        /// The lowest version known that leaves none of the fixable vulnerabilities, found by matching it again.
        package var to: String
        package var closes: [String]
        /// Found in the package, and still there after the upgrade.
        package var leaves: [String]
        /// Not found now, but in the version that it is upgraded to.
        package var opens: [String]
        package var command: String
        /// Who brings it, where it cannot be upgraded by itself: the direct dependencies above it, the program or the
        /// archive that it is built into.
        package var through: [String] = []
    }

    package var upgrades: [Upgrade]
    /// Findings without any fix.
    package var unfixable: Int

    /// With what a catalogue tells of each package, in the same order, the upgrades also name who brings them.
    package init(
        _ report: MatchReport, _ packages: [SoftwarePackage], _ matcher: PackageMatcher,
        catalogue: [CataloguedPackage] = []
    ) {
        let parents = DependencyParents(catalogue)
        var byPackage: [String: (packages: [Int], findings: [VulnerabilityFinding])] = [:]
        var order: [String] = []
        for finding in report.findings {
            let package = packages[finding.package]
            // Binary packages of one source are upgraded together.
            let source = package.isOfDistribution ? package.sources.first?.name ?? package.name : package.name
            let key =
                "\(package.type) \(source) \(package.isOfDistribution ? package.sources.first?.version ?? package.version : package.version)"
            if byPackage[key] == nil { order.append(key) }
            byPackage[key, default: ([], [])].findings.append(finding)
            if byPackage[key]?.packages.contains(finding.package) == false {
                byPackage[key]?.packages.append(finding.package)
            }
        }
        var upgrades: [Upgrade] = []
        for key in order.sorted() {
            guard let group = byPackage[key], let first = group.packages.first,
                var upgrade = Self.upgrade(group.packages, packages[first], group.findings, packages, matcher)
            else { continue }
            upgrade.through = parents.bringing(group.packages)
            upgrades.append(upgrade)
        }
        self.upgrades = upgrades
        unfixable = report.findings.count { $0.fixes.isEmpty }
    }

    private static func upgrade(
        _ indexes: [Int], _ package: SoftwarePackage, _ findings: [VulnerabilityFinding], _ all: [SoftwarePackage],
        _ matcher: PackageMatcher
    ) -> Upgrade? {
        let fixable = Set(findings.filter { !$0.fixes.isEmpty }.map(\.id))
        guard !fixable.isEmpty, let scheme = matcher.places(package).first?.scheme else { return nil }
        let before = Set(findings.map(\.id))
        var candidates = Array(Set(findings.flatMap(\.fixes)))
        candidates.sort { scheme.order($0, $1) < 0 }
        var best: (version: String, left: Set<String>)?
        for candidate in candidates {
            var next = package
            next.version = candidate
            next.sources = next.sources.map { .init(name: $0.name) }
            let left = Set(matcher.match([next]).findings.map(\.id))
            let closesMore = best.map { left.intersection(fixable).count < $0.left.intersection(fixable).count } ?? true
            if closesMore { best = (candidate, left) }
            if left.isDisjoint(with: fixable) { break }
        }
        guard let best, !fixable.subtracting(best.left).isEmpty else { return nil }
        return Upgrade(
            packages: indexes.sorted(), name: package.name, from: package.version, to: best.version,
            closes: before.subtracting(best.left).sorted(), leaves: before.intersection(best.left).sorted(),
            opens: best.left.subtracting(before).sorted(), command: command(indexes.map { all[$0] }, best.version))
    }

    /// What a person types; binaries of one source in one command.
    private static func command(_ packages: [SoftwarePackage], _ version: String) -> String {
        let names = Array(Set(packages.map(\.name))).sorted()
        let name = names.first ?? ""
        func each(_ separator: String) -> String { names.map { "\($0)\(separator)\(version)" }.joined(separator: " ") }
        switch packages.first?.type {
        case "deb": return "apt-get install --only-upgrade \(names.joined(separator: " "))"
        case "apk": return "apk add --upgrade " + names.map { "'\($0)>=\(version)'" }.joined(separator: " ")
        case "rpm": return "dnf upgrade \(names.joined(separator: " "))"
        case "npm": return "npm install \(each("@"))"
        case "pypi": return "pip install --upgrade " + names.map { "'\($0)>=\(version)'" }.joined(separator: " ")
        case "golang": return name == "stdlib" ? "build with go\(version)" : "go get \(each("@v"))"
        case "gem": return "bundle update \(names.joined(separator: " "))  # >= \(version)"
        case "cargo": return "cargo update -p \(name) --precise \(version)"
        case "composer": return "composer require \(each(":^"))"
        case "maven": return "set \(name) to \(version) in pom.xml"
        case "nuget": return "dotnet add package \(name) --version \(version)"
        default: return "upgrade \(name) to \(version)"
        }
    }
}
