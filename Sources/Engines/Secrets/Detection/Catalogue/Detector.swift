package import Findings

/// What kind of thing a detector finds: a provider's token, known by its form or by its form and the words before it.
///
/// A class, since scanning takes one at every word that is a reason to look: that is one count and not one for each
/// field.
package final class Detector: Sendable {
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
    /// A checksum of the provider's: where it does not hold the token was made up, cut or changed.
    let proof: TokenCheck?
    /// Finds by hash only: sequences and words are tokens too (for forms nothing else has).
    let acceptsAnything: Bool
    /// The pattern as written, for tests that make tokens of it.
    package let notation: String
    /// Whether the words near it are the provider's own, and not ordinary ones.
    let isNearOwnWords: Bool

    init(
        id: String, family: String, title: String, severity: Severity, near: [String], within: Int,
        pattern: BytePattern,
        inside: [UInt8], check: TokenCheck?, proof: TokenCheck? = nil, acceptsAnything: Bool, notation: String,
        ordinary: Set<String>
    ) {
        self.id = id
        self.family = family
        self.title = title
        self.severity = severity
        self.near = near
        self.within = within
        self.pattern = pattern
        self.inside = inside
        self.check = check
        self.proof = proof
        self.acceptsAnything = acceptsAnything
        self.notation = notation
        isNearOwnWords = !near.isEmpty && !near.contains { ordinary.contains($0) || $0.utf8.count < 4 }
    }
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
