import Admission
import Documents
import Findings
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Synchronization
import Testing

@testable import AdmissionServer

/// Verdicts as a scan of the registry left them.
struct ScannedImages: ImageVerdicts {
    var verdicts: [String: ImageVerdict]

    func verdict(of digest: String) -> ImageVerdict? { verdicts[digest] }
    func resolve(_ image: ImageReference) async -> ImageResolution { .unknown("no registry here") }
    func enqueue(_ image: ImageReference, digest: String?) {}
}

/// What an API server said to those who asked it all the time.
private final class ClusterLoad: Sendable {
    private struct State {
        var isOver = false
        var passed = 0
        var refused = 0
        var other: [String] = []
    }

    private let state = Mutex(State())

    var isOver: Bool { state.withLock { $0.isOver } }
    var passed: Int { state.withLock { $0.passed } }
    var refused: Int { state.withLock { $0.refused } }
    /// What was neither let in nor refused for the reason there is.
    var other: [String] { state.withLock { $0.other } }

    func end() { state.withLock { $0.isOver = true } }

    func note(_ refusal: String?) {
        state.withLock { state in
            switch refusal {
            case nil: state.passed += 1
            case let text? where text.contains("CVE-2026-4711"): state.refused += 1
            case let text?: state.other.append(text)
            }
        }
    }
}

@Suite(.serialized, .tags(.apiserver), .enabled(if: APIServer.assets != nil, "KUBEBUILDER_ASSETS names no API server"))
struct APIServerTests {
    private static let digest = "sha256:\(String(repeating: "a", count: 64))"

    private static func deployment(
        _ name: String, image: String = "registry.example/shop/web@\(digest)", more: String = ""
    ) -> [UInt8] {
        Array(
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"\(name)","namespace":"shop"\(more)},"spec":\
            {"selector":{"matchLabels":{"app":"\(name)"}},"template":{"metadata":{"labels":{"app":"\(name)"}},"spec":\
            {"containers":[{"name":"app","image":"\(image)"}]}}}}
            """.utf8)
    }

    static let imagePolicy = {
        var images = ImagePolicy()
        images.refusals = [.init(severity: .critical, fixAvailableForDays: 0)]
        return images
    }()

    private static var known: ScannedImages {
        let verdict = ImageVerdict(
            digest: digest,
            vulnerabilities: [
                .init(
                    id: "CVE-2026-4711", severity: .critical, package: "openssl", fixedVersion: "3.0.18",
                    fixKnownForDays: 30)
            ])
        return ScannedImages(verdicts: [digest: verdict])
    }

    /// A policy that refuses critical vulnerabilities with a fix, and a service that answers by it.
    private static func service(
        _ certificates: ServingCertificates, _ known: any ImageVerdicts
    ) throws -> AdmissionService {
        var policy = AdmissionPolicy(
            defaultMode: .off, entries: [.init(checks: [Glob("image/vulnerable-at-door")], mode: .enforce)])
        policy.images = imagePolicy
        let waivers = WaiverFile.read(
            SourceText(
                name: "waivers.yaml",
                bytes: Array(
                    """
                    waivers:
                    - check: image/vulnerable-at-door
                      owner: payments
                      reason: the new image comes on Friday
                      expires: 2026-12-31
                      match: {namespace: shop, name: waived}
                    """.utf8)), today: today
        ).waivers
        var limits = AdmissionService.Limits()
        limits.drain = .zero
        return AdmissionService(
            AdmissionReviewer(
                policy: policy, waivers: WaiverSet(waivers), images: known),
            certificates: certificates, limits: limits, today: { today })
    }

    private static func install(_ client: APIClient, _ port: Int, _ bundle: String, closed: Bool) async throws {
        var manifests = AdmissionManifests(image: "martlet", policy: "")
        manifests.url = "https://localhost:\(port)"
        manifests.bundle = bundle
        manifests.failsClosed = closed
        _ = try await AdmissionInstaller(client).apply(manifests.objects)
    }

    private static let path = "/apis/apps/v1/namespaces/shop/deployments"

    /// What the server says to a new Deployment: nil where it takes it.
    private static func refusal(
        _ client: APIClient, _ name: String, image: String = "registry.example/shop/web@\(digest)", more: String = ""
    ) async throws -> String? {
        do {
            _ = try await client.change(.create, path, deployment(name, image: image, more: more))
            return nil
        } catch let error as ClientError {
            return error.message
        }
    }

    /// The API server takes a new webhook configuration in when it has seen it, a moment after it was written.
    private static func waitForTheWebhook(
        _ client: APIClient, image: String = "registry.example/shop/web@\(digest)"
    ) async throws {
        for index in 0..<200 {
            if try await refusal(client, "early-\(index)", image: image) != nil { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the webhook was never asked")
    }

    private static func serving(
        _ known: any ImageVerdicts = known, _ body: @escaping @Sendable (AdmissionService, Int) async throws -> Void
    ) async throws {
        let certificates = try ServingCertificates(
            names: ["localhost", "127.0.0.1"], now: Int(Date().timeIntervalSince1970))
        let service = try service(certificates, known)
        let (ports, found) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await service.run(host: "127.0.0.1", port: 0, handlesSignals: false) { found.yield($0) }
            }
            group.addTask {
                var iterator = ports.makeAsyncIterator()
                guard let port = await iterator.next() else { return }
                try await body(service, port)
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private static func makeShop(_ client: APIClient) async throws {
        _ = try await client.change(
            .create, "/api/v1/namespaces",
            Array(#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#.utf8))
    }

    @Test(
        .timeLimit(.minutes(5)), .enabled(if: TestRegistry.isInstalled, "docker-registry is not installed"))
    func anImageOfARegistryWithACriticalVulnerabilityIsRefusedPassesWithAWaiverAndIsAudited() async throws {
        try await TestRegistry.run { registry in
            let digest = try await registry.push("shop/web", "1.4", package: "openssl", "3.0.11-1~deb12u1")
            try await registry.push("shop/web", "1.5", package: "openssl", "3.0.18-1~deb12u1")
            let advisory = DoorImages.advisory("CVE-2026-4711", package: "openssl", fixed: "3.0.18-1~deb12u1")
            let images = try DoorImages(registry, [advisory], policy: Self.imagePolicy)
            try await images.working {
                try await APIServer.run { server in
                    try server.prepare()
                    try await server.live { try await Self.exchange(server, registry, images, digest) }
                    try Self.checkLog(server, "\(registry.host)/shop/web:1.4=\(digest) (scanned)")
                }
            }
        }
    }

    private static func exchange(
        _ server: APIServer, _ registry: TestRegistry, _ images: DoorImages, _ digest: String
    ) async throws {
        try await serving(images.verdicts) { service, port in
            let client = try server.client()
            try await makeShop(client)
            try await install(client, port, service.certificates.bundle, closed: true)
            // Nobody knows the image: it comes in, and is looked into at once.
            let image = "\(registry.host)/shop/web:1.4"
            try await waitForTheWebhook(client, image: image)
            let note = try await images.nextNote()
            #expect(note.failure == nil)
            let message = try #require(try await refusal(client, "web", image: image))
            for text in [
                "Deployment shop/web", "CVE-2026-4711", "openssl 3.0.11-1~deb12u1", "fixed in 3.0.18-1~deb12u1",
                "fix: ",
            ] { #expect(message.contains(text), "\(message)") }
            #expect(try await refusal(client, "waived", image: image) == nil)
            #expect(try await refusal(client, "mended", image: "\(registry.host)/shop/web:1.5") == nil)
            #expect(try await AdmissionInstaller(client).status(namespace: "martlet", now: 0).lines.count >= 2)
        }
    }

    private static func checkLog(_ server: APIServer, _ judged: String) throws {
        let log = try String(contentsOf: URL(filePath: "\(server.folder)/audit.log"), encoding: .utf8)
        for text in [
            #""admission.martlet.dev/findings":"image/vulnerable-at-door=refused""#,
            #""admission.martlet.dev/waived":"image/vulnerable-at-door by payments until 2026-12-31""#,
            #""admission.martlet.dev/images":"\#(judged)""#,
        ] { #expect(log.contains(text), "\(text)") }
        // What the log recorded, another policy would have let in or not.
        var replay = AdmissionReplay(
            AdmissionReviewer(
                policy: AdmissionPolicy(
                    defaultMode: .off, entries: [.init(checks: [Glob("pod/*")], mode: .enforce)])),
            today: today)
        for line in log.split(separator: "\n") { replay.take(Array(line.utf8)) }
        #expect(replay.requests > 0)
        #expect(replay.refused == replay.requests)
    }

    /// Each rotation is announced to the cluster, adopted and its forerunner taken out, while Deployments are created
    /// without a pause; the webhook fails closed, so that a handshake that is not trusted is a request that fails.
    @Test(.timeLimit(.minutes(30)))
    func rotationsUnderLoadFailNoReview() async throws {
        let count = ProcessInfo.processInfo.environment["MARTLET_ROTATIONS"].flatMap { Int($0) } ?? 10
        try await APIServer.run { server in
            try server.prepare()
            try await server.live {
                try await Self.serving { service, port in
                    let client = try server.client()
                    try await Self.makeShop(client)
                    try await Self.install(client, port, service.certificates.bundle, closed: true)
                    try await Self.waitForTheWebhook(client)
                    try await Self.rotate(count, service, server)
                }
            }
        }
    }

    private static func rotate(_ count: Int, _ service: AdmissionService, _ server: APIServer) async throws {
        let registration = WebhookRegistration(
            try server.client(), name: AdmissionManifests.configurationName, failurePolicy: "Fail")
        let load = ClusterLoad()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<3 { group.addTask { try await work(worker, load, try server.client()) } }
            group.addTask {
                for _ in 0..<count {
                    // An API server takes a new bundle in within a moment of its being written.
                    try await service.rotate(settling: .seconds(1), now: { Int(Date().timeIntervalSince1970) }) {
                        try await registration.publish($0, without: $1, now: Int(Date().timeIntervalSince1970))
                    }
                }
                load.end()
            }
            try await group.waitForAll()
        }
        #expect(load.other == [])
        #expect(load.refused >= count)
        #expect(load.passed >= count)
        #expect(service.certificates.rotations == count)
    }

    private static func work(_ worker: Int, _ load: ClusterLoad, _ client: APIClient) async throws {
        var number = 0
        while !load.isOver {
            number += 1
            // Half of them are refused: the answer has come from the webhook, and from nobody else.
            let image = number % 2 == 0 ? "fine@sha256:1" : "registry.example/shop/web@\(digest)"
            load.note(try await refusal(client, "load-\(worker)-\(number)", image: image))
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func coldRestartsWithoutTheWebhookLockNobodyOut() async throws {
        let count = ProcessInfo.processInfo.environment["MARTLET_RESTARTS"].flatMap { Int($0) } ?? 20
        try await APIServer.run { server in
            try server.prepare()
            try await server.live {
                try await Self.serving { service, port in
                    let client = try server.client()
                    try await Self.makeShop(client)
                    try await Self.install(client, port, service.certificates.bundle, closed: true)
                    try await Self.waitForTheWebhook(client)
                }
            }
            // From here on nobody answers for the webhook, and it fails closed.
            for round in 0..<count {
                try await server.live {
                    let client = try server.client()
                    func create(_ path: String, _ text: String) async throws {
                        let made = try await client.change(.create, path, Array(text.utf8))
                        guard case .done = made else { throw ClientError(.server, "\(path) was not made") }
                    }
                    try await create(
                        "/api/v1/nodes", #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n-\#(round)"}}"#)
                    try await create(
                        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
                        #"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"n-\#(round)"}}"#)
                    try await create(
                        "/api/v1/namespaces/kube-system/pods",
                        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"dns-\#(round)"},"spec":{"containers":[{"name":"a","image":"a"}]}}"#
                    )
                    // The namespace of the webhook itself, so that what answers can come back.
                    if round == 0 {
                        try await create(
                            "/api/v1/namespaces",
                            #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"martlet","labels":{"martlet.dev/admission":"off"}}}"#
                        )
                    }
                    try await create(
                        "/api/v1/namespaces/martlet/pods",
                        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"door-\#(round)"},"spec":{"containers":[{"name":"a","image":"a"}]}}"#
                    )
                }
            }
        }
    }
}
