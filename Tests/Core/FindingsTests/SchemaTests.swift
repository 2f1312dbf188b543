import Documents
import Findings
import Foundation
import Testing

/// The JSON report against its published schema, `docs/report.schema.json`.
@Suite struct SchemaTests {
    private func schema() throws -> Schema {
        let file = Project.root.appending(path: "docs/report.schema.json")
        return try Schema(root: Project.document(file))
    }

    private func report(_ report: Report) throws -> Node {
        let text = ReportFormat.json.render(report)
        return try DocumentReader.readJSON(SourceText(name: "report.json", bytes: Array(text.utf8)))
    }

    @Test func `Every report keeps to its schema`() throws {
        var compared = Sample.files()
        Baseline(Sample.files()).apply(to: &compared)
        compared.findings = []
        var mended = Sample.files()
        mended.findings.removeAll { $0.severity > .low }
        Baseline(Sample.files()).apply(to: &mended)
        for candidate in [Sample.files(), Sample.cluster(), Sample.empty(), compared, mended] {
            #expect(try schema().faults(try report(candidate)) == [])
        }
    }

    @Test(arguments: [
        ("schemaVersion", #""2.0""#), ("findings", #"[{"rule": "pod/x"}]"#), ("coverage", "{}"), ("generatedAt", "3"),
        ("summary", #"{"score": 2}"#), ("new", "true"), ("problems", #"[{"kind": "odd", "code": "", "message": ""}]"#),
    ])
    func `The schema refuses what it should`(key: String, value: String) throws {
        var editor = DocumentEditor(try report(Sample.files()))
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(value.utf8)))
        editor.set(FieldPath([.key(key)]), DocumentValue(node))
        #expect(try !schema().faults(editor.finish()).isEmpty)
    }
}

/// As much of JSON Schema as our schema uses; a word it does not know is a fault of its own.
struct Schema {
    let root: Node

    func faults(_ value: Node) -> [String] { faults(value, root) }

    private func faults(_ value: Node, _ schema: Node) -> [String] {
        var faults: [String] = []
        func fault(_ text: String) { faults.append("\(value.path): \(text)") }
        for member in schema.members {
            let rule = member.value
            switch member.key {
            case "$schema", "$defs", "title", "description", "properties": continue
            case "$ref":
                let pointer = String((rule.string ?? "").dropFirst())
                guard let path = FieldPath(pointer: pointer) else { return ["bad reference"] }
                faults += self.faults(value, root[path])
            case "type":
                let types = rule.isArray ? rule.strings : [rule.string ?? ""]
                if !types.contains(where: { has(value, $0) }) { fault("is no \(types)") }
            case "const": if value.json() != rule.json() { fault("is not \(rule.json())") }
            case "enum":
                if !rule.elements.contains(where: { $0.json() == value.json() }) {
                    fault("\(value.json()) is none of the words")
                }
            case "required":
                for key in rule.strings where !value[key].exists { fault("lacks \(key)") }
            case "additionalProperties":
                for own in value.members where !schema["properties"][own.key].exists { fault("has \(own.key)") }
            case "items": for element in value.elements { faults += self.faults(element, rule) }
            case "minimum": if let number = value.double, number < rule.double ?? 0 { fault("is too small") }
            case "maximum": if let number = value.double, number > rule.double ?? 0 { fault("is too large") }
            case "pattern":
                if let text = value.string, let pattern = try? Regex(rule.string ?? ""),
                    text.firstMatch(of: pattern) == nil
                {
                    fault("does not match \(rule.string ?? "")")
                }
            default: fault("the schema's word \(member.key) is not known here")
            }
        }
        for own in value.members where schema["properties"][own.key].exists {
            faults += self.faults(own.value, schema["properties"][own.key])
        }
        return faults
    }

    private func has(_ value: Node, _ type: String) -> Bool {
        switch type {
        case "object": value.isObject
        case "array": value.isArray
        case "string": value.kind == .string
        case "integer": value.int != nil
        case "number": value.kind == .number
        case "boolean": value.kind == .bool
        case "null": value.kind == .null
        default: false
        }
    }
}

/// Files of the project itself.
enum Project {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardized

    static func document(_ file: URL) throws -> Node {
        let set = DocumentReader.read(
            SourceText(name: file.lastPathComponent, bytes: Array(try Data(contentsOf: file))))
        #expect(set.problems.isEmpty, "\(set.problems)")
        return try #require(set.documents.first).root
    }
}
