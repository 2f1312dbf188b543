package import Documents

/// A recorded event: `{"type": …, "fields": {name: value}}`, the fields as the sensor or Falco itself gave them.
///
/// A field that is not there has no value. Lists are JSON lists, addresses their text, times nanoseconds.
package struct TraceEvent: Sendable {
    package let node: Node
    private let fields: Node

    package init(_ node: Node) {
        self.node = node
        fields = node["fields"]
    }

    package var type: String { node["type"].string ?? fields["evt.type"].string ?? "" }

    /// Whether the node is a recorded event.
    package static func accepts(_ node: Node) -> Bool { node["fields"].isObject }

    /// Nanoseconds since 1970.
    package var time: UInt64 {
        let value = fields["evt.rawtime"].exists ? fields["evt.rawtime"] : fields["evt.time"]
        return UInt64(value.text ?? "") ?? 0
    }

    package func values(_ field: FieldReference, _ info: FieldInfo) -> [FieldValue]? {
        let name = field.argument == nil ? field.name : field.description
        var value = fields[name]
        if !value.exists, field.argument == nil, field.name == "evt.rawtime" { value = fields["evt.time"] }
        return Self.values(value, info.type)
    }

    static func values(_ node: Node, _ type: ValueType) -> [FieldValue]? {
        switch node.kind {
        case .missing, .null, .object: return nil
        case .array: return node.elements.flatMap { values($0, type) ?? [] }
        case .bool: return [.number(node.bool == true ? 1 : 0)]
        case .number:
            guard let text = node.text else { return nil }
            if type == .double { return Double(text).map { [.number($0.bitPattern)] } }
            if !type.isNumeric, type != .bool { return [FieldValue(text)] }
            if let signed = Int64(text) { return [FieldValue(signed)] }
            return UInt64(text).map { [.number($0)] }
        case .string:
            guard let text = node.string else { return nil }
            switch type {
            case .ip, .ipnet: return AddressText.address(Array(text.utf8)).map { [.bytes($0)] }
            case .bool: return text == "true" ? [.number(1)] : text == "false" ? [.number(0)] : nil
            default:
                if type.isNumeric {
                    let bytes = Array(text.utf8)
                    return type.isSigned
                        ? NumberText.signed(bytes).map { [FieldValue($0)] }
                        : NumberText.unsigned(bytes).map { [.number($0)] }
                }
                return [FieldValue(text)]
            }
        }
    }
}
