/// Text from outside made safe to show: what a manifest says must not move a cursor, turn the direction of a line or
/// hide letters.
///
/// Control characters, direction marks and invisible ones become visible escapes (`\n`, `\u{1B}`); everything else
/// stays. Trap: U+009B alone is an escape sequence's beginning to some terminals, without any U+001B.
package enum PrintableText {
    /// `text` with nothing in it that acts, cut with `…` behind `limit` characters.
    package static func of(_ text: String, limit: Int = 4096) -> String {
        let short = text.utf8.count <= limit ? text : cut(text, limit)
        guard !short.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) else { return short }
        guard short.unicodeScalars.contains(where: acts) else { return short }
        var out = String.UnicodeScalarView()
        for scalar in short.unicodeScalars {
            if acts(scalar) { out.append(contentsOf: escape(scalar).unicodeScalars) } else { out.append(scalar) }
        }
        return String(out)
    }

    /// Whether a scalar does something instead of showing something.
    static func acts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        // Directions, and separators that only look like line ends to some.
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F: true
        // Invisible: zero-width space, word joiner and company, byte order mark, interlinear marks, tags.
        case 0x200B, 0x2060...0x2065, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE0FFF, 0x00AD, 0x180E: true
        // No characters, in XML neither.
        case 0xFFFE, 0xFFFF: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        }
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        // Scalars, not Characters: a million combining marks are one Character.
        let view = text.unicodeScalars.prefix(limit + 1)
        guard view.count > limit else { return text }
        return String(String.UnicodeScalarView(view.dropLast())) + "…"
    }
}
