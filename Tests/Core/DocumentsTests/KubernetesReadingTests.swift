import Testing

@testable import Documents

/// Tables compared with the parser of Kubernetes 1.36 (`sigs.k8s.io/yaml` 1.6 over go-yaml 2.4, split as `kubectl` does).
@Suite struct KubernetesReadingTests {
    private func read(_ text: String) -> DocumentSet {
        DocumentReader.read(SourceText(name: "t.yaml", bytes: Array(text.utf8)))
    }

    @Test func plainScalarsHaveTheTypeAndValueKubernetesGivesThem() {
        for row in PlainScalars.table {
            for text in ["k: \(row.text)\n", "# c\n\"k\": \(row.text)   # c\n"] where !row.text.hasPrefix("#") {
                let json = read(text).documents.first?.root["k"].json()
                #expect(json == row.value, "\(text)")
            }
        }
    }

    @Test func plainScalarsAreKeysAsKubernetesWritesThem() {
        for row in PlainScalars.table {
            guard let key = row.key else { continue }
            let set = read("\(row.text): v\n")
            #expect(set.documents.first?.root.members.map(\.key) == [key], "\(row.text)")
        }
    }

    @Test func tagsMustFitTheirText() {
        for row in TaggedScalars.table {
            let set = read("k: \(row.text)")
            #expect(set.documents.first?.root["k"].json() == row.value, "\(row.text)")
            #expect(set.problems.isEmpty == (row.value != nil), "\(row.text)")
        }
    }

    @Test func wholeNumbersAreWholeHoweverTheyAreWritten() {
        let table: [(String, Int?)] = [
            ("8080", 8080), ("0644", 420), ("0o644", 420), ("0x1F", 31), ("1_000", 1000), ("1e3", 1000),
            ("8080.0", 8080),
            ("08", 8), ("1.5", nil), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("1e19", nil), (".inf", nil), ("'1'", nil), ("yes", nil),
        ]
        for (text, value) in table { #expect(read("k: \(text)\n").documents.first?.root["k"].int == value, "\(text)") }
    }

    @Test(arguments: Snippets.asKubernetes)
    func oddYAMLIsReadAsKubernetesReadsIt(_ snippet: Snippet) { expect(snippet) }

    @Test(arguments: Snippets.otherThanKubernetes)
    func whatKubernetesSkipsIsRead(_ snippet: Snippet) { expect(snippet) }

    private func expect(_ snippet: Snippet) {
        let set = read(snippet.text)
        #expect(set.documents.map { $0.root.json() } == snippet.documents)
        #expect(set.problems.map(\.code) == snippet.problems)
        for problem in set.problems { #expect(problem.location.file == "t.yaml" && problem.location.line > 0) }
    }

    @Test func everyValueKnowsWhereItStands() {
        for (text, places) in Positions.table {
            var rest = places[...]
            for document in read(text).documents { check(document.root, text, &rest) }
            #expect(rest.isEmpty, "\(text)")
        }
    }

    private func check(_ node: Node, _ text: String, _ places: inout ArraySlice<Positions.Place>) {
        func slice(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
        }
        guard let place = places.popFirst() else {
            Issue.record("more values than places in \(text)")
            return
        }
        #expect(node.path.description == place.path, "\(text)")
        #expect(node.location.map { "\($0.line):\($0.column)" } == place.location, "\(place.path) in \(text)")
        #expect(slice(node.sourceRange) == place.text, "\(place.path) in \(text)")
        #expect(slice(node.keyRange) == place.key, "\(place.path) in \(text)")
        for member in node.members { check(member.value, text, &places) }
        for element in node.elements { check(element, text, &places) }
    }

    @Test func anAliasKnowsWhereItWasUsed() throws {
        let text = "a: &x {b: 1}\nc: *x\nd: [ *x ]\ne: {<<: *x}\n"
        let root = try #require(read(text).documents.first).root
        func slice(_ node: Node) -> String? {
            node.aliasRange.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
        }
        #expect(slice(root["c"]) == "*x")
        #expect(slice(root["d"][0]) == "*x")
        #expect(root["a"].aliasRange == nil)
        #expect(root["e"]["b"].isAliased && root["e"]["b"].aliasRange == nil)
    }
}
