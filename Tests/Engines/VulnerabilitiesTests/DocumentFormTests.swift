import Testing
import Vulnerabilities

@Suite struct DocumentFormTests {
    private static let bill = """
        {"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"type":"operating-system","name":"debian","version":"12"},
        {"type":"library","bom-ref":"a","name":"libssl3","version":"3.0.9-1",
        "purl":"pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&upstream=openssl"}]}
        """

    @Test func `a bill tells the distribution and the source package`() throws {
        let bill = try BillOfMaterials(Array(Self.bill.utf8))
        #expect(bill.distribution == Distribution(id: "debian", version: "12"))
        #expect(bill.packages.map(\.sources) == [[.init(name: "openssl")]])
    }

    @Test(arguments: [
        #"{"bomFormat":"Other","specVersion":"1.6"}"#, #"{"bomFormat":"CycloneDX","specVersion":"9.9"}"#,
        #"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"no type"}]}"#, "{", "", "<bom",
        "<!DOCTYPE a>",
    ])
    func `what is no bill is refused`(_ text: String) {
        #expect(throws: BillError.self) { try BillOfMaterials(Array(text.utf8)) }
    }

    @Test func `a statement that matches nothing names the nearest package`() throws {
        let vex = """
            {"@context":"https://openvex.dev/ns/v0.2.0","author":"a","statements":[
            {"vulnerability":{"name":"CVE-1-1"},"products":[{"@id":"pkg:npm/lodahs@4.0.0"}],
            "status":"not_affected","justification":"component_not_present"}]}
            """
        var package = SoftwarePackage(try PackageURL("pkg:npm/lodash@4.0.0"))
        package.reference = "x"
        let document = try VEXDocument(Array(vex.utf8), name: "a.json")
        #expect(document.problems.isEmpty)
        let strays = VEXFilter([document]).apply(to: [], of: [package]).strays
        #expect(strays.first?.message.contains("did you mean pkg:npm/lodash@4.0.0") == true)
    }

    @Test(arguments: [
        ("pkg:npm/a@1", "pkg:npm/a@1", true), ("pkg:npm/a", "pkg:npm/a@1", true), ("pkg:npm/a@2", "pkg:npm/a@1", false),
        ("pkg:deb/debian/a@1?arch=amd64", "pkg:deb/debian/a@1?arch=arm64", false),
    ])
    func `a product without a version means all`(_ wanted: String, _ own: String, _ expected: Bool) throws {
        let vex = """
            {"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"vulnerability":{"name":"CVE-1-1"},
            "products":[{"@id":"\(wanted)"}],"status":"fixed"}]}
            """
        var collector = FeedCollector()
        var advisory = Advisory("CVE-1-1")
        for key in ["npm", "debian:12"] {
            var affected = AffectedPackage(EcosystemKey(key), "a")
            affected.affectsAll()
            advisory.affected.append(affected)
        }
        collector.add(advisory)
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: "t", title: "", source: "", date: nil)))
        let database = try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" }))
        let packages = [SoftwarePackage(try PackageURL(own))]
        let matcher = PackageMatcher(database, distribution: Distribution(id: "debian", version: "12"))
        let findings = matcher.match(packages).findings
        #expect(findings.count == 1)
        let decisions = VEXFilter([try VEXDocument(Array(vex.utf8), name: "")]).apply(to: findings, of: packages)
            .decisions
        #expect(decisions.map(\.isSuppressed) == [expected])
    }

    /// Readers of outside bytes: no text, however broken, may trap.
    @Test func `broken texts are refused quietly`() {
        let seeds = [
            Self.bill, "SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n",
            "<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"><components/></bom>",
            "Registry,Repository\n\"a\"\"b\",c\n", #"{"matches":[{"vulnerability":{"id":"CVE-1"}}],"descriptor":{}}"#,
        ]
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for seed in seeds {
            for _ in 0..<400 {
                var bytes = Array(seed.utf8)
                for _ in 0..<(1 + random(4)) { bytes[random(bytes.count)] = UInt8(random(256)) }
                bytes = Array(bytes.prefix(random(bytes.count) + 1))
                _ = try? BillOfMaterials(bytes)
                _ = try? ScannerReport(bytes)
                _ = try? VEXDocument(bytes, name: "")
                _ = try? PackageURL(String(decoding: bytes.prefix(40), as: UTF8.self))
                _ = try? VersRange(String(decoding: bytes.prefix(40), as: UTF8.self))
                _ = CVSS(String(decoding: bytes.prefix(60), as: UTF8.self))
            }
        }
    }

    @Test func `scanners are put side by side with the reason of a difference`() throws {
        let grype =
            #"{"matches":[{"vulnerability":{"id":"CVE-1-1"},"artifact":{"name":"a","version":"1"}}],"descriptor":{}}"#
        let trivy =
            #"{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1-2","PkgName":"a"}]}]}"#
        let consensus = Consensus([try ScannerReport(Array(grype.utf8)), try ScannerReport(Array(trivy.utf8))])
        #expect(consensus.agreed == 0)
        #expect(consensus.rows.first?.missedBy == ["Trivy"])
        #expect(consensus.rows.first?.why.contains("knows the package") == true)
    }
}
