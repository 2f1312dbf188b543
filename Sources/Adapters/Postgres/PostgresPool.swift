import NIOPosix
import Synchronization

/// A few connections, each served by a thread of its own, so that nobody's event loop waits for a database.
///
/// Unchecked: a connection is taken out of `idle` before a thread uses it and put back afterwards; never two at once.
package final class PostgresPool: Sendable {
    private struct Slot: @unchecked Sendable { let connection: PostgresConnection }

    private let address: String
    private let threads: NIOThreadPool
    private let idle = Mutex<[Slot]>([])

    /// - Parameter address: as libpq writes it: `host=/run/postgresql dbname=martlet`, or a URL.
    package init(_ address: String, size: Int = 6) throws(PostgresFailure) {
        self.address = address
        threads = NIOThreadPool(numberOfThreads: max(1, size))
        threads.start()
        let first = Slot(connection: try PostgresConnection(address))
        idle.withLock { $0.append(first) }
    }

    /// Runs on a thread with a connection of its own.
    package func run<R: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> R
    ) async throws -> R {
        try await threads.runIfActive {
            let slot = try self.take()
            do {
                let result = try body(slot.connection)
                self.giveBack(slot)
                return result
            } catch {
                self.giveBack(slot)
                throw error
            }
        }
    }

    /// Runs in a transaction, which ends with the body: whole, or not at all.
    package func transaction<R: Sendable>(
        _ begin: String, _ body: @escaping @Sendable (PostgresConnection) throws -> R
    ) async throws -> R {
        try await run { connection in
            try connection.command(begin)
            do {
                let result = try body(connection)
                try connection.command("COMMIT")
                return result
            } catch {
                // A connection that is gone has rolled back by itself.
                if connection.isAlive { try connection.command("ROLLBACK") }
                throw error
            }
        }
    }

    private func take() throws(PostgresFailure) -> Slot {
        while let slot = idle.withLock({ $0.popLast() }) {
            if slot.connection.isAlive { return slot }
        }
        return Slot(connection: try PostgresConnection(address))
    }

    private func giveBack(_ slot: Slot) {
        if slot.connection.isAlive { idle.withLock { $0.append(slot) } }
    }

    package func close() async throws {
        idle.withLock { $0 = [] }
        try await threads.shutdownGracefully()
    }
}
