import AdvisoryStore
import Foundation
import Synchronization
package import Vulnerabilities

/// The advisory database of the moment: a file that may be replaced while images are compared with it.
package final class AdvisoryShelf: Sendable {
    package struct Copy: Sendable {
        package var database: AdvisoryDatabase
        /// What tells this database from every other.
        package var digest: String
    }

    private struct State {
        var copy: Copy?
        var size: UInt64 = 0
        var changed = Date.distantPast
    }

    package let path: String
    private let state = Mutex(State())

    package init(path: String) { self.path = path }

    /// The database as the file is now. A file that is gone or cannot be read leaves the one before in use.
    ///
    /// - Throws: where there was none yet.
    package func current() throws -> Copy {
        try state.withLock { state in
            do {
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                let size = (attributes[.size] as? UInt64) ?? UInt64((attributes[.size] as? Int) ?? 0)
                let changed = (attributes[.modificationDate] as? Date) ?? .distantPast
                if let copy = state.copy, size == state.size, changed == state.changed { return copy }
                let database = try AdvisoryStore.openWhole(path)
                let copy = Copy(database: database, digest: AdvisoryStore.digest(database.head))
                state = State(copy: copy, size: size, changed: changed)
                return copy
            } catch {
                guard let copy = state.copy else { throw error }
                return copy
            }
        }
    }
}
