import Secrets
import Testing

@testable import Posture

@Suite("Long streams of documents, part by part")
struct DocumentPartsTests {
    static func parts(_ text: String, size: Int) -> [(text: String, lines: Int)] {
        DocumentParts(Array(text.utf8), size: size).map { (String(decoding: $0.bytes, as: UTF8.self), $0.lines) }
    }

    @Test("the parts are the text, each begins a document, and says how many lines stand before it")
    func wholeDocuments() {
        let text = (0..<50).map { "---\na: \($0)\nb: |\n  text\n  --- no mark\n" }.joined()
        for size in 1...200 {
            let parts = Self.parts(text, size: size)
            #expect(parts.map(\.text).joined() == text)
            var lines = 0
            for part in parts {
                #expect(part.text.hasPrefix("---\n"))
                #expect(part.lines == lines)
                lines += part.text.utf8.count { $0 == 0x0A }
            }
        }
        #expect(Self.parts(text, size: 1).count == 50)
    }

    @Test(
        "what has no place to be cut stays whole",
        arguments: [
            "", "a", "---", "a: 1\n---x\nb: 2\n", "{\"a\": 1}\n---\n{}\n", "%YAML 1.2\n---\na: 1\n---\nb: 1\n",
            "\n\n\n",
        ])
    func oneDocument(_ text: String) {
        #expect(Self.parts(text, size: 1).map(\.text) == (text.isEmpty ? [] : [text]))
    }

    @Test("a secret far down a long file is told at its own line, and a damaged document makes a text of the whole")
    func longFile() {
        func object(_ number: Int, _ value: String) -> String {
            """
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: c\(number)}
            data:
              note: \(String(repeating: "word ", count: 40))
              DB_PASSWORD: \(value)

            """
        }
        let count = 3 * DocumentParts.usualSize / 250
        var text = (0..<count).map { object($0, "${DB}") }.joined()
        let lines = text.utf8.count { $0 == 0x0A }
        text += object(count, "kV9x2mQp7LzT")
        var scan = SourceSecretScan(seal: .unkeyed)
        let found = scan.scan(file: "all.yaml", bytes: Array(text.utf8))
        #expect(found.map(\.line) == [lines + 7])
        #expect(found.map(\.object) == ["ConfigMap c\(count)"])
        #expect(scan.texts == 1)
        let damaged = scan.scan(file: "all.yaml", bytes: Array((text + "---\n{a: [\n").utf8))
        #expect(damaged.map(\.line) == [lines + 7])
        #expect(damaged.map(\.object) == [""])
        #expect(scan.texts == 2)
    }
}
