import Foundation
import Testing
import Vulnerabilities

@testable import ImageStore

@Suite struct ImageStoreTests {
    private let debian = Distribution(id: "debian", version: "12")
    private let day = Date(timeIntervalSince1970: 1_700_000_000)

    private func deb(_ name: String, _ version: String, source: String? = nil) -> SoftwarePackage {
        var package = SoftwarePackage(type: "deb", name: name, version: version)
        package.sources = source.map { [SoftwarePackage.Source(name: $0)] } ?? []
        package.location = "/var/lib/dpkg/status"
        package.layer = "sha256:aa"
        return package
    }

    private func image(_ digest: String, _ packages: [SoftwarePackage]) -> StoredImage {
        StoredImage(
            digest: digest, reference: "registry.example.org/\(digest)", distribution: debian, packages: packages,
            stored: day)
    }

    private func advisory(_ ecosystem: String, _ name: String, fixedIn version: String) -> Advisory {
        var advisory = Advisory("CVE-2030-1")
        var entry = AffectedPackage(EcosystemKey(ecosystem), name)
        entry.fix(in: version)
        advisory.affected = [entry]
        return advisory
    }

    @Test func anInventoryComesBackWhole() throws {
        let store = try ImageStore.inMemory()
        var jar = SoftwarePackage(type: "maven", name: "org.example:lib", version: "1.0")
        jar.purl = "pkg:maven/org.example/lib@1.0"
        jar.cpes = [CPE("cpe:2.3:a:example:lib:1.0:*:*:*:*:*:*:*")].compactMap(\.self)
        jar.owner = "libexample-java"
        jar.location = "/usr/share/java/lib.jar"
        var rpm = SoftwarePackage(type: "rpm", name: "httpd", version: "1:2.4-1")
        rpm.module = "httpd:2.4"
        rpm.architecture = "x86_64"
        let image = image("sha256:1", [deb("libssl3", "3.0.9-1", source: "openssl"), jar, rpm])
        try store.store(image)
        #expect(try store.image(digest: "sha256:1") == image)
        #expect(try store.image(digest: "sha256:2") == nil)
    }

    @Test func anAdvisoryFindsTheImagesByNameSourceAndVersion() throws {
        let store = try ImageStore.inMemory()
        try store.store([
            image("sha256:1", [deb("libssl3", "3.0.9-1", source: "openssl"), deb("bash", "5.2-1")]),
            image("sha256:2", [deb("libssl3", "3.0.20-1", source: "openssl")]),
            image("sha256:3", [deb("libssl3", "3.0.9-1", source: "openssl")]),
        ])
        let hits = try store.affected(by: advisory("debian:12", "openssl", fixedIn: "3.0.11-1"))
        #expect(hits.map(\.digest) == ["sha256:1", "sha256:3"])
        #expect(hits.first?.package == "libssl3")
        #expect(try store.affected(by: advisory("debian:11", "openssl", fixedIn: "3.0.11-1")).isEmpty)
        var withdrawn = advisory("debian:12", "openssl", fixedIn: "3.0.11-1")
        withdrawn.withdrawn = CivilDate("2030-01-01")
        #expect(try store.affected(by: withdrawn).isEmpty)
    }

    @Test func storingAgainReplacesAndRemovingForgets() throws {
        let store = try ImageStore.inMemory()
        try store.store(image("sha256:1", [deb("bash", "5.1-1")]))
        try store.store(image("sha256:1", [deb("bash", "5.2-1"), deb("dash", "1-1")]))
        #expect(try store.affected(by: advisory("debian:12", "bash", fixedIn: "5.2-1")).isEmpty)
        #expect(try store.counts().images == 1)
        #expect(try store.counts().holdings == 2)
        try store.remove(digest: "sha256:1")
        #expect(try store.affected(by: advisory("debian:12", "dash", fixedIn: "2-1")).isEmpty)
        #expect(try store.counts().images == 0)
    }

    @Test func aVerdictIsFoundByDigestAndGrowsOldWithTheDatabase() throws {
        let store = try ImageStore.inMemory()
        try store.store([image("sha256:1", []), image("sha256:2", []), image("sha256:3", [])])
        let items = [
            StoredVerdict.Item(
                id: "CVE-1", package: "a", version: "1", severity: .critical, fix: "2", isExploited: true),
            StoredVerdict.Item(id: "CVE-2", package: "b", version: "1", severity: .low),
        ]
        let verdict = StoredVerdict(digest: "sha256:1", database: "db1", decided: day, items: items, unassessed: 1)
        try store.store(verdict, items: items)
        let clean = StoredVerdict(digest: "sha256:2", database: "db2", decided: day, items: [], unassessed: 0)
        try store.store(clean, items: [])
        #expect(try store.verdict(digest: "sha256:1") == verdict)
        #expect(verdict.worst == .critical && verdict.fixable == 1 && verdict.exploited == 1 && !verdict.isClean)
        #expect(try store.items(digest: "sha256:1") == items)
        #expect(try store.verdict(digest: "sha256:2")?.isClean == true)
        #expect(try store.verdict(digest: "sha256:3") == nil)
        #expect(try store.needingRescan(since: "db2") == ["sha256:3", "sha256:1"])
    }

    @Test func theFileIsOpenedAgainAndADamagedOneIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "image-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "images.db").path
        try ImageStore.open(path: path).store(image("sha256:1", [deb("bash", "5.1-1")]))
        #expect(try ImageStore.open(path: path).digests() == ["sha256:1"])
        let broken = folder.appending(path: "broken.db").path
        try Data("this is no database, but a text of some length".utf8).write(to: URL(filePath: broken))
        #expect(throws: ImageStoreError.self) { try ImageStore.open(path: broken) }
    }

    @Test func whatAVerdictRestsOnComesBack() throws {
        let store = try ImageStore.inMemory()
        let items = [
            StoredVerdict.Item(
                id: "CVE-1", package: "a", version: "1", severity: .high, fix: "2", fixed: CivilDate("2030-02-03"),
                epss: 0.25)
        ]
        var verdict = StoredVerdict(digest: "sha256:1", database: "db", decided: day, items: items, unassessed: 0)
        verdict.details.endOfLife = "debian 9, since 2022-06-30"
        verdict.details.built = CivilDate("2026-01-02")
        verdict.details.bases = ["base:1", "sha256:b"]
        verdict.details.faults = ["image/root-user"]
        verdict.details.holes = ["layer aa: it is cut"]
        try store.store(verdict, items: items)
        #expect(try store.verdict(digest: "sha256:1") == verdict)
        #expect(try store.items(digest: "sha256:1") == items)
    }

    @Test func programsAreKnownByPathAndByContents() throws {
        let store = try ImageStore.inMemory()
        let shell = StoredProgram(
            path: "/usr/bin/dash", mode: 0o755, size: 125, digest: String(repeating: "a", count: 64), owner: "dash")
        let odd = StoredProgram(path: "/srv/a program", mode: 0o4755, size: 9, digest: "")
        try store.store(programs: [shell, odd], digest: "sha256:1")
        #expect(try store.programs(digest: "sha256:1") == [odd, shell])
        #expect(try store.program(digest: "sha256:1", at: "usr/bin/dash") == shell)
        #expect(try store.program(digest: "sha256:1", at: "/usr/bin/nothing") == nil)
        #expect(try store.programs(digest: "sha256:1", contents: String(repeating: "A", count: 64)) == [shell])
        // An image that was never looked into is not one without programs.
        #expect(try store.programs(digest: "sha256:2") == nil)
        try store.store(programs: [], digest: "sha256:2")
        #expect(try store.programs(digest: "sha256:2") == [])
        try store.remove(digest: "sha256:1")
        #expect(try store.programs(digest: "sha256:1") == nil)
    }

    private func use(_ cluster: String, _ digest: String, _ name: String, owner: String? = nil) -> ImageUse {
        ImageUse(
            cluster: cluster, digest: digest, group: "apps", kind: "Deployment", namespace: "shop", name: name,
            container: "app", reference: "r.test/\(name):1", owner: owner, seen: day)
    }

    @Test func anAdvisoryLeadsToWorkloadsAndTheirOwners() throws {
        let store = try ImageStore.inMemory()
        try store.store([image("sha256:1", [deb("bash", "5.1-1")]), image("sha256:2", [])])
        try store.replaceUses(
            [use("east", "sha256:1", "web", owner: "shop team"), use("east", "sha256:2", "side")], ofCluster: "east")
        try store.replaceUses([use("west", "sha256:1", "web")], ofCluster: "west")
        let hits = try store.affected(by: advisory("debian:12", "bash", fixedIn: "5.2-1"))
        let uses = try hits.flatMap { try store.uses(digest: $0.digest) }
        #expect(uses.map(\.cluster) == ["east", "west"])
        #expect(uses.first?.owner == "shop team" && uses.first?.workload == "shop/Deployment/web")
        // What a cluster no longer runs is forgotten, what the other runs is not.
        try store.replaceUses([], ofCluster: "east")
        #expect(try store.uses(digest: "sha256:1").map(\.cluster) == ["west"])
        #expect(try store.summaries().map(\.uses) == [1, 0])
    }
}
