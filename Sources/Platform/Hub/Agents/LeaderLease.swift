import Documents
import FoundationEssentials
import KubernetesClient
import Logging
import Store

/// Who of several pods works: the holder of a Lease.
///
/// Whether a holder is gone is told by the lease not changing for its length on this machine's own clock, as
/// Kubernetes' components do: clocks of machines differ.
struct LeaderLease: Sendable {
    /// Seconds.
    static let length = 15

    let namespace: String
    let name: String
    let holder: String
    let now: @Sendable () -> Milliseconds
    let log: Logger

    private var path: String { "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases" }

    /// Waits for the lease, works while it is held, and gives it back; begins again when it was lost.
    func leading(_ configuration: ClientConfiguration, _ body: @escaping @Sendable () async throws -> Void) async throws
    {
        var options = APIClient.Options()
        options.tries = 1
        options.patience = .seconds(5)
        let client = try APIClient(configuration, options: options)
        defer { client.close() }
        var seen: (version: String, since: ContinuousClock.Instant)?
        var isTold = false
        while true {
            try Task.checkCancellation()
            let isHeld = await take(client, &seen)
            guard isHeld else {
                if !isTold { log.info("another pod leads; waiting") }
                isTold = true
                try await Task.sleep(for: .seconds(3))
                continue
            }
            isTold = false
            log.info("this pod leads")
            do {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        try await body()
                        return true
                    }
                    group.addTask {
                        try await keep(client)
                        return false
                    }
                    let isOver = try await group.next() ?? true
                    group.cancelAll()
                    if isOver { throw CancellationError() }
                }
            } catch {
                await release(client)
                throw error
            }
            log.warning("the lease is lost")
        }
    }

    /// Keeps the lease; returns when it is another's, or could not be kept for its length.
    private func keep(_ client: APIClient) async throws {
        var kept = ContinuousClock.now
        while true {
            try await Task.sleep(for: .seconds(5))
            do {
                let lease = try await client.node("\(path)/\(name)")
                guard lease["spec"]["holderIdentity"].equals(holder) else { return }
                if case .done = try await write(client, lease, holder: holder) { kept = .now }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                log.warning("the lease was not renewed", metadata: ["error": "\(error)"])
            }
            if ContinuousClock.now - kept > .seconds(Self.length - 3) { return }
        }
    }

    private func take(
        _ client: APIClient, _ seen: inout (version: String, since: ContinuousClock.Instant)?
    ) async -> Bool {
        do {
            let lease = try await client.node("\(path)/\(name)")
            let current = lease["spec"]["holderIdentity"].string ?? ""
            let version = lease["metadata"]["resourceVersion"].string ?? ""
            if seen?.version != version { seen = (version, .now) }
            let length = lease["spec"]["leaseDurationSeconds"].int ?? Self.length
            let isStale = seen.map { ContinuousClock.now - $0.since > .seconds(length) } ?? false
            guard current.isEmpty || current == holder || isStale else { return false }
            if case .done = try await write(client, lease, holder: holder) { return true }
            return false
        } catch let error as ClientError where error.code == .notFound {
            return await create(client)
        } catch {
            log.warning("the lease was not read", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func create(_ client: APIClient) async -> Bool {
        do {
            if case .done = try await client.change(.create, path, body(version: nil, holder: holder)) { return true }
        } catch {
            log.warning("the lease is not there and cannot be made", metadata: ["error": "\(error)"])
        }
        return false
    }

    private func release(_ client: APIClient) async {
        // The task is cancelled; what is left to do is done beside it.
        await Task.detached {
            guard let lease = try? await client.node("\(path)/\(name)"), lease["spec"]["holderIdentity"].equals(holder)
            else { return }
            _ = try? await write(client, lease, holder: "")
        }.value
    }

    private func write(_ client: APIClient, _ lease: Node, holder: String) async throws -> APIClient.Changed {
        let version = lease["metadata"]["resourceVersion"].string
        return try await client.change(.replace, "\(path)/\(name)", body(version: version, holder: holder))
    }

    private func body(version: String?, holder: String) -> [UInt8] {
        var json = JSONWriter()
        let time = Date(timeIntervalSince1970: Double(now()) / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            .replacing("Z", with: "000Z")
        json.object { json in
            json.member("apiVersion", "coordination.k8s.io/v1")
            json.member("kind", "Lease")
            json.member(
                "metadata",
                object: { json in
                    json.member("name", name)
                    json.member("namespace", namespace)
                    if let version { json.member("resourceVersion", version) }
                })
            json.member(
                "spec",
                object: { json in
                    json.member("holderIdentity", holder)
                    json.member("leaseDurationSeconds", Self.length)
                    json.member("renewTime", time)
                })
        }
        return json.bytes
    }
}
