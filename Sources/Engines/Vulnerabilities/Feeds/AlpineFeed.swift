import Documents

/// Alpine's secdb, which Wolfi, Chainguard, MinimOS and others copied, and the `secfixes` comments of aports.
enum AlpineFeed {
    static func readSecdb(_ node: Node, into collector: inout FeedCollector) {
        let packages = node["packages"].isArray ? node["packages"].elements.map { $0["pkg"] } : [node]
        let key = key(node)
        for package in packages {
            guard let name = package["name"].string ?? package["pkg"].string else { continue }
            add(name, package["secfixes"], key, &collector)
        }
    }

    private static func key(_ node: Node) -> EcosystemKey {
        let place =
            (node["urlprefix"].string ?? "") + " " + (node["apkurl"].string ?? "") + " "
            + (node["reponame"].string ?? "")
        // The files are alike; where they come from tells whose they are.
        for (mark, family) in [
            ("wolfi", "wolfi"), ("chainguard", "chainguard"), ("cgr.dev", "chainguard"), ("minim", "minimos"),
            ("mini.dev", "minimos"), ("secureos", "secureos"), ("cve0.io", "secureos"),
        ] where place.lowercased().contains(mark) {
            return EcosystemKey(family)
        }
        if let version = node["distroversion"].string {
            return EcosystemKey("alpine:\(version.hasPrefix("v") ? String(version.dropFirst()) : version)")
        }
        return EcosystemKey("alpine:edge")
    }

    static func readAports(_ node: Node, release: String, into collector: inout FeedCollector) {
        guard let name = node["pkg"].string else {
            collector.report("a record of aports without a package")
            return
        }
        add(name, node["secfixes"], EcosystemKey("alpine:\(release)"), &collector)
    }

    /// Version → ids that it fixes; version `0` means that the package never had it.
    private static func add(
        _ name: String, _ fixes: Node, _ key: EcosystemKey, _ collector: inout FeedCollector
    ) {
        for fix in fixes.members {
            for written in fix.value.strings {
                // `CVE-2019-1 (+ regression fix)`, `CVE-2020-1 GHSA-x`: several names of one thing.
                let ids = written.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
                    .filter { $0.contains("-") && $0.first?.isLetter == true }
                guard let id = ids.first else { continue }
                var advisory = Advisory(id)
                advisory.aliases = Array(ids.dropFirst())
                var package = AffectedPackage(key, name)
                if fix.key == "0" {
                    package.status = .notAffected
                    package.note = "never affected"
                } else {
                    package.fix(in: fix.key)
                }
                advisory.affected = [package]
                collector.add(advisory)
            }
        }
    }
}

/// Wolfi's own advisory files: events, of which the last decides.
enum WolfiFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let name = node["package"]["name"].string else {
            collector.report("a Wolfi record without a package")
            return
        }
        for item in node["advisories"].elements {
            guard let id = item["id"].string else { continue }
            var advisory = Advisory(id)
            advisory.aliases = item["aliases"].strings
            let events = item["events"].elements.map { ($0["timestamp"].string ?? "", $0) }.sorted { $0.0 < $1.0 }
            advisory.published = events.first.flatMap { CivilDate($0.0) }
            advisory.modified = events.last.flatMap { CivilDate($0.0) }
            var package = AffectedPackage(EcosystemKey("wolfi"), name)
            package.affectsAll()
            package.status = .underInvestigation
            for (time, event) in events {
                let data = event["data"]
                switch event["type"].string {
                case "fixed":
                    let version = data["fixed-version"].string ?? "0"
                    package.status = .affected
                    package.fix(in: version)
                    package.fixed = CivilDate(time)
                case "false-positive-determination":
                    package.status = .notAffected
                    package.ranges = []
                    package.fixes = []
                    package.note = data["note"].string ?? data["type"].string ?? ""
                case "true-positive-determination":
                    // Says that it is real; a fix that was told before stays.
                    if package.fixes.isEmpty {
                        package.status = .affected
                        package.affectsAll()
                    }
                case "pending-upstream-fix":
                    package.status = .deferred
                    package.affectsAll()
                    package.fixes = []
                    package.note = FeedReader.summary(data["note"].string ?? "")
                case "fix-not-planned":
                    package.status = .willNotFix
                    package.affectsAll()
                    package.fixes = []
                    package.note = FeedReader.summary(data["note"].string ?? "")
                default: continue
                }
            }
            advisory.affected = [package]
            collector.add(advisory)
        }
    }
}
