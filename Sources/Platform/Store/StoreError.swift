/// Why the database did not do what was asked.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The file or server cannot be opened or reached.
        case unavailable
        /// The schema is newer than this program.
        case newerSchema
        /// A statement failed.
        case statement
        /// A value of another type than the schema has.
        case type
        /// Two writers met; the transaction may be tried again.
        case conflict
        /// No room left on the disk.
        case full
        /// What is written contradicts what is there: a name that is taken.
        case taken
        /// An answer would be larger than is sensible, and a part of it would mislead.
        case tooMany
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
