import Detection
import Documents
import Foundation

/// What the `runtime` commands print for a person.
enum RuntimeText {
    static func write(_ groups: AlertGroups, _ replay: Replay) { write(groups, events: replay.events) }

    static func write(_ groups: AlertGroups, events: Int) {
        RBACOutput.write(
            .table,
            ["COUNT", "PRIORITY", "RULE", "WORKLOAD", "ITEM", "FIRST", "LAST", "TECHNIQUES", "EVIDENCE", "ALLOWED BY"],
            groups.all.map { group in
                [
                    "\(group.count)", group.priority.name, group.key.rule, visible(group.key.workload),
                    visible(group.key.item),
                    time(group.first), time(group.last), group.techniques.joined(separator: " "),
                    group.isIncomplete ? "incomplete" : "complete",
                    visible(group.shared[Replay.grantField] ?? ""),
                ]
            }, empty: "no rule matched \(events) events")
        if groups.uncounted > 0 { Console.error("\(groups.uncounted) alerts found no room in the summary") }
    }

    /// Text from outside without control characters that a terminal would obey.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            return text
        }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : scalar
                }))
    }

    private static func visibleLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }
            .joined(separator: "\n")
    }

    private static func time(_ nanoseconds: UInt64) -> String {
        nanoseconds == 0 ? "-" : String(Timestamp.text(nanoseconds).prefix(19)) + "Z"
    }

    static func write(_ rule: DetectionRule) {
        Console.print("\(rule.name) (\(rule.source), \(rule.priority.name)) at \(rule.file):\(rule.line)")
        Console.print(rule.description)
        if !rule.macros.isEmpty { Console.print("macros: \(rule.macros.joined(separator: ", "))") }
        if !rule.lists.isEmpty { Console.print("lists: \(rule.lists.joined(separator: ", "))") }
        Console.print("condition: \(rule.condition)")
        Console.print("output: \(rule.output.template)")
        for exception in rule.exceptions {
            Console.print("exception \(exception.name): \(exception.tuples.count) entries")
        }
    }

    static func write(_ explanation: Explanation, number: Int) {
        Console.print("event \(number): \(explanation.rule) \(explanation.matches ? "matches" : "does not match")")
        for step in explanation.steps {
            var line = "  \(step.holds ? "holds" : "fails")  \(step.text)"
            let values = step.values.map { "\($0.field)=\(visible($0.value))" }.joined(separator: " ")
            if !values.isEmpty { line += "  [\(values)]" }
            if let list = step.list { line += " in list \(list)" }
            if let macro = step.macro { line += " from macro \(macro)" }
            Console.print(line)
        }
        if let nearest = explanation.nearest {
            Console.print(
                "  nearest exception: \(nearest.name), \(nearest.held) of \(nearest.total) hold, missing "
                    + nearest.missing.joined(separator: ", "))
        }
    }

    static func write(_ difference: ReplayDifference, days: Double?) {
        var rows: [[String]] = []
        func rate(_ count: Int) -> String {
            guard let days, days > 1.0 / 24 else { return "-" }
            return String(format: "%.1f", Double(count) / days)
        }
        for group in difference.added {
            rows.append([
                "added", group.key.rule, visible(group.key.workload), visible(group.key.item), "\(group.count)",
                rate(group.count),
            ])
        }
        for group in difference.removed {
            rows.append([
                "removed", group.key.rule, visible(group.key.workload), visible(group.key.item), "\(group.count)", "0",
            ])
        }
        for (group, before) in difference.changed {
            rows.append([
                "changed", group.key.rule, visible(group.key.workload), visible(group.key.item),
                "\(before) → \(group.count)",
                rate(group.count),
            ])
        }
        RBACOutput.write(
            .table, ["CHANGE", "RULE", "WORKLOAD", "ITEM", "ALERTS", "A DAY"], rows, empty: "nothing would change")
        for group in difference.added {
            guard let exception = group.suggestedException else { continue }
            Console.print(
                "\nThis would silence \(group.key.rule) for \(group.key.workload):\n\(visibleLines(exception))")
        }
    }
}
