import Encodings
package import Findings

/// Knows a value again without keeping it.
///
/// A keyed hash: whoever has the report but not the key cannot try values against it.
package struct SecretSeal: Sendable {
    private let key: [UInt8]?

    /// Seals with HMAC-SHA-256 under `key`.
    package init(key: [UInt8]) { self.key = key }

    /// Seals with SHA-256 alone: for tests that know the values.
    package static let unkeyed = SecretSeal()

    private init() { key = nil }

    /// 64 hexadecimal digits.
    package func seal(_ value: some Sequence<UInt8>) -> String {
        let digest = key.map { SHA256.authenticate(value, key: $0) } ?? SHA256.hash(value)
        return Hexadecimal.text(digest)
    }

    /// What people may see of a value: its length, and the first and last two characters where enough is left unseen.
    package static func hint(_ value: some RandomAccessCollection<UInt8>) -> String {
        let visible =
            value.count >= 16
            && (Array(value.prefix(2)) + Array(value.suffix(2))).allSatisfy(
                ByteClass.alphanumeric.contains)
        let middle = "… (\(value.count) characters)"
        guard visible else { return middle }
        return String(decoding: value.prefix(2), as: UTF8.self) + "…"
            + String(decoding: value.suffix(2), as: UTF8.self) + " (\(value.count) characters)"
    }

    /// A message without the hints in it: for places that are to show nothing of a value at all.
    package static func withoutHints(_ message: String) -> String {
        message.replacing(#/ ?[A-Za-z0-9]{0,2}…[A-Za-z0-9]{0,2} \([0-9]+ characters\)/#, with: "")
    }
}

/// A secret that was found, without its value.
package struct FoundSecret: Sendable {
    package var detector: String
    package var title: String
    package var severity: Severity
    package var strength: SecretMatch.Strength
    /// Bytes of the text that was looked at: of the value, or of what it was wrapped in.
    package var range: Range<Int>
    /// Seal of the bare value.
    package var seal: String
    /// Seal of the wrapped text, where the value stood in base64 or an archive.
    package var wrappedSeal: String?
    package var hint: String
    /// How it was wrapped, from the outside: `base64`, `gzip`.
    package var layers: [String]
}
