/// What may be written to a terminal: marks and colours, always beside words that say the same.
struct Terminal {
    let colour: Bool
    let unicode: Bool

    /// SGR parameters of the sixteen colours every terminal has, readable on dark and light ones.
    enum Style: String {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case critical = "1;31"
        case high = "31"
        case medium = "33"
        case low = "36"
        case good = "32"
    }

    /// `text` in a style; nothing but the text without colour.
    func styled(_ text: String, _ style: Style) -> String {
        colour && style != .plain && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    func style(_ severity: Severity) -> Style {
        switch severity {
        case .critical: .critical
        case .high: .high
        case .medium: .medium
        case .low: .low
        case .info: .dim
        }
    }

    /// One column wide.
    func mark(_ severity: Severity) -> String {
        switch severity {
        case .critical: unicode ? "✖" : "X"
        case .high: unicode ? "▲" : "!"
        case .medium: unicode ? "◆" : "*"
        case .low: unicode ? "●" : "-"
        case .info: unicode ? "○" : "."
        }
    }

    var dot: String { unicode ? " · " : " - " }
    var rule: String { unicode ? "─" : "-" }
    var more: String { unicode ? "…" : "..." }
    var check: String { unicode ? "✔" : "OK" }
    var warning: String { unicode ? "⚠" : "!" }

    /// Text for terminals of another character set: what they cannot show as `?`, the mark of a cut as `~`.
    func ascii(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
        return text.map { character in
            switch character {
            case _ where character.isASCII: String(character)
            case "…": "~"
            default: "?"
            }
        }.joined()
    }
}
