package import Documents

/// A reason for which an API server refuses a pod, before any policy sees it.
package struct PodFieldError: Sendable {
    package let node: Node
    /// The field as the API server names it.
    package let field: String
    /// `Required value`, `Invalid value: 0: must be …`
    package let message: String

    package var description: String { "\(field): \(message)" }

    static func required(_ node: Node, _ detail: String = "") -> Self { Self(node, "Required value", detail) }
    static func forbidden(_ node: Node, _ detail: String) -> Self { Self(node, "Forbidden", detail) }
    static func duplicate(_ node: Node, _ value: String) -> Self {
        Self(node, "Duplicate value: \(GoText.quoted(value))", "")
    }
    static func notFound(_ node: Node, _ value: String) -> Self { Self(node, "Not found: \(GoText.quoted(value))", "") }

    static func invalid(_ node: Node, _ detail: String) -> Self {
        Self(node, "Invalid value: \(printed(node))", detail)
    }

    static func unsupported(_ node: Node, of values: [String]) -> Self {
        let supported = values.map(GoText.quoted).joined(separator: ", ")
        return Self(node, "Unsupported value: \(printed(node))", "supported values: \(supported)")
    }

    private init(_ node: Node, _ kind: String, _ detail: String) {
        self.init(node: node, field: node.path.description, message: detail.isEmpty ? kind : "\(kind): \(detail)")
    }

    init(node: Node, field: String, message: String) {
        self.node = node
        self.field = field
        self.message = message
    }

    private static func printed(_ node: Node) -> String {
        switch node.kind {
        case .string: GoText.quoted(node.string ?? "")
        case .missing, .null: "\"\""
        default: node.json()
        }
    }
}
