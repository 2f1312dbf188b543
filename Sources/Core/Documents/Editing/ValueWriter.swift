/// Values as text in the manner of a document: its indentation, its lists, its quotes.
struct ValueWriter {
    /// Spaces a level of block mappings is moved in by.
    var unit = 2
    /// How far the dash of a list stands behind the key that holds it.
    var dashOffset = 0
    /// Whether every string has double quotes, as in JSON.
    var quotesAll = false
    var spaceAfterColon = true
    var spaceAfterComma = true
    /// White space of one level where flow collections take a line for each value; nil where they stand in one line.
    var flowUnit: [UInt8]?
    var lineBreak: [UInt8] = [0x0A]
    /// Whether texts of several lines are written as such (`|`).
    var writesLiterals = false

    // MARK: Scalars

    /// A scalar or an empty collection.
    func inline(_ value: DocumentValue, like style: SourceSyntax.Style = .plain) -> String {
        switch value {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): String(int)
        case .number(let text): text
        case .string(let text): string(text, like: style)
        case .array: "[]"
        case .object: "{}"
        }
    }

    private func string(_ text: String, like style: SourceSyntax.Style) -> String {
        if quotesAll { return JSONText.quoted(text) }
        switch style {
        case .singleQuoted where text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "'") }:
            return "'\(text)'"
        case .plain where YAMLScalar.isSafePlain(text): return text
        case .blockScalar where YAMLScalar.isSafePlain(text): return text
        default: return JSONText.quoted(text)
        }
    }

    private func key(_ text: String) -> String { string(text, like: .plain) }

    // MARK: Blocks

    /// A non-empty collection as block lines; every line but the first begins with its indentation to `column`.
    func block(_ value: DocumentValue, at column: Int) -> [UInt8] {
        var out: [UInt8] = []
        writeBlock(value, column, &out)
        return out
    }

    /// `key: value` as a member of a block mapping at `column`.
    func blockMember(_ name: String, _ value: DocumentValue, at column: Int) -> [UInt8] {
        var out: [UInt8] = []
        writeMember(name, value, column, &out)
        return out
    }

    /// `- value` as an element of a block list with its dash at `column`.
    func blockElement(_ value: DocumentValue, at column: Int) -> [UInt8] {
        var out: [UInt8] = []
        writeElement(value, column, &out)
        return out
    }

    /// A line break and the indentation of the next line.
    func newLine(_ column: Int) -> [UInt8] { lineBreak + [UInt8](repeating: 0x20, count: column) }

    private func writeBlock(_ value: DocumentValue, _ column: Int, _ out: inout [UInt8]) {
        switch value {
        case .object(let members):
            for (index, member) in members.enumerated() {
                if index > 0 { out += newLine(column) }
                writeMember(member.key, member.value, column, &out)
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if index > 0 { out += newLine(column) }
                writeElement(element, column, &out)
            }
        default: out += Array(inline(value).utf8)
        }
    }

    private func writeMember(_ name: String, _ value: DocumentValue, _ column: Int, _ out: inout [UInt8]) {
        out += Array((key(name) + ":").utf8)
        guard value.hasContent else {
            out.append(0x20)
            writeScalar(value, column + unit, &out)
            return
        }
        let inner = childColumn(of: value, at: column)
        out += newLine(inner)
        writeBlock(value, inner, &out)
    }

    private func writeElement(_ value: DocumentValue, _ column: Int, _ out: inout [UInt8]) {
        out += Array("- ".utf8)
        guard value.hasContent else {
            writeScalar(value, column + 2, &out)
            return
        }
        writeBlock(value, column + 2, &out)
    }

    private func writeScalar(_ value: DocumentValue, _ column: Int, _ out: inout [UInt8]) {
        guard writesLiterals, case .string(let text) = value, text.contains("\n"), !text.hasPrefix(" "),
            !text.hasPrefix("\n"), !text.hasSuffix("\n\n"), text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0A })
        else {
            out += Array(inline(value).utf8)
            return
        }
        out += Array((text.hasSuffix("\n") ? "|" : "|-").utf8)
        for line in (text.hasSuffix("\n") ? text.dropLast() : text[...]).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            out += line.isEmpty ? lineBreak : newLine(column)
            out += Array(line.utf8)
        }
    }

    /// Where a collection begins that is the value of a key at `column`.
    func childColumn(of value: DocumentValue, at column: Int) -> Int {
        if case .array = value { return column + dashOffset }
        return column + unit
    }

    // MARK: Flow

    /// Any value between braces and brackets, for a line that begins with `indentation`.
    func flow(_ value: DocumentValue, _ indentation: [UInt8] = [], like style: SourceSyntax.Style = .plain) -> [UInt8] {
        guard value.hasContent else { return Array(inline(value, like: style).utf8) }
        let (open, close, inner): (UInt8, UInt8, [[UInt8]])
        let deeper = indentation + (flowUnit ?? [])
        switch value {
        case .object(let members):
            (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
            inner = members.map { flowMember($0.key, $0.value, deeper) }
        case .array(let elements):
            (open, close) = (UInt8(ascii: "["), UInt8(ascii: "]"))
            inner = elements.map { flow($0, deeper) }
        default: return Array(inline(value, like: style).utf8)
        }
        var out = [open]
        for (index, text) in inner.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            if flowUnit != nil {
                out += lineBreak + deeper
            } else if index > 0, spaceAfterComma {
                out.append(0x20)
            }
            out += text
        }
        if flowUnit != nil { out += lineBreak + indentation }
        out.append(close)
        return out
    }

    func flowMember(_ name: String, _ value: DocumentValue, _ indentation: [UInt8]) -> [UInt8] {
        var out = Array(key(name).utf8)
        out.append(UInt8(ascii: ":"))
        // YAML needs the space unless the key is quoted.
        if spaceAfterColon || !quotesAll { out.append(0x20) }
        return out + flow(value, indentation)
    }
}

extension DocumentValue {
    /// Whether this is a collection with something in it.
    var hasContent: Bool {
        switch self {
        case .object(let members): !members.isEmpty
        case .array(let elements): !elements.isEmpty
        default: false
        }
    }
}

extension DocumentValue {
    /// The value as a YAML document of its own, with a line break at its end.
    package var yaml: String {
        let writer = ValueWriter(writesLiterals: true)
        let text = hasContent ? writer.block(self, at: 0) : Array(writer.inline(self).utf8)
        return String(decoding: text, as: UTF8.self) + "\n"
    }
}
