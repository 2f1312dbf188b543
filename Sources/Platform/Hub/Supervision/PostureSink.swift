import Findings
import Store

/// Digests of what is known of a cluster where its results go to.
struct KnownPosture: Sendable {
    /// By fingerprint.
    var findings: [String: String] = [:]
    var objects: [ObjectRow.Key: String] = [:]
}

/// Where a worker's results go to: the hub's own store, or over the network to it.
protocol PostureSink: Sendable {
    func now() -> Milliseconds
    /// What is there already, so that only the difference is written.
    func known() async throws -> KnownPosture
    func waivers() async throws -> [Waiver]
    /// Whether waivers may be decided without ``ClusterWorker/reconsider()`` being called.
    var isDecidedElsewhere: Bool { get }
    /// Durable when this returns.
    func write(_ batch: PostureBatch) async throws
    func note(_ state: ClusterRow.State, detail: String, holes: [String], version: String?) async throws
    /// Nothing has changed, and somebody looks.
    func noteQuiet(isComplete: Bool) async throws
}

/// The hub's own store.
struct StoreSink: PostureSink {
    let cluster: String
    let supervisor: Supervisor

    func now() -> Milliseconds { supervisor.now() }

    func known() async throws -> KnownPosture {
        let cluster = cluster
        return try await supervisor.store.read { db in
            KnownPosture(findings: try db.digests(of: cluster), objects: try db.objectDigests(of: cluster))
        }
    }

    func waivers() async throws -> [Waiver] { try await supervisor.waivers(of: cluster) }

    var isDecidedElsewhere: Bool { supervisor.isShared }

    func write(_ batch: PostureBatch) async throws {
        let (cluster, supervisor) = (cluster, supervisor)
        let told = try await supervisor.store.write { db in try supervisor.enter(batch, of: cluster, in: db) }
        supervisor.tell(told, of: cluster)
    }

    func note(_ state: ClusterRow.State, detail: String, holes: [String], version: String?) async throws {
        let cluster = cluster
        try await supervisor.store.write { db in
            try db.setState(of: cluster, state, detail: detail, holes: holes, version: version)
        }
        supervisor.tell(.clusterChanged(cluster, state))
    }

    func noteQuiet(isComplete: Bool) async throws {
        let (cluster, now, version) = (cluster, now(), supervisor.version)
        try await supervisor.store.write {
            try $0.noteWatched(cluster, at: now, isComplete: isComplete, version: version)
        }
    }
}

extension Supervisor {
    /// What a batch led to, to be told when it is durable.
    struct Told: Sendable {
        var changes: [FindingChange] = []
        var raised: [AlertRow] = []
    }

    /// Writes a batch with everything that belongs to it: findings, counters, alerts and their deliveries, owners,
    /// images, score.
    func enter(_ batch: PostureBatch, of cluster: String, in db: any SQLConnection) throws -> Told {
        let row = try db.cluster(cluster)
        let changes = try db.apply(
            FindingDelta(cluster: cluster, at: batch.at, present: batch.present, gone: batch.gone))
        let raised = try consider(changes, of: cluster, isFirst: row?.scanAt == nil, at: batch.at, in: db)
        try db.write(batch.objects, gone: batch.goneObjects, of: cluster)
        if let images = batch.images { try db.replaceImages(images, of: cluster) }
        if let end = batch.end {
            try db.setCounts(
                of: cluster, end.counts, score: end.score, eventAt: end.eventAt, scanAt: batch.at, lag: end.lag)
            try db.noteScore(of: cluster, day: "\(CalendarDate.of(batch.at))")
            try db.noteWatched(cluster, at: batch.at, isComplete: row?.holes.isEmpty ?? false, version: version)
        }
        return Told(changes: changes, raised: raised)
    }

    func tell(_ told: Told, of cluster: String) {
        tell(told.changes, of: cluster)
        tell(told.raised)
    }
}
