import Admission
import AdvisoryStore
import ContainerImages
import Documents
import Findings
import FoundationEssentials
import ImageInspection
import ImageStore
import Kubernetes
import Synchronization
import Testing
import Vulnerabilities

@testable import AdmissionImages
@testable import AdmissionServer

/// The door's knowledge of a registry's images, with an advisory database of its own.
struct DoorImages: Sendable {
    let verdicts: StoredVerdicts
    let notes: AsyncStream<StoredVerdicts.Note>
    let folder: String

    static let critical = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

    /// An advisory that makes everything below a version vulnerable, in the form of OSV.
    static func advisory(_ id: String, package: String, fixed: String) -> String {
        """
        {"id":"\(id)","modified":"2026-10-01T00:00:00Z","published":"2026-09-01T00:00:00Z","summary":"a test",\
        "severity":[{"type":"CVSS_V3","score":"\(critical)"}],"affected":[{"package":{"ecosystem":"Debian:12",\
        "name":"\(package)"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"\(fixed)"}]}]}]}
        """
    }

    /// Writes an advisory database into a folder.
    static func writeDatabase(_ advisories: [String], in folder: String) throws {
        let feed = "\(folder)/osv-debian.jsonl"
        try Data((advisories.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: feed))
        let bytes = try AdvisoryStore.build(
            [FeedFile(path: feed, format: .osv)], built: CivilDate(year: 2026, month: 11, day: 23))
        try AdvisoryStore.write(bytes, to: "\(folder)/advisories.db")
    }

    init(
        _ registry: TestRegistry, _ advisories: [String], policy: Admission.ImagePolicy,
        options: StoredVerdicts.Options = .init(), signatures: SignatureSearch? = nil
    ) throws {
        folder = registry.folder
        try Self.writeDatabase(advisories, in: folder)
        let examiner = ImageExaminer(
            [try Self.inspection(registry)], shelf: AdvisoryShelf(path: "\(folder)/advisories.db"),
            signatures: signatures)
        let (notes, source) = AsyncStream<StoredVerdicts.Note>.makeStream()
        self.notes = notes
        verdicts = StoredVerdicts(
            try ImageStore.open(path: "\(folder)/images.db"), examiner, policy: policy, options: options,
            limits: Self.patient, onNote: { source.yield($0) })
    }

    /// Reads images of a test's registry.
    static func inspection(_ registry: TestRegistry) throws -> ImageInspection {
        var options = ImageInspection.Options(cache: nil)
        options.platform = try Platform("linux/amd64")
        options.registry.authorities = Array(registry.authority.utf8)
        options.registry.retries = 0
        return try ImageInspection(options)
    }

    /// A busy machine is no reason for a test to fail.
    private static var patient: ImageResolver.Limits {
        var limits = ImageResolver.Limits()
        limits.patience = .seconds(120)
        return limits
    }

    /// Looks into what was asked for beside `body`.
    func working(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let verdicts = verdicts
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await verdicts.run() }
            group.addTask { try await body() }
            _ = try await group.next()
            group.cancelAll()
        }
        await verdicts.close()
    }

    func nextNote() async throws -> StoredVerdicts.Note {
        for await note in notes { return note }
        throw CancellationError()
    }
}

@Suite(.serialized, .enabled(if: TestRegistry.isInstalled, "docker-registry is not installed"))
struct StoredVerdictsTests {
    private static var policy: Admission.ImagePolicy {
        var policy = Admission.ImagePolicy()
        policy.refusals = [.init(severity: .critical, fixAvailableForDays: 0)]
        return policy
    }

    private static let openssl = DoorImages.advisory("CVE-2026-4711", package: "openssl", fixed: "3.0.18-1")

    @Test func anImageThatIsNotKnownIsLookedIntoOnceAndThenKnownByTagAndDigest() async throws {
        try await TestRegistry.run { registry in
            let digest = try await registry.push("shop/web", "1", package: "openssl", "3.0.11-1")
            let images = try DoorImages(registry, [Self.openssl], policy: Self.policy)
            try await images.working {
                let reference = ImageReference("\(registry.host)/shop/web:1")
                #expect(await images.verdicts.resolve(reference) == .digest(digest))
                #expect(images.verdicts.verdict(of: digest) == nil)
                for _ in 0..<50 { images.verdicts.enqueue(reference, digest: digest) }
                let note = try await images.nextNote()
                #expect(note.failure == nil)
                let verdict = try #require(images.verdicts.verdict(of: digest))
                #expect(verdict.vulnerabilities.map(\.id) == ["CVE-2026-4711"])
                #expect(verdict.vulnerabilities.first?.severity == .critical)
                #expect(verdict.vulnerabilities.first?.fixedVersion == "3.0.18-1")
                #expect(verdict.ageDays ?? 0 > 0)
                #expect(images.verdicts.counts.examined == 1)
                // Another tag of the same image, and nothing is asked but the tag.
                #expect(images.verdicts.verdict(of: digest) == verdict)
            }
        }
    }

    @Test func whatWasLookedIntoIsKnownAfterARestartAndComparedWithANewDatabaseWithoutTheRegistry() async throws {
        try await TestRegistry.run { registry in
            let digest = try await registry.push("shop/web", "1", package: "openssl", "3.0.11-1")
            let first = try DoorImages(registry, [], policy: Self.policy)
            try await first.working {
                first.verdicts.enqueue(ImageReference("\(registry.host)/shop/web:1"), digest: digest)
                _ = try await first.nextNote()
                #expect(first.verdicts.verdict(of: digest)?.vulnerabilities == [])
            }
            // Another life of the server, with an advisory that was not there before.
            let second = try DoorImages(registry, [Self.openssl], policy: Self.policy)
            #expect(second.verdicts.verdict(of: digest)?.vulnerabilities == [])
            #expect(try await second.verdicts.rematch() == 1)
            #expect(second.verdicts.verdict(of: digest)?.vulnerabilities.map(\.id) == ["CVE-2026-4711"])
            #expect(try await second.verdicts.rematch() == 0)
            await second.verdicts.close()
        }
    }

    @Test func anIndexSaysWhatItsManifestsSayAndIsOneImageWithThem() async throws {
        try await TestRegistry.run { registry in
            let manifest = try await registry.push("shop/web", "amd64", package: "openssl", "3.0.11-1")
            let index = try await registry.push(index: "1", of: manifest, in: "shop/web")
            let other = try await registry.push("shop/web", "2", package: "openssl", "3.0.12-1")
            let images = try DoorImages(registry, [Self.openssl], policy: Self.policy)
            try await images.working {
                let name = ImageReference("\(registry.host)/shop/web:1")
                #expect(await images.verdicts.resolve(name) == .digest(index))
                #expect(images.verdicts.areSame(index, manifest) == nil)
                images.verdicts.enqueue(name, digest: index)
                let note = try await images.nextNote()
                #expect(note.failure == nil)
                #expect(images.verdicts.verdict(of: index)?.vulnerabilities.count == 1)
                #expect(images.verdicts.verdict(of: manifest)?.vulnerabilities.count == 1)
                #expect(images.verdicts.areSame(index, manifest) == true)
                #expect(images.verdicts.areSame(index, other) == nil)
                images.verdicts.enqueue(name, digest: other)
                _ = try await images.nextNote()
                #expect(images.verdicts.areSame(index, other) == false)
            }
        }
    }

    @Test func anImageThatIsNotThereIsSaidAndLeftAloneForAWhile() async throws {
        try await TestRegistry.run { registry in
            let images = try DoorImages(registry, [], policy: Self.policy)
            try await images.working {
                let name = ImageReference("\(registry.host)/shop/gone:1")
                guard case .unknown(let why) = await images.verdicts.resolve(name) else {
                    Issue.record("a tag that is not there has no digest")
                    return
                }
                #expect(why.contains("has no \"1\""))
                images.verdicts.enqueue(name, digest: nil)
                let note = try await images.nextNote()
                #expect(note.failure != nil)
                images.verdicts.enqueue(name, digest: nil)
                #expect(images.verdicts.waiting == 0)
                #expect(images.verdicts.counts.failed == 1)
            }
        }
    }

    @Test func aTagThatWasMovedIsToldWhenThePodRuns() async throws {
        try await TestRegistry.run { registry in
            let good = try await registry.push("shop/web", "1", package: "openssl", "3.0.18-1")
            let images = try DoorImages(registry, [Self.openssl], policy: Self.policy)
            let told = Mutex<[RunningImages.Moved]>([])
            let running = RunningImages(images.verdicts, policy: Self.policy) { one in told.withLock { $0.append(one) }
            }
            let name = "\(registry.host)/shop/web:1"
            try await images.working {
                images.verdicts.enqueue(ImageReference(name), digest: good)
                _ = try await images.nextNote()
                let pod = try Self.pod(name, runs: nil)
                let answers = [name: ImageAnswer(.digest(good), images.verdicts.verdict(of: good))]
                running.note(try #require(JudgedPod(pod, answers)))
                // Moved after the verdict.
                let bad = try await registry.push("shop/web", "1", package: "openssl", "3.0.11-1")
                let place = "\(registry.host)/shop/web@\(bad)"
                running.see(.modified(try Self.pod(name, runs: place)))
                #expect(running.counts.open == 1)
                _ = try await images.nextNote()
                running.settle()
                running.see(.modified(try Self.pod(name, runs: place)))
                #expect(told.withLock { $0.map(\.runs) } == [bad])
                #expect(told.withLock { $0.first?.breaks } == ["image/vulnerable-at-door"])
                #expect(running.counts.moved == 1)
                #expect(running.counts.open == 0)
            }
        }
    }

    private static func pod(_ image: String, runs: String?) throws -> KubernetesObject {
        let status = runs.map { ",\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"imageID\":\"\($0)\"}]}" } ?? ""
        let text = """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-1","namespace":"shop","uid":"u-1"},"spec":\
            {"containers":[{"name":"app","image":"\(image)"}]}\(status)}
            """
        return try #require(
            KubernetesObject(try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))))
    }
}
