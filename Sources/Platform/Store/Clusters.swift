/// A cluster, or a folder that stands for one, as the hub knows it.
package struct ClusterRow: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable {
        /// Reading it for the first time.
        case starting
        case watching
        /// It answers no more; what is shown is as old as `eventAt`.
        case lost
        /// Not watched by this hub: files, reports somebody sends.
        case resting
    }

    package var id: String
    package var name: String
    /// `kubeconfig`, `files`, `agent`, `reports`.
    package var source: String
    package var server: String
    package var version: String
    package var state: State
    /// Why it is in that state, in one line.
    package var detail: String
    /// What could not be read, one line each: the holes beside the score.
    package var holes: [String]
    package var addedAt: Milliseconds
    package var eventAt: Milliseconds?
    package var scanAt: Milliseconds?
    /// From the last change in the cluster to its result in the store.
    package var lag: Int?
    package var counts: Counts
    package var score: Double?
    /// Grows with every change of its rows.
    package var serial: Int

    package struct Counts: Sendable, Hashable {
        package var objects = 0
        package var workloads = 0
        package var passed = 0
        package var failed = 0
        package var waived = 0
        package var unobservable = 0

        package init(
            objects: Int = 0, workloads: Int = 0, passed: Int = 0, failed: Int = 0, waived: Int = 0,
            unobservable: Int = 0
        ) {
            self.objects = objects
            self.workloads = workloads
            self.passed = passed
            self.failed = failed
            self.waived = waived
            self.unobservable = unobservable
        }

        /// Evaluations that had an answer, of those that should have had one; nil when there were none.
        package var coverage: Double? {
            let asked = passed + failed + waived + unobservable
            return asked == 0 ? nil : Double(asked - unobservable) / Double(asked)
        }
    }

    package init(
        id: String, name: String, source: String, server: String = "", version: String = "", state: State = .starting,
        detail: String = "", addedAt: Milliseconds
    ) {
        self.id = id
        self.name = name
        self.source = source
        self.server = server
        self.version = version
        self.state = state
        self.detail = detail
        holes = []
        self.addedAt = addedAt
        counts = Counts()
        serial = 0
    }

    static let columns = """
        id, name, source, server, version, state, detail, holes, added_at, event_at, scan_at, lag, objects, workloads, \
        passed, failed, waived, unobservable, score, serial
        """

    init(_ row: SQLRow) throws(StoreError) {
        id = try row.text(0)
        name = try row.text(1)
        source = try row.text(2)
        server = try row.text(3)
        version = try row.text(4)
        state = State(rawValue: try row.text(5)) ?? .lost
        detail = try row.text(6)
        holes = try row.text(7).split(separator: "\n").map(String.init)
        addedAt = try row.int(8)
        eventAt = try row.optionalInt(9)
        scanAt = try row.optionalInt(10)
        lag = try row.optionalInt(11)
        counts = Counts(
            objects: try row.int(12), workloads: try row.int(13), passed: try row.int(14), failed: try row.int(15),
            waived: try row.int(16), unobservable: try row.int(17))
        score = try row.optionalDouble(18)
        serial = try row.int(19)
    }
}

extension SQLConnection {
    /// Adds a cluster; one that is there keeps its history and takes the new name, source and server.
    package func addCluster(_ cluster: ClusterRow) throws(StoreError) {
        try insert(
            into: "clusters", ClusterRow.columns.split(separator: ", ").map(String.init),
            [
                [
                    .text(cluster.id), .text(cluster.name), .text(cluster.source), .text(cluster.server),
                    .text(cluster.version), .text(cluster.state.rawValue), .text(cluster.detail),
                    .text(cluster.holes.joined(separator: "\n")), .int(cluster.addedAt), SQLValue(cluster.eventAt),
                    SQLValue(cluster.scanAt), SQLValue(cluster.lag), .int(cluster.counts.objects),
                    .int(cluster.counts.workloads), .int(cluster.counts.passed), .int(cluster.counts.failed),
                    .int(cluster.counts.waived), .int(cluster.counts.unobservable), SQLValue(cluster.score),
                    .int(cluster.serial),
                ]
            ],
            conflict: """
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, source = excluded.source, \
                server = excluded.server, state = excluded.state, detail = excluded.detail
                """)
    }

    /// Keeps other writers from a cluster until the transaction ends.
    package func lockCluster(_ id: String) throws(StoreError) {
        _ = try row("SELECT id FROM clusters WHERE id = ?\(dialect.lock)", [.text(id)])
    }

    package func cluster(_ id: String) throws(StoreError) -> ClusterRow? {
        guard let row = try row("SELECT \(ClusterRow.columns) FROM clusters WHERE id = ?", [.text(id)]) else {
            return nil
        }
        return try ClusterRow(row)
    }

    /// Clusters somebody may know of, by id.
    package func clusters(
        in scope: AccessScope = .everything, after: String = "", limit: Int = 10_000
    ) throws(StoreError) -> [ClusterRow] {
        var out: [ClusterRow] = []
        let sql = "SELECT \(ClusterRow.columns) FROM clusters WHERE id > ? ORDER BY id"
        for row in try rows(sql, [.text(after)]) {
            let cluster = try ClusterRow(row)
            guard scope.touches(cluster: cluster.id) else { continue }
            out.append(cluster)
            if out.count == limit { break }
        }
        return out
    }

    /// Notes how the watch of a cluster stands.
    package func setState(
        of cluster: String, _ state: ClusterRow.State, detail: String, holes: [String]? = nil, version: String? = nil
    ) throws(StoreError) {
        try run(
            """
            UPDATE clusters SET state = ?, detail = ?, holes = COALESCE(?, holes), version = COALESCE(?, version),
              serial = serial + 1 WHERE id = ?
            """,
            [
                .text(state.rawValue), .text(detail), SQLValue(holes?.joined(separator: "\n")), SQLValue(version),
                .text(cluster),
            ])
    }

    /// Notes what was seen of a cluster, and when.
    package func setCounts(
        of cluster: String, _ counts: ClusterRow.Counts, score: Double?, eventAt: Milliseconds?, scanAt: Milliseconds,
        lag: Int?
    ) throws(StoreError) {
        try run(
            """
            UPDATE clusters SET objects = ?, workloads = ?, passed = ?, failed = ?, waived = ?, unobservable = ?,
              score = ?, event_at = COALESCE(?, event_at), scan_at = ?, lag = ?, serial = serial + 1 WHERE id = ?
            """,
            [
                .int(counts.objects), .int(counts.workloads), .int(counts.passed), .int(counts.failed),
                .int(counts.waived), .int(counts.unobservable), SQLValue(score), SQLValue(eventAt), .int(scanAt),
                SQLValue(lag), .text(cluster),
            ])
    }

    /// Forgets a cluster and everything about it.
    @discardableResult
    package func removeCluster(_ id: String) throws(StoreError) -> Bool {
        try removeFromFleet(id)
        for table in [
            "connections", "findings", "finding_history", "rollups", "score_history", "objects", "images", "packages",
            "waivers", "events", "alerts", "silences", "deliveries", "agents", "join_tokens", "watched",
        ] {
            try run("DELETE FROM \(table) WHERE cluster = ?", [.text(id)])
        }
        return try run("DELETE FROM clusters WHERE id = ?", [.text(id)]) > 0
    }
}
