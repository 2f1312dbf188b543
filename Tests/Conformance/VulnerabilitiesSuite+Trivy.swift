import AdvisoryStore
import Documents
import Foundation
import Vulnerabilities

/// Trivy's test database as advisories of ours, and its goldens as cases.
enum TrivyGoldens {
    static let file = ConformanceFile(name: "trivy-goldens/os", run: run)

    /// Buckets like `debian 10`, `npm::GitHub Security Advisory Npm`.
    private static func key(_ bucket: String) -> EcosystemKey? {
        let families = [
            "pip": "pypi", "npm": "npm", "go": "golang", "maven": "maven", "rubygems": "gem", "composer": "composer",
            "nuget": "nuget", "cargo": "cargo", "pub": "pub", "cocoapods": "cocoapods", "swift": "swift",
            "k8s": "kubernetes",
            "conan": "conan", "erlang": "hex", "bitnami": "bitnami",
        ]
        if let mark = bucket.range(of: "::") {
            return families[String(bucket[..<mark.lowerBound])].map { EcosystemKey($0) }
        }
        let words = bucket.split(separator: " ").map(String.init)
        guard let last = words.last else { return nil }
        switch words[0].lowercased() {
        case "debian", "ubuntu", "alpine": return Distribution(id: words[0], version: last).keys.last
        case "alma": return EcosystemKey("almalinux:\(last)")
        case "rocky": return EcosystemKey("rocky:\(last)")
        case "amazon": return EcosystemKey("amazon:\(last)")
        case "oracle": return EcosystemKey("oracle:\(last)")
        case "photon": return EcosystemKey("photon:\(last)")
        case "opensuse":
            return EcosystemKey(
                words.contains("Leap") || words.contains("leap") ? "opensuse-leap:\(last)" : "opensuse-tumbleweed")
        case "suse":
            return EcosystemKey(words.contains("Micro") ? "slem:\(last)" : "sles:\(last.replacing("-SP", with: "."))")
        default: return nil
        }
    }

    private static let statuses: [Int: AdvisoryStatus] = [
        1: .notAffected, 4: .underInvestigation, 5: .willNotFix, 6: .deferred, 7: .endOfLife,
    ]
    private static let severities: [Severity] = [.unknown, .low, .medium, .high, .critical]

    static func database(_ folder: ConformanceFolder) throws -> AdvisoryDatabase {
        var collector = FeedCollector()
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/trivy-goldens/db").sorted()
        where file.hasSuffix(".yaml") {
            for document in try folder.documents("trivy-goldens/db/\(file)").documents {
                for bucket in document.root.elements { read(bucket, &collector) }
            }
        }
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "trivy", title: "", source: "", date: nil)))
        return try AdvisoryDatabase(StoredBytes(builder.finish(built: nil, digest: AdvisoryStore.digest)))
    }

    private static func read(_ bucket: Node, _ collector: inout FeedCollector) {
        let name = bucket["bucket"].string ?? ""
        for package in bucket["pairs"].elements {
            for pair in package["pairs"].elements {
                guard let id = pair["key"].string else { continue }
                let product = package["bucket"].string ?? ""
                if name == "Red Hat" {
                    redHat(id, product, pair["value"], &collector)
                } else if let key = key(name) {
                    var advisory = Advisory(id)
                    advisory.affected = [affected(key, product, pair["value"])]
                    collector.add(advisory)
                }
            }
        }
    }

    private static func affected(_ key: EcosystemKey, _ name: String, _ value: Node) -> AffectedPackage {
        var out = AffectedPackage(key, name)
        if let status = value["Status"].int.flatMap({ statuses[$0] }) { out.status = status }
        if let severity = value["Severity"].double.map({ Int($0) }), severities.indices.contains(severity) {
            out.severity = severities[severity]
        }
        out.errata = value["VendorIDs"].strings
        if value["VulnerableVersions"].exists || value["PatchedVersions"].exists || value["UnaffectedVersions"].exists {
            func bounds(_ text: String) -> [VersionBounds] {
                if text.hasPrefix("[") || text.hasPrefix("(") {
                    return VersRange(native: text, scheme: "maven").map { [$0.constraints] } ?? []
                }
                return text.replacing("||", with: "|").split(separator: "|").map { part in
                    part.split(separator: ",").map { VersionConstraint($0) }
                }
            }
            out.ranges = value["VulnerableVersions"].exists ? value["VulnerableVersions"].strings.flatMap(bounds) : [[]]
            // A patched version is itself and, in Trivy, what its operator says.
            let patched = value["PatchedVersions"].strings.flatMap(bounds)
            out.fixes = value["PatchedVersions"].strings.map { text in
                bounds(text).first?.first?.version ?? text
            }
            if !value["VulnerableVersions"].exists { out.unaffected = patched }
            out.unaffected += value["UnaffectedVersions"].strings.flatMap(bounds)
        } else if let version = value["FixedVersion"].text, !version.isEmpty {
            out.fix(in: version)
        } else {
            out.affectsAll()
        }
        return out
    }

    /// Entries of content sets: 869 is `enterprise_linux:7::server`; what matters here is the major release.
    private static func redHat(_ id: String, _ name: String, _ value: Node, _ collector: inout FeedCollector) {
        for entry in value["Entries"].elements {
            let sets = Set(entry["Affected"].elements.compactMap(\.int))
            var releases: [String] = []
            if sets.contains(857) { releases.append("6") }
            if sets.contains(869) { releases.append("7") }
            if !sets.isDisjoint(with: [598, 601, 602, 735, 736]) { releases.append("8") }
            for release in releases {
                for vulnerability in entry["Cves"].elements {
                    var advisory = Advisory(vulnerability["ID"].string ?? id)
                    var package = AffectedPackage(EcosystemKey("redhat:\(release)"), name)
                    if let version = entry["FixedVersion"].string {
                        package.fix(in: version)
                        package.errata = [id]
                    } else {
                        package.affectsAll()
                    }
                    if let status = entry["Status"].int.flatMap({ statuses[$0] }) { package.status = status }
                    if let severity = vulnerability["Severity"].double.map({ Int($0) }),
                        severities.indices.contains(severity)
                    {
                        package.severity = severities[severity]
                    }
                    package.architectures = entry["Arches"].strings
                    advisory.affected = [package]
                    collector.add(advisory)
                }
            }
        }
    }

    private static func run(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let database = try database(folder)
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/trivy-goldens/os").sorted() {
            let input = try folder.json("trivy-goldens/os/\(name)/input.json")
            let flags = input["flags"]
            let os = input["os"]
            let distribution = os["Family"].string.map { Distribution(id: $0, version: os["Name"].string ?? "") }
            let matcher = PackageMatcher(database, distribution: distribution)
            let packages = input["packages"].elements.map { node -> SoftwarePackage in
                var package =
                    node["purl"].string.flatMap { try? PackageURL($0) }.map { SoftwarePackage($0) }
                    ?? SoftwarePackage(type: "", name: "", version: "")
                package.version = node["version"].string ?? ""
                if let source = node["source_name"].string { package.sources = [.init(name: source)] }
                return package
            }
            let minimum = Set(
                flags["severity"].strings + (flags["severity"].string?.split(separator: ",").map(String.init) ?? []))
            let ignored = Set(
                flags["ignore_ids"].strings + flags["ignore_cveids"].strings + flags["ignorefile_ids"].strings)
            func accepts(_ finding: VulnerabilityFinding, _ expected: [String: String]) -> Bool {
                if flags["ignore_unfixed"].bool == true, finding.fixes.isEmpty { return false }
                if finding.ids.contains(where: { ignored.contains($0) }) { return false }
                // Severities by NVD stand in another file of Trivy's; those the golden keeps are told by it.
                return minimum.isEmpty || expected[finding.id].map { minimum.contains($0) } ?? false
            }
            let golden = try folder.json("trivy-goldens/os/\(name)/expected.json")
            var severities: [String: String] = [:]
            for item in golden.elements { severities[item["id"].string ?? ""] = item["severity"].string }
            let found = matcher.match(packages).findings.filter { accepts($0, severities) }.map { finding in
                "\(finding.id) \(packages[finding.package].name) \(status(finding))"
            }.sorted()
            let expected = golden.elements.map { item in
                "\(item["id"].string ?? "") \(item["pkg"].string ?? "") \(item["status"].string?.replacing("_", with: " ") ?? "")"
            }.sorted()
            agreement.note(
                name, expected: Array(Set(expected)).sorted().joined(separator: ", "),
                found: Array(Set(found)).sorted().joined(separator: ", "))
        }
        return agreement
    }

    static let repositories = ConformanceFile(name: "trivy-goldens/repo.matching", run: runRepositories)

    private static let types = [
        "bun": "npm", "npm": "npm", "yarn": "npm", "pnpm": "npm", "cargo": "cargo", "cocoapods": "cocoapods",
        "composer": "composer", "gomod": "golang", "gradle": "maven", "pom": "maven", "jar": "maven", "nuget": "nuget",
        "packages-props": "nuget", "pip": "pypi", "pipenv": "pypi", "poetry": "pypi", "uv": "pypi", "pub": "pub",
        "conan": "conan", "swift": "swift", "bundler": "gem", "hex": "hex", "dotnet-core": "nuget",
    ]

    /// The packages that the golden lists give the findings that it lists; reading lock files is not asked here.
    private static func runRepositories(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let database = try database(folder)
        let matcher = PackageMatcher(database, distribution: nil)
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/trivy-goldens/repo").sorted() {
            guard let golden = try? folder.json("trivy-goldens/repo/\(name)/expected.json") else { continue }
            var packages: [SoftwarePackage] = []
            func add(_ type: Node, _ name: Node, _ version: Node) {
                let package = SoftwarePackage(
                    type: types[type.string ?? ""] ?? type.string ?? "", name: name.string ?? "",
                    version: version.string ?? "")
                if !packages.contains(package) { packages.append(package) }
            }
            for item in golden["packages"].elements { add(item["type"], item["name"], item["version"]) }
            for item in golden["vulnerabilities"].elements { add(item["type"], item["pkg"], item["installed"]) }
            let found = Set(
                matcher.match(packages).findings.map {
                    "\($0.id) \(packages[$0.package].name) \(packages[$0.package].version)"
                })
            let expected = Set(
                golden["vulnerabilities"].elements.map {
                    "\($0["id"].string ?? "") \($0["pkg"].string ?? "") \($0["installed"].string ?? "")"
                })
            // A VEX file that the case brings takes some away.
            let missing = expected.subtracting(found).sorted()
            let added = name.contains("VEX") ? [] : found.subtracting(expected).sorted()
            agreement.note(
                name,
                missing.isEmpty && added.isEmpty
                    ? nil : "misses \(missing.joined(separator: ", ")); adds \(added.joined(separator: ", "))")
        }
        return agreement
    }

    /// Trivy calls what has a fix `fixed`.
    private static func status(_ finding: VulnerabilityFinding) -> String {
        finding.status == .affected && !finding.fixes.isEmpty ? "fixed" : finding.status.name
    }
}
