/// Colours of a terminal, or none.
struct Paint: Sendable {
    let isOn: Bool

    func bold(_ text: String) -> String { wrap(text, "1") }
    func faint(_ text: String) -> String { wrap(text, "2") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func yellow(_ text: String) -> String { wrap(text, "33") }

    private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

/// Text that fits a number of columns.
enum TextLayout {
    /// Lines of at most `width` characters, each moved in; a word that is longer stands alone.
    static func wrapped(_ text: String, _ indent: Int, _ width: Int) -> [String] {
        let lead = String(repeating: " ", count: indent)
        var out: [String] = []
        var line = ""
        var length = 0
        for word in text.split(whereSeparator: \.isWhitespace) {
            if length > 0, indent + length + 1 + word.count > width {
                out.append(lead + line)
                (line, length) = ("", 0)
            }
            if length > 0 {
                line += " "
                length += 1
            }
            line += word
            length += word.count
        }
        if length > 0 { out.append(lead + line) }
        return out
    }

    /// `text` in a column of `width`, cut with an ellipsis where it is longer.
    static func padded(_ text: String, _ width: Int) -> String {
        let count = text.count
        guard count > width else { return text + String(repeating: " ", count: width - count) }
        return width > 1 ? text.prefix(width - 1) + "…" : String(text.prefix(width))
    }
}
