/// The way from an object's root to one of its fields, written as the API server writes it:
/// `spec.containers[0].securityContext`, `metadata.annotations[example.com/key]`.
///
/// Source: Kubernetes API conventions; `field.Path` of apimachinery.
package struct FieldPath: Sendable, Hashable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    package enum Element: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    package var elements: [Element]

    package init(_ elements: [Element] = []) { self.elements = elements }

    /// Reads the written form; text that is none is taken as one key.
    package init(stringLiteral value: String) { self.init(parsing: value) }

    /// Reads `a.b[0].c` and `a[key.with/dots]`.
    package init(parsing text: String) {
        var elements: [Element] = []
        var key = ""
        var inBrackets = false
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "." where !inBrackets:
                if !key.isEmpty { elements.append(.key(key)) }
                key = ""
            case "[" where !inBrackets:
                if !key.isEmpty { elements.append(.key(key)) }
                key = ""
                inBrackets = true
            // A key may hold the bracket too; the one that closes stands before another step or at the end.
            case "]" where inBrackets && (rest.isEmpty || rest.first == "." || rest.first == "["):
                elements.append(Int(key).map(Element.index) ?? .key(key))
                key = ""
                inBrackets = false
            default: key.append(character)
            }
        }
        if !key.isEmpty { elements.append(.key(key)) }
        self.init(elements)
    }

    /// Reads a JSON Pointer (RFC 6901); a token of digits is an index, and `-` stays a key.
    package init?(pointer: String) {
        guard !pointer.isEmpty else {
            self.init()
            return
        }
        guard pointer.hasPrefix("/") else { return nil }
        self.init(
            pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { token in
                let plain = Self.replacing(Self.replacing(String(token), "~1", "/"), "~0", "~")
                if let index = Int(plain), index >= 0, String(index) == plain { return .index(index) }
                return .key(plain)
            })
    }

    /// The path as a JSON Pointer (RFC 6901).
    package var pointer: String {
        elements.map { element in
            switch element {
            case .index(let index): "/\(index)"
            case .key(let key): "/" + Self.replacing(Self.replacing(key, "~", "~0"), "/", "~1")
            }
        }.joined()
    }

    package var description: String {
        var out = ""
        for element in elements {
            switch element {
            case .index(let index): out += "[\(index)]"
            case .key(let key):
                if key.contains(where: { ".[]/".contains($0) }) || key.isEmpty {
                    out += "[\(key)]"
                } else {
                    out += out.isEmpty ? key : ".\(key)"
                }
            }
        }
        return out
    }

    package var isEmpty: Bool { elements.isEmpty }
    package var parent: FieldPath { FieldPath(Array(elements.dropLast())) }
    package var last: Element? { elements.last }

    package func appending(_ key: String) -> FieldPath { FieldPath(elements + [.key(key)]) }
    package func appending(_ index: Int) -> FieldPath { FieldPath(elements + [.index(index)]) }
    package func appending(_ path: FieldPath) -> FieldPath { FieldPath(elements + path.elements) }
    package func hasPrefix(_ path: FieldPath) -> Bool { elements.starts(with: path.elements) }

    package static func < (a: Self, b: Self) -> Bool {
        for (x, y) in zip(a.elements, b.elements) where x != y {
            switch (x, y) {
            case (.index(let i), .index(let j)): return i < j
            case (.key(let i), .key(let j)): return i < j
            case (.index, .key): return true
            case (.key, .index): return false
            }
        }
        return a.elements.count < b.elements.count
    }

    private static func replacing(_ text: String, _ old: String, _ new: String) -> String {
        guard text.contains(old) else { return text }
        return text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
