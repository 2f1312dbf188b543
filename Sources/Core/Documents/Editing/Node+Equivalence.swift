extension Node {
    /// Whether both mean the same to Kubernetes: kinds and values alike, members in any order.
    package func isEquivalent(to other: Node) -> Bool {
        guard kind == other.kind else { return false }
        switch kind {
        case .missing, .null: return true
        case .bool: return bool == other.bool
        case .number:
            if let int { return int == other.int }
            if let double, !double.isNaN { return double == other.double }
            return text == other.text
        case .string: return string == other.string
        case .array:
            var mine = elements
            var theirs = other.elements
            while let element = mine.next() {
                guard let counterpart = theirs.next(), element.isEquivalent(to: counterpart) else { return false }
            }
            return theirs.next() == nil
        case .object:
            var ordered = other.members
            for member in members {
                // Members mostly come in the same order, which saves looking for them.
                let next = ordered.next()
                let counterpart = next.flatMap { $0.key == member.key ? $0.value : nil } ?? other[member.key]
                guard member.value.isEquivalent(to: counterpart) else { return false }
            }
            return ordered.next() == nil
        }
    }

    /// The way from a document's root to this node, where it belongs to the document.
    package func path(in document: Document) -> FieldPath? {
        guard tape === document.root.tape, document.root.index <= index,
            Int(index) < tape.end(of: Int(document.root.index)), missingPath == nil
        else { return nil }
        return Node(tape: tape, index: Int(index), root: Int(document.root.index)).path
    }
}
