import Foundation
import Testing

@testable import Documents

/// What the shortcut reads is what `YAMLComposer` makes of libyaml's events: values, places, quoting, problems.
@Suite struct ShortcutTests {
    /// Texts of the other tables, and what random writers write.
    private static let tables: [String] =
        Snippets.asKubernetes.map(\.text) + Snippets.otherThanKubernetes.map(\.text) + Positions.table.map(\.text)
        + PlainScalars.table.flatMap { ["k: \($0.text) # c\n", "\($0.text): v\n", "- \($0.text)\n- [\($0.text)]\n"] }
        + TaggedScalars.table.map { "k: \($0.text)\n" }

    private static func random(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var writer = RandomYAML(random: Seeded(state: seed))
        return (0..<count).map { _ in Array(writer.document().utf8) }
    }

    private func expectSame(_ bytes: [UInt8], checkKeys: Bool = true, _ comparison: inout ShortcutComparison) {
        if let difference = comparison.difference(bytes, checkKeys: checkKeys) {
            Issue.record("\(String(decoding: bytes, as: UTF8.self).debugDescription): \(difference)")
        }
    }

    @Test func everyTableReadsTheSameBothWays() {
        var comparison = ShortcutComparison()
        for text in Self.tables { expectSame(Array(text.utf8), &comparison) }
        #expect(comparison.taken > 5000, "the shortcut is tried at all")
    }

    @Test(arguments: 1..<9)
    func randomDocumentsAndTheirMutationsReadTheSameBothWays(_ seed: Int) {
        var comparison = ShortcutComparison()
        let written = Self.random(100, seed: UInt64(seed))
        let texts = written + Self.tables.filter { $0.utf8.count < 2000 }.map { Array($0.utf8) }
        for text in written { expectSame(text, &comparison) }
        #expect(comparison.taken * 2 > comparison.total, "most of what people write is read by the shortcut")
        var mutator = TextMutator(random: Seeded(state: UInt64(seed) &* 7919))
        for round in 0..<1500 {
            guard let text = texts.randomElement(using: &mutator.random),
                let other = texts.randomElement(using: &mutator.random)
            else { continue }
            expectSame(mutator.mutated(text, with: other), checkKeys: round % 7 != 0, &comparison)
        }
    }

    @Test(arguments: taken)
    func thePlainSubsetNeedsNoLibrary(_ text: String) {
        var comparison = ShortcutComparison()
        expectSame(Array(text.utf8), &comparison)
        #expect(comparison.taken == comparison.total)
    }

    private static let taken: [String] = [
        "", "# only a comment\n", "---\n", "--- # c\n# nothing\n", "a: 1\n...\n# c\n", "a: 1", "a:", "-", "- \n-\n",
        "  a: 1\n  b:\n    c: 2\n", "a:\n- b\n- c:\n  - d\n  e:\n    - f\nb: 1\n", "- - - a\n    - b\n  - c\n",
        "a: b # c\n\n  # d\ne: f#g\n", "a : b\n\"c\" : d\n'e': \"f\"  # g\n", "a: http://b:1/c?d={e}\n",
        "a: 'it''s'\nb: \"q\\\"\\n\\t\\\\\"\n\"c\\n\": 1\n", "a: [b, 'c', \"d\", 1, [], {}, [e, {f: g}]]\n",
        "a: [\n  b,\n  c\n]\nd: {\n  e: f,\n  \"g\":1, }\n", "a:\n  [b]\nc:\n  'd'\ne:\n  f\n",
        "a: |\n  b\n   c\n\n  d\n\ne: |-\n  f\n\nh: |+\n   i\n\n",
        "- |\n a\n\n b\n- |+\n c\n\n", "a: >\n\n  b\n  c\n\n\n  d\n\ne: >-\n  f\n  g\nh: >+\n  i\n\n", "a: |\n\n  b",
        "a: b\n  c\n\n  d # e\nf: 1\n    2\n",
        "ü: é\n日本: [語, \"ö\"]\n", "a: {b: 1, b: 2}\nc: 1\nc: 2\n", "true: 1\n16: 2\n1.5: 3\n",
    ]

    @Test(arguments: left)
    func theRestIsLeftToTheLibrary(_ text: String) {
        var comparison = ShortcutComparison()
        expectSame(Array(text.utf8), &comparison)
        #expect(comparison.taken == 0)
    }

    private static let left: [String] = [
        "a: &b 1\n", "a: 1\nb: *a\n", "a: !!str 1\n", "a: {b: 1}\nc:\n  <<: {d: 1}\n", "? a\n: b\n",
        "a: >\n  b\n   c\n",
        "a:\tb\n", "\ta: 1\n", "a: \"b\n  c\"\n", "%YAML 1.1\n---\na: 1\n", "a: \"\\u0041\"\n", "a: [b, # c\n  d]\n",
        "a: |2\n  b\n", "a: |\n   \n  b\n", "a: b: c\n", "a: - b\n", "a: 1\n b: 2\n", "a: 1\n- b\n", "- a\nb: 1\n",
        "a: [b\n", "a: {b}\n", "a: 1\r\n", "yes: 1\n", "0x10: 1\n", "~: 1\n", "a: .inf\n", "a: 1\n...\nb: 2\n",
        "a: \u{85}\n", "a: \u{7F}\n", "\(String(repeating: "k", count: 1100)): 1\n",
        String(repeating: "- ", count: 200) + "a\n", "text\n", "[a]\n: b\n", "a: 'b' c\n", "a: \"b\"#c\n",
    ]

    @Test func aPartBeyondTheSubsetCostsOnlyItself() {
        let text = "a: 1\na: 2\n---\nb: \"\\n\"\nb: 2\nc: |\n  d\ne: &f g\n---\nh: 3\nh: 4\n"
        var comparison = ShortcutComparison()
        expectSame(Array(text.utf8), &comparison)
        #expect(comparison.taken == "a: 1\na: 2\n---\nh: 3\nh: 4\n".utf8.count)
    }

    /// The files people publish, all of them.
    @Test(.enabled(if: corpus != nil, "MARTLET_CONFORMANCE names no folder with posture/corpus"))
    func publishedManifestsReadTheSameBothWays() throws {
        let folder = try #require(Self.corpus)
        let walk = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var comparison = ShortcutComparison()
        for case let url as URL in walk where ["yaml", "yml"].contains(url.pathExtension) {
            if let difference = comparison.difference(Array(try Data(contentsOf: url))) {
                Issue.record("\(url.lastPathComponent): \(difference)")
            }
        }
        print("shortcut: \(comparison.taken) of \(comparison.total) bytes")
        #expect(comparison.taken * 100 >= comparison.total * 85)
    }

    private static let corpus: URL? = {
        let root = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        let folder = URL(fileURLWithPath: root).appendingPathComponent("posture/corpus")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()
}
