import Admission
import AdmissionServer
import AsyncHTTPClient
import Foundation
import Kubernetes
import NIOCore
import NIOSSL

extension Load {
    /// Reviews over TLS and HTTP/2 on loopback, sent at an even pace as API servers send them.
    static let serving = Load(name: "serving") {
        let now = Int(Date().timeIntervalSince1970)
        let certificates = try ServingCertificates(names: ["localhost"], now: now)
        let reviewer = AdmissionReviewer(
            policy: Requests.podSecurity, inventory: Inventory(Requests.namespace),
            custom: CustomPolicies(Requests.policies(50)))
        var limits = AdmissionService.Limits()
        limits.drain = .zero
        let service = AdmissionService(reviewer, certificates: certificates, limits: limits, today: { Requests.today })
        let (ports, found) = AsyncStream<Int>.makeStream()
        let server = Task {
            try await service.run(host: "127.0.0.1", port: 0, handlesSignals: false) { found.yield($0) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else { return ["load serving: the server did not start"] }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(certificates.bundle.utf8)))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
        let bodies = (0..<200).map { Requests.review($0) }

        @Sendable func send(_ index: Int) async throws -> Bool {
            var request = HTTPClientRequest(url: "https://localhost:\(port)/validate")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: bodies[index % bodies.count]))
            let response = try await client.execute(request, timeout: .seconds(10))
            let body = try await response.body.collect(upTo: 1 << 20)
            return response.status == .ok && body.readableBytes > 0
        }
        for index in 0..<200 { _ = try await send(index) }
        let rate = 200.0
        let count = 4000
        var all: [Double] = []
        var failed = 0
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Double?.self) { group in
            for index in 0..<count {
                let due = start + .seconds(Double(index) / rate)
                try await Task.sleep(until: due, clock: .continuous)
                group.addTask {
                    let begin = ContinuousClock.now
                    let isAnswered = (try? await send(index)) ?? false
                    return isAnswered ? (ContinuousClock.now - begin) / .milliseconds(1) : nil
                }
            }
            for try await time in group {
                if let time { all.append(time) } else { failed += 1 }
            }
        }
        try await client.shutdown()
        server.cancel()
        return [
            line("latency-p50-at-200", percentile(all, 0.5), "ms", goal: "2.5"),
            line("latency-p99-at-200", percentile(all, 0.99), "ms", goal: "5"),
            line("failed-reviews", Double(failed), "of \(count)", goal: "0"),
        ]
    }
}
