/// A value made by the program rather than read: what a patch writes, what defaulting fills in.
package enum DocumentValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int)
    /// A number that is no integer, as it is to be written.
    case number(String)
    case string(String)
    case array([DocumentValue])
    /// Members in the order they are written.
    case object([Member])

    package struct Member: Sendable, Hashable {
        package var key: String
        package var value: DocumentValue
        package init(_ key: String, _ value: DocumentValue) {
            self.key = key
            self.value = value
        }
    }

    /// The value of a node, whole; null for a missing one.
    package init(_ node: Node) {
        switch node.kind {
        case .missing, .null: self = .null
        case .bool: self = .bool(node.bool ?? false)
        case .number: self = node.int.map(DocumentValue.int) ?? .number(node.text ?? "0")
        case .string: self = .string(node.string ?? "")
        case .array: self = .array(node.elements.map(DocumentValue.init))
        case .object: self = .object(node.members.map { Member($0.key, DocumentValue($0.value)) })
        }
    }
}

extension DocumentValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(arrayLiteral elements: DocumentValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, DocumentValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
    package init(nilLiteral: ()) { self = .null }
}
