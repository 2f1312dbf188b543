import Testing
import Vulnerabilities

/// Reads records of a feed and gives the database they make.
private func database(
    _ format: FeedFormat, _ text: String, release: String? = nil
) throws -> (database: AdvisoryDatabase, problems: [String]) {
    var collector = FeedCollector()
    FeedReader.read(
        Array(text.utf8), as: format, FeedContext(fileName: "test", release: release), into: &collector)
    let problems = collector.problems
    var builder = DatabaseBuilder()
    builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: CivilDate("2026-11-01"))))
    return (try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" })), problems)
}

private struct Case: CustomTestStringConvertible {
    var testDescription: String
    var format: FeedFormat
    var record: String
    var distribution: Distribution?
    var type: String
    var name: String
    var vulnerable: [String]
    var clear: [String]

    init(
        _ description: String, _ format: FeedFormat, _ record: String, _ distribution: Distribution? = nil,
        _ type: String,
        _ name: String, vulnerable: [String] = [], clear: [String] = []
    ) {
        testDescription = description
        self.format = format
        self.record = record
        self.distribution = distribution
        self.type = type
        self.name = name
        self.vulnerable = vulnerable
        self.clear = clear
    }
}

@Suite struct FeedTests {
    private static let cases: [Case] = [
        Case(
            "OSV: intervals between introduced and fixed", .osv,
            """
            {"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"A_b"},"ranges":[{"type":"ECOSYSTEM",
            "events":[{"introduced":"1.0"},{"fixed":"1.5"},{"introduced":"2.0"},{"last_affected":"2.2"}]}]}]}
            """, nil, "pypi", "a-b", vulnerable: ["1.0", "1.4", "2.2"], clear: ["0.9", "1.5", "2.3"]),
        Case(
            "Debian's tracker: fixed, open and never affected", .debianTracker,
            """
            {"curl":{"CVE-1-1":{"releases":{"bookworm":{"status":"resolved","fixed_version":"7.88-2"},
            "bullseye":{"status":"resolved","fixed_version":"0"}}}}}
            """, Distribution(id: "debian", version: "12"), "deb", "curl", vulnerable: ["7.88-1"], clear: ["7.88-2"]),
        Case(
            "DSA: one update for a suite", .debianLists,
            """
            {"id":"DSA-1-1","date":"29 Mar 2023","title":"t","cves":["CVE-1-1"],
            "entries":[{"suite":"bullseye","source":"curl","fixed":"7.74-1+deb11u7"}]}
            """, Distribution(id: "debian", version: "11"), "deb", "curl", vulnerable: ["7.74-1"],
            clear: ["7.74-1+deb11u7"]),
        Case(
            "Ubuntu: what was given up on stays vulnerable", .ubuntuTracker,
            #"{"id":"CVE-1-1","priority":"low","packages":{"curl":{"trusty":"ignored (end of standard support)"}}}"#,
            Distribution(id: "ubuntu", version: "14.04"), "deb", "curl", vulnerable: ["7.35.0-1"]),
        Case(
            "Ubuntu: the paid track says why it is not affected", .ubuntuTracker,
            """
            {"id":"CVE-1-1","priority":"low","packages":{"curl":{"trusty":"ignored (end of standard support)",
            "trusty/esm":"not-affected (code not present)"}}}
            """, Distribution(id: "ubuntu", version: "14.04"), "deb", "curl", clear: ["7.35.0-1"]),
        Case(
            "Ubuntu: the paid track's fix counts", .ubuntuTracker,
            """
            {"id":"CVE-1-1","priority":"low","packages":{"curl":{"trusty":"ignored (end of standard support)",
            "esm-infra/trusty":"released (7.35.0-1ubuntu2.20+esm3)"}}}
            """, Distribution(id: "ubuntu", version: "14.04"), "deb", "curl", vulnerable: ["7.35.0-1ubuntu2.20"],
            clear: ["7.35.0-1ubuntu2.20+esm3"]),
        Case(
            "secdb: version 0 means never", .alpineSecdb,
            """
            {"distroversion":"v3.18","reponame":"main","packages":[{"pkg":{"name":"zlib","secfixes":{
            "1.2.12-r0":["CVE-1-1"],"0":["CVE-1-2"]}}}]}
            """, Distribution(id: "alpine", version: "3.18.4"), "apk", "zlib", vulnerable: ["1.2.11-r3"],
            clear: ["1.2.12-r0"]),
        Case(
            "Wolfi: a false positive is no vulnerability", .wolfiAdvisories,
            """
            {"package":{"name":"git"},"advisories":[{"id":"CGA-1","aliases":["CVE-1-1"],"events":[
            {"timestamp":"2025-01-01 00:00:00+00:00","type":"detection"},
            {"timestamp":"2025-01-02 00:00:00+00:00","type":"false-positive-determination","data":{"type":"x"}}]}]}
            """, Distribution(id: "wolfi", version: ""), "apk", "git", clear: ["2.39.0-r0"]),
        Case(
            "RustSec: patched and unaffected", .rustsec,
            """
            {"advisory":{"id":"RUSTSEC-1","package":"a"},"versions":{"patched":["^1.2.3",">= 2.1"],"unaffected":["< 1.0"]}}
            """, nil, "cargo", "a", vulnerable: ["1.0.0", "1.2.2", "2.0.5"],
            clear: ["0.9.0", "1.2.3", "1.9.0", "2.1.0"]),
        Case(
            "ruby-advisory-db: the squiggly arrow", .rubysec,
            #"{"gem":"rack","cve":"2020-1","url":"x","patched_versions":["~> 2.1.4",">= 2.2.3"]}"#, nil, "gem", "rack",
            vulnerable: ["2.1.3", "2.2.0"], clear: ["2.1.4", "2.1.9", "2.2.3"]),
        Case(
            "FriendsOfPHP: branches", .friendsOfPHP,
            """
            {"title":"t","reference":"composer://a/B","branches":{"1.x":{"versions":["<1.2"]},
            "2.x":{"versions":[">=2.0","<2.3"]}}}
            """, nil, "composer", "a/b", vulnerable: ["1.1.0", "2.2.0"], clear: ["1.2.0", "2.3.0"]),
        Case(
            "CSAF: a product of a platform, fixed in a build", .csaf,
            """
            {"document":{"csaf_version":"2.0","title":"t"},"product_tree":{"branches":[
            {"product":{"name":"a","product_id":"a-1.x86_64","product_identification_helper":
            {"purl":"pkg:rpm/redhat/a@1.0-2.el9?arch=x86_64"}}},
            {"product":{"name":"RHEL 9","product_id":"BaseOS-9","product_identification_helper":
            {"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}}],
            "relationships":[{"full_product_name":{"product_id":"BaseOS-9:a-1.x86_64"},
            "product_reference":"a-1.x86_64","relates_to_product_reference":"BaseOS-9"}]},
            "vulnerabilities":[{"cve":"CVE-1-1","product_status":{"fixed":["BaseOS-9:a-1.x86_64"]}}]}
            """, Distribution(id: "rhel", version: "9.2"), "rpm", "a", vulnerable: ["1.0-1.el9"], clear: ["1.0-2.el9"]),
    ]

    @Test(arguments: cases)
    private func `a record says which versions are vulnerable`(_ test: Case) throws {
        let (database, problems) = try database(test.format, test.record.replacing("\n", with: ""))
        #expect(problems.isEmpty)
        let matcher = PackageMatcher(database, distribution: test.distribution)
        for version in test.vulnerable {
            let package = SoftwarePackage(type: test.type, name: test.name, version: version)
            #expect(!matcher.match([package]).findings.isEmpty, "\(version) is vulnerable")
        }
        for version in test.clear {
            let package = SoftwarePackage(type: test.type, name: test.name, version: version)
            #expect(matcher.match([package]).findings.isEmpty, "\(version) is not")
        }
    }

    @Test func `facts of several catalogues come together by the CVE`() throws {
        var collector = FeedCollector()
        let texts: [(FeedFormat, String)] = [
            (.kev, #"{"cveID":"CVE-1-1","dateAdded":"2026-08-07","knownRansomwareCampaignUse":"Known"}"#),
            (.epss, "#model_version:v1,score_date:2025-02-20T00:00:00+0000\ncve,epss,percentile\nCVE-1-1,0.25,0.9\n"),
            (
                .vulnrichment,
                #"{"id":"CVE-1-1","ssvc":{"exploitation":"active","automatable":"yes","technical_impact":"total"}}"#
            ),
        ]
        for (format, text) in texts {
            FeedReader.read(Array(text.utf8), as: format, FeedContext(fileName: "t"), into: &collector)
        }
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: nil)))
        let facts = try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" })).facts("CVE-1-1")
        #expect(facts.exploited == .init(added: CivilDate(year: 2026, month: 8, day: 7), isUsedByRansomware: true))
        #expect(facts.prediction == .init(score: 0.25, percentile: 0.9))
        #expect(facts.decision?.exploitation == "active")
    }

    @Test func `a header that is none is told`() throws {
        #expect(try database(.epss, "a,b,c\n1,2,3\n").problems.count == 1)
    }

    @Test func `a release whose support has ended is assessed by nobody`() throws {
        var collector = FeedCollector()
        let texts: [(FeedFormat, String)] = [
            (.endOfLife, #"{"product":"debian","releases":[{"releaseCycle":"10","eol":"2022-09-10"}]}"#),
            (
                .debianTracker,
                #"{"curl":{"CVE-1-1":{"releases":{"buster":{"status":"resolved","fixed_version":"7.64-4"}}}}}"#
            ),
        ]
        for (format, text) in texts {
            FeedReader.read(Array(text.utf8), as: format, FeedContext(fileName: "t"), into: &collector)
        }
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: nil)))
        let database = try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" }))
        let matcher = PackageMatcher(
            database, distribution: Distribution(id: "debian", version: "10"),
            policy: MatchPolicy(today: CivilDate("2026-11-23")))
        let report = matcher.match([SoftwarePackage(type: "deb", name: "curl", version: "7.64-4")])
        #expect(report.isEndOfLife)
        #expect(report.findings.isEmpty)
        #expect(!report.isClean)
    }
}
