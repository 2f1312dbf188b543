/// Everything the hub remembers, in one database.
///
/// Operations are functions of a transaction (`SQLConnection`), so that what belongs together happens together: a change
/// of findings, its counters, the alert it raises and the delivery of that alert are one transaction.
package struct Store: Sendable {
    package let backend: any StorageBackend

    /// Brings the schema up to date.
    package init(_ backend: any StorageBackend) async throws {
        self.backend = backend
        try await backend.write { connection in try Schema.migrate(connection) }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        try await backend.read(body)
    }

    /// Writers that met try again; nothing of a failed try remains.
    package func write<R: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> R) async throws -> R {
        var attempt = 0
        while true {
            do {
                return try await backend.write(body)
            } catch let error as StoreError where error.code == .conflict && attempt < 8 {
                attempt += 1
            }
        }
    }

    package func close() async throws { try await backend.close() }
}
