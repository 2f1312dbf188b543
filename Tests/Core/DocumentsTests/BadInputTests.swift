import Testing

@testable import Documents

/// Hostile and broken texts: each a clear problem with its place, in bounded memory and time.
@Suite struct BadInputTests {
    private func read(_ bytes: some Sequence<UInt8>) -> DocumentSet {
        DocumentReader.read(SourceText(name: "bad.yaml", bytes: Array(bytes)))
    }

    private func expect(
        _ bytes: some Sequence<UInt8>, _ code: DocumentError.Code, at place: String, documents: [String] = []
    ) {
        let set = read(bytes)
        #expect(set.problems.first?.code == code)
        #expect(set.problems.first?.location.description == "bad.yaml:\(place)")
        #expect(set.documents.map { $0.root.json() } == documents)
    }

    @Test func aBrokenPartCostsOnlyItself() {
        expect("a: 1\n---\nb: [1, 2\n---\nc: 3\n".utf8, .syntax, at: "4:1", documents: [#"{"a":1}"#, #"{"c":3}"#])
        expect("a: 1\n---\nb: \"x\n---\nc: 3\n".utf8, .syntax, at: "4:1", documents: [#"{"a":1}"#, #"{"c":3}"#])
        expect("a:\n  - b: {c: [\n".utf8, .syntax, at: "3:1")
        expect(#"{"a": [1, {"b": "#.utf8, .syntax, at: "1:17")
        expect(#"{"a": 1}{"b": 2}{"c": "#.utf8, .syntax, at: "1:23", documents: [#"{"a":1}"#, #"{"b":2}"#])
        expect("{\"a\": 1}\n---\nb: 2\n---\nc: [\n".utf8, .syntax, at: "6:1", documents: [#"{"a":1}"#, #"{"b":2}"#])
    }

    @Test func whatIsNoTextIsSaidToBeNone() {
        expect([0x61, 0x3A, 0x20, 0xFF, 0x0A], .binary, at: "1:4")
        expect("a: \u{0}\n".utf8, .binary, at: "1:4")
        expect(
            Array("é: 1\n---\nb: ".utf8) + [0xC3, 0x28] + Array("\n---\nc: 3\n".utf8), .binary, at: "3:5",
            documents: [#"{"é":1}"#, #"{"c":3}"#])
        expect([0x7F, 0x45, 0x4C, 0x46, 0x02, 0x01, 0x01, 0x00], .binary, at: "1:1")
        expect([0x61, 0x3A, 0x20, 0xED, 0xA0, 0x80, 0x0A], .binary, at: "1:4")
        // Kubernetes reads such JSON with U+FFFD in the place of the bytes.
        expect(
            Array(#"{"a": ""#.utf8) + [0xFF] + Array(#""}"#.utf8), .binary, at: "1:8",
            documents: ["{\"a\":\"\u{FFFD}\"}"])
    }

    @Test func utf16WithItsMarkIsRead() {
        for little in [true, false] {
            let units = Array("\u{FEFF}a: é\n---\nb: 2\n".utf16)
            let bytes = units.flatMap { unit -> [UInt8] in
                let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
                return little ? [low, high] : [high, low]
            }
            #expect(read(bytes).documents.map { $0.root.json() } == [#"{"a":"é"}"#, #"{"b":2}"#])
        }
    }

    @Test func deepNestingIsRefused() {
        let deep = 20_000
        for (open, close) in [("[", "]"), ("{a: ", "}"), (#"{"a":"#, "}")] {
            let text = String(repeating: open, count: deep) + "1" + String(repeating: close, count: deep)
            let set = read("a: 1\n---\n".utf8.map { $0 } + Array(text.utf8))
            #expect(set.problems.map(\.code) == [.tooDeep])
            #expect(set.documents.count == 1)
            #expect(read(text.utf8).problems.first?.code == .tooDeep)
        }
        #expect(read(String(repeating: "- ", count: 5000).utf8).problems.first?.code == .tooDeep)
    }

    @Test func theDeepestAllowedDocumentIsReadWrittenAndEdited() throws {
        let text = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        let root = try #require(read(text.utf8).documents.first).root
        #expect(root.json() == text)
        #expect(DocumentValue(root) == DocumentValue(root))
        #expect(root.sourceRange == 0..<2000)
        var editor = DocumentEditor(root)
        let done = editor.set(FieldPath(Array(repeating: .index(0), count: 998)), 7)
        #expect(done)
        #expect(editor.finish().json() == String(repeating: "[", count: 998) + "7" + String(repeating: "]", count: 998))
    }

    @Test func aliasBombsAreRefusedAsKubernetesRefusesThem() {
        var laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        var merges = "a: &a {k0: 1, k1: 2}\n"
        for (index, name) in "bcdefghij".enumerated() {
            let last = Array("abcdefghij")[index]
            let list = Array(repeating: "*\(last)", count: 9).joined(separator: ", ")
            laughs += "\(name): &\(name) [\(list)]\n"
            merges += "\(name): &\(name) {<<: [\(list)], k\(index): {<<: [\(list)]}}\n"
        }
        expect(("x: 1\n---\n" + laughs).utf8, .aliasBomb, at: "6:20", documents: [#"{"x":1}"#])
        let bomb = read(merges.utf8)
        #expect(bomb.problems.map(\.code) == [.aliasBomb])
        #expect(bomb.documents.isEmpty)
        // Much of a small document may come by aliases.
        #expect(read(("a: &a [1, 2, 3]\nb: [" + String(repeating: "*a, ", count: 90) + "]\n").utf8).problems.isEmpty)
    }

    @Test func cyclesAndUnknownNamesAreRefused() {
        expect("a: &x {b: *x}\n".utf8, .badAlias, at: "1:11")
        expect("a: &x [*x]\n".utf8, .badAlias, at: "1:8")
        expect("a: &x\n  <<: *x\n".utf8, .badAlias, at: "2:7")
        expect("a: &a {b: &b {c: *a}}\n".utf8, .badAlias, at: "1:18")
        expect("a: *nobody\n".utf8, .badAlias, at: "1:4")
        expect("a: &x 1\n---\nb: *x\n".utf8, .badAlias, at: "3:4", documents: [#"{"a":1}"#])
    }

    @Test func keysMayBeLongButMustBeKeys() throws {
        let long = String(repeating: "k", count: 70_000)
        for text in ["{\"\(long)\": 1, \"b\": 2}", "---\n? \(long)\n: 1\n? b\n: 2\n"] {
            let set = read(text.utf8)
            let root = try #require(set.documents.first).root
            #expect(root[long].int == 1 && root["b"].int == 2)
            #expect(root[long].keyRange?.count ?? 0 >= 70_000)
        }
        expect("? [a]\n: 1\n".utf8, .badKey, at: "1:3")
        expect("? {a: 1}\n: 1\n".utf8, .badKey, at: "1:3")
        expect("~: 1\n".utf8, .badKey, at: "1:1")
        expect("a: {<<: 1}\n".utf8, .badKey, at: "1:9")
    }

    @Test func manyDuplicateKeysAreCountedNotListed() throws {
        let json = "{" + String(repeating: #""a":1,"#, count: 50_000) + #""a":2}"#
        let yaml = String(repeating: "a: 1\n", count: 50_000) + "a: 2\n"
        for text in [json, yaml] {
            let set = read(text.utf8)
            #expect(set.problems.count == 100)
            #expect(set.problems.allSatisfy { $0.code == .duplicateKey })
            #expect(set.problems.last?.message.hasPrefix("49901 more duplicate keys") == true)
            #expect(try #require(set.documents.first).root.json() == #"{"a":2}"#)
        }
    }

    @Test func manyBrokenDocumentsEndTheReading() {
        let set = read(String(repeating: "a: [\n---\n", count: 50_000).utf8)
        #expect(set.problems.count == 2001)
        #expect(set.problems.last?.code == .tooManyProblems)
    }

    @Test func oneLongLineIsReadAndKnowsItsPlace() throws {
        let text = "{\"a\":\"" + String(repeating: "x", count: 2_000_000) + "\",\"b\":1}"
        let root = try #require(read(text.utf8).documents.first).root
        #expect(root["b"].location?.description == "bad.yaml:1:2000013")
    }

    @Test func helmTemplatesAreNamed() {
        #expect(read("a: {{ .Values.x }}\n".utf8).problems.first?.code == .helmTemplate)
        #expect(read("{{- if .x }}\na: 1\n{{- end }}\n".utf8).problems.first?.code == .helmTemplate)
        #expect(read("a: {b: {c: [}}\n".utf8).problems.first?.code == .syntax)
    }
}
