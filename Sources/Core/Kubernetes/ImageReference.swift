/// A container image's name, taken apart.
///
/// Source: distribution reference grammar; defaults of container runtimes (`docker.io`, `library/`, `latest`).
package struct ImageReference: Sendable, Hashable {
    /// `docker.io` where the name has none.
    package var registry: String
    package var repository: String
    /// Nil where none is written; runtimes then pull `latest` unless there is a digest.
    package var tag: String?
    /// `sha256:…`
    package var digest: String?

    package init(_ text: String) {
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[lastSlash...].lastIndex(of: ":") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost" {
            registry = String(parts[0])
            repository = String(parts[1])
        } else {
            registry = "docker.io"
            repository = parts.count == 1 ? "library/\(rest)" : String(rest)
        }
    }

    /// How firmly the name holds one image: a digest never moves; `latest` or no tag moves by design.
    package enum Pin: String, Sendable { case mutable, tag, digest }
    package var pin: Pin { digest != nil ? .digest : (tag ?? "latest") == "latest" ? .mutable : .tag }
}
