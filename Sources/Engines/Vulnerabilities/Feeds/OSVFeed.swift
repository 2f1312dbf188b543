import Documents

/// The common form of most feeds.
///
/// Standard: Open Source Vulnerability schema 1.7.
enum OSVFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let id = node["id"].string else {
            collector.report("an OSV record without an id")
            return
        }
        var advisory = Advisory(id)
        advisory.aliases = node["aliases"].strings
        advisory.upstream = node["upstream"].strings
        advisory.summary = node["summary"].string ?? FeedReader.summary(node["details"].string ?? "")
        advisory.published = node["published"].string.flatMap { CivilDate($0) }
        advisory.modified = node["modified"].string.flatMap { CivilDate($0) }
        advisory.withdrawn = node["withdrawn"].string.flatMap { CivilDate($0) }
        advisory.vectors = vectors(node["severity"])
        advisory.severity =
            word(node["database_specific"]["severity"]) ?? word(node["severity"])
            ?? severity(inSummary: advisory.summary)
        for affected in node["affected"].elements {
            for vector in vectors(affected["severity"]) where !advisory.vectors.contains(vector) {
                advisory.vectors.append(vector)
            }
            if let package = package(affected, id) { advisory.affected.append(package) }
        }
        for affected in node["affected"].elements { addBase(of: affected, to: &advisory) }
        // An errata of a distribution names the vulnerabilities it answers as related.
        if advisory.upstream.isEmpty, advisory.aliases.isEmpty,
            advisory.affected.first?.ecosystem.isDistribution == true
        {
            advisory.upstream = node["related"].strings.filter { $0.hasPrefix("CVE-") }
        }
        if advisory.upstream.isEmpty, advisory.aliases.isEmpty, id.contains("-CVE-"), let cve = id.range(of: "CVE-") {
            advisory.aliases = [String(id[cve.lowerBound...])]
        }
        if advisory.summary.contains("** DISPUTED **") || (node["details"].string ?? "").hasPrefix("** DISPUTED") {
            advisory.isDisputed = true
        }
        collector.add(advisory)
    }

    /// What Ubuntu's record only says of the paid track of a release holds for the release itself: who has no
    /// subscription runs the same package, and only the paid archive has the fix.
    private static func addBase(of node: Node, to advisory: inout Advisory) {
        let parts = (node["package"]["ecosystem"].string ?? "").split(separator: ":")
        guard parts.count > 2, parts[0] == "Ubuntu", parts[1] == "Pro", parts[2].first?.isNumber == true else { return }
        let paid = EcosystemKey("ubuntu:\(parts[2])+esm")
        let base = EcosystemKey("ubuntu:\(parts[2])")
        let name = node["package"]["name"].string
        guard !advisory.affected.contains(where: { $0.ecosystem == base && $0.name == name }),
            var package = advisory.affected.first(where: { $0.ecosystem == paid && $0.name == name })
        else { return }
        package.ecosystem = base
        if !package.fixes.isEmpty { package.note = "fixed in ESM" }
        advisory.affected.append(package)
    }

    private static func vectors(_ node: Node) -> [String] {
        node.elements.compactMap { $0["score"].string }.filter { CVSS($0) != nil }
    }

    private static func word(_ node: Node) -> Severity? {
        if node.isArray { return node.elements.compactMap { $0["score"].string.flatMap { Severity(word: $0) } }.first }
        return node.string.flatMap { Severity(word: $0) }
    }

    /// AlmaLinux and Rocky begin their summaries with Red Hat's word: `Important: httpd security update`.
    private static func severity(inSummary summary: String) -> Severity? {
        summary.firstIndex(of: ":").flatMap { Severity(word: summary[..<$0]) }
    }

    private static func package(_ node: Node, _ id: String) -> AffectedPackage? {
        guard let ecosystem = node["package"]["ecosystem"].string.flatMap({ EcosystemKey(osv: $0) }),
            let name = node["package"]["name"].string
        else { return nil }
        var out = AffectedPackage(ecosystem, name)
        for range in node["ranges"].elements where !range["type"].equals("GIT") { add(range["events"], to: &out) }
        let scheme = ecosystem.scheme
        let ranges = out.ranges
        // Versions that the ranges hold already need not be listed again.
        out.versions = node["versions"].strings.filter { version in
            !ranges.contains { $0.allSatisfy { $0.holds(for: version, scheme) } }
        }
        guard !out.ranges.isEmpty || !out.versions.isEmpty else { return nil }
        out.module = node["ecosystem_specific"]["rpm_modularity"].string ?? module(out.fixes)
        if let arch = node["package"]["purl"].string.flatMap({ try? PackageURL($0) })?["arch"] {
            out.architectures = [arch]
        }
        out.severity = word(node["ecosystem_specific"]["severity"])
        return out
    }

    /// `…module_el8…` in a fix says that the package is one of a module, not which stream.
    private static func module(_ fixes: [String]) -> String? {
        fixes.contains { $0.contains(".module_el") || $0.contains(".module+el") } ? "?" : nil
    }

    /// Events in the order of time make intervals.
    private static func add(_ events: Node, to package: inout AffectedPackage) {
        var start: String?
        var isOpen = false
        func bounds(_ end: VersionConstraint?) -> VersionBounds {
            (start.map { $0 == "0" ? [] : [VersionConstraint(.greaterOrEqual, $0)] } ?? []) + (end.map { [$0] } ?? [])
        }
        for event in events.elements {
            if let introduced = event["introduced"].text {
                if isOpen { package.ranges.append(bounds(nil)) }
                start = introduced
                isOpen = true
            } else if let fixed = event["fixed"].text {
                package.ranges.append(bounds(VersionConstraint(.less, fixed)))
                package.fixes.append(fixed)
                isOpen = false
                start = nil
            } else if let last = event["last_affected"].text {
                package.ranges.append(bounds(VersionConstraint(.lessOrEqual, last)))
                isOpen = false
                start = nil
            } else if let limit = event["limit"].text, limit != "*" {
                package.ranges.append(bounds(VersionConstraint(.less, limit)))
                isOpen = false
                start = nil
            }
        }
        if isOpen { package.ranges.append(bounds(nil)) }
    }
}
