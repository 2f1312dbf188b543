/// Changes to one document, collected and then applied at once.
///
/// What is not touched keeps its place in the source, so that findings on the changed document still point at the file.
package struct DocumentEditor: Sendable {
    private let root: Node
    private var tree: Tree

    /// A part of the document: as it was, or opened because something in it changed.
    private indirect enum Tree: Sendable {
        case original(Node)
        case value(DocumentValue)
        case object([(key: String, value: Tree)], from: Node?)
        case array([Tree], from: Node?)
    }

    package init(_ root: Node) {
        self.root = root
        tree = .original(root)
    }

    /// Whether anything was changed.
    package private(set) var isChanged = false

    /// Writes `value` at `path`; objects on the way that are missing or null are made.
    ///
    /// An index one past the end of a list appends. Gives false, and changes nothing, where the path leads through a
    /// scalar or past a list's end.
    @discardableResult
    package mutating func set(_ path: FieldPath, _ value: DocumentValue) -> Bool {
        guard Self.set(&tree, path.elements[...], value) else { return false }
        isChanged = true
        return true
    }

    /// Inserts into a list before `index`, or sets a member: the `add` of JSON Patch.
    @discardableResult
    package mutating func add(_ path: FieldPath, _ value: DocumentValue) -> Bool {
        guard Self.add(&tree, path.elements[...], value) else { return false }
        isChanged = true
        return true
    }

    /// Takes the member or element away; false where there is none.
    @discardableResult
    package mutating func remove(_ path: FieldPath) -> Bool {
        guard Self.remove(&tree, path.elements[...]) else { return false }
        isChanged = true
        return true
    }

    /// The changed document; the one given when nothing changed.
    package func finish() -> Node {
        guard isChanged else { return root }
        var emitter = Emitter(source: root.tape.source)
        emitter.emit(tree, key: nil)
        return Node(tape: emitter.builder.finish(root.tape.source), index: 0, root: 0)
    }

    // MARK: Walking

    private static func opened(_ tree: Tree) -> Tree {
        switch tree {
        case .original(let node):
            switch node.kind {
            case .object: return .object(node.members.map { ($0.key, .original($0.value)) }, from: node)
            case .array: return .array(node.elements.map { .original($0) }, from: node)
            case .missing, .null: return .object([], from: nil)
            default: return tree
            }
        case .value(.null): return .object([], from: nil)
        case .value(.object(let members)): return .object(members.map { ($0.key, .value($0.value)) }, from: nil)
        case .value(.array(let elements)): return .array(elements.map { .value($0) }, from: nil)
        default: return tree
        }
    }

    private static func isNull(_ tree: Tree) -> Bool {
        switch tree {
        case .original(let node): node.isNull
        case .value(.null): true
        default: false
        }
    }

    private static func set(_ tree: inout Tree, _ path: ArraySlice<FieldPath.Element>, _ value: DocumentValue) -> Bool {
        guard let first = path.first else {
            tree = .value(value)
            return true
        }
        // A list that is missing or null is made when something is appended to it.
        if isNull(tree), case .index(0) = first {
            var child = Tree.value(.null)
            guard set(&child, path.dropFirst(), value) else { return false }
            tree = .array([child], from: nil)
            return true
        }
        switch (opened(tree), first) {
        case (.object(var members, let origin), .key(let key)):
            if let index = members.firstIndex(where: { $0.key == key }) {
                guard set(&members[index].value, path.dropFirst(), value) else { return false }
            } else {
                var child = Tree.value(.null)
                guard set(&child, path.dropFirst(), value) else { return false }
                members.append((key, child))
            }
            tree = .object(members, from: origin)
        case (.array(var elements, let origin), .index(let index)):
            if elements.indices.contains(index) {
                guard set(&elements[index], path.dropFirst(), value) else { return false }
            } else if index == elements.count {
                var child = Tree.value(.null)
                guard set(&child, path.dropFirst(), value) else { return false }
                elements.append(child)
            } else {
                return false
            }
            tree = .array(elements, from: origin)
        case (.object, .index(let index)):
            return set(&tree, [.key(String(index))] + path.dropFirst(), value)
        default: return false
        }
        return true
    }

    private static func add(_ tree: inout Tree, _ path: ArraySlice<FieldPath.Element>, _ value: DocumentValue) -> Bool {
        guard let first = path.first else {
            tree = .value(value)
            return true
        }
        guard path.count == 1 else {
            return descend(&tree, first) { add(&$0, path.dropFirst(), value) }
        }
        switch (opened(tree), first) {
        case (.array(var elements, let origin), .index(let index)):
            guard 0...elements.count ~= index else { return false }
            elements.insert(.value(value), at: index)
            tree = .array(elements, from: origin)
        case (.array(var elements, let origin), .key("-")):
            elements.append(.value(value))
            tree = .array(elements, from: origin)
        case (.object, _): return set(&tree, path, value)
        default: return false
        }
        return true
    }

    private static func remove(_ tree: inout Tree, _ path: ArraySlice<FieldPath.Element>) -> Bool {
        guard let first = path.first else { return false }
        guard path.count == 1 else { return descend(&tree, first) { remove(&$0, path.dropFirst()) } }
        switch (opened(tree), first) {
        case (.array(var elements, let origin), .index(let index)):
            guard elements.indices.contains(index) else { return false }
            elements.remove(at: index)
            tree = .array(elements, from: origin)
        case (.object(var members, let origin), let element):
            let key =
                if case .key(let key) = element { key } else if case .index(let index) = element { String(index) } else
                { "" }
            guard let index = members.firstIndex(where: { $0.key == key }) else { return false }
            members.remove(at: index)
            tree = .object(members, from: origin)
        default: return false
        }
        return true
    }

    /// Applies `body` to an existing child.
    private static func descend(_ tree: inout Tree, _ step: FieldPath.Element, _ body: (inout Tree) -> Bool) -> Bool {
        switch (opened(tree), step) {
        case (.array(var elements, let origin), .index(let index)):
            guard elements.indices.contains(index), body(&elements[index]) else { return false }
            tree = .array(elements, from: origin)
        case (.object(var members, let origin), let element):
            let key =
                if case .key(let key) = element { key } else if case .index(let index) = element { String(index) } else
                { "" }
            guard let index = members.firstIndex(where: { $0.key == key }), body(&members[index].value) else {
                return false
            }
            tree = .object(members, from: origin)
        default: return false
        }
        return true
    }

    // MARK: Writing the new tape

    private struct Emitter {
        let source: SourceText
        var builder = TapeBuilder()

        mutating func emit(_ tree: Tree, key: String?) {
            switch tree {
            case .original(let node): copy(node, key: key)
            case .value(let value): emit(value, key: key)
            case .object(let members, let origin):
                let index = begin(.object, key, origin)
                for member in members { emit(member.value, key: member.key) }
                builder.nodes[index].extent = UInt32(builder.nodes.count)
            case .array(let elements, let origin):
                let index = begin(.array, key, origin)
                for element in elements { emit(element, key: nil) }
                builder.nodes[index].extent = UInt32(builder.nodes.count)
            }
        }

        private mutating func begin(_ kind: NodeKind, _ key: String?, _ origin: Node? = nil) -> Int {
            var node = TapeNode(start: 0, extent: 0, key: 0, keyLength: 0, kind: kind, flags: .synthetic)
            if let origin, !origin.isSynthetic {
                // A container that was opened for a change still stands where it stood, and so does its key.
                let old = origin.tape.nodes[Int(origin.index)]
                node.start = old.start
                node.flags = origin.isAliased ? [.aliased, .edited] : .edited
                if key != nil { keepKey(of: old, origin.tape, &node) }
                if let use = origin.tape.aliasUse(Int(origin.index)) {
                    builder.aliasUses.append(AliasUse(node: builder.nodes.count, start: use.start, end: use.end))
                }
            } else {
                setKey(&node, key)
            }
            builder.nodes.append(node)
            return builder.nodes.count - 1
        }

        private mutating func setKey(_ node: inout TapeNode, _ key: String?) {
            guard let key else { return }
            node.key = builder.addSide(key)
            node.flags.insert(.keySide)
        }

        private mutating func keepKey(of old: TapeNode, _ tape: Tape, _ node: inout TapeNode) {
            node.key = old.flags.contains(.keySide) ? moveSide(tape, Int(old.key)) : old.key
            node.keyLength = old.keyLength
            node.flags.formUnion(old.flags.intersection([.keySide, .keyEscaped]))
        }

        private mutating func emit(_ value: DocumentValue, key: String?) {
            switch value {
            case .object(let members):
                let index = begin(.object, key)
                for member in members { emit(member.value, key: member.key) }
                builder.nodes[index].extent = UInt32(builder.nodes.count)
            case .array(let elements):
                let index = begin(.array, key)
                for element in elements { emit(element, key: nil) }
                builder.nodes[index].extent = UInt32(builder.nodes.count)
            case .null: scalar(.null, "null", key)
            case .bool(let bool): scalar(.bool, bool ? "true" : "false", key)
            case .int(let int): scalar(.number, String(int), key)
            case .number(let text): scalar(.number, text, key)
            case .string(let string): scalar(.string, string, key)
            }
        }

        private mutating func scalar(_ kind: NodeKind, _ text: String, _ key: String?) {
            var node = TapeNode(
                start: 0, extent: builder.addSide(text), key: 0, keyLength: 0, kind: kind, flags: [.synthetic, .side])
            setKey(&node, key)
            builder.nodes.append(node)
        }

        /// Copies a subtree with its places; side text moves along.
        private mutating func copy(_ node: Node, key: String?) {
            guard node.exists else {
                scalar(.null, "null", key)
                return
            }
            let tape = node.tape
            let first = Int(node.index)
            let shift = builder.nodes.count - first
            for index in first..<tape.end(of: first) {
                var copy = tape.nodes[index]
                if copy.isContainer { copy.extent = UInt32(Int(copy.extent) + shift) }
                if copy.flags.contains(.side), !copy.isContainer { copy.extent = moveSide(tape, Int(copy.extent)) }
                if index == first, key == nil {
                    // A document's root or a list's element has no key, whatever it was before.
                    (copy.key, copy.keyLength) = (0, 0)
                    copy.flags.subtract([.keySide, .keyEscaped])
                } else if copy.flags.contains(.keySide) {
                    copy.key = moveSide(tape, Int(copy.key))
                }
                if copy.flags.contains(.aliased), let use = tape.aliasUse(index) {
                    builder.aliasUses.append(AliasUse(node: builder.nodes.count, start: use.start, end: use.end))
                }
                builder.nodes.append(copy)
            }
        }

        private mutating func moveSide(_ tape: Tape, _ index: Int) -> UInt32 {
            let entry = tape.sideEntries[index]
            let stored = tape.side
            let text = stored.span.extracting(Int(entry.offset)..<Int(entry.offset + entry.length))
            return builder.addSide(text, from: Int(entry.sourceStart), to: Int(entry.sourceEnd))
        }
    }
}
