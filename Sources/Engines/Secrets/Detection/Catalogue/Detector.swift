package import Findings

/// What kind of thing a detector finds: a provider's token, known by its form or by its form and the words before it.
package struct Detector: Sendable {
    /// `github-pat`: words, and forever.
    package let id: String
    /// The provider: several detectors may share one.
    package let family: String
    /// `GitHub personal access token`.
    package let title: String
    package let severity: Severity
    /// Words one of which stands shortly before the token; empty where the form alone is enough.
    let near: [String]
    /// Bytes between the word and the token at most.
    let within: Int
    let pattern: BytePattern
    /// Bytes inside the token to search for, where it begins with nothing of its own.
    let inside: [UInt8]
    let check: TokenCheck?
    /// Finds by hash only: sequences and words are tokens too (for forms nothing else has).
    let acceptsAnything: Bool
    /// The pattern as written, for tests that make tokens of it.
    package let notation: String
}

/// One place where a secret stands in a text.
package struct SecretMatch: Sendable, Equatable {
    /// How sure the detector is: what has a form of its own beats what is only near a word.
    package enum Strength: Int, Sendable, Comparable {
        case generic, near, structure, form
        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }
    /// `github-pat`, or a detector of the engine itself: `generic-password`, `url-credential`, `private-key`.
    package var detector: String
    package var title: String
    package var severity: Severity
    package var strength: Strength
    /// Bytes of the bare value.
    package var range: Range<Int>
}
