#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The schema, as steps that only ever go forward.
///
/// Rows about a cluster begin with the cluster in their key, so that a distributed PostgreSQL can keep a cluster
/// together; what belongs to the hub itself (users, sessions, the audit chain) has no cluster. Times are milliseconds
/// since 1970, `rank` counts from 0 for critical, texts compare by bytes.
enum Schema {
    /// One step for each version; never edited once released, only added to.
    static let steps: [[String]] = [first, agents, fleetCounters, labelledGrants]

    /// Roles on the namespaces that carry some labels.
    static let labelledGrants: [String] = [
        """
        CREATE TABLE labelled_grants (
          holder TEXT NOT NULL, role TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL,
          labels TEXT NOT NULL, PRIMARY KEY (holder, role, cluster, namespace, labels)
        ) TABLE-END
        """,
        """
        INSERT INTO labelled_grants (holder, role, cluster, namespace, labels)
        SELECT holder, role, cluster, namespace, '' FROM grants
        """,
        "DROP TABLE grants",
        "ALTER TABLE labelled_grants RENAME TO grants",
    ]

    /// What an agent's batches are numbered by, how its certificates follow each other, and how it fares.
    static let agents: [String] =
        ["stream", "previous", "pod"].map { "ALTER TABLE agents ADD COLUMN \($0) TEXT NOT NULL DEFAULT ''" }
        + ["joined_at", "ends_at", "cpu", "buffered", "lost", "skew"].map {
            "ALTER TABLE agents ADD COLUMN \($0) BIGINT NOT NULL DEFAULT 0"
        }

    static let first: [String] = [
        """
        CREATE TABLE clusters (
          id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, server TEXT NOT NULL,
          version TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, holes TEXT NOT NULL,
          added_at BIGINT NOT NULL, event_at BIGINT, scan_at BIGINT, lag BIGINT,
          objects BIGINT NOT NULL, workloads BIGINT NOT NULL, passed BIGINT NOT NULL, failed BIGINT NOT NULL,
          waived BIGINT NOT NULL, unobservable BIGINT NOT NULL, score REAL, serial BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE connections (
          cluster TEXT NOT NULL PRIMARY KEY, context TEXT NOT NULL, sealed BLOB NOT NULL, added_at BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE findings (
          cluster TEXT NOT NULL, fingerprint TEXT NOT NULL, rule TEXT NOT NULL, rank BIGINT NOT NULL,
          status BIGINT NOT NULL, api_group TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL,
          name TEXT NOT NULL, file TEXT NOT NULL, system BIGINT NOT NULL, title TEXT NOT NULL,
          message TEXT NOT NULL, evidence TEXT NOT NULL, origin TEXT NOT NULL, source TEXT NOT NULL,
          waiver TEXT, digest TEXT NOT NULL, first_seen BIGINT NOT NULL, changed_at BIGINT NOT NULL,
          fixed_at BIGINT, reopened BIGINT NOT NULL, object_version TEXT NOT NULL, actor TEXT NOT NULL,
          PRIMARY KEY (cluster, fingerprint)
        ) TABLE-END
        """,
        "CREATE INDEX findings_fleet ON findings (status, rank, cluster, fingerprint)",
        "CREATE INDEX findings_cluster ON findings (cluster, status, rank, fingerprint)",
        "CREATE INDEX findings_rule ON findings (rule, status, rank, cluster, fingerprint)",
        "CREATE INDEX findings_owner ON findings (cluster, namespace, kind, name, status, rank, fingerprint)",
        "CREATE INDEX findings_changed ON findings (changed_at, cluster, fingerprint)",
        """
        CREATE TABLE finding_history (
          cluster TEXT NOT NULL, fingerprint TEXT NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL,
          detail TEXT NOT NULL, PRIMARY KEY (cluster, fingerprint, at, event)
        ) TABLE-END
        """,
        """
        CREATE TABLE rollups (
          cluster TEXT NOT NULL, dimension TEXT NOT NULL, item TEXT NOT NULL, rank BIGINT NOT NULL,
          status BIGINT NOT NULL, total BIGINT NOT NULL, PRIMARY KEY (cluster, dimension, item, rank, status)
        ) TABLE-END
        """,
        "CREATE INDEX rollups_dimension ON rollups (dimension, item, rank, status, cluster, total)",
        """
        CREATE TABLE score_history (
          cluster TEXT NOT NULL, day TEXT NOT NULL, score REAL, critical BIGINT NOT NULL, high BIGINT NOT NULL,
          medium BIGINT NOT NULL, low BIGINT NOT NULL, info BIGINT NOT NULL, waived BIGINT NOT NULL,
          objects BIGINT NOT NULL, PRIMARY KEY (cluster, day)
        ) TABLE-END
        """,
        """
        CREATE TABLE objects (
          cluster TEXT NOT NULL, api_group TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL,
          name TEXT NOT NULL, file TEXT NOT NULL, runs_pods BIGINT NOT NULL, system BIGINT NOT NULL,
          labels TEXT NOT NULL, images TEXT NOT NULL, service_account TEXT NOT NULL, origin TEXT NOT NULL,
          object_version TEXT NOT NULL, worst BIGINT NOT NULL, failing BIGINT NOT NULL, digest TEXT NOT NULL,
          seen_at BIGINT NOT NULL, PRIMARY KEY (cluster, namespace, kind, name, api_group, file)
        ) TABLE-END
        """,
        "CREATE INDEX objects_worst ON objects (runs_pods, worst, cluster, namespace, kind, name)",
        """
        CREATE TABLE images (
          cluster TEXT NOT NULL, image TEXT NOT NULL, digest TEXT NOT NULL, workloads BIGINT NOT NULL,
          seen_at BIGINT NOT NULL, PRIMARY KEY (cluster, image)
        ) TABLE-END
        """,
        """
        CREATE TABLE packages (
          cluster TEXT NOT NULL, digest TEXT NOT NULL, purl TEXT NOT NULL, PRIMARY KEY (cluster, digest, purl)
        ) TABLE-END
        """,
        """
        CREATE TABLE waivers (
          cluster TEXT NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT, namespace TEXT, name TEXT,
          path TEXT, owner TEXT NOT NULL, reason TEXT NOT NULL, expires TEXT NOT NULL, state TEXT NOT NULL,
          requested_by TEXT NOT NULL, requested_at BIGINT NOT NULL, decided_by TEXT, decided_at BIGINT,
          PRIMARY KEY (cluster, id)
        ) TABLE-END
        """,
        """
        CREATE TABLE events (
          cluster TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, source TEXT NOT NULL,
          rank BIGINT NOT NULL, rule TEXT NOT NULL, namespace TEXT NOT NULL, subject TEXT NOT NULL,
          message TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (cluster, id)
        ) TABLE-END
        """,
        "CREATE INDEX events_time ON events (id, cluster)",
        """
        CREATE TABLE alerts (
          cluster TEXT NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL, group_key TEXT NOT NULL,
          rank BIGINT NOT NULL, state TEXT NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL,
          namespace TEXT NOT NULL, total BIGINT NOT NULL, started_at BIGINT NOT NULL, changed_at BIGINT NOT NULL,
          ended_at BIGINT, acknowledged_by TEXT, acknowledged_at BIGINT, escalated_at BIGINT,
          PRIMARY KEY (cluster, id)
        ) TABLE-END
        """,
        "CREATE INDEX alerts_group ON alerts (cluster, rule, group_key, state)",
        "CREATE INDEX alerts_state ON alerts (state, id)",
        """
        CREATE TABLE silences (
          cluster TEXT NOT NULL, id TEXT NOT NULL, matcher TEXT NOT NULL, reason TEXT NOT NULL,
          created_by TEXT NOT NULL, created_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, PRIMARY KEY (cluster, id)
        ) TABLE-END
        """,
        """
        CREATE TABLE deliveries (
          cluster TEXT NOT NULL, id TEXT NOT NULL, notifier TEXT NOT NULL, alert TEXT NOT NULL,
          dedup TEXT NOT NULL, content TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL,
          due_at BIGINT NOT NULL, created_at BIGINT NOT NULL, sent_at BIGINT, error TEXT NOT NULL,
          PRIMARY KEY (cluster, id)
        ) TABLE-END
        """,
        "CREATE INDEX deliveries_due ON deliveries (state, due_at)",
        """
        CREATE TABLE users (
          id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL, password TEXT NOT NULL,
          disabled BIGINT NOT NULL, created_at BIGINT NOT NULL, login_at BIGINT
        ) TABLE-END
        """,
        """
        CREATE TABLE grants (
          holder TEXT NOT NULL, role TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL,
          PRIMARY KEY (holder, role, cluster, namespace)
        ) TABLE-END
        """,
        """
        CREATE TABLE sessions (
          digest BLOB NOT NULL PRIMARY KEY, holder TEXT NOT NULL, created_at BIGINT NOT NULL,
          expires_at BIGINT NOT NULL, used_at BIGINT NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL
        ) TABLE-END
        """,
        "CREATE INDEX sessions_holder ON sessions (holder)",
        """
        CREATE TABLE tokens (
          id TEXT NOT NULL PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, created_by TEXT NOT NULL,
          created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT, revoked BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE audit (
          seq BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
          target TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) TABLE-END
        """,
        """
        CREATE TABLE leases (
          name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE agents (
          cluster TEXT NOT NULL PRIMARY KEY, version TEXT NOT NULL, serial BIGINT NOT NULL, seen_at BIGINT NOT NULL,
          certificate TEXT NOT NULL, memory BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE join_tokens (
          digest BLOB NOT NULL PRIMARY KEY, cluster TEXT NOT NULL, created_by TEXT NOT NULL,
          expires_at BIGINT NOT NULL, used_at BIGINT
        ) TABLE-END
        """,
    ]

    /// Counters of the whole fleet (cluster ''), counters of images and advisories, and the words people look for: so
    /// that the screens stay quick however many findings there are.
    static let fleetCounters: [String] = [
        "DROP INDEX findings_changed",
        "CREATE INDEX findings_latest ON findings (status, changed_at, cluster, fingerprint)",
        "CREATE INDEX findings_name ON findings (name, status, rank, cluster, fingerprint)",
        "CREATE INDEX objects_cluster ON objects (cluster, runs_pods, worst, namespace, kind, name)",
        "CREATE INDEX objects_name ON objects (name, cluster)",
        "CREATE INDEX images_image ON images (image, cluster)",
        "CREATE INDEX deliveries_alert ON deliveries (alert)",
        """
        CREATE TABLE search_terms (
          kind TEXT NOT NULL, item TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (kind, item)
        ) TABLE-END
        """,
        """
        INSERT INTO search_terms (kind, item, words)
        SELECT 'rule', rule, MAX(lower(rule) || ' ' || lower(title)) FROM findings GROUP BY rule
        """,
        """
        INSERT INTO search_terms (kind, item, words)
        SELECT 'name', name, lower(name) FROM (SELECT name FROM findings UNION SELECT name FROM objects) AS names
        """,
        """
        INSERT INTO rollups (cluster, dimension, item, rank, status, total)
        SELECT cluster, 'image', name, rank, status, COUNT(*) FROM findings WHERE kind = 'Image'
        GROUP BY cluster, name, rank, status
        """,
        """
        INSERT INTO rollups (cluster, dimension, item, rank, status, total)
        SELECT cluster, 'advisory', rule, rank, status, COUNT(*) FROM findings WHERE kind = 'Image'
        GROUP BY cluster, rule, rank, status
        """,
        "DELETE FROM rollups WHERE dimension = 'rule'",
        """
        INSERT INTO rollups (cluster, dimension, item, rank, status, total)
        SELECT cluster, 'rule', rule, rank, status, COUNT(*) FROM findings WHERE kind <> 'Image' AND system = 0
        GROUP BY cluster, rule, rank, status
        """,
        """
        INSERT INTO rollups (cluster, dimension, item, rank, status, total)
        SELECT '', dimension, item, rank, status, SUM(total) FROM rollups
        WHERE dimension IN ('rule', 'image', 'advisory') GROUP BY dimension, item, rank, status
        """,
        """
        CREATE TABLE advisories (
          id TEXT NOT NULL PRIMARY KEY, package TEXT NOT NULL, fixed TEXT NOT NULL, first_seen BIGINT NOT NULL
        ) TABLE-END
        """,
        """
        CREATE TABLE watched (
          cluster TEXT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, complete BIGINT NOT NULL,
          version TEXT NOT NULL, PRIMARY KEY (cluster, from_at)
        ) TABLE-END
        """,
    ]

    /// Brings the schema up to date, in one step from any version.
    static func migrate(_ connection: any SQLConnection) throws(StoreError) {
        let dialect = connection.dialect
        if dialect == .postgres {
            // Replicas that start together wait for the first; the number is any constant.
            _ = try connection.rows("SELECT pg_advisory_xact_lock(770701)")
        }
        try connection.run(
            dialect.schema("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)"))
        let version = try connection.row("SELECT COALESCE(MAX(version), 0) FROM schema_version")?.int(0) ?? 0
        guard version <= steps.count else {
            throw StoreError(
                .newerSchema,
                "the database has schema \(version), this program knows up to \(steps.count); use a newer Martlet")
        }
        for (index, step) in steps.enumerated().dropFirst(version) {
            for statement in step { try connection.run(dialect.schema(statement)) }
            try connection.run("INSERT INTO schema_version (version) VALUES (?)", [.int(index + 1)])
        }
    }
}

extension Schema {
    /// The version a database has; 0 for an empty one.
    static func version(of connection: any SQLConnection) throws(StoreError) -> Int {
        let known =
            switch connection.dialect {
            case .sqlite: "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'"
            case .postgres: "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'schema_version'"
            }
        guard try connection.row(known)?.int(0) ?? 0 > 0 else { return 0 }
        return try connection.row("SELECT COALESCE(MAX(version), 0) FROM schema_version")?.int(0) ?? 0
    }
}

extension SQLiteBackend {
    /// Brings a copy of the database up to date before the database itself is touched: what fails there has harmed
    /// nothing, and what was there before stays beside it. Gives the version it comes from; nil when there is nothing to
    /// do.
    package static func rehearseUpgrade(_ path: String) async throws -> Int? {
        let backend = try SQLiteBackend(path: path, readers: 1)
        let version: Int
        do {
            version = try await backend.read { try Schema.version(of: $0) }
            guard version > 0, version < Schema.steps.count else {
                try await backend.close()
                return nil
            }
            let copy = "\(path).schema-\(version)"
            try await backend.backup(to: copy)
            let trial = "\(path).trial"
            try await backend.backup(to: trial)
            try await backend.close()
            defer { for end in ["", "-wal", "-shm"] { remove("\(trial)\(end)") } }
            let store = try await Store(SQLiteBackend(path: trial, readers: 1))
            try await store.close()
        } catch {
            throw StoreError(
                .statement, "the database cannot be brought up to date; nothing of it was changed: \(error)")
        }
        return version
    }
}
