/// One operation of a JSON Patch.
///
/// Standard: RFC 6902. `move` and `copy` are not written by Martlet and not read.
package struct PatchOperation: Sendable, Hashable {
    package enum Kind: String, Sendable { case add, replace, remove, test }

    package var kind: Kind
    package var path: FieldPath
    /// Absent for `remove`.
    package var value: DocumentValue?

    package init(_ kind: Kind, _ path: FieldPath, _ value: DocumentValue? = nil) {
        self.kind = kind
        self.path = path
        self.value = value
    }
}

/// Changes that are applied together or not at all.
package struct JSONPatch: Sendable, Hashable {
    package var operations: [PatchOperation]

    package init(_ operations: [PatchOperation] = []) { self.operations = operations }

    package var isEmpty: Bool { operations.isEmpty }

    /// The document with every operation applied, in order; nil when one does not apply.
    ///
    /// `add` and `replace` make the objects on the way, which RFC 6902 leaves to separate operations; `normalized(for:)`
    /// writes those out.
    package func applied(to root: Node) -> Node? {
        var editor = DocumentEditor(root)
        for operation in operations {
            let value = operation.value ?? .null
            let done =
                switch operation.kind {
                case .add: editor.add(operation.path, value) || editor.set(operation.path, value)
                case .replace: editor.set(operation.path, value)
                case .remove: editor.remove(operation.path)
                case .test: DocumentValue(editor.finish()[operation.path]) == value
                }
            guard done else { return nil }
        }
        return editor.finish()
    }

    /// The same patch in the letter of RFC 6902: objects that are missing on the way are added by operations of their
    /// own, and `add` stands where nothing is yet.
    package func normalized(for root: Node) -> JSONPatch {
        var current = root
        var out: [PatchOperation] = []
        for operation in operations {
            guard operation.kind == .add || operation.kind == .replace else {
                out.append(operation)
                current = JSONPatch([operation]).applied(to: current) ?? current
                continue
            }
            // The first ancestor that is missing takes the whole new value.
            var depth = 0
            var node = current
            let elements = operation.path.elements
            while depth < elements.count {
                let next = node[FieldPath([elements[depth]])]
                if next.isNull, depth < elements.count - 1 { break }
                node = next
                depth += 1
            }
            var value = operation.value ?? .null
            if depth < elements.count {
                for element in elements[(depth + 1)...].reversed() {
                    switch element {
                    case .key(let key): value = .object([.init(key, value)])
                    case .index: value = .array([value])
                    }
                }
            }
            let path = FieldPath(Array(elements.prefix(depth + 1)))
            let isReplace = operation.kind == .replace && current[path].exists
            let step = PatchOperation(isReplace ? .replace : .add, path, value)
            out.append(step)
            current = JSONPatch([step]).applied(to: current) ?? current
        }
        return JSONPatch(out)
    }

    /// The patch as JSON text.
    package func json(compact: Bool = true) -> String {
        var writer = JSONWriter(compact: compact)
        writer.array { writer in
            for operation in operations {
                writer.object { writer in
                    writer.member("op", operation.kind.rawValue)
                    writer.member("path", operation.path.pointer)
                    if let value = operation.value {
                        writer.key("value")
                        writer.value(value)
                    }
                }
            }
        }
        return writer.string
    }
}
