import Testing
import Vulnerabilities

/// Feeds of distributions that are not OSV: what each of their forms makes of a package.
@Suite struct DistributionFeedTests {
    private func read(_ format: FeedFormat, _ text: String) throws -> (AdvisoryDatabase, [String]) {
        var collector = FeedCollector()
        FeedReader.read(Array(text.utf8), as: format, FeedContext(fileName: "test"), into: &collector)
        let problems = collector.problems
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: CivilDate("2026-11-01"))))
        return (try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" })), problems)
    }

    private func isFound(
        _ database: AdvisoryDatabase, _ distribution: Distribution, _ type: String, _ name: String, _ version: String,
        source: String? = nil
    ) -> Bool {
        var package = SoftwarePackage(type: type, name: name, version: version)
        package.sources = source.map { [SoftwarePackage.Source(name: $0)] } ?? []
        return !PackageMatcher(database, distribution: distribution).match([package]).findings.isEmpty
    }

    @Test func arch() throws {
        let (database, problems) = try read(
            .arch,
            """
            [{"name":"AVG-1","packages":["curl"],"affected":"8.4.0-1","fixed":"8.5.0-1","severity":"High","status":"Fixed",
            "issues":["CVE-2024-1234"]},{"name":"AVG-2","packages":["pam"],"fixed":null,"status":"Vulnerable","issues":[]},
            {"name":"AVG-3","packages":["bash"],"fixed":null,"status":"Not affected","issues":[]}]
            """)
        let arch = Distribution(id: "arch", version: "")
        #expect(problems.isEmpty)
        #expect(isFound(database, arch, "alpm", "curl", "8.4.0-1"))
        #expect(!isFound(database, arch, "alpm", "curl", "8.5.0-1"))
        #expect(isFound(database, arch, "alpm", "pam", "1.7.0-2"))
        #expect(!isFound(database, arch, "alpm", "bash", "5-1"))
    }

    @Test func fedoraNamesSourcesAndIsFoundByTheirBinaries() throws {
        let (database, problems) = try read(
            .fedora,
            """
            {"alias":"FEDORA-2025-1","title":"libxml2","severity":"medium","notes":"",
            "release":{"name":"F40","version":"40","id_prefix":"FEDORA"},
            "bugs":[{"security":true,"title":"CVE-2024-56171 libxml2: use after free"},{"security":false,"title":"x"}],
            "builds":[{"nvr":"libxml2-2.12.10-1.fc40","type":"rpm","epoch":null}]}
            """)
        let fedora = Distribution(id: "fedora", version: "40")
        #expect(problems.isEmpty)
        #expect(isFound(database, fedora, "rpm", "libxml2-devel", "2.12.9-1.fc40", source: "libxml2"))
        #expect(!isFound(database, fedora, "rpm", "libxml2-devel", "2.12.10-1.fc40", source: "libxml2"))
        #expect(!isFound(database, Distribution(id: "fedora", version: "41"), "rpm", "libxml2", "2.12.9-1.fc41"))
        #expect(try read(.fedora, #"{"alias":"X","release":{"name":"?","version":"1"}}"#).1.count == 1)
    }

    @Test func amazonsPagesAreReadForTheirPackages() throws {
        let page = """
            <html><head><title>ALAS2023-2023-126</title></head><div id='severity'><b>Severity:</b> Important<br /></div>
            <div id='references'><a>CVE-2022-3787&nbsp;</a></div>
            <div id='new_packages'><b>New Packages:</b><pre>aarch64:<br />&nbsp;&nbsp; kpartx-0.8.7-16.amzn2023.0.1.aarch64<br />
            src:<br />&nbsp;&nbsp; multipath-0.8.7-16.amzn2023.0.1.src<br /></pre></div></html>
            """
        let (database, problems) = try read(.amazon, page)
        let amazon = Distribution(id: "amzn", version: "2023")
        #expect(problems.isEmpty)
        #expect(isFound(database, amazon, "rpm", "kpartx", "0.8.7-15.amzn2023.0.1"))
        #expect(!isFound(database, amazon, "rpm", "kpartx", "0.8.7-16.amzn2023.0.1"))
        #expect(!isFound(database, amazon, "rpm", "multipath", "0.8.7-15.amzn2023.0.1"))
        #expect(try read(.amazon, "<html>busy</html>").1.count == 1)
    }

    @Test func redHatsDataKnowsStates() throws {
        let (database, problems) = try read(
            .redHatData,
            """
            {"name":"CVE-2022-2309","threat_severity":"Moderate","affected_release":[{"advisory":"RHSA-2022:8226",
            "cpe":"cpe:/a:redhat:enterprise_linux:9","package":"python-lxml-0:4.6.5-3.el9"}],"package_state":[
            {"fix_state":"Will not fix","package_name":"python-lxml","cpe":"cpe:/o:redhat:enterprise_linux:7"},
            {"fix_state":"Not affected","package_name":"python-lxml","cpe":"cpe:/o:redhat:enterprise_linux:6"}]}
            """)
        #expect(problems.isEmpty)
        func isFound(_ release: String, _ version: String) -> Bool {
            self.isFound(
                database, Distribution(id: "rhel", version: release), "rpm", "python3-lxml", version,
                source: "python-lxml")
        }
        #expect(isFound("9.1", "4.6.5-2.el9"))
        #expect(!isFound("9.1", "4.6.5-3.el9"))
        #expect(isFound("7.9", "3.2.1-4.el7"))
        #expect(!isFound("6.10", "2.2.3-1.el6"))
    }

    @Test func secdbTellsByItsPlaceWhoseItIsAndMayBeYAML() throws {
        let yaml = """
            urlprefix: https://dl-cdn.alpinelinux.org/alpine
            distroversion: v3.15
            packages:
            - pkg:
                name: xz
                secfixes:
                  5.2.5-r1:
                  - CVE-2022-1271
            """
        let (alpine, problems) = try read(.alpineSecdb, yaml)
        #expect(problems.isEmpty)
        #expect(isFound(alpine, Distribution(id: "alpine", version: "3.15.4"), "apk", "xz", "5.2.5-r0"))
        #expect(!isFound(alpine, Distribution(id: "alpine", version: "3.15.4"), "apk", "xz", "5.2.5-r1"))
        let (secure, _) = try read(
            .alpineSecdb,
            #"{"urlprefix":"https://apk.cve0.io","distroversion":"v1","packages":[{"pkg":{"name":"a","secfixes":{"2":["CVE-2025-1"]}}}]}"#
        )
        #expect(isFound(secure, Distribution(id: "secureos", version: ""), "apk", "a", "1"))
    }

    @Test func echoAndDebiansListsAreRead() throws {
        let (echo, _) = try read(
            .echo, #"{"python":{"CVE-2018-25032":{"fixed_version":"3.7.14"},"CVE-2009-2940":{}}}"#)
        #expect(isFound(echo, Distribution(id: "echo", version: ""), "deb", "python", "3.7.14"))
        let (debian, problems) = try read(
            .debianListText,
            """
            [31 Jul 2025] DSA-5970-1 sope - security update
            \t{CVE-2025-53603}
            \t[bookworm] - sope 5.8.0-1+deb12u1
            [18 Apr 2018] DSA-4205-1 jessie end-of-life
            \tNOTE: end of security support for jessie
            """)
        #expect(problems.isEmpty)
        #expect(isFound(debian, Distribution(id: "debian", version: "12"), "deb", "sope", "5.8.0-1"))
        #expect(!isFound(debian, Distribution(id: "debian", version: "12"), "deb", "sope", "5.8.0-1+deb12u1"))
    }

    @Test func whatUbuntuOnlySaysOfThePaidTrackHoldsWithoutIt() throws {
        let (database, _) = try read(
            .osv,
            """
            {"id":"UBUNTU-CVE-2021-3782","affected":[{"package":{"ecosystem":"Ubuntu:Pro:16.04:LTS","name":"wayland"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.12.0-1~ubuntu16.04.3+esm1"}]}]}]}
            """)
        let ubuntu = Distribution(id: "ubuntu", version: "16.04")
        #expect(isFound(database, ubuntu, "deb", "libwayland-bin", "1.12.0-1~ubuntu16.04.3", source: "wayland"))
        #expect(!isFound(database, ubuntu, "deb", "libwayland-bin", "1.12.0-1~ubuntu16.04.3+esm1", source: "wayland"))
    }

    @Test func anyBytesAreReadWithoutATrap() {
        var seed: UInt64 = 3
        func next(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        let marks = [
            "<title>ALAS", "</title>", "id='new_packages'", "</pre>", "[1 Jan 2020] DSA-1", "{CVE-", "-", ".", "\n",
        ]
        for _ in 0..<300 {
            let text = (0..<next(30)).map { _ in marks[next(marks.count)] }.joined()
            for format in [FeedFormat.amazon, .debianListText, .alpineSecdb, .arch, .fedora, .redHatData] {
                var collector = FeedCollector()
                FeedReader.read(Array(text.utf8), as: format, FeedContext(fileName: "t"), into: &collector)
            }
        }
    }
}
