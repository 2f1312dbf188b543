import Admission
import Documents
import Findings
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Testing

@testable import AdmissionServer

/// Verdicts as a scan of the registry left them.
struct ScannedImages: ImageVerdicts {
    var verdicts: [String: ImageVerdict]

    func verdict(of digest: String) -> ImageVerdict? { verdicts[digest] }
    func resolve(_ image: ImageReference) async -> ImageResolution { .unknown("no registry here") }
    func enqueue(_ image: ImageReference, digest: String?) {}
}

@Suite(.serialized, .tags(.apiserver), .enabled(if: APIServer.assets != nil, "KUBEBUILDER_ASSETS names no API server"))
struct APIServerTests {
    private static let digest = "sha256:\(String(repeating: "a", count: 64))"

    private static func deployment(_ name: String, more: String = "") -> [UInt8] {
        Array(
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"\(name)","namespace":"shop"\(more)},"spec":\
            {"selector":{"matchLabels":{"app":"\(name)"}},"template":{"metadata":{"labels":{"app":"\(name)"}},"spec":\
            {"containers":[{"name":"app","image":"registry.example/shop/web@\(digest)"}]}}}}
            """.utf8)
    }

    /// A policy that refuses critical vulnerabilities with a fix, and a service that answers by it.
    private static func service(_ certificates: ServingCertificates) throws -> AdmissionService {
        var policy = AdmissionPolicy(
            defaultMode: .off, entries: [.init(checks: [Glob("image/vulnerable-at-door")], mode: .enforce)])
        var images = ImagePolicy()
        images.refusals = [.init(severity: .critical, fixAvailableForDays: 0)]
        policy.images = images
        let verdict = ImageVerdict(
            digest: digest,
            vulnerabilities: [
                .init(
                    id: "CVE-2026-4711", severity: .critical, package: "openssl", fixedVersion: "3.0.18",
                    fixKnownForDays: 30)
            ])
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
                policy: policy, waivers: WaiverSet(waivers), images: ScannedImages(verdicts: [digest: verdict])),
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
    private static func refusal(_ client: APIClient, _ name: String, more: String = "") async throws -> String? {
        do {
            _ = try await client.change(.create, path, deployment(name, more: more))
            return nil
        } catch let error as ClientError {
            return error.message
        }
    }

    /// The API server takes a new webhook configuration in when it has seen it, a moment after it was written.
    private static func waitForTheWebhook(_ client: APIClient) async throws {
        for index in 0..<200 {
            if try await refusal(client, "early-\(index)") != nil { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the webhook was never asked")
    }

    private static func serving(
        _ body: @escaping @Sendable (AdmissionService, Int) async throws -> Void
    ) async throws {
        let certificates = try ServingCertificates(
            names: ["localhost", "127.0.0.1"], now: Int(Date().timeIntervalSince1970))
        let service = try service(certificates)
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

    @Test(.timeLimit(.minutes(5)))
    func aDeploymentWithACriticalVulnerabilityIsRefusedPassesWithAWaiverAndIsAudited() async throws {
        try await APIServer.run { server in
            try server.prepare()
            try await server.live {
                try await Self.serving { service, port in
                    let client = try server.client()
                    try await Self.makeShop(client)
                    try await Self.install(client, port, service.certificates.bundle, closed: true)
                    try await Self.waitForTheWebhook(client)
                    let message = try #require(try await Self.refusal(client, "web"))
                    for text in ["Deployment shop/web", "CVE-2026-4711", "openssl", "fixed in 3.0.18", "fix: "] {
                        #expect(message.contains(text), "\(message)")
                    }
                    #expect(try await Self.refusal(client, "waived") == nil)
                    #expect(try await AdmissionInstaller(client).status(namespace: "martlet", now: 0).lines.count >= 2)
                }
            }
            let log = try String(contentsOf: URL(filePath: "\(server.folder)/audit.log"), encoding: .utf8)
            #expect(log.contains(#""admission.martlet.dev/findings":"image/vulnerable-at-door=refused""#))
            #expect(
                log.contains(#""admission.martlet.dev/waived":"image/vulnerable-at-door by payments until 2026-12-31""#)
            )
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
    }

    @Test(.timeLimit(.minutes(15)))
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
