import Testing

@testable import Documents

/// One edit: the text before, the operations, the text after.
struct EditExample: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var before: String
    var operations: [PatchOperation]
    var after: String

    init(_ name: String, _ before: String, _ operations: [PatchOperation], _ after: String) {
        testDescription = name
        self.before = before
        self.operations = operations
        self.after = after
    }
}

func add(_ pointer: String, _ value: DocumentValue) -> PatchOperation {
    PatchOperation(.add, FieldPath(pointer: pointer) ?? FieldPath(), value)
}
func replace(_ pointer: String, _ value: DocumentValue) -> PatchOperation {
    PatchOperation(.replace, FieldPath(pointer: pointer) ?? FieldPath(), value)
}
func remove(_ pointer: String) -> PatchOperation { PatchOperation(.remove, FieldPath(pointer: pointer) ?? FieldPath()) }

func edited(_ text: String, _ operations: [PatchOperation], document: Int = 0) -> (text: String, edit: EditedSource) {
    let source = SourceText(name: "t.yaml", bytes: Array(text.utf8))
    let edit = YAMLSourceEditor.apply([SourceEdit(document: document, patch: JSONPatch(operations))], to: source)
    return (String(decoding: edit.bytes, as: UTF8.self), edit)
}

@Suite struct EditingTests {
    @Test(arguments: [
        EditExample("a scalar keeps its comment", "a: 1  # one\nb: 2\n", [replace("/a", 3)], "a: 3  # one\nb: 2\n"),
        EditExample("double quotes stay", "a: \"x\"\n", [replace("/a", "y")], "a: \"y\"\n"),
        EditExample("single quotes stay", "a: 'x' # c\n", [replace("/a", "y")], "a: 'y' # c\n"),
        EditExample("a string that reads as a boolean is quoted", "a: x\n", [replace("/a", "yes")], "a: \"yes\"\n"),
        EditExample("a quoted string becomes a boolean", "a: \"true\"\n", [replace("/a", true)], "a: true\n"),
        EditExample(
            "a plain text over two lines", "a: x\n  y # c\nb: 1\n", [replace("/a", "z")], "a: z # c\nb: 1\n"),
        EditExample("no line break at the end stays so", "a: 1", [replace("/b", 2)], "a: 1\nb: 2"),
        EditExample(
            "CRLF stays", "a: 1\r\nb:\r\n  c: 2\r\n", [add("/b/d", ["e"])], "a: 1\r\nb:\r\n  c: 2\r\n  d:\r\n  - e\r\n"),
        EditExample(
            "a byte order mark stays", "\u{FEFF}a: 1\nb: 2\n", [replace("/c", 3)], "\u{FEFF}a: 1\nb: 2\nc: 3\n"),
        EditExample(
            "text before in other scripts", "ü: é # 日本\nb: {c: ö}\n", [add("/b/d", 1)], "ü: é # 日本\nb: {c: ö, d: 1}\n"),
    ])
    func scalars(_ example: EditExample) { check(example) }

    @Test(arguments: [
        EditExample(
            "a member goes to the end of its mapping, before what follows",
            "a:\n  b: 1 # x\n\n# about c\nc: 2\n", [add("/a/d", true)], "a:\n  b: 1 # x\n  d: true\n\n# about c\nc: 2\n"
        ),
        EditExample(
            "comments that belong to the mapping's end stay before the new member",
            "a:\n  b: 1\n  # e: 2\nc: 2\n", [add("/a/d", true)], "a:\n  b: 1\n  # e: 2\n  d: true\nc: 2\n"),
        EditExample(
            "a comment above the next element stays there",
            "l:\n- a: 1\n# two\n- a: 2\n", [add("/l/0/b", 1)], "l:\n- a: 1\n  b: 1\n# two\n- a: 2\n"),
        EditExample(
            "missing parents are made", "spec:\n    containers:\n      - name: a\n",
            [add("/spec/containers/0/securityContext/capabilities/drop", ["ALL"])],
            """
            spec:
                containers:
                  - name: a
                    securityContext:
                        capabilities:
                            drop:
                              - ALL

            """),
        EditExample(
            "an empty flow mapping becomes a block", "a: {} # c\nb: 1\n", [add("/a/c", 1)], "a: # c\n  c: 1\nb: 1\n"),
        EditExample(
            "a null becomes a block", "a:\nb: ~ # c\n", [add("/a/c", 1), add("/b/d", 2)], "a:\n  c: 1\nb: # c\n  d: 2\n"
        ),
        EditExample("nothing gets a scalar", "a: # c\nb: 1\n", [replace("/a", 5)], "a: 5 # c\nb: 1\n"),
        EditExample("flow stays flow", "a: {b: 1}\n", [add("/a/c/d", ["x"])], "a: {b: 1, c: {d: [x]}}\n"),
        EditExample("spaced flow stays spaced", "a: { b: 1 }\n", [add("/a/c", 2)], "a: { b: 1, c: 2 }\n"),
        EditExample(
            "flow over lines", "a: {\n  \"b\": 1, # one\n  \"c\": 2\n}\n", [add("/a/d", "x")],
            "a: {\n  \"b\": 1, # one\n  \"c\": 2,\n  \"d\": \"x\"\n}\n"),
        EditExample(
            "two levels grow at the same place, the inner first",
            "s:\n  c:\n  - n: a\n    x: 1\n", [add("/s/sc", ["r": true]), add("/s/c/0/sc", ["p": false])],
            "s:\n  c:\n  - n: a\n    x: 1\n    sc:\n      p: false\n  sc:\n    r: true\n"),
        EditExample(
            "behind a block scalar", "a:\n  s: |\n    x\n    # no comment\n\nb: 1\n", [add("/a/t", 1)],
            "a:\n  s: |\n    x\n    # no comment\n  t: 1\n\nb: 1\n"),
        EditExample(
            "behind a block scalar that keeps its empty lines", "a:\n  s: |+\n    x\n\nb: 1\n", [add("/a/t", 1)],
            "a:\n  s: |+\n    x\n\n  t: 1\nb: 1\n"),
        EditExample(
            "a block scalar is replaced", "a: >- # c\n  x\n  y\n\nb: 1\n", [replace("/a", "z")], "a: z\n\nb: 1\n"),
        EditExample(
            "odd keys", "\"a b\": {}\n? c\n: 1\non: 2\n", [add("/a b/x", 1), replace("/true", 3)],
            "\"a b\":\n  x: 1\n? c\n: 1\non: 3\n"),
        EditExample(
            "tabs where YAML allows them", "a:\t1\t# c\nb: 2\n", [replace("/a", 3), add("/c", 1)],
            "a:\t3\t# c\nb: 2\nc: 1\n"),
    ])
    func members(_ example: EditExample) { check(example) }

    @Test(arguments: [
        EditExample(
            "append to a list at its key's column", "l:\n- a\nb: 1\n", [add("/l/-", "c")], "l:\n- a\n- c\nb: 1\n"),
        EditExample(
            "append to a list moved in", "l:\n  - a # x\nb: 1\n", [add("/l/1", "c")], "l:\n  - a # x\n  - c\nb: 1\n"),
        EditExample("append to a flow list", "l: [a, b]\n", [add("/l/-", "c")], "l: [a, b, c]\n"),
        EditExample("insert before the first", "l:\n- a\n- b\n", [add("/l/0", ["k": 1])], "l:\n- k: 1\n- a\n- b\n"),
        EditExample("insert into a flow list", "l: [a, c]\n", [add("/l/1", "b")], "l: [a, b, c]\n"),
        EditExample("insert in the middle", "l:\n- a\n# c\n- c\n", [add("/l/1", "b")], "l:\n- a\n- b\n# c\n- c\n"),
        EditExample(
            "replace a list's only element", "drop: [NET_ADMIN] # c\n", [replace("/drop", ["ALL"])], "drop: [ALL] # c\n"
        ),
        EditExample(
            "replace a block list", "drop:\n# all\n- A\n- B\nx: 1\n", [replace("/drop", ["ALL"])],
            "drop:\n# all\n- ALL\nx: 1\n"),
        EditExample("a list of lists", "l:\n- - a\n  - b\n", [add("/l/0/-", "c")], "l:\n- - a\n  - b\n  - c\n"),
        EditExample("an element of nothing", "l:\n- # c\n- b\n", [replace("/l/0", "a")], "l:\n- a # c\n- b\n"),
        EditExample(
            "an element becomes a mapping", "l:\n  - a\n  - b\n", [replace("/l/0", ["k": 1, "m": ["x"]])],
            "l:\n  - k: 1\n    m:\n      - x\n  - b\n"),
    ])
    func lists(_ example: EditExample) { check(example) }

    @Test(arguments: [
        EditExample("a member", "a: 1\n# b\nb: 2 # two\nc: 3\n", [remove("/b")], "a: 1\n# b\nc: 3\n"),
        EditExample("the first member of the file", "a: 1\nb: 2\n", [remove("/a")], "b: 2\n"),
        EditExample("the last member", "a:\n  b: 1 # c\nd: 1\n", [remove("/a/b")], "a: {} # c\nd: 1\n"),
        EditExample("the last line without a line break", "a: 1\nb: 2", [remove("/b")], "a: 1"),
        EditExample("the member behind the dash", "l:\n- a: 1\n  b: 2\n", [remove("/l/0/a")], "l:\n- b: 2\n"),
        EditExample("an element", "l:\n  - a\n  - b: 1\n    c: 2\n  - d\n", [remove("/l/1")], "l:\n  - a\n  - d\n"),
        EditExample("the last element", "l:\n  - a\nb: 1\n", [remove("/l/0")], "l: []\nb: 1\n"),
        EditExample("of a flow mapping", "a: {b: 1, c: 2, d: 3}\n", [remove("/a/b"), remove("/a/d")], "a: {c: 2}\n"),
        EditExample("of a flow list", "a: [b, c, d, e]\n", [remove("/a/2"), remove("/a/2")], "a: [b, c]\n"),
        EditExample("everything of a flow list", "a: [b]\n", [remove("/a/0")], "a: []\n"),
        EditExample(
            "one goes, one comes", "a:\n  b: 1\n  c: 2\nd: 1\n", [remove("/a/c"), add("/a/e", 3)],
            "a:\n  b: 1\n  e: 3\nd: 1\n"),
        EditExample(
            "the inner's last goes, the outer grows", "l:\n- n: 1\n  s:\n    p: 1\n    q: 2\nz: 0\n",
            [remove("/l/0/s/q"), add("/l/0/t", 3)], "l:\n- n: 1\n  s:\n    p: 1\n  t: 3\nz: 0\n"),
        EditExample("a block scalar", "a: |\n  x\n\n  y\nb: 1\n", [remove("/a")], "b: 1\n"),
        EditExample("CRLF", "a: 1\r\nb: 2\r\nc: 3\r\n", [remove("/b")], "a: 1\r\nc: 3\r\n"),
    ])
    func removals(_ example: EditExample) { check(example) }

    @Test(arguments: [
        EditExample(
            "two spaces", "{\n  \"a\": {},\n  \"l\": [\n    \"x\"\n  ]\n}\n",
            [add("/a/b", ["c": "d"]), add("/l/-", "y")],
            "{\n  \"a\": {\n    \"b\": {\n      \"c\": \"d\"\n    }\n  },\n  \"l\": [\n    \"x\",\n    \"y\"\n  ]\n}\n"),
        EditExample("tabs", "{\n\t\"a\": 1\n}", [add("/b", [1])], "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t1\n\t]\n}"),
        EditExample(
            "one line", "{\"a\":{\"b\":1},\"c\":[]}", [add("/a/d", ["x"]), add("/c/-", 1)],
            "{\"a\":{\"b\":1,\"d\":[\"x\"]},\"c\":[1]}"),
        EditExample(
            "one line with spaces", "{\"a\": {\"b\": 1}}", [add("/a/d", ["x", "y"])],
            "{\"a\": {\"b\": 1, \"d\": [\"x\", \"y\"]}}"),
        EditExample(
            "escapes stay", "{\"a\\u0062\": \"\\ud83d\\ude00\\/\", \"c\": 1}\n", [replace("/c", 2)],
            "{\"a\\u0062\": \"\\ud83d\\ude00\\/\", \"c\": 2}\n"),
        EditExample("removal", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", [remove("/b")], "{\n  \"a\": 1\n}\n"),
    ])
    func json(_ example: EditExample) { check(example) }

    @Test(arguments: [
        EditExample(
            "a member that comes by a merge key is written out where it is used",
            "x: &d\n  s: {a: 1}\nb:\n  <<: *d\n  c: 1\n", [add("/b/s/e", 2)],
            "x: &d\n  s: {a: 1}\nb:\n  <<: *d\n  c: 1\n  s:\n    a: 1\n    e: 2\n"),
        EditExample(
            "an own member beside a merge key", "x: &d {a: 1}\nb:\n  <<: *d\n  c: 1\n", [replace("/b/c", 2)],
            "x: &d {a: 1}\nb:\n  <<: *d\n  c: 2\n"),
        EditExample("an alias replaced whole", "x: &d [1]\nb: *d\n", [replace("/b", 5)], "x: &d [1]\nb: 5\n"),
        EditExample("an anchor nobody uses", "x: &d\n  a: 1\n", [add("/x/b", 2)], "x: &d\n  a: 1\n  b: 2\n"),
    ])
    func anchors(_ example: EditExample) { check(example) }

    @Test func whatWouldChangeAnotherPlaceIsRefused() {
        let text = "x: &d\n  a: 1\nb: *d\nc:\n  <<: *d\n"
        #expect(edited(text, [replace("/x/a", 2)]).edit.refused.map(\.reason.code) == [.sharedByAnchor])
        #expect(edited(text, [replace("/b/a", 2)]).edit.refused.map(\.reason.code) == [.alias])
        #expect(edited(text, [remove("/c/a")]).edit.refused.map(\.reason.code) == [.mergedMember])
        #expect(edited(text, [replace("/x/a", 2)]).text == text)
        #expect(edited(text, [replace("/x/a", 2)]).edit.refused[0].reason.message.contains("line 3"))
    }

    @Test func aPatchThatDoesNotFitChangesNothing() {
        #expect(edited("a: 1\n", [remove("/b")]).edit.refused.map(\.reason.code) == [.doesNotApply])
        #expect(edited("a: 1\n", [add("/a/b/c", 1)]).edit.refused.map(\.reason.code) == [.doesNotApply])
        #expect(edited("a: 1\n", [replace("/a", 2)], document: 3).edit.refused.map(\.reason.code) == [.unreadable])
    }

    @Test func otherDocumentsAndItemsKeepTheirBytes() throws {
        let text = """
            # head
            a:   1
            --- # second
            kind: List
            items:
            - {k: "a"}   # flow
            -   k: b
                s: {x: [1,2 ,3]}
            ...
            ---
            b:   [ 1,2 ]

            """
        let source = SourceText(name: "t.yaml", bytes: Array(text.utf8))
        let edit = YAMLSourceEditor.apply(
            [
                SourceEdit(document: 1, object: "items[1]", patch: JSONPatch([add("/t", true)])),
                SourceEdit(document: 1, object: "items[0]", patch: JSONPatch([add("/t", true)])),
                SourceEdit(document: 1, object: "items[0]", patch: JSONPatch([remove("/nothing")])),
                SourceEdit(document: 2, patch: JSONPatch([add("/b/-", 3)])),
            ], to: source)
        #expect(edit.refused.map(\.edit) == [2])
        #expect(
            String(decoding: edit.bytes, as: UTF8.self)
                == text.replacing("\"a\"}", "\"a\", t: true}").replacing("2 ,3]}", "2 ,3]}\n    t: true")
                .replacing("[ 1,2 ]", "[ 1,2,3 ]"))
    }

    @Test func aBrokenDocumentDoesNotKeepTheOthersFromBeingEdited() {
        let result = edited("a: [\n---\nb: 1 # c\n", [replace("/b", 2)])
        #expect(result.edit.refused.isEmpty)
        #expect(result.text == "a: [\n---\nb: 2 # c\n")
    }

    @Test func aTextThatIsNotUTF8IsRefused() {
        let bytes: [UInt8] = [0xFF, 0xFE] + Array("a: 1\n".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let edit = YAMLSourceEditor.apply(
            [SourceEdit(document: 0, patch: JSONPatch([replace("/a", 2)]))],
            to: SourceText(name: "t.yaml", bytes: bytes))
        #expect(edit.refused.map(\.reason.code) == [.unreadable])
        #expect(edit.bytes == bytes)
    }

    private func check(_ example: EditExample) {
        let result = edited(example.before, example.operations)
        #expect(result.edit.refused.map(\.reason.description) == [])
        #expect(result.text == example.after)
    }
}

extension String {
    fileprivate func replacing(_ old: String, _ new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
