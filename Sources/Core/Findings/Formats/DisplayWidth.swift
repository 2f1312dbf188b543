/// How wide text stands on a terminal, and how to fit it.
///
/// Source: Unicode TR 11 (East Asian Width), wide and fullwidth ranges; roughly, as terminals themselves do.
package enum DisplayWidth {
    package static func of(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    static func of(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.value < 0x300 { return 1 }
        if character.unicodeScalars.contains(where: { $0.value == 0xFE0F || $0.properties.isEmojiPresentation }) {
            return 2
        }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return isWide(first.value) ? 2 : 1
        }
    }

    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// `text` with spaces behind it up to `width`.
    package static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - of(text)))
    }

    /// `text` cut with `…` where it is wider than `width`.
    package static func truncated(_ text: String, to width: Int) -> String {
        guard of(text) > width else { return text }
        return head(text[...], width - 1) + "…"
    }

    /// `text` with its middle cut out where it is wider than `width`: file names tell most at both ends.
    package static func shortened(_ text: String, to width: Int) -> String {
        guard of(text) > width, width > 4 else { return truncated(text, to: width) }
        let tail = String(head(Substring(text.reversed()), (width - 1) * 2 / 3).reversed())
        return head(text[...], width - 1 - of(tail)) + "…" + tail
    }

    /// `text` in lines no wider than `width`, broken at spaces where there are some; at most `limit` lines.
    package static func wrapped(_ text: String, to width: Int, limit: Int = .max) -> [String] {
        let width = max(width, 2)
        var lines: [String] = []
        var line = ""
        var lineWidth = 0
        for word in text.split(separator: " ", omittingEmptySubsequences: true) {
            var word = word
            var wordWidth = of(String(word))
            if lineWidth > 0, lineWidth + 1 + wordWidth > width {
                lines.append(line)
                (line, lineWidth) = ("", 0)
            }
            while wordWidth > width {
                let part = head(word, width)
                lines.append(part)
                word = word.dropFirst(part.count)
                wordWidth = of(String(word))
                guard lines.count <= limit else { break }
            }
            guard lines.count <= limit else { break }
            line += lineWidth > 0 ? " \(word)" : String(word)
            lineWidth += (lineWidth > 0 ? 1 : 0) + wordWidth
        }
        if lineWidth > 0 || lines.isEmpty { lines.append(line) }
        guard lines.count > limit else { return lines }
        lines = Array(lines.prefix(limit))
        lines[limit - 1] = truncated(lines[limit - 1] + " …", to: width)
        return lines
    }

    /// The longest beginning of `text` no wider than `width`, at least one character.
    private static func head(_ text: Substring, _ width: Int) -> String {
        var out = ""
        var sum = 0
        for character in text {
            let own = of(character)
            if sum + own > width, !out.isEmpty { break }
            out.append(character)
            sum += own
        }
        return out
    }
}
