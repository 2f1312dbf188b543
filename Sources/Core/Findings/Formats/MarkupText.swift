/// Text inside HTML and XML.
package enum MarkupText {
    /// Escaped for content and for attributes in either quotes; no control characters are left.
    package static func escaped(_ text: String, limit: Int = 2000) -> String {
        let safe = PrintableText.of(text, limit: limit)
        guard safe.utf8.contains(where: { "<>&\"'".utf8.contains($0) }) else { return safe }
        var out = ""
        out.reserveCapacity(safe.utf8.count + 16)
        for scalar in safe.unicodeScalars {
            switch scalar {
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "&": out += "&amp;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Our own text of several lines, its breaks kept.
    static func prose(_ text: String) -> String {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { escaped(String($0)) }
            .joined(separator: "\n")
    }
}
