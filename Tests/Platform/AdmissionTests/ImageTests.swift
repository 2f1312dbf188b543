import Findings
import Kubernetes
import Synchronization
import Testing

@testable import Admission

/// Verdicts of a test, and what was asked for.
final class KnownImages: ImageVerdicts {
    let verdicts: [String: ImageVerdict]
    let digests: [String: String]
    let queued = Mutex<[String]>([])

    init(_ verdicts: [ImageVerdict], digests: [String: String] = [:]) {
        self.verdicts = Dictionary(uniqueKeysWithValues: verdicts.map { ($0.digest, $0) })
        self.digests = digests
    }

    func verdict(of digest: String) -> ImageVerdict? { verdicts[digest] }
    func resolve(_ image: ImageReference) async -> ImageResolution {
        digests[image.repository].map(ImageResolution.digest) ?? .unknown("registry is down")
    }
    func enqueue(_ image: ImageReference, digest: String?) {
        queued.withLock { $0.append("\(image.repository) \(digest ?? "?")") }
    }
}

@Suite struct ImageTests {
    private static let digest = "sha256:aa"
    private static let critical = ImageVerdict.Vulnerability(
        id: "CVE-2026-1", severity: .critical, package: "openssl", fixedVersion: "3.0.9", fixKnownForDays: 20,
        epss: 0.5, isKnownExploited: true)

    private static func pod(_ image: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: p, namespace: shop}
        spec: {containers: [{name: app, image: "\(image)"}]}
        """
    }

    private static func door(_ images: String, _ verdicts: KnownImages) throws -> Door {
        let ids = ImageRules.all.map(\.id).joined(separator: ", ")
        return try Door("default: off\nrules: [{check: [\(ids)], mode: enforce}]\nimages: \(images)", images: verdicts)
    }

    @Test func aCriticalVulnerabilityWithAFixIsRefusedByName() async throws {
        let known = KnownImages(
            [ImageVerdict(digest: Self.digest, vulnerabilities: [Self.critical])], digests: ["shop/web": Self.digest])
        let door = try Self.door("{refuse: [{severity: critical, fixAvailableForDays: 14}]}", known)
        let decision = try await door.ask(Self.pod("reg.example/shop/web:1"))
        #expect(decision.outcome == .refused)
        for text in ["CVE-2026-1", "openssl", "3.0.9", "20 days", "container \"app\""] {
            #expect(decision.message.contains(text), "\(text)")
        }
        #expect(try await door.ask(Self.pod("reg.example/shop/web@\(Self.digest)")).outcome == .refused)
    }

    @Test(arguments: [
        ("{severity: critical}", true), ("{severity: high}", true), ("{epss: 0.4}", true), ("{epss: 0.6}", false),
        ("{knownExploited: true}", true), ("{fixAvailableForDays: 0}", true), ("{fixAvailableForDays: 20}", false),
        ("{fixAvailableForDays: 19}", true), ("{severity: critical, epss: 0.9}", false),
    ])
    func allThatAnEntrySaysMustHold(_ entry: String, _ isRefused: Bool) async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest, vulnerabilities: [Self.critical])])
        let decision = try await Self.door("{refuse: [\(entry)]}", known).ask(Self.pod("a@\(Self.digest)"))
        #expect((decision.outcome == .refused) == isRefused)
    }

    @Test(arguments: [
        ("{registries: [reg.example]}", "reg.example/shop/web:1", true),
        ("{registries: [reg.example]}", "reg.example.evil.net/shop/web:1", false),
        ("{registries: [reg.example/shop]}", "reg.example/shopping/web:1", false),
        ("{registries: [docker.io/library]}", "nginx", true), ("{registries: [reg.example]}", "nginx", false),
        ("{requireDigest: true}", "a:1", false), ("{requireDigest: true}", "a:1@sha256:aa", true),
        ("{maximumAgeDays: 30}", "a@sha256:old", false), ("{maximumAgeDays: 300}", "a@sha256:old", true),
        ("{maximumAgeDays: 300}", "a@sha256:aa", false), ("{refuseEndOfLife: true}", "a@sha256:old", false),
        ("{refuseEndOfLife: true}", "a@sha256:aa", true),
        ("{approvedBases: [\"reg.example/base/*\"]}", "a@sha256:old", true),
        ("{approvedBases: [\"reg.example/base/*\"]}", "a@sha256:aa", false),
        ("{signatures: [{issuer: ci, subject: \"shop/*\"}]}", "a@sha256:old", true),
        ("{signatures: [{issuer: ci, subject: \"bank/*\"}]}", "a@sha256:old", false),
        ("{signatures: [{issuer: ci, subject: \"shop/*\"}]}", "a@sha256:aa", false),
        ("{signatures: [{repositories: [reg.example], issuer: ci, subject: x}]}", "a@sha256:aa", true),
    ])
    func requirements(_ policy: String, _ image: String, _ isAllowed: Bool) async throws {
        let known = KnownImages([
            ImageVerdict(
                digest: "sha256:old", endOfLife: "debian 9", ageDays: 100, bases: ["reg.example/base/go:1"],
                signers: [.init(issuer: "ci", subject: "shop/build")]),
            ImageVerdict(digest: Self.digest),
        ])
        #expect(try await Self.door(policy, known).ask(Self.pod(image)).response.allowed == isAllowed)
    }

    @Test func anUnknownImageIsLetInAndScannedOrRefused() async throws {
        let known = KnownImages([], digests: ["shop/web": Self.digest])
        let open = try Self.door("{refuse: [{severity: critical}]}", known)
        #expect(try await open.ask(Self.pod("reg.example/shop/web:1"), dryRun: true).outcome == .allowed)
        #expect(known.queued.withLock { $0 } == [])
        #expect(try await open.ask(Self.pod("reg.example/shop/web:1")).outcome == .allowed)
        #expect(known.queued.withLock { $0 } == ["shop/web \(Self.digest)"])
        let closed = try Self.door("{unknown: deny, refuse: [{severity: critical}]}", known)
        #expect(try await closed.ask(Self.pod("reg.example/shop/web:1")).outcome == .refused)
        #expect(try await closed.ask(Self.pod("reg.example/shop/gone:1")).message.contains("registry is down"))
    }

    @Test func whatWasNotWhollySeenIsNotKnown() async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest, incomplete: "a layer is encrypted")])
        let closed = try Self.door("{unknown: deny, refuse: [{severity: critical}]}", known)
        #expect(try await closed.ask(Self.pod("a@\(Self.digest)")).message.contains("a layer is encrypted"))
        let open = try Self.door("{refuse: [{severity: critical}]}", known)
        #expect(try await open.ask(Self.pod("a@\(Self.digest)")).outcome == .allowed)
    }

    @Test(arguments: [
        ("image/vulnerable-at-door", true), ("image/exploited-vulnerability", true), ("image/vulnerability", false),
    ])
    func aWaiverOfTheScanHoldsAtTheDoor(_ check: String, _ isAllowed: Bool) async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest, vulnerabilities: [Self.critical])])
        let ids = ImageRules.all.map(\.id).joined(separator: ", ")
        let door = try Door(
            "default: off\nrules: [{check: [\(ids)], mode: enforce}]\nimages: {refuse: [{severity: critical}]}",
            waivers: """
                waivers:
                - check: \(check)
                  owner: shop
                  reason: the new image comes on Friday
                  expires: 2026-12-31
                  match: {namespace: shop}
                """, images: known)
        let decision = try await door.ask(Self.pod("a@\(Self.digest)"))
        #expect(decision.response.allowed == isAllowed)
    }

    @Test func theAuditLogKeepsWhatATagStoodFor() async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest)], digests: ["shop/web": Self.digest])
        let door = try Self.door("{refuse: [{severity: critical}]}", known)
        let annotations = try await door.ask(Self.pod("reg.example/shop/web:1")).response.auditAnnotations
        #expect(annotations["images"] == "reg.example/shop/web:1=\(Self.digest) (scanned)")
        let gone = try await door.ask(Self.pod("reg.example/shop/gone:1")).response.auditAnnotations
        #expect(gone["images"] == "reg.example/shop/gone:1 (not resolved)")
    }

    @Test func anAttestationIsAskedForByItsType() async throws {
        let known = KnownImages([
            ImageVerdict(
                digest: Self.digest,
                signers: [.init(issuer: "ci", subject: "shop/build", predicateType: "https://slsa.dev/provenance/v1")])
        ])
        func isAllowed(_ predicate: String) async throws -> Bool {
            let policy = "{signatures: [{issuer: ci, subject: \"shop/*\", predicate: \"\(predicate)\"}]}"
            return try await Self.door(policy, known).ask(Self.pod("a@\(Self.digest)")).response.allowed
        }
        #expect(try await isAllowed("https://slsa.dev/provenance/*"))
        #expect(try await !isAllowed("https://cyclonedx.org/bom"))
    }

    @Test func initContainersCountToo() async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest, vulnerabilities: [Self.critical])])
        let pod = Self.pod("fine").replacing(
            "spec: {", with: "spec: {initContainers: [{name: first, image: \"a@\(Self.digest)\"}], ")
        #expect(try await Self.door("{refuse: [{severity: critical}]}", known).ask(pod).message.contains("\"first\""))
    }

    @Test func ephemeralContainersOfARunningPodCountToo() async throws {
        let known = KnownImages([ImageVerdict(digest: Self.digest, vulnerabilities: [Self.critical])])
        let pod = Self.pod("fine")
        let debugged = pod.replacing(
            "spec: {", with: "spec: {ephemeralContainers: [{name: debug, image: \"a@\(Self.digest)\"}], ")
        let decision = try await Self.door("{refuse: [{severity: critical}]}", known)
            .ask(debugged, operation: "UPDATE", old: pod, subresource: "ephemeralcontainers")
        #expect(decision.message.contains("\"debug\""))
    }

    @Test func tagsAreWrittenAsDigestsOnlyWhereThatIsAskedFor() async throws {
        let known = KnownImages([], digests: ["shop/web": Self.digest])
        func patch(_ policy: String) async throws -> String {
            let door = try Self.door(policy, known)
            let body = try Door.body(Self.pod("reg.example/shop/web:1"))
            return await door.reviewer.review(body, today: today, mutates: true).decision.patch.json()
        }
        #expect(try await patch("{mutateToDigest: true}").contains("reg.example/shop/web:1@sha256:aa"))
        #expect(try await patch("{requireDigest: true}") == "[]")
    }

    @Test func aMovedTagIsSeenInWhatRuns() throws {
        let pod = try #require(
            objects(
                Self.pod("reg.example/shop/web:1")
                    + "\nstatus: {containerStatuses: [{name: app, imageID: \"reg.example/shop/web@sha256:bb\"}]}"
            ).first)
        #expect(ImageJudge.moved(pod, judged: ["reg.example/shop/web:1": "sha256:aa"]).map(\.runs) == ["sha256:bb"])
        #expect(ImageJudge.moved(pod, judged: ["reg.example/shop/web:1": "sha256:bb"]).isEmpty)
        // The runtime's own id is of the configuration, and says nothing of the manifest.
        let other = try #require(
            objects(
                Self.pod("reg.example/shop/web:1")
                    + "\nstatus: {containerStatuses: [{name: app, imageID: \"sha256:bb\"}]}"
            ).first)
        #expect(ImageJudge.moved(other, judged: ["reg.example/shop/web:1": "sha256:aa"]).isEmpty)
    }

    @Test func whatIsWrongOnOnePlatformIsWrongAndWhatIsRequiredIsRequiredOfEach() {
        var verdict = ImageVerdict(
            digest: "sha256:index", ageDays: 3, bases: ["a", "b"], signers: [.init(issuer: "ci", subject: "x")])
        verdict.merge(
            ImageVerdict(digest: "sha256:arm", vulnerabilities: [Self.critical], ageDays: 5, bases: ["b"], signers: []))
        #expect(verdict.vulnerabilities == [Self.critical])
        #expect(verdict.ageDays == 5)
        #expect(verdict.bases == ["b"])
        #expect(verdict.signers == [])
    }

    // MARK: Resolving

    @Test func aThousandWhoAskAtOnceAreOneLookUp() async {
        let resolver = ImageResolver { _ in
            await Task.yield()
            return "sha256:aa"
        }
        let answers = await withTaskGroup(of: ImageResolution.self) { group in
            for _ in 0..<1000 { group.addTask { await resolver.resolve(ImageReference("reg.example/a:1")) } }
            return await group.reduce(into: Set<ImageResolution>()) { $0.insert($1) }
        }
        #expect(answers == [.digest("sha256:aa")])
        #expect(await resolver.lookUps == 1)
    }

    @Test func aFailureIsKeptForAWhileAndThenTriedAgain() async {
        struct Down: Error {}
        let moment = Mutex(ContinuousClock.now)
        let resolver = ImageResolver(now: { moment.withLock { $0 } }) { _ in throw Down() }
        for _ in 0..<3 {
            guard case .unknown = await resolver.resolve(ImageReference("reg.example/a:1")) else {
                Issue.record("a registry that is down knows no digest")
                return
            }
        }
        #expect(await resolver.lookUps == 1)
        moment.withLock { $0 += .seconds(16) }
        _ = await resolver.resolve(ImageReference("reg.example/a:1"))
        #expect(await resolver.lookUps == 2)
    }

    @Test func whileARegistryIsDownATagIsWhatItStoodForLast() async {
        struct Down: Error {}
        let moment = Mutex(ContinuousClock.now)
        let answer = Mutex<Result<String, any Error>>(.success("sha256:aa"))
        let resolver = ImageResolver(now: { moment.withLock { $0 } }) { _ in try answer.withLock { $0 }.get() }
        let image = ImageReference("reg.example/a:1")
        #expect(await resolver.resolve(image) == .digest("sha256:aa"))
        answer.withLock { $0 = .failure(Down()) }
        moment.withLock { $0 += .seconds(61) }
        #expect(await resolver.resolve(image) == .digest("sha256:aa"))
        // A tag that is gone is gone.
        answer.withLock { $0 = .failure(ImageResolver.NoSuchImage(description: "no such tag")) }
        moment.withLock { $0 += .seconds(16) }
        #expect(await resolver.resolve(image) != .digest("sha256:aa"))
        answer.withLock { $0 = .failure(Down()) }
        moment.withLock { $0 += .seconds(25 * 3600) }
        #expect(await resolver.resolve(image) != .digest("sha256:aa"))
    }

    @Test func aRegistryThatNeverAnswersHoldsNobodyUp() async {
        var limits = ImageResolver.Limits()
        limits.patience = .milliseconds(20)
        let (stream, end) = AsyncStream<Void>.makeStream()
        let resolver = ImageResolver(limits: limits) { _ in
            for await _ in stream {}
            return "sha256:late"
        }
        #expect(
            await resolver.resolve(ImageReference("reg.example/a:1"))
                == .unknown("registry reg.example did not answer in time"))
        end.finish()
    }
}
