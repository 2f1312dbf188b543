import AdvisoryStore
import Documents
import Foundation
import Vulnerabilities

/// Scenarios of Grype's matchers: one package against some provider records (vunnel's schemas).
enum GrypeScenarios {
    static let file = ConformanceFile(name: "grype-matcher", run: run)

    private static func run(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let file = try folder.json("grype-matcher/scenarios.json")
        for scenario in file["scenarios"].elements {
            let records = try folder.lines("grype-matcher/fixtures/\(scenario["fixture"].string ?? "").jsonl")
            let wanted = scenario["only_records"].strings
            let database = try database(
                records.filter { record in
                    let id = (record["record"]["identifier"].string ?? "").lowercased()
                    return wanted.isEmpty
                        || wanted.contains { id == $0.lowercased() || id.hasSuffix("/" + $0.lowercased()) }
                        || record["provider"].equals("eol")
                })
            let node = scenario["package"]
            var policy = MatchPolicy(today: CivilDate("2026-05-01"))
            policy.staleAfter = 100_000
            policy.usesCPEsWhenEnded = scenario["matcher_config"].string?.contains("UseCPEsForEOL: true") ?? false
            let matcher = PackageMatcher(database, distribution: distribution(node, file["distros"]), policy: policy)
            let package = package(node)
            let findings = matcher.match([package]).findings
            let found = findings.map { $0.ids + $0.errata }
            let expected = scenario["expect"]["matches"].strings
            let missing = expected.filter { id in !found.contains { $0.contains(id) } }
            // One errata answers many: Grype, asked with one of its CVEs only, names that one.
            let updates = Set(findings.filter { !Set($0.ids).isDisjoint(with: expected) }.flatMap(\.errata))
            let added = found.filter { Set($0).isDisjoint(with: expected) && Set($0).isDisjoint(with: updates) }
            let cleared = Set(matcher.cleared(package))
            let ignored = scenario["expect"]["ignores"].elements.flatMap(\.strings)
                .filter { ["CVE-", "GHSA", "CGA-"].contains(String($0.prefix(4))) }
            let notCleared = ignored.filter { id in
                !expected.contains(id) && !cleared.contains(id)
            }
            var problems: [String] = []
            if !missing.isEmpty { problems.append("misses \(missing.joined(separator: " "))") }
            if !added.isEmpty { problems.append("adds \(added.joined().joined(separator: " "))") }
            if !notCleared.isEmpty { problems.append("says nothing of \(notCleared.joined(separator: " "))") }
            agreement.note(scenario["id"].string ?? "?", problems.isEmpty ? nil : problems.joined(separator: "; "))
        }
        return agreement
    }

    /// `distro.RedHat, "8", ""`, `newEUSDistro("9.4")`.
    private static func distribution(_ node: Node, _ table: Node) -> Distribution? {
        guard let text = node["distro"].string.flatMap({ table[$0].string }) ?? node["distro_expr"].string else {
            return nil
        }
        let version =
            text.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first.map(String.init) ?? ""
        if text.hasPrefix("newEUSDistro") { return Distribution(id: "rhel", version: version, streams: ["eus"]) }
        let names = [
            "RedHat": "rhel", "AlmaLinux": "almalinux", "SLES": "sles", "Debian": "debian", "Alpine": "alpine",
            "Wolfi": "wolfi", "Chainguard": "chainguard", "Hummingbird": "hummingbird", "RockyLinux": "rocky",
            "Ubuntu": "ubuntu", "CentOS": "centos", "OracleLinux": "ol", "AmazonLinux": "amzn", "Fedora": "fedora",
        ]
        let name = text.replacing("distro.New(", with: "").replacing("distro.", with: "").prefix { $0.isLetter }
        return Distribution(id: names[String(name)] ?? String(name), version: version)
    }

    private static func package(_ node: Node) -> SoftwarePackage {
        let types = [
            "ApkPkg": "apk", "DebPkg": "deb", "RpmPkg": "rpm", "PythonPkg": "pypi", "GemPkg": "gem",
            "BinaryPkg": "generic",
            "NpmPkg": "npm", "GoModulePkg": "golang", "JavaPkg": "maven",
        ]
        var package = SoftwarePackage(
            type: types[node["type"].string ?? ""] ?? "", name: node["name"].string ?? "",
            version: node["version"].string ?? "")
        package.architecture = node["arch"].string
        package.module = node["modularity_label"].string
        package.cpes = node["cpes"].strings.compactMap { CPE($0) }
        package.sources = node["upstreams"].elements.map { source in
            let version = source["version"].string ?? ""
            return .init(name: source["name"].string ?? "", version: version.isEmpty ? nil : version)
        }
        return package
    }

    private static func database(_ records: [Node]) throws -> AdvisoryDatabase {
        var parts: [String: FeedCollector] = [:]
        for record in records {
            let provider = record["provider"].string ?? ""
            var collector = parts[provider] ?? FeedCollector()
            let item = record["record"]["item"]
            let schema = record["record"]["schema"].string ?? ""
            if item["Vulnerability"].exists {
                collector.add(vulnerability(item["Vulnerability"]))
            } else if item["Advisory"].exists {
                collector.add(github(item["Advisory"]))
            } else {
                // The rest are the publishers' own forms, which our readers know.
                let format: FeedFormat? =
                    schema.contains("/osv/")
                    ? .osv
                    : schema.contains("/nvd/")
                        ? .nvd
                        : schema.contains("/eol/")
                            ? .endOfLife
                            : item["document"]["csaf_version"].exists ? .csaf : nil
                if let format {
                    var text = item.json()
                    if format == .endOfLife {
                        text = "{\"product\":\(item["product"].json()),\"releases\":[\(text)]}"
                    }
                    FeedReader.read(Array(text.utf8), as: format, FeedContext(fileName: provider), into: &collector)
                }
            }
            parts[provider] = collector
        }
        var builder = DatabaseBuilder()
        for (name, var collector) in parts.sorted(by: { $0.key < $1.key }) {
            builder.add(
                collector.finish(FeedDescription(name: name, title: "", source: "", date: CivilDate("2026-04-30"))))
        }
        return try AdvisoryDatabase(StoredBytes(builder.finish(built: nil, digest: AdvisoryStore.digest)))
    }

    /// vunnel's schema for distributions.
    private static func vulnerability(_ node: Node) -> Advisory {
        var advisory = Advisory(node["Name"].string ?? "")
        advisory.severity = node["Severity"].string.flatMap { Severity(word: $0) }
        for fix in node["FixedIn"].elements {
            let space = fix["NamespaceName"].string ?? ""
            let parts = space.split(separator: ":", maxSplits: 1).map(String.init)
            let key: EcosystemKey
            switch parts[0] {
            case "rhel": key = EcosystemKey("redhat:\(parts[1])")
            case "wolfi", "chainguard": key = EcosystemKey(parts[0])
            default: key = EcosystemKey(space)
            }
            var package = AffectedPackage(key, fix["Name"].string ?? "")
            let version = fix["Version"].string ?? "None"
            if version == "0" {
                package.status = .notAffected
            } else if version == "None" || version.isEmpty {
                package.affectsAll()
                if fix["VendorAdvisory"]["NoAdvisory"].bool == true { package.status = .willNotFix }
            } else {
                package.fix(in: version)
                package.errata = fix["VendorAdvisory"]["AdvisorySummary"].elements.compactMap { $0["ID"].string }
            }
            if let module = fix["Module"].string, !module.isEmpty { package.module = module }
            advisory.affected.append(package)
        }
        return advisory
    }

    private static func github(_ node: Node) -> Advisory {
        var advisory = Advisory(node["ghsaId"].string ?? "")
        advisory.aliases = node["CVE"].strings
        for fix in node["FixedIn"].elements {
            let types = [
                "gem": "gem", "python": "pypi", "npm": "npm", "go": "golang", "java": "maven", "composer": "composer",
            ]
            guard let type = types[fix["ecosystem"].string ?? ""] else { continue }
            var package = AffectedPackage(EcosystemKey(type), fix["name"].string ?? "")
            var bounds: VersionBounds = []
            // `>= 3.1 < 3.1.17`
            let words = (fix["range"].string ?? "").split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
            for pair in zip(words, words.dropFirst()) where "<>=".contains(pair.0.first ?? " ") {
                bounds.append(VersionConstraint("\(pair.0)\(pair.1)"))
            }
            package.ranges = [bounds]
            package.fixes = fix["identifier"].string.map { [$0] } ?? []
            advisory.affected.append(package)
        }
        return advisory
    }
}

/// The whole corpus as one database: everything is read, opened, verified, and built to the same bytes twice.
enum CorpusFigures {
    static let file = ConformanceFile(name: "advisories/corpus") { folder in
        var agreement = Agreement()
        let files = try AdvisoryStore.feeds(in: "\(folder.path)/advisories")
        let day = CivilDate("2026-11-23")
        var rows = 0
        var problems: [String] = []
        let bytes = try AdvisoryStore.build(files, built: day) { built in
            rows += built.advisories + built.facts
            problems += built.problems.map { "\(built.feed.name): \($0)" }
        }
        agreement.note("every record is read", problems.isEmpty ? nil : problems.prefix(5).joined(separator: "; "))
        let again = try AdvisoryStore.build(files, built: day)
        agreement.note("built twice it is the same", bytes == again ? nil : "the bytes differ")
        let database = try AdvisoryDatabase(StoredBytes(bytes))
        do throws(DatabaseError) {
            try AdvisoryStore.verify(database)
            agreement.note("its digests fit", nil)
        } catch {
            agreement.note("its digests fit", "\(error)")
        }
        agreement.note("it has at most 120 MB", bytes.count <= 120_000_000 ? nil : "\(bytes.count) bytes")
        agreement.note("every file is a feed", files.count == 20 ? nil : "\(files.count) of 20")
        return agreement
    }
}
