/// A type of the Common Expression Language, as the type checker knows it.
///
/// Standard: CEL language definition, "Gradual Type Checking".
package indirect enum CELType: Hashable, Sendable {
    /// What an expression that does not check has; it fits everywhere, so that one mistake is said once.
    case error
    case dyn
    /// `google.protobuf.Any`.
    case any
    case null, bool, int, uint, double, string, bytes, timestamp, duration
    /// A primitive that may be null: the wrapper messages of protobuf.
    case wrapper(CELType)
    case list(CELType)
    case map(CELType, CELType)
    /// A type yet to be found.
    case parameter(String)
    /// The type of types.
    case type(CELType?)
    /// A type of a library that has no fields.
    case opaque(String, [CELType])
    /// A message or a type with fields, by its full name.
    case object(String)

    package static func optional(_ type: CELType) -> CELType { .opaque("optional_type", [type]) }

    var isDyn: Bool { self == .dyn || self == .any }
    var isDynOrError: Bool { self == .error || isDyn }

    /// What an optional holds; nil for other types.
    var wrapped: CELType? {
        if case .opaque("optional_type", let parameters) = self { return parameters.first }
        return nil
    }

    /// Whether null may stand for a value of this type.
    var isNullable: Bool {
        switch self {
        case .null, .wrapper, .opaque, .object, .any, .duration, .timestamp: true
        default: false
        }
    }

    /// Whether every value has the size one.
    var isScalar: Bool {
        switch self {
        case .bool, .double, .duration, .int, .timestamp, .uint: true
        case .wrapper(let inner): inner.isScalar
        case .opaque("optional_type", let parameters): parameters.first?.isScalar ?? false
        default: false
        }
    }

    /// The name that `type(x)` prints.
    package var name: String {
        switch self {
        case .error: "*error*"
        case .dyn: "dyn"
        case .any: "google.protobuf.Any"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .wrapper(let inner): inner.name
        case .list: "list"
        case .map: "map"
        case .parameter(let name): name
        case .type: "type"
        case .opaque(let name, _), .object(let name): name
        }
    }
}

extension CELType: CustomStringConvertible {
    /// The type as the checker's messages write it.
    package var description: String {
        switch self {
        case .error: "!error!"
        case .any: "any"
        case .null: "null"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .wrapper(let inner): "wrapper(\(inner))"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .type(let inner?): "type(\(inner))"
        case .type(nil): "type"
        case .opaque(let name, let parameters) where !parameters.isEmpty:
            "\(name)(\(parameters.map(\.description).joined(separator: ", ")))"
        default: name
        }
    }
}
