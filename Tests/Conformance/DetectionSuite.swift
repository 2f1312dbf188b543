import Detection
import Documents
import Foundation

extension ConformanceSuite {
    static let detection = ConformanceSuite(
        name: "falco",
        files: [
            ConformanceFile(name: "conditions-parse", run: DetectionCases.parse)
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
}
