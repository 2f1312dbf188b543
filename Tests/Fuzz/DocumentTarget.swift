import Documents

/// What must hold for every text: reading it never traps, places lie inside the text, what is written reads back the
/// same, an edited document is what was asked for.
enum DocumentTarget {
    static func run(_ bytes: [UInt8]) {
        let source = SourceText(name: "fuzz.yaml", bytes: bytes)
        let set = DocumentReader.read(source)
        for problem in set.problems {
            precondition(problem.location.line >= 1 && problem.location.column >= 1, "a problem has a place")
        }
        for document in set.documents {
            var left = 400
            walk(document.root, &left)
            let json = document.root.json()
            guard let again = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(json.utf8))) else {
                preconditionFailure("JSON that was written reads back")
            }
            precondition(again.json() == json, "and is the same")
            edit(document.root)
        }
    }

    private static func walk(_ node: Node, _ left: inout Int) {
        guard left > 0 else { return }
        left -= 1
        let count = node.source.bytes.count
        precondition(node.location != nil, "a value of a file has a place")
        if let range = node.sourceRange { precondition(range.upperBound <= count, "inside the text") }
        if let range = node.keyRange { precondition(range.upperBound <= count, "inside the text") }
        if let range = node.aliasRange { precondition(range.upperBound <= count, "inside the text") }
        _ = (node.int, node.double, node.bool, node.string, node.text, node.path.pointer, node.count)
        for member in node.members {
            // A key that is no UTF-8 has no String to ask by.
            precondition(node[member.key].exists || member.key.unicodeScalars.contains("\u{FFFD}"), "found by its key")
            walk(member.value, &left)
        }
        for element in node.elements { walk(element, &left) }
    }

    private static func edit(_ root: Node) {
        var editor = DocumentEditor(root)
        var path = FieldPath()
        var node = root
        for _ in 0..<3 {
            if let member = node.members.first(where: { _ in true }) {
                path = path.appending(member.key)
                node = member.value
            } else if node.elements.first(where: { _ in true }) != nil {
                path = path.appending(0)
                node = node[0]
            }
        }
        if editor.set(path, ["a": [1, "b", nil]]) {
            let edited = editor.finish()
            precondition(edited[path]["a"][1].equals("b"), "a set value is there")
            var left = 100
            walkEdited(edited, &left)
        }
        editor.remove(path)
        editor.add("spec.containers[0].name", "x")
        _ = editor.finish().json()
        _ = JSONPatch([PatchOperation(.add, path, 1), PatchOperation(.remove, path)]).applied(to: root)?.json()
    }

    private static func walkEdited(_ node: Node, _ left: inout Int) {
        guard left > 0 else { return }
        left -= 1
        _ = (node.location, node.sourceRange, node.keyRange, node.path, node.isAliased)
        for member in node.members { walkEdited(member.value, &left) }
        for element in node.elements { walkEdited(element, &left) }
    }
}

/// What libFuzzer calls with every text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDocuments(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    DocumentTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
