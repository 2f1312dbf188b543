/// What is wrong with a document, and where.
package struct DocumentError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Not JSON or YAML at all, or broken off.
        case syntax
        /// Bytes that are no text: NUL, invalid UTF-8.
        case binary
        /// Nested deeper than any Kubernetes object.
        case tooDeep
        /// Aliases that would expand beyond bounds.
        case aliasBomb
        /// An alias inside the node it names, or of no anchor.
        case badAlias
        /// A mapping key that is no scalar, or a merge of something that is no mapping.
        case badKey
        /// The same key twice in one object; Kubernetes keeps the last.
        case duplicateKey
        /// A value that does not fit its tag, or that JSON has no word for.
        case badValue
        /// Documents parted in a way that `kubectl` does not read.
        case separator
        /// So much was wrong that the rest was not read.
        case tooManyProblems
        /// A file that is only YAML after Helm has rendered it.
        case helmTemplate
        /// The file could not be read.
        case unreadable
        /// A document that is no Kubernetes object.
        case notAnObject
        /// More than 4 GiB in one text.
        case tooLarge
    }

    package var code: Code
    package var location: SourceLocation
    package var message: String

    package init(_ code: Code, at location: SourceLocation, _ message: String) {
        self.code = code
        self.location = location
        self.message = message
    }

    package var description: String { "\(location): \(message)" }
}
