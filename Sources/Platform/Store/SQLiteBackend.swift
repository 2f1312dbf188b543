import FoundationEssentials
import GRDB

/// The embedded database: one file, one writer, readers beside it (write-ahead log).
package final class SQLiteBackend: StorageBackend {
    package let dialect = SQLDialect.sqlite
    private let pool: DatabasePool
    private let path: String

    /// Opens the file, which is made when it is not there.
    package init(path: String, readers: Int = 4) throws(StoreError) {
        self.path = path
        var configuration = Configuration()
        configuration.maximumReaderCount = readers
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // What was acknowledged must survive the loss of power, not only of the process.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA foreign_keys = ON")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            try db.execute(sql: "PRAGMA cache_size = -32768")
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch {
            throw StoreError(.unavailable, "cannot open the database \(path): \(Self.reason(error))")
        }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        do {
            return try await pool.read { db in try body(SQLiteConnection(db)) }
        } catch let error as DatabaseError {
            throw StoreError(error)
        }
    }

    package func write<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        do {
            return try await pool.write { db in try body(SQLiteConnection(db)) }
        } catch let error as DatabaseError {
            throw StoreError(error)
        }
    }

    package func size() async throws -> Int? {
        try await read { connection in
            let pages = try connection.row("PRAGMA page_count")?.int(0) ?? 0
            return pages * (try connection.row("PRAGMA page_size")?.int(0) ?? 0)
        }
    }

    /// Writes a copy of the whole database, of one moment, while others go on reading and writing.
    package func backup(to path: String) async throws {
        let target = try DatabaseQueue(path: path)
        do {
            try pool.backup(to: target)
            try target.close()
        } catch let error as DatabaseError {
            throw StoreError(error)
        }
    }

    package func close() async throws { try pool.close() }

    private static func reason(_ error: any Error) -> String {
        (error as? DatabaseError)?.message ?? "\(error)"
    }
}

private struct SQLiteConnection: SQLConnection {
    let dialect = SQLDialect.sqlite
    private let db: Database

    init(_ db: Database) { self.db = db }

    func run(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> Int {
        do {
            let statement = try db.cachedStatement(sql: sql)
            try statement.execute(arguments: StatementArguments(values.map(\.databaseValue)))
            return db.changesCount
        } catch {
            throw StoreError(error)
        }
    }

    func rows(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> [SQLRow] {
        do {
            let statement = try db.cachedStatement(sql: sql)
            let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(values.map(\.databaseValue)))
            var out: [SQLRow] = []
            while let row = try cursor.next() {
                out.append(SQLRow((0..<row.count).map { SQLValue(row[$0] as DatabaseValue) }))
            }
            return out
        } catch {
            throw StoreError(error)
        }
    }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .int(let int): Int64(int).databaseValue
        case .double(let double): double.databaseValue
        case .text(let text): text.databaseValue
        case .blob(let bytes): Data(bytes).databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let int): self = .int(Int(int))
        case .double(let double): self = .double(double)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .blob([UInt8](data))
        }
    }
}

extension StoreError {
    /// What SQLite says, without the statement's values.
    fileprivate init(_ error: any Error) {
        guard let error = error as? DatabaseError else {
            self = error as? StoreError ?? StoreError(.statement, "\(error)")
            return
        }
        let message = error.message ?? "error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR: self.init(.full, "the database cannot be written: \(message)")
        case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(.conflict, "the database is busy: \(message)")
        case .SQLITE_CONSTRAINT: self.init(.taken, "refused by the database: \(message)")
        case .SQLITE_CANTOPEN, .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(.unavailable, "the database cannot be read: \(message)")
        default: self.init(.statement, "the database refused a statement: \(message)")
        }
    }
}
