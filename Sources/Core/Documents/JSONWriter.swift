/// JSON text, built front to back.
///
/// `compact` writes one line; otherwise two spaces a level, as `kubectl -o json` does with four.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private let compact: Bool
    /// For each open container, whether something stands in it.
    private var open: [Bool] = []
    private var afterKey = false

    package init(compact: Bool = true) { self.compact = compact }

    /// Gives away what has been written so far and goes on behind it: a large text need not be held whole.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    package var string: String { String(decoding: bytes, as: UTF8.self) }

    package mutating func object(_ body: (inout JSONWriter) -> Void) { container("{", "}", body) }
    package mutating func array(_ body: (inout JSONWriter) -> Void) { container("[", "]", body) }

    package mutating func array(_ strings: some Sequence<String>) {
        array { writer in for string in strings { writer.value(string) } }
    }

    package mutating func key(_ key: String) {
        separate()
        JSONText.appendQuoted(key.utf8, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        if !compact { bytes.append(0x20) }
        afterKey = true
    }

    package mutating func value(_ string: String) {
        separate()
        JSONText.appendQuoted(string.utf8, to: &bytes)
    }
    package mutating func value(_ int: Int) { raw(String(int)) }
    package mutating func value(_ bool: Bool) { raw(bool ? "true" : "false") }
    /// Written with at most `digits` decimals; not-a-number and infinities as null, which JSON has no word for.
    package mutating func value(_ double: Double, digits: Int = 2) {
        guard double.isFinite else {
            raw("null")
            return
        }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (double * scale).rounded() / scale
        raw(rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int(rounded)) : String(rounded))
    }
    package mutating func null() { raw("null") }

    package mutating func member(_ key: String, _ string: String) {
        self.key(key)
        value(string)
    }
    package mutating func member(_ key: String, _ int: Int) {
        self.key(key)
        value(int)
    }
    package mutating func member(_ key: String, _ bool: Bool) {
        self.key(key)
        value(bool)
    }
    package mutating func member(_ key: String, _ strings: [String]) {
        self.key(key)
        array(strings)
    }
    package mutating func member(_ key: String, object body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }
    package mutating func member(_ key: String, array body: (inout JSONWriter) -> Void) {
        self.key(key)
        array(body)
    }

    /// Text that is already JSON.
    package mutating func raw(_ json: String) {
        separate()
        bytes.append(contentsOf: json.utf8)
    }

    /// A node of a document, whole; a missing one as null.
    package mutating func value(_ node: Node) {
        switch node.kind {
        case .missing, .null: null()
        case .bool: value(node.bool ?? false)
        case .number: raw(Self.number(node))
        case .string: value(node.string ?? "")
        case .array: array { writer in for element in node.elements { writer.value(element) } }
        case .object:
            object { writer in
                for member in node.members {
                    writer.key(member.key)
                    writer.value(member.value)
                }
            }
        }
    }

    package mutating func value(_ value: DocumentValue) {
        switch value {
        case .null: null()
        case .bool(let bool): self.value(bool)
        case .int(let int): self.value(int)
        case .number(let text): raw(text)
        case .string(let string): self.value(string)
        case .array(let elements): array { writer in for element in elements { writer.value(element) } }
        case .object(let members):
            object { writer in
                for member in members {
                    writer.key(member.key)
                    writer.value(member.value)
                }
            }
        }
    }

    private static func number(_ node: Node) -> String {
        let text = node.text ?? "0"
        if JSONParser.isNumber(text.utf8.span) { return text }
        if let int = node.int { return String(int) }
        if let double = node.double, double.isFinite { return String(double) }
        return "null"
    }

    private mutating func container(_ opening: Character, _ closing: Character, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(opening.asciiValue ?? 0)
        open.append(false)
        body(&self)
        if open.removeLast(), !compact { newline() }
        bytes.append(closing.asciiValue ?? 0)
    }

    private mutating func separate() {
        if afterKey {
            afterKey = false
            return
        }
        guard let top = open.indices.last else { return }
        if open[top] { bytes.append(UInt8(ascii: ",")) }
        open[top] = true
        if !compact { newline() }
    }

    private mutating func newline() {
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * open.count))
    }
}

extension Node {
    /// The value as JSON text.
    package func json(compact: Bool = true) -> String {
        var writer = JSONWriter(compact: compact)
        writer.value(self)
        return writer.string
    }
}
