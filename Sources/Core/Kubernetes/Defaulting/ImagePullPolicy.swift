/// When the kubelet pulls an image for which nothing is said.
package enum ImagePullPolicy {
    /// `Always` where the tag is `latest` or left out; a name that is none of an image counts as tagged.
    package static func standard(for image: String) -> String {
        guard isReference(image) else { return "IfNotPresent" }
        let reference = ImageReference(image)
        if reference.digest != nil, reference.tag == nil { return "IfNotPresent" }
        return reference.tag ?? "latest" == "latest" ? "Always" : "IfNotPresent"
    }

    /// Whether a text follows the grammar of image references.
    ///
    /// Source: distribution/reference. A text of 64 hexadecimal digits is an image's id, not its name.
    private static func isReference(_ text: String) -> Bool {
        var name = text.utf8[...]
        if let at = name.firstIndex(of: UInt8(ascii: "@")) {
            guard isDigest(name[name.index(after: at)...]) else { return false }
            name = name[..<at]
        }
        let start = name.lastIndex(of: UInt8(ascii: "/")) ?? name.startIndex
        if let colon = name[start...].lastIndex(of: UInt8(ascii: ":")) {
            guard isTag(name[name.index(after: colon)...]) else { return false }
            name = name[..<colon]
        }
        var parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.count > 1, isRegistry(parts[0]) { parts.removeFirst() }
        if parts.count == 1, parts[0].count == 64, parts[0].allSatisfy(isHexDigit) { return false }
        return !parts.isEmpty && parts.allSatisfy(isPathComponent)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
    private static func isLower(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
    private static func isWord(_ byte: UInt8) -> Bool {
        isLower(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
    }

    private static func isDigest(_ text: Substring.UTF8View) -> Bool {
        let parts = text.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1].count >= 32 && parts[1].allSatisfy(isHexDigit)
    }

    private static func isTag(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, isWord(first), text.count <= 128 else { return false }
        return text.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// The first part names a registry when it could be a host: a dot, a port, `localhost` or an upper-case letter.
    private static func isRegistry(_ text: Substring.UTF8View) -> Bool {
        text.contains(UInt8(ascii: ".")) || text.contains(UInt8(ascii: ":")) || text.elementsEqual("localhost".utf8)
            || text.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// Lower-case words with `.`, `_`, `__` or dashes between them.
    private static func isPathComponent(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, let last = text.last, isLower(first), isLower(last) else { return false }
        var separators: [UInt8] = []
        for byte in text {
            if isLower(byte) {
                separators = []
                continue
            }
            separators.append(byte)
            let dashes = separators.allSatisfy { $0 == UInt8(ascii: "-") }
            let underscores = separators.count <= 2 && separators.allSatisfy { $0 == UInt8(ascii: "_") }
            guard dashes || underscores || separators == [UInt8(ascii: ".")] else { return false }
        }
        return true
    }
}
