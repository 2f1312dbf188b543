/// A kubeconfig that was given to the hub, sealed with a key that is not in the database.
package struct ConnectionRow: Sendable, Hashable {
    package var cluster: String
    /// What people call the cluster.
    package var name: String
    package var context: String
    package var sealed: [UInt8]
    package var addedAt: Milliseconds

    package init(cluster: String, name: String, context: String, sealed: [UInt8], addedAt: Milliseconds) {
        self.cluster = cluster
        self.name = name
        self.context = context
        self.sealed = sealed
        self.addedAt = addedAt
    }
}

extension SQLConnection {
    package func write(_ connection: ConnectionRow) throws(StoreError) {
        try insert(
            into: "connections", ["cluster", "context", "sealed", "added_at"],
            [
                [
                    .text(connection.cluster), .text(connection.context), .blob(connection.sealed),
                    .int(connection.addedAt),
                ]
            ],
            conflict: """
                ON CONFLICT (cluster) DO UPDATE SET context = excluded.context, sealed = excluded.sealed, \
                added_at = excluded.added_at
                """)
    }

    package func connections() throws(StoreError) -> [ConnectionRow] {
        let sql = """
            SELECT c.cluster, k.name, c.context, c.sealed, c.added_at FROM connections c
            JOIN clusters k ON k.id = c.cluster ORDER BY c.cluster
            """
        var out: [ConnectionRow] = []
        for row in try rows(sql) {
            out.append(
                ConnectionRow(
                    cluster: try row.text(0), name: try row.text(1), context: try row.text(2),
                    sealed: try row.blob(3), addedAt: try row.int(4)))
        }
        return out
    }
}
