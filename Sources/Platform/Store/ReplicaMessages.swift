package import Postgres

extension Store {
    private static let channel = "martlet"

    /// The longest message, in bytes: PostgreSQL takes less than 8,000.
    package static let longestMessage = 7900

    /// Tells the other hubs on this database, those that listen now; an embedded database has none.
    package func tellReplicas(_ message: String) async throws {
        guard backend is PostgresBackend else { return }
        _ = try await write { try $0.rows("SELECT pg_notify(?, ?)", [.text(Self.channel), .text(message)]) }
    }

    /// What hubs on this database say from now on, this one's own words too; nil where there can be no other.
    package func replicaMessages() -> AsyncStream<PostgresListener.Message>? {
        guard let backend = backend as? PostgresBackend else { return nil }
        return PostgresListener.messages(backend.address, channel: Self.channel)
    }
}
