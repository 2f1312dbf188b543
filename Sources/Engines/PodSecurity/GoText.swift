/// Text as Go prints and orders it, where the API server's messages depend on it.
enum GoText {
    /// `"a", "b"`
    static func quotedList(_ items: [String]) -> String {
        items.isEmpty ? "" : "\"" + items.joined(separator: "\", \"") + "\""
    }

    /// `container "a"` or `containers "a", "b"`
    static func named(_ singular: String, _ items: [String]) -> String {
        "\(plural(singular, items.count)) \(quotedList(items))"
    }

    static func plural(_ singular: String, _ count: Int) -> String { count == 1 ? singular : singular + "s" }

    /// Each text once, in order of its bytes.
    ///
    /// Swift holds canonically equal texts for the same and orders by scalars; Go does neither.
    static func sortedSet(_ items: [String]) -> [String] {
        var out: [String] = []
        for item in sorted(items) where !(out.last?.utf8.elementsEqual(item.utf8) ?? false) {
            out.append(item)
        }
        return out
    }

    /// In order of bytes.
    static func sorted(_ items: [String]) -> [String] {
        items.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A text as `%q` prints it: double quotes, escapes for what cannot be printed.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{07}": out += "\\a"
            case "\u{08}": out += "\\b"
            case "\u{0C}": out += "\\f"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0B}": out += "\\v"
            case _ where isPrintable(scalar): out.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x80: out += "\\x" + hex(scalar.value, 2)
            case _ where scalar.value < 0x10000: out += "\\u" + hex(scalar.value, 4)
            default: out += "\\U" + hex(scalar.value, 8)
            }
        }
        return out + "\""
    }

    private static func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// Letters, marks, numbers, punctuation, symbols and the plain space.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20...0x7E).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }
}
