import Postgres

/// PostgreSQL: for more than one hub, or more than one file should hold.
package final class PostgresBackend: StorageBackend {
    package let dialect = SQLDialect.postgres
    private let pool: PostgresPool
    let address: String

    /// - Parameter address: as libpq writes it: `host=db dbname=martlet user=martlet`, or a URL.
    package init(_ address: String, connections: Int = 6) throws(StoreError) {
        self.address = address
        do {
            pool = try PostgresPool(address, size: connections)
        } catch {
            throw StoreError(.unavailable, "PostgreSQL is not reached: \(error.message)")
        }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        try await run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body)
    }

    package func write<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        try await run("BEGIN ISOLATION LEVEL READ COMMITTED", body)
    }

    private func run<R: Sendable>(
        _ begin: String, _ body: @escaping @Sendable (any SQLConnection) throws -> R
    ) async throws -> R {
        do {
            return try await pool.transaction(begin) { connection in try body(PostgresSQL(connection: connection)) }
        } catch let failure as PostgresFailure {
            throw StoreError(failure)
        }
    }

    package func size() async throws -> Int? {
        try await read { try $0.row("SELECT pg_database_size(current_database())")?.int(0) }
    }

    package func close() async throws { try await pool.close() }
}

private struct PostgresSQL: SQLConnection {
    let dialect = SQLDialect.postgres
    let connection: PostgresConnection

    func run(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> Int {
        do {
            return try connection.run(sql, values.map(PostgresValue.init)).changed
        } catch {
            throw StoreError(error)
        }
    }

    func rows(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> [SQLRow] {
        do {
            return try connection.run(sql, values.map(PostgresValue.init)).rows.map { SQLRow($0.map(SQLValue.init)) }
        } catch {
            throw StoreError(error)
        }
    }
}

extension PostgresValue {
    fileprivate init(_ value: SQLValue) {
        switch value {
        case .null: self = .null
        case .int(let int): self = .int(int)
        case .double(let double): self = .double(double)
        case .text(let text): self = .text(text)
        case .blob(let bytes): self = .blob(bytes)
        }
    }
}

extension SQLValue {
    fileprivate init(_ value: PostgresValue) {
        switch value {
        case .null: self = .null
        case .int(let int): self = .int(int)
        case .double(let double): self = .double(double)
        case .text(let text): self = .text(text)
        case .blob(let bytes): self = .blob(bytes)
        }
    }
}

extension StoreError {
    fileprivate init(_ failure: PostgresFailure) {
        let code: Code =
            if failure.isConflict {
                .conflict
            } else if failure.isTaken {
                .taken
            } else if failure.isFull {
                .full
            } else if failure.isLost {
                .unavailable
            } else {
                .statement
            }
        self.init(code, "PostgreSQL: \(failure.message)")
    }
}
