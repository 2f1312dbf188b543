/// A value in a document, or the absence of one.
///
/// `node["spec"]["hostNetwork"]` never fails: a field that is not there is a node of kind `missing` that still knows
/// its path, so that a check can point at it.
package struct Node: Sendable {
    let tape: Tape
    /// The node, or its nearest existing ancestor when `missingPath` is set.
    let index: UInt32
    /// The document or list item the node belongs to.
    let root: UInt32
    let missingPath: [FieldPath.Element]?

    init(tape: Tape, index: Int, root: Int) {
        self.tape = tape
        self.index = UInt32(index)
        self.root = UInt32(root)
        self.missingPath = nil
    }

    private init(tape: Tape, index: UInt32, root: UInt32, missing: [FieldPath.Element]) {
        self.tape = tape
        self.index = index
        self.root = root
        self.missingPath = missing
    }

    /// The same node as the root of its own paths: an item of a List becomes an object of its own.
    package var asRoot: Node { Node(tape: tape, index: Int(index), root: Int(index)) }

    package var kind: NodeKind { missingPath == nil ? tape.nodes[Int(index)].kind : .missing }
    package var exists: Bool { missingPath == nil }
    /// Whether the field is absent or written as null, which Kubernetes reads alike.
    package var isNull: Bool { kind == .missing || kind == .null }
    package var isObject: Bool { kind == .object }
    package var isArray: Bool { kind == .array }

    // MARK: Fields

    /// The member with this key; the last one where the key stands twice, as Kubernetes keeps it.
    package subscript(_ key: String) -> Node {
        if let missingPath {
            return Node(tape: tape, index: index, root: root, missing: missingPath + [.key(key)])
        }
        let node = tape.nodes[Int(index)]
        if node.kind == .object {
            let wanted = key.utf8.span
            var child = Int(index) + 1
            let end = Int(node.extent)
            while child < end {
                if tape.keyEquals(child, wanted), !tape.nodes[child].flags.contains(.shadowed) {
                    return Node(tape: tape, index: child, root: Int(root))
                }
                child = tape.end(of: child)
            }
        }
        return Node(tape: tape, index: index, root: root, missing: [.key(key)])
    }

    /// The element at this position.
    package subscript(_ position: Int) -> Node {
        if let missingPath {
            return Node(tape: tape, index: index, root: root, missing: missingPath + [.index(position)])
        }
        var left = position
        for element in elements {
            if left == 0 { return element }
            left -= 1
        }
        return Node(tape: tape, index: index, root: root, missing: [.index(position)])
    }

    /// The node at a path below this one.
    package subscript(_ path: FieldPath) -> Node {
        path.elements.reduce(self) { node, element in
            switch element {
            case .key(let key): node[key]
            case .index(let index): node.isObject ? node[String(index)] : node[index]
            }
        }
    }

    // MARK: Scalars

    /// The text of a string; nil for every other kind.
    package var string: String? { kind == .string ? tape.string(Int(index)) : nil }

    /// The text of any scalar as written, quotes and escapes resolved.
    package var text: String? {
        switch kind {
        case .string, .number, .bool: tape.string(Int(index))
        default: nil
        }
    }

    package var bool: Bool? {
        guard kind == .bool else { return nil }
        return tape.withText(Int(index)) { YAMLScalar.truth($0) }
    }

    /// The value of a whole number in range; nil for every other kind.
    package var int: Int? {
        guard kind == .number else { return nil }
        return tape.withText(Int(index)) { YAMLScalar.integer($0) }
    }

    package var double: Double? {
        guard kind == .number else { return nil }
        return tape.withText(Int(index)) { YAMLScalar.double($0) }
    }

    /// Whether this is the string `text`, without making a String of it.
    package func equals(_ text: String) -> Bool {
        guard kind == .string else { return false }
        if tape.nodes[Int(index)].flags.contains(.escaped) { return tape.string(Int(index)) == text }
        let wanted = text.utf8.span
        return tape.withText(Int(index)) { own in
            guard own.count == wanted.count else { return false }
            for i in own.indices where own[i] != wanted[i] { return false }
            return true
        }
    }

    /// Length of a scalar's text in bytes; 0 for the rest.
    package var textLength: Int {
        switch kind {
        case .string, .number, .bool: tape.withText(Int(index)) { $0.count }
        default: 0
        }
    }

    // MARK: Containers

    /// The elements of a list; nothing for every other kind.
    package var elements: Elements {
        guard kind == .array else { return Elements(tape: tape, root: Int(root), cursor: 0, end: 0) }
        return Elements(tape: tape, root: Int(root), cursor: Int(index) + 1, end: Int(tape.nodes[Int(index)].extent))
    }

    /// The members of an object in the order written; nothing for every other kind.
    package var members: Members {
        guard kind == .object else { return Members(tape: tape, root: Int(root), cursor: 0, end: 0) }
        return Members(tape: tape, root: Int(root), cursor: Int(index) + 1, end: Int(tape.nodes[Int(index)].extent))
    }

    /// Number of elements or members.
    package var count: Int {
        switch kind {
        case .array: elements.reduce(0) { sum, _ in sum + 1 }
        case .object: members.reduce(0) { sum, _ in sum + 1 }
        default: 0
        }
    }

    /// Whether a list or object has nothing in it; true for every other kind.
    package var isEmpty: Bool {
        var elements = elements
        var members = members
        return elements.next() == nil && members.next() == nil
    }

    /// String members as a dictionary, members of other kinds left out.
    package var stringMap: [String: String] {
        var out: [String: String] = [:]
        for member in members where member.value.kind == .string { out[member.key] = member.value.string }
        return out
    }

    /// String elements, elements of other kinds left out.
    package var strings: [String] { elements.compactMap(\.string) }

    package struct Elements: Sequence, IteratorProtocol, Sendable {
        let tape: Tape
        let root: Int
        var cursor: Int
        let end: Int

        package mutating func next() -> Node? {
            guard cursor < end else { return nil }
            defer { cursor = tape.end(of: cursor) }
            return Node(tape: tape, index: cursor, root: root)
        }
    }

    package struct Member: Sendable {
        package let value: Node
        package var key: String { value.tape.key(Int(value.index)) }

        /// Whether the key is `text`, without making a String of it.
        package func hasKey(_ text: String) -> Bool { value.tape.keyEquals(Int(value.index), text.utf8.span) }
    }

    package struct Members: Sequence, IteratorProtocol, Sendable {
        let tape: Tape
        let root: Int
        var cursor: Int
        let end: Int

        package mutating func next() -> Member? {
            while cursor < end {
                defer { cursor = tape.end(of: cursor) }
                if tape.nodes[cursor].flags.contains(.shadowed) { continue }
                return Member(value: Node(tape: tape, index: cursor, root: root))
            }
            return nil
        }
    }

    // MARK: Places

    /// The way from the object's root to here.
    package var path: FieldPath {
        var elements: [FieldPath.Element] = []
        var current = Int(root)
        let target = Int(index)
        while current != target {
            let inArray = tape.nodes[current].kind == .array
            var child = current + 1
            var position = 0
            while tape.end(of: child) <= target {
                child = tape.end(of: child)
                position += 1
            }
            elements.append(inArray ? .index(position) : .key(tape.key(child)))
            current = child
        }
        return FieldPath(elements + (missingPath ?? []))
    }

    /// Where the value, or the nearest thing that exists on the way to it, stands in the file; nil when it came from
    /// an API server or was written by defaulting.
    package var location: SourceLocation? {
        guard tape.source.isFile else { return nil }
        return sourceStart.map(tape.source.location(at:))
    }

    /// Offset of the first byte of the value, or of the nearest ancestor that stands in the source.
    package var sourceStart: Int? {
        if let start = tape.sourceStart(Int(index)) { return start }
        // Written by defaulting: the nearest ancestor that was not.
        var best: Int?
        var current = Int(root)
        while current != Int(index) {
            best = tape.sourceStart(current) ?? best
            var child = current + 1
            while tape.end(of: child) <= Int(index) { child = tape.end(of: child) }
            current = child
        }
        return best
    }

    /// The bytes the node was written as, quotes and brackets included; nil when it does not stand in the source.
    ///
    /// A block collection ends with its last value; comments behind it are not part of it.
    package var sourceRange: Range<Int>? {
        guard exists, let start = tape.sourceStart(Int(index)) else { return nil }
        return start..<Swift.max(start, tape.sourceEnd(Int(index)))
    }

    /// Whether the value is written as a literal block of YAML (`|`), whose lines are the lines of its text.
    package var isLiteralBlock: Bool {
        guard kind == .string, let start = sourceRange?.lowerBound, start < tape.source.bytes.count else {
            return false
        }
        return tape.source.bytes[start] == UInt8(ascii: "|")
    }

    /// Bytes of the key of this member as written, quotes included; nil for list elements and synthetic members.
    package var keyRange: Range<Int>? {
        let node = tape.nodes[Int(index)]
        guard exists, !node.flags.contains(.synthetic), index != root else { return nil }
        if node.flags.contains(.keySide) {
            let entry = tape.sideEntries[Int(node.key)]
            // A key that was written by a patch stands nowhere.
            return entry.sourceEnd > 0 ? Int(entry.sourceStart)..<Int(entry.sourceEnd) : nil
        }
        let start = Int(node.key)
        // No key text begins at the first byte: an opening bracket or a quote is before it, or it is the first key of
        // a block mapping, and then it is not empty.
        guard start > 0 || node.keyLength > 0 else { return nil }
        let bytes = tape.source.bytes
        if start > 0, bytes[start - 1] == UInt8(ascii: "\"") || bytes[start - 1] == UInt8(ascii: "'") {
            return start - 1..<start + Int(node.keyLength) + 1
        }
        return start..<start + Int(node.keyLength)
    }

    /// Bytes of the `*name` that this value came by; nil when it is written out, or came with a merge key.
    package var aliasRange: Range<Int>? {
        guard exists, let use = tape.aliasUse(Int(index)) else { return nil }
        return use.start..<use.end
    }

    /// Whether the node came by a YAML alias or merge key, so that its text stands elsewhere and is shared.
    package var isAliased: Bool { exists && tape.nodes[Int(index)].flags.contains(.aliased) }
    /// Whether the node was written by defaulting or a patch and stands in no file.
    package var isSynthetic: Bool { exists && tape.nodes[Int(index)].flags.contains(.synthetic) }
    package var isQuoted: Bool { exists && tape.nodes[Int(index)].flags.contains(.quoted) }

    /// The text the node stands in.
    package var source: SourceText { tape.source }
}
