import Documents
import Store

extension HubContext {
    /// A cluster of which only what is sent is known, where it is not known already.
    func know(cluster id: String, at now: Milliseconds) async throws {
        try await store.write { db in
            guard try db.cluster(id) == nil else { return }
            try db.addCluster(
                ClusterRow(
                    id: id, name: id, source: "reports", state: .resting, detail: "only what is sent", addedAt: now))
        }
    }

    /// Keeps events, alerts on those that are new, and tells open pages.
    func keep(_ rows: [EventRow], of cluster: String, at now: Milliseconds) async throws {
        let alerts = supervisor.alerts
        let raised = try await store.write { db in
            try db.lockCluster(cluster)
            // What is known already was sent again: nobody is told twice.
            let new = try db.unknown(rows, of: cluster)
            try db.add(new)
            return try alerts.consider(new, at: now, in: db)
        }
        supervisor.tell(raised)
        feed.tell(
            rows.suffix(50).map { row in
                var json = JSONWriter()
                json.object { $0.event(row) }
                return HubEvent(kind: "event.new", cluster: cluster, namespace: row.namespace, data: json.string)
            })
    }
}
