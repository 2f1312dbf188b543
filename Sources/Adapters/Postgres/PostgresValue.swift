/// A value as PostgreSQL takes and gives it here.
package enum PostgresValue: Sendable, Hashable {
    case null
    case int(Int)
    case double(Double)
    case text(String)
    case blob([UInt8])
}

/// What PostgreSQL refused, and its own code for why (SQLSTATE).
package struct PostgresFailure: Error, Sendable {
    package var state: String
    package var message: String

    package init(_ state: String, _ message: String) {
        self.state = state
        self.message = message
    }

    /// Another try of the whole transaction may succeed: serialization failures and deadlocks.
    package var isConflict: Bool { state == "40001" || state == "40P01" }
    package var isTaken: Bool { state.hasPrefix("23") }
    package var isFull: Bool { state.hasPrefix("53") }
    /// The connection is gone, or the server is.
    package var isLost: Bool { state.hasPrefix("08") || state.hasPrefix("57P") }
}
