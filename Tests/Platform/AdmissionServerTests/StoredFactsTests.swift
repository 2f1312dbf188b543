import Admission
import Findings
import Foundation
import ImageInspection
import ImageStore
import Kubernetes
import Testing
import Vulnerabilities

@testable import AdmissionImages

/// What scans of images have kept is what the door knows.
@Suite struct StoredFactsTests {
    private static let day = Date(timeIntervalSince1970: 1_790_000_000)
    private static let today = CivilDate(year: 2026, month: 11, day: 23).dayNumber

    private static func store(
        _ reference: String = "registry.example/shop/web:1", _ digest: String = "sha256:aa", stored: Date = day,
        in store: ImageStore? = nil, change: (inout StoredVerdict) -> Void = { _ in }
    ) throws -> ImageStore {
        let store = try store ?? ImageStore.inMemory()
        try store.store(
            StoredImage(
                digest: digest, reference: reference, distribution: Distribution(id: "debian", version: "12"),
                packages: [SoftwarePackage(type: "deb", name: "openssl", version: "3.0.11-1")], stored: stored))
        let items = [
            StoredVerdict.Item(
                id: "CVE-2026-4711", package: "openssl", version: "3.0.11-1", severity: .critical, fix: "3.0.18-1",
                isExploited: true, fixed: CivilDate("2026-11-01"), epss: 0.25)
        ]
        var verdict = StoredVerdict(digest: digest, database: "db", decided: day, items: items, unassessed: 0)
        change(&verdict)
        try store.store(verdict, items: items)
        return store
    }

    private static func policy(_ change: (inout Admission.ImagePolicy) -> Void = { _ in }) -> Admission.ImagePolicy {
        var policy = Admission.ImagePolicy()
        policy.refusals = [.init(severity: .critical)]
        change(&policy)
        return policy
    }

    private func verdict(_ store: ImageStore, _ policy: Admission.ImagePolicy = policy()) throws -> ImageVerdict? {
        try RecalledVerdicts(store, policy: policy, today: Self.today).verdict(of: "sha256:aa")
    }

    @Test func allThatAScanFoundCounts() throws {
        let store = try Self.store { verdict in
            verdict.details.built = CivilDate("2026-11-13")
            verdict.details.endOfLife = "debian 9, since 2022-06-30"
            verdict.details.bases = ["base:1", "sha256:b"]
        }
        let known = try #require(try verdict(store))
        let one = try #require(known.vulnerabilities.first)
        #expect((one.id, one.package, one.fixedVersion) == ("CVE-2026-4711", "openssl 3.0.11-1", "3.0.18-1"))
        #expect((one.fixKnownForDays, one.epss, one.isKnownExploited) == (22, 0.25, true))
        #expect((known.ageDays, known.endOfLife, known.incomplete) == (10, "debian 9, since 2022-06-30", nil))
        #expect(known.bases == ["base:1", "sha256:b"])
    }

    @Test func whatAScanDidNotSeeIsNoPass() throws {
        let cut = try Self.store { $0.details.holes = ["layer aa: it is cut"] }
        #expect(try verdict(cut)?.incomplete == "layer aa: it is cut")
        #expect(try verdict(Self.store { $0.unassessed = 1 })?.incomplete?.contains("no feed") == true)
        // Nobody asked for signatures, and a build without a day has none.
        let known = try #require(try verdict(Self.store { $0.details.built = CivilDate("1980-01-01") }))
        #expect(known.signers == nil)
        #expect(known.ageDays == nil)
    }

    @Test func whereApprovedBasesCountAScanThatDidNotAskIsNotEnough() throws {
        let store = try Self.store { $0.details.bases = ["base:1"] }
        let policy = Self.policy { $0.approvedBases = [Glob("base:*")] }
        #expect(try verdict(store, policy) == nil)
        var note = DoorNote(reference: "registry.example/shop/web:1")
        note.bases = ["base:2"]
        note.signers = [.init(issuer: "key", subject: "sha256:k", predicateType: "https://slsa.dev/provenance/v1")]
        try store.note(StoredFacts.door, [("sha256:aa", note.text)])
        let known = try #require(try verdict(store, policy))
        #expect(known.bases == ["base:2"])
        #expect(known.signers == note.signers)
    }

    @Test(arguments: ["", "{", "[]", #"{"reference":7}"#])
    func aNoteThatCannotBeReadIsNone(_ text: String) throws {
        let store = try Self.store()
        try store.note(StoredFacts.door, [("sha256:aa", text)])
        #expect(try verdict(store)?.signers == nil)
        #expect(try verdict(store)?.vulnerabilities.count == 1)
    }

    @Test func aTagIsWhatItStoodForWhenSomebodyLastLooked() throws {
        let store = try Self.store()
        _ = try Self.store("registry.example/shop/web:1", "sha256:bb", stored: Self.day + 60, in: store)
        _ = try Self.store("registry.example/shop/web@sha256:cc", "sha256:cc", stored: Self.day + 90, in: store)
        let image = ImageReference("registry.example/shop/web:1")
        func digest() throws -> String? {
            try RecalledVerdicts(store, policy: Self.policy(), today: Self.today).digest(of: image)
        }
        #expect(try digest() == "sha256:bb")
        try store.note(StoredFacts.tag, [(image.named(), "sha256:aa")])
        #expect(try digest() == "sha256:aa")
        let other = try RecalledVerdicts(store, policy: Self.policy(), today: Self.today)
        #expect(other.digest(of: ImageReference("registry.example/shop/other:1")) == nil)
        #expect(other.digest(of: ImageReference("x@sha256:dd")) == "sha256:dd")
    }

    @Test func whatIsForgottenIsForgottenWhole() throws {
        let store = try Self.store()
        try store.note(StoredFacts.door, [("sha256:aa", DoorNote(reference: "a").text)])
        try store.remove(digest: "sha256:aa")
        #expect(try verdict(store) == nil)
        #expect(try store.note(StoredFacts.door, of: "sha256:aa") == nil)
    }

    @Test func aNewDatabaseChangesWhatIsKnownOfVulnerabilitiesAndNothingElse() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "facts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try Self.store { verdict in
            verdict.details.built = CivilDate("2026-11-13")
            verdict.details.holes = ["layer aa: it is cut"]
            verdict.details.faults = ["image/root-user"]
        }
        try DoorImages.writeDatabase(
            [DoorImages.advisory("CVE-2026-9", package: "openssl", fixed: "3.0.18-1")], in: folder)
        let examiner = ImageExaminer(
            [try ImageInspection(ImageInspection.Options(cache: nil))],
            shelf: AdvisoryShelf(path: "\(folder)/advisories.db"))
        let verdicts = StoredVerdicts(store, examiner, policy: Self.policy())
        // Remembered from the database before.
        #expect(verdicts.verdict(of: "sha256:aa")?.vulnerabilities.map(\.id) == ["CVE-2026-4711"])
        #expect(try await verdicts.rematch() == 1)
        let known = try #require(verdicts.verdict(of: "sha256:aa"))
        #expect(known.vulnerabilities.map(\.id) == ["CVE-2026-9"])
        #expect(known.ageDays != nil)
        #expect(known.incomplete == "layer aa: it is cut")
        #expect(try store.verdict(digest: "sha256:aa")?.details.faults == ["image/root-user"])
        await verdicts.close()
    }
}
