/// The agent of a cluster, as the hub knows it.
package struct AgentRow: Sendable, Hashable {
    package var cluster: String
    package var version: String
    /// The last batch of its stream that is durable.
    package var serial: Int
    /// What its batches are numbered in; another one begins when the two sides no longer agree.
    package var stream: String
    package var seenAt: Milliseconds
    /// Serial number of its certificate, in hexadecimal; empty when it was revoked.
    package var certificate: String
    /// The one before: who fell over between getting a new one and keeping it still gets in.
    package var previous: String
    package var joinedAt: Milliseconds
    /// When the certificate ends.
    package var endsAt: Milliseconds
    /// The pod that speaks.
    package var pod: String
    /// Bytes of memory.
    package var memory: Int
    /// Thousandths of a core, since the last time it was heard of.
    package var cpu: Int
    /// Batches that wait on its disk.
    package var buffered: Int
    /// Batches that were dropped because the hub was away too long; what they led to is known all the same.
    package var lost: Int
    /// How far its clock is behind the hub's.
    package var skew: Milliseconds

    package init(cluster: String, version: String, certificate: String, joinedAt: Milliseconds, endsAt: Milliseconds) {
        self.cluster = cluster
        self.version = version
        self.certificate = certificate
        self.joinedAt = joinedAt
        self.endsAt = endsAt
        serial = 0
        stream = ""
        seenAt = joinedAt
        previous = ""
        pod = ""
        memory = 0
        cpu = 0
        buffered = 0
        lost = 0
        skew = 0
    }

    static let columns = """
        cluster, version, serial, stream, seen_at, certificate, previous, joined_at, ends_at, pod, memory, cpu, \
        buffered, lost, skew
        """

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            cluster: try row.text(0), version: try row.text(1), certificate: try row.text(5),
            joinedAt: try row.int(7), endsAt: try row.int(8))
        serial = try row.int(2)
        stream = try row.text(3)
        seenAt = try row.int(4)
        previous = try row.text(6)
        pod = try row.text(9)
        memory = try row.int(10)
        cpu = try row.int(11)
        buffered = try row.int(12)
        lost = try row.int(13)
        skew = try row.int(14)
    }
}

extension SQLConnection {
    package func write(_ agent: AgentRow) throws(StoreError) {
        let columns = AgentRow.columns.split(separator: ", ").map(String.init)
        let updates = columns.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        try insert(
            into: "agents", columns,
            [
                [
                    .text(agent.cluster), .text(agent.version), .int(agent.serial), .text(agent.stream),
                    .int(agent.seenAt), .text(agent.certificate), .text(agent.previous), .int(agent.joinedAt),
                    .int(agent.endsAt), .text(agent.pod), .int(agent.memory), .int(agent.cpu), .int(agent.buffered),
                    .int(agent.lost), .int(agent.skew),
                ]
            ], conflict: "ON CONFLICT (cluster) DO UPDATE SET \(updates)")
    }

    /// The agent of a cluster.
    ///
    /// - Parameter locked: nobody else changes it until the transaction ends.
    package func agent(of cluster: String, locked: Bool = false) throws(StoreError) -> AgentRow? {
        let sql = "SELECT \(AgentRow.columns) FROM agents WHERE cluster = ?\(locked ? dialect.lock : "")"
        guard let row = try row(sql, [.text(cluster)]) else { return nil }
        return try AgentRow(row)
    }

    /// Agents by cluster.
    package func agents(seenBefore time: Milliseconds = Int.max) throws(StoreError) -> [AgentRow] {
        var out: [AgentRow] = []
        let sql = "SELECT \(AgentRow.columns) FROM agents WHERE seen_at < ? ORDER BY cluster"
        for row in try rows(sql, [.int(time)]) { out.append(try AgentRow(row)) }
        return out
    }

    package func noteSeen(_ cluster: String, at time: Milliseconds, serial: Int) throws(StoreError) {
        try run(
            "UPDATE agents SET seen_at = ?, serial = ? WHERE cluster = ?", [.int(time), .int(serial), .text(cluster)])
    }
}

/// Lets one agent in, once and for a quarter of an hour.
package struct JoinTokenRow: Sendable, Hashable {
    package var digest: [UInt8]
    package var cluster: String
    package var createdBy: String
    package var expiresAt: Milliseconds

    package init(digest: [UInt8], cluster: String, createdBy: String, expiresAt: Milliseconds) {
        self.digest = digest
        self.cluster = cluster
        self.createdBy = createdBy
        self.expiresAt = expiresAt
    }
}

extension SQLConnection {
    package func add(_ token: JoinTokenRow) throws(StoreError) {
        try insert(
            into: "join_tokens", ["digest", "cluster", "created_by", "expires_at"],
            [[.blob(token.digest), .text(token.cluster), .text(token.createdBy), .int(token.expiresAt)]])
    }

    /// Uses a token up; nil when it is not there, was used or has ended. Two at once: one gets it.
    package func useJoinToken(_ digest: [UInt8], at time: Milliseconds) throws(StoreError) -> JoinTokenRow? {
        let used = try run(
            "UPDATE join_tokens SET used_at = ? WHERE digest = ? AND used_at IS NULL AND expires_at > ?",
            [.int(time), .blob(digest), .int(time)])
        guard used > 0,
            let row = try row(
                "SELECT cluster, created_by, expires_at FROM join_tokens WHERE digest = ?", [.blob(digest)])
        else { return nil }
        return JoinTokenRow(
            digest: digest, cluster: try row.text(0), createdBy: try row.text(1), expiresAt: try row.int(2))
    }

    /// Tokens that can no longer be used.
    package func dropJoinTokens(before time: Milliseconds) throws(StoreError) -> Int {
        try run("DELETE FROM join_tokens WHERE expires_at < ?", [.int(time)])
    }
}
