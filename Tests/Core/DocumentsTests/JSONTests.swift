import Testing

@testable import Documents

/// RFC 8259 to the letter.
@Suite struct JSONTests {
    private func parse(_ text: String) throws(DocumentError) -> Node {
        try DocumentReader.readJSON(SourceText(name: "t.json", bytes: Array(text.utf8)), options: .init())
    }

    @Test func whatTheStandardAllowsIsRead() throws {
        let table: [(String, String)] = [
            ("{}", "{}"), ("[]", "[]"), ("null", "null"), ("true", "true"), ("false", "false"), ("\"\"", "\"\""),
            ("0", "0"), ("-0", "-0"), ("-1", "-1"), ("1.5", "1.5"), ("1e5", "1e5"), ("1E+5", "1E+5"),
            ("1.5e-5", "1.5e-5"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (" \n\r\t[ 1 , 2 ]\n", "[1,2]"), (#"{"a" : { "b":[ ] } }"#, #"{"a":{"b":[]}}"#), (#"{"":1}"#, #"{"":1}"#),
            (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#), (#""\u00e9\u4E2D\u0041""#, "\"é中A\""),
            (#""\ud83d\ude00""#, "\"😀\""), (#""\ud83d""#, "\"\u{FFFD}\""), (#""\ude00\ud83d""#, "\"\u{FFFD}\u{FFFD}\""),
            (#""\ud83dx""#, "\"\u{FFFD}x\""), (#""\u0000""#, #""\u0000""#), ("\"\u{7F}é😀\"", "\"\u{7F}é😀\""),
            ("\u{FEFF}{\"a\":1}", #"{"a":1}"#),
        ]
        for (text, json) in table { #expect(try parse(text).json() == json, "\(text)") }
    }

    @Test(arguments: [
        "", " ", "{", "[", "}", "]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:1}", "[1}", "{\"a\":1]", "01", "-", "-01", "+1", "1.", ".5", "1.e5", "1e",
        "1e+", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "True", "nul", "nulll", "tru", "'a'", "\"a", "\"\\\"",
        "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", "\"\u{1F}\"", "[1] [2]", "{} x",
        "1 2",
        "// c\n1", "[1 /* c */]", "# c\n1", "\u{A0}1", "\u{B}1", "\u{C}1", "[\"a\",\n4\n,1,", "\"\\", "[\"\\u",
        "{\"a\":1\u{0}}",
    ])
    func whatTheStandardForbidsIsRefused(_ text: String) {
        #expect(throws: DocumentError.self) { try parse(text) }
    }

    @Test func valuesMayFollowOneAnother() {
        let set = DocumentReader.read(SourceText(name: "t", bytes: Array("{\"a\":1}{\"b\":2}\n\n[3]".utf8)))
        #expect(set.documents.map { $0.root.json() } == [#"{"a":1}"#, #"{"b":2}"#, "[3]"])
        #expect(set.documents.map(\.ordinal) == [0, 1, 2])
    }

    @Test func keysThatDifferOnlyInTheirBytesAreTwo() throws {
        let root = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2, \"x\": 3}")
        #expect(root.count == 3)
        #expect(root["\u{E9}"].int == 1 && root["e\u{301}"].int == 2)
        let many = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try parse("{\(many),\"\u{E9}\":1,\"e\u{301}\":2}").count == 102)
    }

    @Test func anEscapedKeyIsFoundByItsText() throws {
        let root = try parse(#"{"sp\u0065c": {"a\"b": 1}, "spec2": 2, "spec": 3}"#)
        #expect(root["spec"].int == 3)
        #expect(root.members.map(\.key) == ["spec2", "spec"])
        #expect(try parse(#"{"sp\u0065c": {"a\"b": 1}}"#)["spec"]["a\"b"].int == 1)
    }

    @Test func theServersManagedFieldsAreLeftOut() throws {
        let text = #"{"metadata":{"name":"a","managedFields":[{"x":{"y":[1]}}],"uid":"u"},"managedFields":"kept"}"#
        let root = try DocumentReader.readJSON(SourceText(name: "t", bytes: Array(text.utf8)))
        #expect(root.json() == #"{"metadata":{"name":"a","uid":"u"},"managedFields":"kept"}"#)
        let range = try #require(root["metadata"].sourceRange)
        #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self).hasSuffix(#""uid":"u"}"#))
        #expect(root["metadata"]["uid"].equals("u"))
    }

    @Test func writtenJSONReadsBack() throws {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("text", "a\"\\\n\u{1}é😀\u{2028}")
            writer.member("list", ["x", ""])
            writer.member("empty", array: { _ in })
            writer.key("half")
            writer.value(0.126)
            writer.key("huge")
            writer.value(Double.infinity)
            writer.member("no", false)
        }
        let root = try parse(writer.string)
        #expect(root["text"].string == "a\"\\\n\u{1}é😀\u{2028}")
        #expect(
            root.json()
                == #"{"text":"a\"\\\n\u0001é😀 ","list":["x",""],"empty":[],"half":0.13,"huge":null,"no":false}"#
                .replacing("😀 ", with: "😀\u{2028}"))
    }
}
