import Testing

@testable import Documents

/// RFC 6902 and RFC 6901, and where `set` goes further.
@Suite struct PatchTests {
    private func root(_ text: String) throws -> Node {
        try #require(DocumentReader.read(SourceText(name: "t.yaml", bytes: Array(text.utf8))).documents.first).root
    }

    private struct Row {
        let document: String
        let kind: PatchOperation.Kind
        let pointer: String
        let value: DocumentValue?
        /// Nil where the patch must not apply.
        let result: String?

        init(
            _ document: String, _ kind: PatchOperation.Kind, _ pointer: String, _ value: DocumentValue?,
            _ result: String?
        ) {
            self.document = document
            self.kind = kind
            self.pointer = pointer
            self.value = value
            self.result = result
        }
    }

    @Test func operationsDoWhatTheStandardSays() throws {
        let table: [Row] = [
            Row(#"{"a":[1,3]}"#, .add, "/a/1", 2, #"{"a":[1,2,3]}"#),
            Row(#"{"a":[1]}"#, .add, "/a/0", 0, #"{"a":[0,1]}"#),
            Row(#"{"a":[1]}"#, .add, "/a/1", 2, #"{"a":[1,2]}"#),
            Row(#"{"a":[1]}"#, .add, "/a/-", 2, #"{"a":[1,2]}"#),
            Row(#"{"a":[1]}"#, .add, "/a/2", 2, nil),
            Row(#"{"a":[1]}"#, .add, "/a/x", 2, nil),
            Row(#"{"a":[1]}"#, .add, "/a/01", 2, nil),
            Row(#"{"a":1}"#, .add, "/a", 2, #"{"a":2}"#),
            Row(#"{"a":1}"#, .add, "/b", nil, #"{"a":1,"b":null}"#),
            Row(#"{"a":1}"#, .add, "", ["x"], #"["x"]"#),
            Row(#"{"a":1}"#, .add, "/a/b", 2, nil),
            Row(#"{"0":1}"#, .add, "/1", 2, #"{"0":1,"1":2}"#),
            Row(#"{"0":1}"#, .replace, "/0", 2, #"{"0":2}"#),
            Row(#"{"0":{"1":2}}"#, .remove, "/0/1", nil, #"{"0":{}}"#),
            Row(#"{"a":[1,2,3]}"#, .remove, "/a/1", nil, #"{"a":[1,3]}"#),
            Row(#"{"a":[1]}"#, .remove, "/a/1", nil, nil),
            Row(#"{"a":[1]}"#, .remove, "/a/-", nil, nil),
            Row(#"{"a":1}"#, .remove, "/b", nil, nil),
            Row(#"{"a":[1,2]}"#, .replace, "/a/1", 5, #"{"a":[1,5]}"#),
            Row(#"{"a":1}"#, .replace, "", [:], "{}"),
            Row(#"{"a":{"b":[1,"x",null]}}"#, .test, "/a", ["b": [1, "x", nil]], #"{"a":{"b":[1,"x",null]}}"#),
            Row(#"{"a":1}"#, .test, "/a", "1", nil),
            Row(#"{"a/b":1,"m~n":2}"#, .remove, "/a~1b", nil, #"{"m~n":2}"#),
            Row(#"{"a/b":1,"m~n":2}"#, .replace, "/m~0n", 3, #"{"a/b":1,"m~n":3}"#),
            Row(#"{"~1":1}"#, .replace, "/~01", 3, #"{"~1":3}"#),
            Row(#"{"":1}"#, .replace, "/", 3, #"{"":3}"#),
        ]
        for row in table {
            let path = try #require(FieldPath(pointer: row.pointer))
            let done = JSONPatch([PatchOperation(row.kind, path, row.value)]).applied(to: try root(row.document))
            #expect(done?.json() == row.result, "\(row.kind) \(row.pointer) on \(row.document)")
        }
    }

    @Test func aPatchAppliesWholeOrNotAtAll() throws {
        let node = try root(#"{"a":1}"#)
        #expect(JSONPatch([.init(.add, "b", 2), .init(.test, "a", 7)]).applied(to: node) == nil)
        #expect(node.json() == #"{"a":1}"#)
    }

    @Test func missingParentsAreWrittenOutForOthers() throws {
        let node = try root("spec: {containers: [{name: a}]}")
        let path: FieldPath = "spec.containers[0].securityContext.capabilities.drop[0]"
        let patch = JSONPatch([.init(.add, path, "ALL")]).normalized(for: node)
        #expect(
            patch.json()
                == #"[{"op":"add","path":"/spec/containers/0/securityContext","value":{"capabilities":{"drop":["ALL"]}}}]"#
        )
        #expect(patch.applied(to: node)?.json() == JSONPatch([.init(.add, path, "ALL")]).applied(to: node)?.json())
    }

    @Test func pathsPrintAndReadBack() throws {
        let table: [([FieldPath.Element], String, String)] = [
            ([], "", ""), ([.key("a")], "a", "/a"), ([.key("a"), .index(0), .key("b")], "a[0].b", "/a/0/b"),
            ([.key("m"), .key("x.y/z")], "m[x.y/z]", "/m/x.y~1z"), ([.key("")], "[]", "/"),
            ([.key("a[0]")], "[a[0]]", "/a[0]"), ([.key("a~b")], "a~b", "/a~0b"), ([.index(12)], "[12]", "/12"),
            ([.key("d"), .key("é ü")], "d.é ü", "/d/é ü"),
        ]
        for (elements, text, pointer) in table {
            let path = FieldPath(elements)
            #expect(path.description == text)
            #expect(path.pointer == pointer)
            #expect(FieldPath(parsing: text) == path)
            #expect(FieldPath(pointer: pointer) == path)
        }
        #expect(FieldPath(pointer: "a/b") == nil)
        // A key of digits is told from an index only by what stands there.
        let node = try root(#"{"data":{"0":"x"},"list":["y"]}"#)
        #expect(node[try #require(FieldPath(pointer: "/data/0"))].equals("x"))
        #expect(node[try #require(FieldPath(pointer: "/list/0"))].equals("y"))
    }

    @Test func anEditKeepsKeysAndPlaces() throws {
        let text = "\"a\": {b: 1, c: {d: 2}} # }\ne: &x [1]\nf: *x\n"
        var editor = DocumentEditor(try root(text))
        do {
            let done = editor.set("a.b", 5)
            #expect(done)
        }
        do {
            let done = editor.add("f[0]", 0)
            #expect(done)
        }
        do {
            let done = editor.add("f[-1]", 0)
            #expect(!done)
        }
        do {
            let done = editor.set("a.b.c", 1)
            #expect(!done)
        }
        let edited = editor.finish()
        func slice(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
        }
        #expect(edited.json() == #"{"a":{"b":5,"c":{"d":2}},"e":[1],"f":[0,1]}"#)
        #expect(slice(edited["a"].keyRange) == "\"a\"")
        #expect(slice(edited["a"].sourceRange) == "{b: 1, c: {d: 2}}")
        #expect(slice(edited["a"]["c"].sourceRange) == "{d: 2}")
        #expect(edited["a"]["b"].keyRange == nil && edited["a"]["b"].isSynthetic)
        #expect(edited["a"]["b"].location?.description == "t.yaml:1:6")
        #expect(slice(edited["f"].aliasRange) == "*x")
    }
}
