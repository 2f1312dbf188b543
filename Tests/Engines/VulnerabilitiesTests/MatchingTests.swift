import Testing
import Vulnerabilities

/// A database of a few advisories.
private func database(_ advisories: [Advisory], facts: [VulnerabilityFacts] = []) throws -> AdvisoryDatabase {
    var collector = FeedCollector()
    for advisory in advisories { collector.add(advisory) }
    for fact in facts { collector.add(fact) }
    var builder = DatabaseBuilder()
    builder.add(
        collector.finish(FeedDescription(name: "test", title: "Test", source: "", date: CivilDate("2026-11-01"))))
    return try AdvisoryDatabase(StoredBytes(builder.finish(built: CivilDate("2026-11-23")) { "\($0.count)" }))
}

private func advisory(
    _ id: String, _ ecosystem: String, _ name: String, fixedIn version: String?, aliases: [String] = [],
    change: (inout AffectedPackage) -> Void = { _ in }
) -> Advisory {
    var advisory = Advisory(id)
    advisory.aliases = aliases
    var package = AffectedPackage(EcosystemKey(ecosystem), name)
    if let version { package.fix(in: version) } else { package.affectsAll() }
    change(&package)
    advisory.affected = [package]
    return advisory
}

private func package(_ type: String, _ name: String, _ version: String, source: String? = nil) -> SoftwarePackage {
    var package = SoftwarePackage(type: type, name: name, version: version)
    if let source { package.sources = [.init(name: source)] }
    return package
}

@Suite struct MatchingTests {
    @Test func `a package before the fix is vulnerable and one at the fix is not`() throws {
        let database = try database([advisory("CVE-1-1", "debian:12", "openssl", fixedIn: "3.0.11-1~deb12u2")])
        let matcher = PackageMatcher(database, distribution: Distribution(id: "debian", version: "12"))
        let report = matcher.match([
            package("deb", "libssl3", "3.0.9-1", source: "openssl"),
            package("deb", "libssl3", "3.0.11-1~deb12u2", source: "openssl"),
        ])
        #expect(report.findings.map(\.package) == [0])
        #expect(report.findings.first?.fixes == ["3.0.11-1~deb12u2"])
        #expect(report.findings.first?.proofs.first?.verdict.trace == ["3.0.9-1 < 3.0.11-1~deb12u2"])
    }

    @Test func `aliases of several sources make one finding with all names`() throws {
        let database = try database([
            advisory("GHSA-x", "pypi", "Django", fixedIn: "2.0", aliases: ["CVE-2-2"]),
            advisory("PYSEC-1", "pypi", "django", fixedIn: "2.0", aliases: ["CVE-2-2"]),
        ])
        let report = PackageMatcher(database, distribution: nil).match([package("pypi", "Django", "1.9")])
        #expect(report.findings.map(\.id) == ["CVE-2-2"])
        #expect(report.findings.first?.ids == ["CVE-2-2", "GHSA-x", "PYSEC-1"])
    }

    @Test func `an errata counts for each vulnerability it answers`() throws {
        var errata = advisory("ALSA-1", "almalinux:8", "httpd", fixedIn: "2.4.37-50.el8")
        errata.upstream = ["CVE-3-1", "CVE-3-2"]
        let matcher = PackageMatcher(
            try database([errata]), distribution: Distribution(id: "almalinux", version: "8.5"))
        let report = matcher.match([package("rpm", "httpd", "2.4.37-40.el8")])
        #expect(report.findings.map(\.id) == ["CVE-3-1", "CVE-3-2"])
        #expect(report.findings.allSatisfy { $0.errata == ["ALSA-1"] })
    }

    @Test func `a withdrawn advisory accuses nobody`() throws {
        var withdrawn = advisory("GHSA-y", "npm", "left-pad", fixedIn: nil)
        withdrawn.withdrawn = CivilDate("2024-01-01")
        let matcher = PackageMatcher(try database([withdrawn]), distribution: nil)
        #expect(matcher.match([package("npm", "left-pad", "1.0.0")]).findings.isEmpty)
        #expect(matcher.cleared(package("npm", "left-pad", "1.0.0")) == ["GHSA-y"])
    }

    @Test func `a module stream keeps other streams' fixes away`() throws {
        let matcher = PackageMatcher(
            try database([
                advisory("CVE-4-1", "redhat:8", "nodejs", fixedIn: "1:14.2-1.module+el8") { $0.module = "nodejs:14" }
            ]), distribution: Distribution(id: "rhel", version: "8.4"))
        var package = package("rpm", "nodejs", "1:12.1-1.module+el8")
        package.module = "nodejs:12:80:abc"
        #expect(matcher.match([package]).findings.isEmpty)
        package.module = "nodejs:14:80:abc"
        #expect(matcher.match([package]).findings.count == 1)
    }

    @Test func `an extended stream's fix counts for those entitled to it`() throws {
        let database = try database([
            advisory("CVE-5-1", "redhat:9", "kernel", fixedIn: "5.14.0-500.el9"),
            advisory("CVE-5-1", "redhat:9.4+eus", "kernel", fixedIn: "5.14.0-427.el9_4"),
        ])
        let packages = [package("rpm", "kernel", "5.14.0-430.el9_4")]
        let plain = PackageMatcher(database, distribution: Distribution(id: "rhel", version: "9.4"))
        let entitled = PackageMatcher(
            database, distribution: Distribution(id: "rhel", version: "9.4", streams: ["eus"]))
        #expect(plain.match(packages).findings.count == 1)
        #expect(entitled.match(packages).findings.isEmpty)
    }

    @Test(arguments: [
        (package("deb", "curl", "7"), nil as Distribution?, "the distribution is unknown"),
        (package("deb", "curl", "7"), Distribution(id: "debian", version: "99"), "no feed of the database"),
        (package("golang", "stdlib", "(devel)"), nil, "(devel)"),
        (package("npm", "x", "1"), nil, "no feed of the database"),
        (package("", "x", "1"), nil, "is unknown"),
    ])
    func `what cannot be assessed says why and is never clean`(
        _ package: SoftwarePackage, _ distribution: Distribution?, _ reason: String
    ) throws {
        let database = try database([advisory("CVE-6-1", "golang", "stdlib", fixedIn: "1.20")])
        let report = PackageMatcher(database, distribution: distribution).match([package])
        guard case .notAssessable(let why) = try #require(report.coverage.first) else {
            Issue.record("it counts as assessed")
            return
        }
        #expect(why.contains(reason))
        #expect(!report.isClean)
    }

    @Test func `a stale feed is no ground for clean`() throws {
        let database = try database([advisory("CVE-7-1", "npm", "x", fixedIn: "2.0.0")])
        let packages = [package("npm", "x", "2.0.0")]
        #expect(
            PackageMatcher(database, distribution: nil, policy: MatchPolicy(today: CivilDate("2026-11-10")))
                .match(packages).isClean)
        #expect(
            !PackageMatcher(database, distribution: nil, policy: MatchPolicy(today: CivilDate("2027-11-10")))
                .match(packages).isClean)
    }

    @Test func `an upgrade is the lowest version that leaves nothing fixable`() throws {
        let database = try database([
            advisory("CVE-8-1", "npm", "x", fixedIn: "1.2.0"), advisory("CVE-8-2", "npm", "x", fixedIn: "1.4.0"),
            advisory("CVE-8-3", "npm", "x", fixedIn: nil),
        ])
        let matcher = PackageMatcher(database, distribution: nil)
        let packages = [package("npm", "x", "1.0.0")]
        let remediation = Remediation(matcher.match(packages), packages, matcher)
        let upgrade = try #require(remediation.upgrades.first)
        #expect(upgrade.to == "1.4.0")
        #expect(upgrade.closes == ["CVE-8-1", "CVE-8-2"])
        #expect(upgrade.leaves == ["CVE-8-3"])
        #expect(remediation.unfixable == 1)
    }

    @Test func `what is exploited comes before what is only critical`() throws {
        var exploited = VulnerabilityFacts("CVE-9-1")
        exploited.exploited = .init(added: CivilDate(year: 2026, month: 1, day: 2))
        var facts = VulnerabilityFacts("CVE-9-2")
        facts.vectors = ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"]
        let database = try database(
            [
                advisory("CVE-9-1", "npm", "x", fixedIn: "2.0.0") { $0.severity = .low },
                advisory("CVE-9-2", "npm", "x", fixedIn: "2.0.0") { $0.severity = .critical },
            ], facts: [exploited, facts])
        let findings = PackageMatcher(database, distribution: nil).match([package("npm", "x", "1.0.0")]).findings
        let levels = findings.map { Priority($0, database, today: nil).level }
        #expect(levels == [.now, .soon])
        #expect(Priority(findings[1], database, today: nil).score == 9.8)
        let condition = try #require(FailCondition("kev+fixable"))
        #expect(findings.map { condition.holds(for: $0, Priority($0, database, today: nil)) } == [true, false])
    }

    @Test func `a new advisory finds the stored images that have the package`() throws {
        var index = InventoryIndex()
        let distribution = Distribution(id: "debian", version: "12")
        index.add("a", [package("deb", "libssl3", "3.0.9-1", source: "openssl")], distribution: distribution)
        index.add("b", [package("deb", "libssl3", "3.0.20-1", source: "openssl")], distribution: distribution)
        let hits = index.affected(by: advisory("CVE-10-1", "debian:12", "openssl", fixedIn: "3.0.11-1"))
        #expect(hits.map(\.inventory) == ["a"])
    }

    @Test func `a damaged database is refused and never read past its end`() throws {
        var collector = FeedCollector()
        collector.add(advisory("CVE-11-1", "npm", "x", fixedIn: "2.0.0"))
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: nil)))
        let whole = builder.finish(built: nil) { _ in "" }
        for length in stride(from: 0, to: whole.count, by: 7) {
            _ = try? AdvisoryDatabase(StoredBytes(Array(whole[..<length])))
        }
        // Any byte may be wrong: whatever is answered, nothing traps.
        for place in stride(from: 0, to: whole.count, by: 3) {
            var bytes = whole
            bytes[place] ^= 0xFF
            guard let database = try? AdvisoryDatabase(StoredBytes(bytes)) else { continue }
            _ = PackageMatcher(database, distribution: nil).match([package("npm", "x", "1.0.0")])
            _ = database.advisories(naming: "CVE-11-1")
        }
    }
}
