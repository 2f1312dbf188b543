/// What a database has to do for the store: transactions over plain SQL.
///
/// The statements are written once, with `?` for values, in the part of SQL that SQLite and PostgreSQL share; what
/// differs stands in `SQLDialect`.
package protocol StorageBackend: Sendable {
    var dialect: SQLDialect { get }

    /// Runs in a transaction that sees one moment and changes nothing.
    func read<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R

    /// Runs in a transaction: all of it is durable when this returns, or none of it ever happened.
    func write<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R

    /// Bytes the database takes on disk, where it can tell.
    func size() async throws -> Int?

    func close() async throws
}

/// One transaction's way to the database; never leaves the closure it was given to.
package protocol SQLConnection {
    var dialect: SQLDialect { get }

    /// Runs a statement; gives the number of rows it changed.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> Int

    /// Every row of an answer.
    func rows(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> [SQLRow]
}

extension SQLConnection {
    @discardableResult
    package func run(_ sql: String) throws(StoreError) -> Int { try run(sql, []) }

    package func rows(_ sql: String) throws(StoreError) -> [SQLRow] { try rows(sql, []) }

    package func row(_ sql: String, _ values: [SQLValue] = []) throws(StoreError) -> SQLRow? {
        try rows(sql, values).first
    }

    /// Inserts many rows in as few statements as the database likes best.
    ///
    /// - Parameter conflict: what stands behind the values: `ON CONFLICT (a, b) DO UPDATE SET …`.
    package func insert(
        into table: String, _ columns: [String], _ rows: [[SQLValue]], conflict: String = ""
    ) throws(StoreError) {
        guard !rows.isEmpty else { return }
        let width = max(1, min(dialect.rowsInAStatement, 30_000 / columns.count))
        let tuple = "(" + repeatElement("?", count: columns.count).joined(separator: ", ") + ")"
        var start = 0
        while start < rows.count {
            let end = min(rows.count, start + width)
            let tuples = repeatElement(tuple, count: end - start).joined(separator: ", ")
            let sql = "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES \(tuples) \(conflict)"
            try run(sql, rows[start..<end].flatMap(\.self))
            start = end
        }
    }

    /// The rows whose `column` is one of many values: `sql` ends before the condition.
    func rows(
        _ sql: String, _ values: [SQLValue], where column: String, isOneOf keys: [SQLValue]
    ) throws(StoreError) -> [SQLRow] {
        var out: [SQLRow] = []
        var start = 0
        while start < keys.count {
            let end = min(keys.count, start + 250)
            let marks = repeatElement("?", count: end - start).joined(separator: ", ")
            out += try rows("\(sql) \(column) IN (\(marks))", values + keys[start..<end])
            start = end
        }
        return out
    }
}

/// Where the two databases speak differently.
package enum SQLDialect: Sendable {
    case sqlite, postgres

    /// A prepared statement a row is fastest in SQLite; PostgreSQL pays for every way there and back.
    var rowsInAStatement: Int { self == .sqlite ? 1 : 200 }

    /// Keeps other writers from a row until the transaction ends; SQLite has one writer anyway.
    var lock: String { self == .sqlite ? "" : " FOR UPDATE" }

    /// The same, passing over rows that somebody else holds.
    var lockSkipping: String { self == .sqlite ? "" : " FOR UPDATE SKIP LOCKED" }

    /// A statement of the schema in this database's words.
    ///
    /// Texts compare by their bytes in both, or cursors would walk in another order than indexes do.
    func schema(_ sql: String) -> String {
        switch self {
        case .sqlite: sql.replacing("TABLE-END", with: "WITHOUT ROWID")
        case .postgres:
            sql.replacing("TABLE-END", with: "").replacing(" TEXT", with: " TEXT COLLATE \"C\"")
                .replacing(" BLOB", with: " BYTEA").replacing(" REAL", with: " DOUBLE PRECISION")
        }
    }
}
