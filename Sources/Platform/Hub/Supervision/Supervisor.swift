import Documents
import Findings
import Logging
package import Store
import Synchronization

/// Runs one worker for each cluster, and tells everybody what they find.
package final class Supervisor: Sendable {
    /// Everything is evaluated again this often: the recovery path.
    static let fullEvery = 3_600_000

    let store: Store
    let feed: ChangeFeed
    package let now: @Sendable () -> Milliseconds
    let log: Logger
    let alerts: AlertEngine
    let outbox: OutboxSignal
    /// Of the program.
    let version: String
    /// This program among others on the same database.
    let replica = Base64URL.encode(SecretText.bytes(12))
    private let running = Mutex<[String: (worker: ClusterWorker, task: Task<Void, Never>)]>([:])

    init(
        store: Store, feed: ChangeFeed, alerts: AlertEngine, outbox: OutboxSignal, version: String,
        now: @escaping @Sendable () -> Milliseconds, log: Logger
    ) {
        self.alerts = alerts
        self.outbox = outbox
        self.version = version
        self.store = store
        self.feed = feed
        self.now = now
        self.log = log
    }

    /// Adds a cluster and begins to work on it; a worker that has its id is replaced.
    package func add(_ id: String, name: String, server: String = "", source: ClusterSource) async throws {
        let row = ClusterRow(id: id, name: name, source: source.word, server: server, addedAt: now())
        try await store.write { try $0.addCluster(row) }
        let sink = StoreSink(cluster: id, supervisor: self)
        let worker = ClusterWorker(cluster: id, source: source, sink: sink, log: log)
        let task = Task { await self.whileHolding("watch/\(id)") { await worker.run() } }
        let old = running.withLock { running in
            let old = running[id]
            running[id] = (worker, task)
            return old
        }
        old?.task.cancel()
    }

    /// Ends the work on a cluster; what is known of it stays.
    package func stop(_ id: String) {
        let old = running.withLock { $0.removeValue(forKey: id) }
        old?.task.cancel()
    }

    package func stopAll() async {
        let all = running.withLock { running in
            defer { running = [:] }
            return Array(running.values)
        }
        for (_, task) in all { task.cancel() }
        for (_, task) in all { await task.value }
    }

    func worker(_ id: String) -> ClusterWorker? { running.withLock { $0[id]?.worker } }

    package func isRunning(_ id: String) -> Bool { worker(id) != nil }

    // MARK: Leases

    static let leaseLife = 20_000

    /// Whether other hubs may stand on the same database; an embedded one has one.
    var isShared: Bool { store.backend.dialect == .postgres }

    /// Takes or keeps the work on something; false while another hub has it.
    func hold(_ name: String) async -> Bool {
        guard isShared else { return true }
        let (now, replica) = (now(), replica)
        do {
            return try await store.write { db in
                try db.takeLease(name, holder: replica, until: now + Self.leaseLife, now: now)
            }
        } catch {
            log.warning("a lease was not renewed", metadata: ["lease": "\(name)", "error": "\(error)"])
            return false
        }
    }

    /// Runs while this hub holds the lease: begins when it is free, ends when it is lost.
    func whileHolding(_ name: String, _ body: @escaping @Sendable () async -> Void) async {
        while !Task.isCancelled {
            guard await hold(name) else {
                try? await Task.sleep(for: .seconds(5))
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await body() }
                group.addTask {
                    repeat { try? await Task.sleep(for: .seconds(5)) } while await self.hold(name) && !Task.isCancelled
                }
                await group.next()
                group.cancelAll()
            }
        }
        let replica = replica
        if isShared { try? await store.write { try $0.releaseLease(name, holder: replica) } }
    }

    // MARK: Waivers

    /// What is waived in a cluster by the hub's own waivers.
    func waivers(of cluster: String) async throws -> [Waiver] {
        try await store.read { db in try db.waivers(cluster: cluster, state: .approved) }.map { row in
            Waiver(
                owner: row.owner, reason: row.reason, approver: row.decidedBy, expires: row.expires,
                scope: Waiver.Scope(
                    check: row.rule, kind: row.kind, namespace: row.namespace, name: row.name, path: row.path),
                place: "waiver \(row.id)")
        }
    }

    /// Waivers of a cluster have changed, or of all where it is empty.
    package func waiversChanged(_ cluster: String) async {
        let workers = running.withLock { running in
            running.filter { cluster.isEmpty || $0.key == cluster }.map(\.value.worker)
        }
        for worker in workers { await worker.reconsider() }
    }

    // MARK: Telling

    /// Looks at changes in the transaction that writes them: what is to be told is written with them.
    func consider(
        _ changes: [FindingChange], of cluster: String, isFirst: Bool, at now: Milliseconds, in db: any SQLConnection
    ) throws -> [AlertRow] {
        try alerts.consider(changes, of: cluster, isFirst: isFirst, at: now, in: db)
    }

    func tell(_ raised: [AlertRow]) {
        guard !raised.isEmpty else { return }
        feed.tell(raised.map(HubEvent.init))
        outbox.wake()
    }

    func tell(_ event: HubEvent) { feed.tell([event]) }

    /// Tells of changes; a first evaluation, which changes everything, is told of as one.
    func tell(_ changes: [FindingChange], of cluster: String) {
        guard !changes.isEmpty else { return }
        guard changes.count <= 200 else {
            feed.tell([.clusterChanged(cluster, .watching)])
            return
        }
        feed.tell(changes.map(HubEvent.init))
    }
}

extension HubEvent {
    init(_ change: FindingChange) {
        let finding = change.finding
        var json = JSONWriter()
        json.object { json in
            json.member("cluster", finding.cluster)
            json.member("fingerprint", finding.fingerprint)
            json.member("rule", finding.rule)
            json.member("severity", finding.severity.rawValue)
            json.member("status", finding.status.word)
            json.member("kind", finding.kind)
            json.member("namespace", finding.namespace)
            json.member("name", finding.name)
        }
        self.init(
            kind: "finding.\(change.kind.rawValue)", cluster: finding.cluster, namespace: finding.namespace,
            data: json.string)
    }

    init(_ alert: AlertRow) {
        var json = JSONWriter()
        json.object { json in
            json.member("id", alert.id)
            json.member("cluster", alert.cluster)
            json.member("title", alert.title)
            json.member("severity", alert.severity.rawValue)
            json.member("state", alert.state.rawValue)
        }
        self.init(
            kind: "alert.\(alert.state.rawValue)", cluster: alert.cluster, namespace: alert.namespace,
            data: json.string)
    }

    static func clusterChanged(_ cluster: String, _ state: ClusterRow.State) -> HubEvent {
        var json = JSONWriter()
        json.object { json in
            json.member("cluster", cluster)
            json.member("state", state.rawValue)
        }
        return HubEvent(kind: "cluster.changed", cluster: cluster, namespace: "", data: json.string)
    }
}
