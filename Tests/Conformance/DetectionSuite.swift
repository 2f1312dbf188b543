import Detection
import Documents
import Foundation

extension ConformanceSuite {
    static let detection = ConformanceSuite(
        name: "falco",
        files: [
            ConformanceFile(name: "conditions-parse", run: DetectionCases.parse),
            ConformanceFile(name: "conditions-eval", run: DetectionCases.evaluate),
            ConformanceFile(name: "rules-load", run: DetectionRuleCases.load),
            ConformanceFile(name: "syscall-events", run: DetectionRuleCases.systemCalls),
            ConformanceFile(name: "k8saudit-events", run: DetectionRuleCases.auditEvents),
        ])
}

/// Cases of Falco's rule language; expected values come from the engine itself.
enum DetectionCases {
    static func parse(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("vectors/conditions-parse.jsonl") {
            let id = line["id"].string ?? ""
            let expected = line["ok"].bool == true ? line["ast"].canonicalJSON() : "refused"
            let text = line["condition"].string ?? ""
            let found: String
            var notes = ""
            do throws(ConditionError) {
                let condition = try ConditionParser.parse(text)
                found = DetectionTree.json(condition)
                notes = printing(condition)
            } catch {
                found = "refused"
                let place = line["pos"]
                if place.exists, place["idx"].int != error.position.offset || place["col"].int != error.position.column
                {
                    notes = "\n    refused at \(error.position.offset), expected \(place["idx"].int ?? -1)"
                }
            }
            agreement.note(
                id,
                expected == found && notes.isEmpty
                    ? nil : "\(text)\n    expected \(expected)\n    found    \(found)\(notes)")
        }
        return agreement
    }

    /// What we print reads as the same tree again.
    private static func printing(_ condition: Condition) -> String {
        do throws(ConditionError) {
            let again = try ConditionParser.parse(condition.bytes)
            return again == condition ? "" : "\n    printed as \(condition), which reads as \(again)"
        } catch {
            return "\n    printed as \(condition), which does not read: \(error)"
        }
    }

    // MARK: Evaluation

    static func evaluate(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let root = try folder.json("vectors/conditions-eval.json")
        let catalogue = FieldCatalogue(root["types"].members.compactMap { field($0.key, $0.value.string ?? "") })
        for vector in root["vectors"].elements {
            let record = root["records"][vector["record"].string ?? ""]
            let text = vector["condition"].string ?? ""
            let expected = vector["ok"].bool == true ? "\(vector["match"].bool ?? false)" : "refused"
            var found = "refused"
            var note = ""
            do {
                var filter = try ConditionFilter(ConditionParser.parse(text), catalogue)
                found = "\(filter.holds { value($0, record, catalogue) })"
                let warnings = filter.warnings.map(\.message)
                if warnings != vector["warnings"].strings {
                    note = "\n    warnings \(warnings), expected \(vector["warnings"].strings)"
                }
            } catch {
                note = "\n    \(error)"
                if found == expected { note = "" }
            }
            agreement.note(
                vector["id"].string ?? "",
                found == expected && note.isEmpty
                    ? nil : "\(text) on \(record.canonicalJSON())\n    expected \(expected), found \(found)\(note)")
        }
        return agreement
    }

    private static func field(_ name: String, _ type: String) -> FieldInfo? {
        switch type {
        case "string list": FieldInfo(name, .string, isList: true)
        case "string with required [key] argument": FieldInfo(name, .string, argument: .required)
        case "fspath": FieldInfo(name, .path)
        case "bytebuf": FieldInfo(name, .bytes)
        default: ValueType(rawValue: type.prefix { $0 != "," }.description).map { FieldInfo(name, $0) }
        }
    }

    private static func value(_ field: FieldReference, _ record: Node, _ catalogue: FieldCatalogue) -> [FieldValue]? {
        var node = record[field.name]
        if let argument = field.argument { node = node[String(decoding: argument, as: UTF8.self)] }
        guard node.exists, let info = catalogue.fields[field.name] else { return nil }
        if node.isArray { return node.strings.map { FieldValue($0) } }
        return one(node, info.type)
    }

    /// A value as the vectors write it.
    static func one(_ node: Node, _ type: ValueType) -> [FieldValue]? {
        if let bool = node.bool { return [.number(bool ? 1 : 0)] }
        if node.kind == .number {
            guard let text = node.text else { return nil }
            if let signed = Int64(text) { return [FieldValue(signed)] }
            return UInt64(text).map { [.number($0)] }
        }
        guard let text = node.string else { return nil }
        switch type {
        case .ip, .ipnet: return AddressText.address(Array(text.utf8)).map { [.bytes($0)] }
        default: return [FieldValue(text)]
        }
    }
}
