import Documents

/// Red Hat's security data API: what each product has to do with a CVE.
///
/// The CSAF documents say the same of binary packages; this form names source packages, and is what is left of CVEs
/// from before.
enum RedHatDataFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let id = node["name"].string else {
            collector.report("a record of Red Hat's security data without a name")
            return
        }
        var advisory = Advisory(id)
        advisory.severity = node["threat_severity"].string.flatMap { Severity(word: $0) }
        advisory.summary = FeedReader.summary(node["bugzilla"]["description"].string ?? node["details"][0].string ?? "")
        advisory.published = node["public_date"].string.flatMap { CivilDate($0) }
        for vector in [node["cvss3"]["cvss3_scoring_vector"].string, node["cvss"]["cvss_scoring_vector"].string] {
            if let vector, CVSS(vector) != nil { advisory.vectors.append(vector) }
        }
        for release in node["affected_release"].elements {
            guard let key = key(release["cpe"].string), let text = release["package"].string,
                var package = fixed(text, key)
            else { continue }
            package.errata = [release["advisory"].string].compactMap(\.self)
            package.fixed = release["release_date"].string.flatMap { CivilDate($0) }
            if !advisory.affected.contains(package) { advisory.affected.append(package) }
        }
        for state in node["package_state"].elements {
            guard let key = key(state["cpe"].string), let name = state["package_name"].string else { continue }
            // `python38:3.8/python-lxml` is a package of a module.
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            let isModular = parts.count == 2 && parts[0].contains(":")
            guard isModular || parts.count == 1 else { continue }
            var package = AffectedPackage(key, parts[parts.count - 1])
            package.module = isModular ? parts[0] : nil
            package.note = state["fix_state"].string ?? ""
            switch package.note {
            case "Not affected": package.status = .notAffected
            case "Will not fix": package.status = .willNotFix
            case "Fix deferred": package.status = .deferred
            case "Out of support scope": package.status = .endOfLife
            case "Under investigation", "New": package.status = .underInvestigation
            default: package.status = .affected
            }
            if package.status != .notAffected { package.affectsAll() }
            if !advisory.affected.contains(package) { advisory.affected.append(package) }
        }
        collector.add(advisory)
    }

    private static func key(_ cpe: String?) -> EcosystemKey? {
        guard let key = cpe.flatMap({ CSAFFeed.key(cpe: $0) }), key.family == "redhat" else { return nil }
        return key
    }

    /// `python3.9-0:3.9.18-3.el9_4.5`. A whole module stands there as one build, which names none of its packages.
    private static func fixed(_ text: String, _ key: EcosystemKey) -> AffectedPackage? {
        guard let found = RPMName(text, hasArchitecture: false), !found.name.contains(":"), !found.name.contains("/")
        else { return nil }
        var package = AffectedPackage(key, found.name)
        package.fix(in: found.version.contains(":") ? found.version : "0:\(found.version)")
        return package
    }
}
