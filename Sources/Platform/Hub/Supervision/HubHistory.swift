package import Compliance
import Findings
import FoundationEssentials
import Kubernetes
package import Store

extension EvidenceHistory {
    private static let day: Milliseconds = 86_400_000

    /// What a hub remembers of a cluster: when it was watched, and what became of its findings.
    package init(_ db: any SQLConnection, cluster: String, before end: Milliseconds) throws(StoreError) {
        var scans: [Scan] = []
        for stretch in try db.watched(cluster) where stretch.from < end {
            // A watch is a scan at every moment: one a day, and its last, say as much.
            var moments = Array(stride(from: stretch.from, to: stretch.to, by: Self.day))
            moments.append(stretch.to)
            scans += moments.map {
                Scan(at: Moment(seconds: $0 / 1000), version: stretch.version, isComplete: stretch.isComplete)
            }
        }
        let changes = try db.evidence(of: cluster, before: end).map { row in
            Change(
                at: Moment(seconds: row.at / 1000), check: row.rule,
                subject: ObjectReference(
                    group: row.group, kind: row.kind, namespace: row.namespace, name: row.name
                ).description, outcome: Outcome(row.status), actor: row.actor.isEmpty ? nil : row.actor)
        }
        self.init(scans: scans, changes: changes)
    }
}

extension Outcome {
    fileprivate init(_ status: FindingStatus) {
        switch status {
        case .failing: self = .fail
        case .waived: self = .waived
        case .unobservable: self = .notObservable
        case .fixed: self = .pass
        }
    }
}

/// The history a hub keeps, read from beside it.
package enum HubHistory {
    /// Reads from the database of a hub's settings.
    ///
    /// - Parameter cluster: its id or name; nil where the hub knows only one.
    package static func read(_ settings: HubSettings, cluster: String?) async throws -> EvidenceHistory {
        let store = try await open(settings)
        do {
            let history = try await store.read { db in
                let rows = try db.clusters()
                let fitting = rows.filter { cluster == nil || $0.id == cluster || $0.name == cluster }
                guard let row = fitting.first, fitting.count == 1 else {
                    let more = rows.count > 12 ? " and \(rows.count - 12) more" : ""
                    let names = rows.prefix(12).map(\.id).joined(separator: ", ") + more
                    throw StoreError(
                        .statement,
                        fitting.isEmpty
                            ? "the hub knows no cluster \"\(cluster ?? "")\"; it knows \(names)"
                            : "the hub knows several clusters, name one: \(names)")
                }
                return try EvidenceHistory(db, cluster: row.id, before: Int.max)
            }
            try await store.close()
            return history
        } catch {
            try await store.close()
            throw error
        }
    }

    private static func open(_ settings: HubSettings) async throws -> Store {
        if let address = settings.postgres { return try await Store(PostgresBackend(address)) }
        let file = "\(settings.dataFolder)/hub.sqlite"
        guard FileManager.default.fileExists(atPath: file) else {
            throw StoreError(.unavailable, "there is no hub's database in \(settings.dataFolder)")
        }
        return try await Store(SQLiteBackend(path: file, readers: 1))
    }
}
