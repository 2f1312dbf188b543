package import Admission
package import Findings
import Hummingbird
import HummingbirdHTTP2
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The webhook's server: TLS, HTTP/2, bounds on whatever comes in, and an answer to each review.
package final class AdmissionService: Sendable {
    package struct Limits: Sendable {
        /// A review holds an object twice at most; the API server takes objects of up to 3 MB.
        package var bodyBytes = 3 << 20
        /// Longest wait for the whole of a body.
        package var bodyPatience = Duration.seconds(5)
        /// Reviews answered at once.
        package var inFlight = 512
        /// How long a connection may say nothing.
        package var idle = Duration.seconds(90)
        /// How long requests are still taken after the end was announced, for those who have not heard of it.
        package var drain = Duration.seconds(5)

        package init() {}
    }

    package let metrics = AdmissionMetrics()
    package let certificates: ServingCertificates
    private let limits: Limits
    private let reviewer: Mutex<AdmissionReviewer>
    private let ready = Mutex(false)
    private let today: @Sendable () -> CalendarDate
    private let onEvent: @Sendable (DoorEvent) -> Void
    private let onPod: @Sendable (JudgedPod) -> Void
    private let moreMetrics: @Sendable () -> String

    /// - Parameters:
    ///   - onEvent: told of refusals and emergencies; for alerts and logs.
    ///   - onPod: told of each pod that was let in, with the digests that its images were judged as.
    ///   - moreMetrics: further lines for `/metrics`.
    package init(
        _ reviewer: AdmissionReviewer, certificates: ServingCertificates, limits: Limits = Limits(),
        today: @escaping @Sendable () -> CalendarDate,
        onEvent: @escaping @Sendable (DoorEvent) -> Void = { _ in },
        onPod: @escaping @Sendable (JudgedPod) -> Void = { _ in },
        moreMetrics: @escaping @Sendable () -> String = { "" }
    ) {
        self.reviewer = Mutex(reviewer)
        self.certificates = certificates
        self.limits = limits
        self.today = today
        self.onEvent = onEvent
        self.onPod = onPod
        self.moreMetrics = moreMetrics
    }

    /// Puts another state in place of the one reviews are answered by.
    package func replace(_ new: AdmissionReviewer) { reviewer.withLock { $0 = new } }
    package var current: AdmissionReviewer { reviewer.withLock { $0 } }
    package var isReady: Bool { ready.withLock { $0 } }

    /// Holds the server to a review of its own before anybody is told that it is there.
    ///
    /// Nil where it answers as it must; what is wrong otherwise.
    package func selfCheck() async -> String? {
        let review = """
            {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"self-check","operation":\
            "CREATE","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":\
            "pods"},"namespace":"kube-system","name":"self-check","userInfo":{"username":"self-check"},"dryRun":true,\
            "object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"self-check","namespace":"kube-system"},\
            "spec":{"containers":[]}}}}
            """
        let reviewed = await current.review(Array(review.utf8), today: today())
        guard reviewed.decision.response.uid == "self-check" else { return "a review was not understood" }
        // The plug-in of Pod Security refuses where its configuration says so; Martlet itself never does there.
        guard reviewed.decision.refusals.isEmpty else { return "a pod of kube-system would be refused" }
        return nil
    }

    // MARK: Serving

    /// Serves until the task is cancelled or the program is told to end; then answers what has come in, and ends.
    ///
    /// - Parameter onRunning: told the port that is listened on.
    package func run(
        host: String = "0.0.0.0", port: Int, handlesSignals: Bool = true,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        if let problem = await selfCheck() { throw NotReady(reason: problem) }
        let router = router()
        let idle = TimeAmount.nanoseconds(Int64(limits.idle / .nanoseconds(1)))
        var logger = Logger(label: "martlet.admission")
        logger.logLevel = .error
        let application = Application(
            router: router,
            server: try .http2Upgrade(
                tlsConfiguration: certificates.configuration(),
                configuration: .init(
                    idleTimeout: limits.idle, gracefulCloseTimeout: .seconds(10),
                    streamConfiguration: .init(idleTimeout: idle))),
            configuration: .init(address: .hostname(host, port: port), serverName: "martlet"),
            onServerRunning: { [self] channel in
                ready.withLock { $0 = true }
                await onRunning(channel.localAddress?.port ?? port)
            }, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: application),
                    .init(service: Drain(service: self), successTerminationBehavior: .ignore),
                ], gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [], logger: logger))
        // Whoever cancels wants it to end, and nobody to be left without an answer.
        let running = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }

    package struct NotReady: Error, CustomStringConvertible {
        package var reason: String
        package var description: String { "the admission server does not pass its own check: \(reason)" }
    }

    /// Services end last first: this one says "not ready", and waits until the others have heard of it.
    private struct Drain: Service {
        let service: AdmissionService

        func run() async throws {
            try? await gracefulShutdown()
            service.ready.withLock { $0 = false }
            try? await Task.sleep(for: service.limits.drain)
        }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        for (path, mutates) in [("validate", false), ("mutate", true)] {
            router.post("/\(path)") { [self] request, _ in await review(request, mutates: mutates) }
        }
        router.get("/healthz") { _, _ in Self.text(.ok, "ok\n") }
        router.get("/readyz") { [self] _, _ in
            isReady ? Self.text(.ok, "ok\n") : Self.text(.serviceUnavailable, "draining\n")
        }
        router.get("/metrics") { [self] _, _ in
            Self.text(
                .ok,
                metrics.text(certificateEnds: certificates.ends, rotations: certificates.rotations, isReady: isReady)
                    + moreMetrics())
        }
        return router
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private func review(_ request: Request, mutates: Bool) async -> Response {
        let type = request.headers[.contentType]?.prefix { $0 != ";" && $0 != " " }
        guard type?.lowercased() == "application/json" else {
            metrics.reject("content-type")
            return Self.text(.unsupportedMediaType, "expected content type application/json\n")
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limits.bodyBytes {
            metrics.reject("size")
            return Self.text(.contentTooLarge, "a review is \(limits.bodyBytes) bytes at most\n")
        }
        guard metrics.enter(most: limits.inFlight) else {
            metrics.reject("load")
            return Self.text(.tooManyRequests, "too many reviews at once\n")
        }
        defer { metrics.leave() }
        let begin = ContinuousClock.now
        let bytes: [UInt8]
        switch await body(request) {
        case .whole(let whole): bytes = whole
        case .tooLarge:
            metrics.reject("size")
            return Self.text(.contentTooLarge, "a review is \(limits.bodyBytes) bytes at most\n")
        case .tooSlow:
            metrics.reject("slow")
            return Self.text(.requestTimeout, "the body did not arrive in time\n")
        case .broken:
            metrics.reject("broken")
            return Self.text(.badRequest, "the body broke off\n")
        }
        let reviewed = await current.review(bytes, today: today(), mutates: mutates)
        metrics.note(reviewed.decision, seconds: (ContinuousClock.now - begin) / .seconds(1))
        if let event = reviewed.event { onEvent(event) }
        if let pod = reviewed.pod { onPod(pod) }
        return Response(
            status: reviewed.httpStatus == 200 ? .ok : .badRequest, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: reviewed.body)))
    }

    private enum Body: Sendable {
        case whole([UInt8])
        case tooLarge, tooSlow, broken
    }

    /// The body, if it comes whole, in time and not too large.
    private func body(_ request: Request) async -> Body {
        let limit = limits.bodyBytes
        let patience = limits.bodyPatience
        let source = request.body
        return await withTaskGroup(of: Body?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                do {
                    for try await var part in source {
                        guard bytes.count + part.readableBytes <= limit else { return .tooLarge }
                        bytes += part.readBytes(length: part.readableBytes) ?? []
                    }
                } catch {
                    return .broken
                }
                return .whole(bytes)
            }
            group.addTask {
                do {
                    try await Task.sleep(for: patience)
                } catch {
                    return nil
                }
                return .tooSlow
            }
            var out = Body.broken
            for await result in group {
                guard let result else { continue }
                out = result
                group.cancelAll()
                break
            }
            return out
        }
    }
}
