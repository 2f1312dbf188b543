import ArgumentParser
import Documents
import RBAC

/// Answers as a table for people, or as JSON or CSV for programs. A part that was not seen is told in each of them.
enum RBACOutput {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, csv }

    /// Binding, role, rule and the rule's place.
    static func chain(_ grant: Grant) -> [String] {
        let through = grant.source.name == grant.role.name ? "" : " from \(grant.source.name)"
        return [
            grant.binding.reference.description, grant.role.description + through, grant.rule.description,
            place(grant.ruleNode),
        ]
    }

    /// What stands beside an answer in JSON where a part was not seen.
    static func notObservable(_ hole: String) -> DocumentValue {
        .object([.init("outcome", .string("notObservable")), .init("reason", .string(hole))])
    }

    static func place(_ node: Node) -> String { node.location.map { "\($0)" } ?? "" }

    static func write(_ format: Format, _ columns: [String], _ rows: [[String]], empty: String, hole: String? = nil) {
        switch format {
        case .table:
            if rows.isEmpty { Console.print(empty) } else { Console.print(table(columns, rows)) }
            if let hole, !rows.isEmpty { Console.print("not observable: \(hole); there may be more\n") }
        case .csv:
            var rows = rows
            if let hole { rows.append(["notObservable", hole] + columns.dropFirst(2).map { _ in "" }) }
            Console.print(([columns] + rows).map(csv).joined())
        case .json:
            let keys = columns.map { $0.lowercased() }
            var values = rows.map { row in
                DocumentValue.object(zip(keys, row).map { .init($0, .string($1)) })
            }
            if let hole { values.append(notObservable(hole)) }
            var writer = JSONWriter(compact: false)
            writer.value(.array(values))
            Console.print(writer.string)
        }
    }

    private static func table(_ columns: [String], _ rows: [[String]]) -> String {
        var widths = columns.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return ([columns] + rows).map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index + 1 < row.count { line += String(repeating: " ", count: widths[index] - cell.count + 3) }
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// RFC 4180; a cell that a spreadsheet would take for a formula is kept a text.
    private static func csv(_ row: [String]) -> String {
        row.map { text in
            let cell = text.first.map { "=+-@\t\r".contains($0) } ?? false ? "'\(text)" : text
            let needsQuotes = cell.contains { ",\"\n\r".contains($0) }
            return needsQuotes
                ? "\"\(cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
                : cell
        }.joined(separator: ",") + "\r\n"
    }
}
