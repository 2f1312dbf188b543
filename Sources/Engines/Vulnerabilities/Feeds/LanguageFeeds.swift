import Documents

/// RustSec's advisory-db.
///
/// Informational advisories (unmaintained, notice) are no vulnerabilities; `unsound` ones are kept with their note.
enum RustSecFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        let head = node["advisory"]
        guard let id = head["id"].string, let name = head["package"].string else {
            collector.report("a RustSec record without an id or a package")
            return
        }
        guard node["collection"].isNull || node["collection"].equals("crates") else { return }
        let kind = head["informational"].string
        guard kind == nil || kind == "unsound" else { return }
        var advisory = Advisory(id)
        advisory.aliases = head["aliases"].strings
        advisory.published = head["date"].string.flatMap { CivilDate($0) }
        advisory.withdrawn = head["withdrawn"].string.flatMap { CivilDate($0) }
        advisory.summary = head["title"].string ?? FeedReader.summary(node["text"].string ?? "")
        advisory.vectors = head["cvss"].string.map { [$0] }?.filter { CVSS($0) != nil } ?? []
        var package = AffectedPackage(EcosystemKey("cargo"), name)
        package.affectsAll()
        package.note = kind ?? ""
        for requirement in node["versions"]["patched"].strings + node["versions"]["unaffected"].strings {
            package.unaffected.append(CargoRequirement.bounds(requirement))
        }
        package.fixes = node["versions"]["patched"].strings.compactMap { CargoRequirement.bounds($0).first?.version }
        advisory.affected = [package]
        collector.add(advisory)
    }
}

/// `>= 1.2, < 2`, `^1.2.3`: the requirements of Cargo.
package enum CargoRequirement {
    package static func bounds(_ text: String) -> VersionBounds {
        text.split(separator: ",").flatMap { part -> VersionBounds in
            let clause = part.trimmed
            guard clause.hasPrefix("^") || clause.hasPrefix("~") else { return [VersionConstraint(clause)] }
            // npm's caret and tilde mean the same; the `-0` of its upper end is kept out of the text.
            let range = NPMRange(clause.replacing(" ", with: ""))?.alternatives.first ?? []
            return range.map { comparator in
                var version = comparator.version
                if version.hasSuffix("-0") { version.removeLast(2) }
                return VersionConstraint(.init(rawValue: comparator.comparison) ?? .equal, version)
            }
        }
    }
}

/// ruby-advisory-db.
enum RubySecFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let name = node["gem"].string else {
            // Advisories of Ruby itself and of RubyGems name an engine or a library.
            guard node["engine"].exists || node["library"].exists || node["type"].exists || !node["url"].exists else {
                collector.report("a ruby-advisory-db record without a gem")
                return
            }
            return
        }
        let cve = node["cve"].text.map { $0.hasPrefix("CVE-") ? $0 : "CVE-\($0)" }
        let ghsa = node["ghsa"].text.map { $0.hasPrefix("GHSA-") ? $0 : "GHSA-\($0)" }
        let osvdb = node["osvdb"].text.map { "OSVDB-\($0)" }
        let ids = [cve, ghsa, osvdb].compactMap(\.self)
        let path = node["_path"].string ?? ""
        guard let id = ids.first ?? path.split(separator: "/").last.map({ String($0.prefix { $0 != "." }) }) else {
            return
        }
        var advisory = Advisory(id)
        advisory.aliases = Array(ids.dropFirst())
        advisory.summary = node["title"].string ?? ""
        advisory.published = node["date"].string.flatMap { CivilDate($0) }
        if let score = node["cvss_v4"].double ?? node["cvss_v3"].double {
            advisory.severity = Severity(score: score)
        } else if let score = node["cvss_v2"].double {
            advisory.severity = Severity(score: score, isSecondVersion: true)
        }
        var package = AffectedPackage(EcosystemKey("gem"), name)
        package.affectsAll()
        for text in node["patched_versions"].strings + node["unaffected_versions"].strings {
            if let requirement = RubyRequirement(text) { package.unaffected.append(requirement.constraints) }
        }
        package.fixes = node["patched_versions"].strings.compactMap { RubyRequirement($0)?.constraints.first?.version }
        advisory.affected = [package]
        collector.add(advisory)
    }
}

/// FriendsOfPHP/security-advisories.
enum FriendsOfPHPFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let reference = node["reference"].string, reference.hasPrefix("composer://") else {
            collector.report("a FriendsOfPHP record without a composer reference")
            return
        }
        let name = String(reference.dropFirst("composer://".count))
        let path = node["_path"].string ?? name
        var advisory = Advisory(
            node["cve"].string ?? "FOP-" + path.replacing(".yaml", with: "").replacing("/", with: "-"))
        advisory.summary = node["title"].string ?? ""
        var package = AffectedPackage(EcosystemKey("composer"), name)
        for branch in node["branches"].members {
            let bounds = branch.value["versions"].strings.map { VersionConstraint($0) }
            guard !bounds.isEmpty else { continue }
            package.ranges.append(bounds)
            package.fixes += bounds.filter { $0.comparison == .less }.map(\.version)
            let time = branch.value["time"].string.flatMap { CivilDate($0) }
            if let time { package.fixed = package.fixed.map { max($0, time) } ?? time }
        }
        guard !package.ranges.isEmpty else { return }
        advisory.published = package.fixed
        advisory.affected = [package]
        collector.add(advisory)
    }
}

/// Retire.js: npm packages and the libraries that pages carry.
enum RetireJSFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let name = node["package"].string ?? node["npmname"].string ?? node["library"].string else {
            collector.report("a Retire.js record without a name")
            return
        }
        for (index, item) in node["vulnerabilities"].elements.enumerated() {
            let ids = item["identifiers"]
            let names = ids["CVE"].strings + (ids["githubID"].string.map { [$0] } ?? [])
            var advisory = Advisory(names.first ?? "RETIREJS-\(name)-\(index)")
            advisory.aliases = Array(names.dropFirst())
            advisory.summary = ids["summary"].string ?? ""
            advisory.severity = item["severity"].string.flatMap { Severity(word: $0) }
            var package = AffectedPackage(EcosystemKey("npm"), name)
            var bounds: VersionBounds = []
            if let start = item["atOrAbove"].string { bounds.append(VersionConstraint(.greaterOrEqual, start)) }
            if let end = item["below"].string {
                bounds.append(VersionConstraint(.less, end))
                package.fixes = [end]
            }
            package.ranges = [bounds]
            package.unaffected = item["excludes"].strings.map { [VersionConstraint(.equal, $0)] }
            advisory.affected = [package]
            collector.add(advisory)
        }
    }
}
