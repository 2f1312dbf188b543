/// Why a text is no condition, and where reading stopped.
package struct ConditionError: Error, Hashable, CustomStringConvertible {
    package var message: String
    package var position: ConditionPosition

    package init(_ message: String, at position: ConditionPosition) {
        self.message = message
        self.position = position
    }

    package var description: String {
        "filter error at index \(position.offset), line \(position.line), column \(position.column): \(message)"
    }
}
