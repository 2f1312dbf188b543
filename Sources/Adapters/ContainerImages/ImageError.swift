/// Why an image, or a part of it, could not be read.
package struct ImageError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// It is not there.
        case notFound
        /// The registry wants other credentials, or forbids.
        case unauthorized
        /// The other side cannot be reached, or does not answer.
        case unreachable
        /// The other side asks to come back later, and did so until we gave up.
        case busy
        /// The other side sent something that is no answer to the question.
        case badAnswer
        /// The certificate is not trusted.
        case untrusted
        /// Bytes are not those their digest names.
        case wrongDigest
        /// Bytes cannot be what they should be.
        case damaged
        /// It ends too early.
        case truncated
        /// A bound that keeps memory and time in check was reached.
        case tooLarge
        /// A form we know of and cannot read.
        case unsupported
        /// The name cannot be understood.
        case badName
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Something about an image that a person should know.
package struct ImageNote: Sendable, Hashable {
    package enum Kind: String, Sendable {
        /// Odd, and nothing was missed by it.
        case remark
        /// A part was not seen: the result is not complete.
        case incomplete
    }

    package var kind: Kind
    /// Words that stay the same: `layer-truncated`, `diff-id-mismatch`.
    package var code: String
    package var message: String

    package init(_ kind: Kind, _ code: String, _ message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }
}
