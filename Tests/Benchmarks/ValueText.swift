import Documents

/// How generated objects are written.
enum TextStyle {
    /// As an API server sends.
    case compact
    /// As `kubectl -o json` prints: four spaces a level.
    case pretty
    case yaml
}

/// Writes generated values as JSON or YAML text.
enum ValueText {
    static func listStart(_ style: TextStyle, _ out: inout [UInt8]) {
        switch style {
        case .compact: out.append(contentsOf: #"{"apiVersion":"v1","items":["#.utf8)
        case .pretty: out.append(contentsOf: "{\n    \"apiVersion\": \"v1\",\n    \"items\": [".utf8)
        case .yaml: out.append(contentsOf: "apiVersion: v1\nitems:\n".utf8)
        }
    }

    static func listItem(_ value: DocumentValue, _ style: TextStyle, first: Bool, _ out: inout [UInt8]) {
        switch style {
        case .yaml: item(value, indent: 0, &out)
        case .compact, .pretty:
            if !first { out.append(UInt8(ascii: ",")) }
            if style == .pretty { line(2, &out) }
            append(value, style, indent: 2, to: &out)
        }
    }

    static func listEnd(_ style: TextStyle, _ out: inout [UInt8]) {
        switch style {
        case .compact: out.append(contentsOf: #"],"kind":"List","metadata":{"resourceVersion":""}}"#.utf8)
        case .pretty:
            out.append(
                contentsOf:
                    "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n"
                    .utf8)
        case .yaml: out.append(contentsOf: "kind: List\nmetadata:\n  resourceVersion: \"\"\n".utf8)
        }
    }

    static func append(_ value: DocumentValue, _ style: TextStyle, indent: Int, to out: inout [UInt8]) {
        if style == .yaml { block(value, indent, &out) } else { json(value, style == .pretty, indent, &out) }
    }

    // MARK: JSON

    private static func json(_ value: DocumentValue, _ pretty: Bool, _ indent: Int, _ out: inout [UInt8]) {
        switch value {
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                if pretty { line(indent + 1, &out) }
                JSONText.appendQuoted(member.key.utf8, to: &out)
                out.append(UInt8(ascii: ":"))
                if pretty { out.append(0x20) }
                json(member.value, pretty, indent + 1, &out)
            }
            if pretty, !members.isEmpty { line(indent, &out) }
            out.append(UInt8(ascii: "}"))
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                if pretty { line(indent + 1, &out) }
                json(element, pretty, indent + 1, &out)
            }
            if pretty, !elements.isEmpty { line(indent, &out) }
            out.append(UInt8(ascii: "]"))
        case .string(let text): JSONText.appendQuoted(text.utf8, to: &out)
        default: out.append(contentsOf: plain(value).utf8)
        }
    }

    private static func line(_ indent: Int, _ out: inout [UInt8]) {
        out.append(0x0A)
        out.append(contentsOf: repeatElement(0x20, count: 4 * indent))
    }

    private static func plain(_ value: DocumentValue) -> String {
        switch value {
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): String(int)
        case .number(let text): text
        default: "null"
        }
    }

    // MARK: YAML

    private static func block(_ value: DocumentValue, _ indent: Int, _ out: inout [UInt8]) {
        switch value {
        case .object(let members):
            for member in members { self.member(member, indent, &out) }
        case .array(let elements):
            for element in elements { item(element, indent: indent, &out) }
        default:
            spaces(indent, &out)
            scalar(value, &out)
        }
    }

    private static func member(_ member: DocumentValue.Member, _ indent: Int, _ out: inout [UInt8]) {
        spaces(indent, &out)
        scalar(.string(member.key), newline: false, &out)
        out.append(UInt8(ascii: ":"))
        switch member.value {
        case .object(let members) where !members.isEmpty:
            out.append(0x0A)
            block(member.value, indent + 2, &out)
        case .array(let elements) where !elements.isEmpty:
            out.append(0x0A)
            block(member.value, indent, &out)
        default:
            out.append(0x20)
            scalar(member.value, &out)
        }
    }

    private static func item(_ value: DocumentValue, indent: Int, _ out: inout [UInt8]) {
        spaces(indent, &out)
        out.append(contentsOf: "- ".utf8)
        guard case .object(let members) = value, !members.isEmpty else {
            scalar(value, &out)
            return
        }
        for (index, member) in members.enumerated() {
            let start = out.count
            self.member(member, indent + 2, &out)
            // The first member stands behind the dash.
            if index == 0 { out.removeSubrange(start..<start + indent + 2) }
        }
    }

    private static func spaces(_ count: Int, _ out: inout [UInt8]) {
        out.append(contentsOf: repeatElement(0x20, count: count))
    }

    private static func scalar(_ value: DocumentValue, newline: Bool = true, _ out: inout [UInt8]) {
        switch value {
        case .string(let text):
            if YAMLScalar.isSafePlain(text) {
                out.append(contentsOf: text.utf8)
            } else {
                JSONText.appendQuoted(text.utf8, to: &out)
            }
        case .object: out.append(contentsOf: "{}".utf8)
        case .array: out.append(contentsOf: "[]".utf8)
        default: out.append(contentsOf: plain(value).utf8)
        }
        if newline { out.append(0x0A) }
    }
}
