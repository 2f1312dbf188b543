import Admission
import AsyncHTTPClient
import Findings
import FoundationEssentials
import Kubernetes
import NIOCore
import NIOSSL
import Synchronization
import Testing

@testable import AdmissionServer

let today: CalendarDate = {
    guard let day = CalendarDate("2026-11-23") else { preconditionFailure("November has 30 days") }
    return day
}()

/// A server on a free port of loopback for as long as `body` runs, and a client that trusts what it says to trust.
func withService(
    _ policy: AdmissionPolicy = .standard, limits: AdmissionService.Limits = .init(),
    bodyPatience: Duration = .seconds(60),
    _ body: @escaping @Sendable (AdmissionService, Int) async throws -> Void
) async throws {
    let certificates = try ServingCertificates(
        names: ["localhost", "127.0.0.1"], now: Int(Date().timeIntervalSince1970))
    var limits = limits
    limits.drain = .zero
    // Beside other tests this process may not run for seconds; a test that asks about patience sets it.
    limits.bodyPatience = bodyPatience
    let service = AdmissionService(
        AdmissionReviewer(policy: policy), certificates: certificates, limits: limits,
        today: { today })
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

/// A client that trusts a bundle and nothing else.
func withClient<Value: Sendable>(
    trusting bundle: String, _ body: (HTTPClient) async throws -> Value
) async throws -> Value {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(bundle.utf8)))
    let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: .init(tlsConfiguration: tls, timeout: .init(connect: .seconds(60))))
    do {
        let value = try await body(client)
        try await client.shutdown()
        return value
    } catch {
        try await client.shutdown()
        throw error
    }
}

let pod = """
    {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","kind":\
    {"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop",\
    "name":"p","userInfo":{"username":"a"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":\
    "shop"},"spec":{"containers":[{"name":"c","image":"a@sha256:1","securityContext":{"privileged":true}}]}}}}
    """

extension HTTPClient {
    func review(
        _ port: Int, _ body: String, type: String = "application/json", host: String = "localhost"
    ) async throws -> (status: Int, text: String) {
        var request = HTTPClientRequest(url: "https://\(host):\(port)/validate")
        request.method = .POST
        request.headers.add(name: "content-type", value: type)
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await execute(request, timeout: .seconds(60))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    func text(_ port: Int, _ path: String) async throws -> String {
        let response = try await execute(
            HTTPClientRequest(url: "https://localhost:\(port)\(path)"), timeout: .seconds(60))
        return String(buffer: try await response.body.collect(upTo: 1 << 20))
    }
}

@Suite(.serialized) struct ServiceTests {
    private static let enforce = AdmissionPolicy(
        defaultMode: .off, entries: [.init(checks: [Glob("pod/privileged")], mode: .enforce)])

    @Test func aReviewIsAnsweredOverTLS() async throws {
        try await withService(Self.enforce) { service, port in
            try await withClient(trusting: service.certificates.bundle) { (client: HTTPClient) async throws -> Void in
                let answer = try await client.review(port, pod)
                #expect(answer.status == 200)
                #expect(answer.text.contains(#""allowed":false"#))
                #expect(answer.text.contains("pod/privileged"))
                #expect(try await client.text(port, "/readyz") == "ok\n")
                #expect(
                    try await client.text(port, "/metrics")
                        .contains(#"martlet_admission_reviews_total{outcome="refused"} 1"#))
            }
        }
    }

    @Test func whoeverTrustsAnotherAuthorityIsNotAnswered() async throws {
        let other = try ServingCertificates(names: ["localhost"], now: Int(Date().timeIntervalSince1970))
        try await withService { _, port in
            await #expect(throws: (any Error).self) {
                try await withClient(trusting: other.bundle) { try await $0.review(port, pod) }
            }
        }
    }

    @Test func whatIsNoReviewGetsAnAnswerAndTheServerStaysUp() async throws {
        var limits = AdmissionService.Limits()
        limits.bodyBytes = 10_000
        try await withService(Self.enforce, limits: limits) { service, port in
            try await withClient(trusting: service.certificates.bundle) { (client: HTTPClient) async throws -> Void in
                #expect(try await client.review(port, "{").status == 400)
                #expect(try await client.review(port, "").status == 400)
                #expect(try await client.review(port, pod, type: "text/plain").status == 415)
                #expect(try await client.review(port, String(repeating: "[", count: 9_000)).status == 400)
                #expect(try await client.review(port, String(repeating: " ", count: 20_000)).status == 413)
                #expect(try await client.review(port, pod).status == 200)
                #expect(service.metrics.inFlight == 0)
            }
        }
    }

    @Test func aBodyThatDoesNotComeIsNotWaitedFor() async throws {
        try await withService(Self.enforce, bodyPatience: .milliseconds(50)) { service, port in
            try await withClient(trusting: service.certificates.bundle) { (client: HTTPClient) async throws -> Void in
                let (stream, source) = AsyncStream<ByteBuffer>.makeStream()
                source.yield(ByteBuffer(string: "{"))
                var request = HTTPClientRequest(url: "https://localhost:\(port)/validate")
                request.method = .POST
                request.headers.add(name: "content-type", value: "application/json")
                request.body = .stream(stream, length: .unknown)
                // The rest comes only after the server has lost its patience.
                let response = try await client.execute(request, timeout: .seconds(60))
                source.finish()
                #expect(response.status.code == 408)
                #expect(try await client.text(port, "/readyz") == "ok\n")
            }
        }
    }

    @Test func rotationsUnderLoadFailNoReview() async throws {
        try await withService(Self.enforce) { service, port in
            let load = RotationLoad(service)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<RotationLoad.width { group.addTask { await load.work(worker, port) } }
                group.addTask {
                    let now = Int(Date().timeIntervalSince1970)
                    for _ in 0..<50 {
                        try service.certificates.prepare(now: now)
                        await load.publish()
                        // A client that has begun with the bundle before may still be on its way.
                        await load.publish()
                        try service.certificates.adopt(now: now)
                        await load.publish()
                        service.certificates.retire()
                        await load.publish()
                    }
                    load.end()
                }
                try await group.waitForAll()
            }
            let (answered, failed) = load.counts
            #expect(failed == 0)
            #expect(answered >= 200)
            #expect(service.certificates.rotations == 50)
        }
    }

    @Test func whatIsDueIsSaidInTime() throws {
        let certificates = try ServingCertificates(names: ["localhost"], now: 1_000_000)
        #expect(certificates.step(now: 1_000_000) == .nothing)
        #expect(certificates.step(now: 1_000_000 + 21 * 86_400) == .renewLeaf)
        #expect(certificates.step(now: 1_000_000 + 300 * 86_400) == .replaceAuthority)
    }
}

/// Clients that make a new connection for every review, as the API server does after a change of `caBundle`.
private final class RotationLoad: Sendable {
    static let width = 3

    private struct State {
        var bundle: String
        var number = 0
        /// The last bundle each client has begun with.
        var seen = [Int](repeating: 0, count: RotationLoad.width)
        var isOver = false
        var answered = 0
        var failed = 0
    }

    private let service: AdmissionService
    private let state: Mutex<State>

    init(_ service: AdmissionService) {
        self.service = service
        state = Mutex(State(bundle: service.certificates.bundle))
    }

    var counts: (answered: Int, failed: Int) { state.withLock { ($0.answered, $0.failed) } }
    func end() { state.withLock { $0.isOver = true } }

    /// Gives out the bundle of the moment, and waits until every client has begun with it.
    func publish() async {
        let bundle = service.certificates.bundle
        let number = state.withLock { state in
            (state.bundle, state.number) = (bundle, state.number + 1)
            return state.number
        }
        while state.withLock({ state in state.seen.contains { $0 < number } }) { await Task.yield() }
    }

    func work(_ worker: Int, _ port: Int) async {
        while !state.withLock({ $0.isOver }) {
            let bundle = state.withLock { state in
                state.seen[worker] = state.number
                return state.bundle
            }
            let status = try? await withClient(trusting: bundle) { try await $0.review(port, pod).status }
            state.withLock { state in
                if status == 200 { state.answered += 1 } else { state.failed += 1 }
            }
        }
    }
}
