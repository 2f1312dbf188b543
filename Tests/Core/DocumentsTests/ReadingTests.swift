import Testing

@testable import Documents

@Suite struct ReadingTests {
    @Test func yamlReadsAsKubernetesReadsIt() throws {
        let text = """
            a: &x {b: 1, c: [x, "y\\n"]}
            d: *x
            e:
              <<: *x
              b: 2
              "quoted key": yes
            text: |
              hello
              world
            # comment
            ü: é
            z: 0644
            """
        let set = DocumentReader.read(SourceText(name: "t.yaml", bytes: Array(text.utf8)))
        #expect(set.problems.isEmpty)
        let root = try #require(set.documents.first).root
        #expect(
            root.json()
                == #"{"a":{"b":1,"c":["x","y\n"]},"d":{"b":1,"c":["x","y\n"]},"e":{"b":2,"quoted key":true,"c":["x","y\n"]},"text":"hello\nworld\n","ü":"é","z":420}"#
        )
        #expect(root["z"].location?.description == "t.yaml:12:4")
        #expect(root["e"]["b"].path.description == "e.b")
    }

    @Test func anEditKeepsThePlacesOfTheRest() throws {
        let text = "a: 1\ne:\n  b: 2\nz: 3\n"
        let set = DocumentReader.read(SourceText(name: "t.yaml", bytes: Array(text.utf8)))
        var editor = DocumentEditor(try #require(set.documents.first).root)
        editor.set("e.b", 7)
        editor.set("k.l[0].m", "v")
        editor.remove("a")
        let edited = editor.finish()
        #expect(edited.json() == #"{"e":{"b":7},"z":3,"k":{"l":[{"m":"v"}]}}"#)
        #expect(edited["z"].location?.description == "t.yaml:4:4")
        #expect(edited["e"].location?.description == "t.yaml:3:3")
    }

    @Test func aBrokenDocumentDoesNotHideTheOthers() {
        let set = DocumentReader.read(SourceText(name: "t", bytes: Array("a: 1\n---\nb: [\n---\nc: 3\n".utf8)))
        #expect(set.problems.count == 1)
        #expect(set.documents.map { $0.root.json() } == [#"{"a":1}"#, #"{"c":3}"#])
    }
}
