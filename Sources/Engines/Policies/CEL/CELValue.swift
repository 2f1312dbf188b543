package import Documents

/// A value of the Common Expression Language.
///
/// An error is a value too: `&&` and `||` look past it, and what an expression costs counts what was evaluated before
/// the error came through.
package indirect enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(CELTimestamp)
    /// In nanoseconds, as the API server keeps it: about 292 years either way.
    case duration(Int64)
    case list(CELList)
    case map(CELMap)
    case type(CELType)
    case optional(CELValue?)
    /// A value of a library or a message.
    case opaque(any CELOpaque)
    case error(CELError)
}

/// A value that a library brings along.
package protocol CELOpaque: Sendable {
    var type: CELType { get }
    func isEqual(to other: any CELOpaque) -> Bool
    /// What `size` costs as: nil for one.
    var costSize: Int? { get }
    /// The value of a field; nil where there is none of that name.
    func field(_ name: String) -> CELValue?
    /// Whether the field is set, for `has`.
    func hasField(_ name: String) -> Bool
    /// How a person reads it.
    var text: String { get }
    /// Whether it may stand on the right of `==`.
    var isComparable: Bool { get }
}

extension CELOpaque {
    package var costSize: Int? { nil }
    package var isComparable: Bool { true }
    package func field(_ name: String) -> CELValue? { nil }
    package func hasField(_ name: String) -> Bool { field(name) != nil }
}

/// Why an expression has no value.
package struct CELError: Error, Sendable, Equatable {
    package var message: String

    package init(_ message: String) { self.message = message }

    static let noSuchOverload = CELError("no such overload")
    static func noSuchKey(_ key: CELValue) -> CELError { CELError("no such key: \(key.plainText)") }
    static func outOfBounds(_ index: CELValue) -> CELError { CELError("index out of bounds: \(index.plainText)") }
    static let divisionByZero = CELError("division by zero")
    static let modulusByZero = CELError("modulus by zero")
    static let integerOverflow = CELError("integer overflow")
    static let unsignedOverflow = CELError("unsigned integer overflow")
    static let timestampOverflow = CELError("timestamp overflow")
    static let durationOverflow = CELError("duration overflow")
    static let rangeError = CELError("range error converting value")
}

/// A list: values, or the elements of a document that become values when they are looked at.
package enum CELList: Sendable {
    case values([CELValue])
    case node(Node)

    package var count: Int {
        switch self {
        case .values(let values): values.count
        case .node(let node): node.elements.reduce(0) { count, _ in count + 1 }
        }
    }

    package var values: [CELValue] {
        switch self {
        case .values(let values): values
        case .node(let node): node.elements.map(CELValue.init)
        }
    }

    subscript(_ index: Int) -> CELValue? {
        switch self {
        case .values(let values): values.indices.contains(index) ? values[index] : nil
        case .node(let node):
            index < 0 ? nil : { $0.exists ? CELValue($0) : nil }(node[index])
        }
    }
}

/// A key of a map: numbers that are equal are one key, whatever their type.
package enum CELKey: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case string(String)

    /// Nil for what cannot be a key.
    package init?(_ value: CELValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = Int64(exactly: value).map(CELKey.int) ?? .uint(value)
        case .double(let value):
            if let whole = Int64(exactly: value) {
                self = .int(whole)
            } else if let whole = UInt64(exactly: value) {
                self = .uint(whole)
            } else {
                return nil
            }
        case .string(let value): self = .string(value)
        default: return nil
        }
    }
}

/// A map: entries in the order they were written, or the members of a document.
package enum CELMap: Sendable {
    case entries(CELEntries)
    case node(Node)

    package var count: Int {
        switch self {
        case .entries(let entries): entries.keys.count
        case .node(let node): node.members.reduce(0) { count, _ in count + 1 }
        }
    }

    package var keys: [CELValue] {
        switch self {
        case .entries(let entries): entries.keys
        case .node(let node): node.members.map { .string($0.key) }
        }
    }

    package subscript(_ key: CELValue) -> CELValue? {
        switch self {
        case .entries(let entries): entries[key]
        case .node:
            if case .string(let name) = key { self[name] } else { nil }
        }
    }

    package subscript(_ name: String) -> CELValue? {
        switch self {
        case .entries(let entries): return entries[.string(name)]
        case .node(let node):
            let member = node[name]
            return member.exists ? CELValue(member) : nil
        }
    }

    package init() { self = .entries(CELEntries()) }
}

/// Keys and values with an index.
package struct CELEntries: Sendable {
    package private(set) var keys: [CELValue] = []
    package private(set) var values: [CELValue] = []
    private var positions: [CELKey: Int] = [:]

    package init() {}

    /// Gives false where the key is there already.
    @discardableResult
    package mutating func insert(_ value: CELValue, for key: CELValue) -> Bool {
        guard let index = CELKey(key), positions[index] == nil else { return false }
        positions[index] = keys.count
        keys.append(key)
        values.append(value)
        return true
    }

    package subscript(_ key: CELValue) -> CELValue? {
        guard let index = CELKey(key), let position = positions[index] else { return nil }
        return values[position]
    }
}

extension CELValue {
    /// The value of a node of a document: whole numbers are ints, as the API server reads JSON.
    package init(_ node: Node) {
        switch node.kind {
        case .object: self = .map(.node(node))
        case .array: self = .list(.node(node))
        case .string: self = .string(node.string ?? "")
        case .bool: self = .bool(node.bool ?? false)
        case .number:
            if let whole = node.int {
                self = .int(Int64(whole))
            } else {
                self = node.double.map(CELValue.double) ?? .null
            }
        case .null, .missing: self = .null
        }
    }

    var isError: Bool {
        if case .error = self { return true }
        return false
    }

    /// The type at run time.
    package var runtimeType: CELType {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .list: .list(.dyn)
        case .map: .map(.dyn, .dyn)
        case .type: .type(nil)
        case .optional: .optional(.dyn)
        case .opaque(let value): value.type
        case .error: .error
        }
    }

    /// The size that costs are counted by: characters, bytes, elements, entries; one for everything else.
    var costSize: Int {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.count
        case .map(let map): map.count
        case .optional(let value?): value.costSize
        case .opaque(let value): value.costSize ?? 1
        default: 1
        }
    }

    /// Whether it is the zero of its type, for `optional.ofNonZeroValue`.
    var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .list(let list): list.count == 0
        case .map(let map): map.count == 0
        case .duration(let value): value == 0
        case .timestamp(let value): value == CELTimestamp(seconds: CELTimestamp.lowest, nanoseconds: 0)
        case .optional(let value): value == nil
        case .opaque, .type, .error: false
        }
    }

    /// The value within a message, unquoted.
    package var plainText: String {
        switch self {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .uint(let value): String(value)
        case .double(let value): CELNumber.text(value)
        case .string(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .timestamp(let value): value.text
        case .duration(let value): CELDuration.text(value)
        case .list(let list): "[\(list.values.map(\.plainText).joined(separator: ", "))]"
        case .map(let map):
            "{\(map.keys.map { "\($0.plainText): \(map[$0]?.plainText ?? "")" }.joined(separator: ", "))}"
        case .type(let type): type.name
        case .optional(let value): value.map { "optional(\($0.plainText))" } ?? "optional.none"
        case .opaque(let value): value.text
        case .error(let error): error.message
        }
    }
}

extension CELValue: Equatable {
    /// Equality of the language: numbers across their types, everything else within its own; never an error.
    package static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.bytes(let a), .bytes(let b)): a == b
        case (.timestamp(let a), .timestamp(let b)): a == b
        case (.duration(let a), .duration(let b)): a == b
        case (.type(let a), .type(let b)): a.name == b.name
        case (.optional(let a), .optional(let b)):
            switch (a, b) {
            case (nil, nil): true
            case (let a?, let b?): a == b
            default: false
            }
        case (.list(let a), .list(let b)): a.values == b.values
        case (.map(let a), .map(let b)):
            a.count == b.count
                && a.keys.allSatisfy { key in
                    guard let own = a[key], let other = b[key] else { return false }
                    return own == other
                }
        case (.opaque(let a), .opaque(let b)): a.isEqual(to: b)
        case (.error(let a), .error(let b)): a == b
        default: CELNumber.order(a, b) == .equal
        }
    }
}
