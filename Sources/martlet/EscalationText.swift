import Documents
import Kubernetes
import RBAC

/// Escalation paths for people and for programs.
struct EscalationText {
    private let format: RBACOutput.Format
    /// What was not seen, for a sentence.
    private let hole: String?

    init(_ format: RBACOutput.Format, hole: String? = nil) {
        self.format = format
        self.hole = hole
    }

    func write(_ paths: [EscalationPath], empty: String) {
        switch format {
        case .table:
            Console.print(paths.isEmpty ? empty : text(paths))
            if let hole, !paths.isEmpty { Console.print("not observable: \(hole); there may be more\n") }
        case .csv: RBACOutput.write(.csv, Self.columns, rows(paths), empty: empty, hole: hole)
        case .json: Console.print(json(paths))
        }
    }

    private static let columns = ["GOAL", "START", "PATH", "STEP", "BY", "WHERE", "BECOMES", "IF", "GRANT", "PLACE"]

    private func rows(_ paths: [EscalationPath]) -> [[String]] {
        var rows: [[String]] = []
        for (number, path) in paths.enumerated() {
            for (index, step) in path.steps.enumerated() {
                for way in step.ways {
                    let place = way.grants.first?.ruleNode ?? way.field
                    rows.append([
                        path.goal.rawValue, path.start.description, "\(number + 1)", "\(index + 1)/\(path.steps.count)",
                        way.id, Self.place(way), step.becomes?.description ?? path.goal.rawValue, way.condition ?? "",
                        Self.reason(way), place.map(RBACOutput.place) ?? "",
                    ])
                }
            }
        }
        return rows
    }

    private static func place(_ way: EscalationWay) -> String {
        let names = way.names.isEmpty ? "" : " named \(way.names.joined(separator: ", "))"
        guard !way.grants.isEmpty else { return names }
        return (way.namespace.isEmpty ? "everywhere" : "in \(way.namespace)") + names
    }

    private static func reason(_ way: EscalationWay) -> String {
        if let field = way.field { return field.path.description }
        return way.grants.map(\.description).joined(separator: " and ")
    }

    // MARK: Text

    private func text(_ paths: [EscalationPath]) -> String {
        var out = ""
        var goal: EscalationEdge.Goal?
        for path in paths {
            if path.goal != goal {
                goal = path.goal
                let own = paths.filter { $0.goal == path.goal }
                let starts = Set(own.map(\.start)).count
                out += "\(out.isEmpty ? "" : "\n")\(path.goal.rawValue): \(starts) can reach it\n"
            }
            out += "  \(path.start), \(path.steps.count) \(path.steps.count == 1 ? "step" : "steps")\n"
            for (index, step) in path.steps.enumerated() {
                let end = step.becomes?.description ?? path.goal.rawValue
                for (number, way) in step.ways.enumerated() {
                    let place = Self.place(way)
                    let lead = number == 0 ? "\(index + 1). " : "   or "
                    out += "    \(lead)\(way.id)\(place.isEmpty ? "" : " \(place)") → \(end)\n"
                    for grant in way.grants {
                        let at = RBACOutput.place(grant.ruleNode)
                        out += "         \(grant)\(at.isEmpty ? "" : "  \(at)")\n"
                    }
                    if let field = way.field {
                        let at = RBACOutput.place(field)
                        out += "         \(field.path)\(at.isEmpty ? "" : "  \(at)")\n"
                    }
                    if let condition = way.condition { out += "         if \(condition)\n" }
                }
            }
        }
        return out
    }

    // MARK: JSON

    private func json(_ paths: [EscalationPath]) -> String {
        var writer = JSONWriter(compact: false)
        writer.array { writer in
            for path in paths {
                writer.object { writer in
                    writer.member("goal", path.goal.rawValue)
                    writer.member("start", path.start.description)
                    writer.member("steps", array: { writer in path.steps.forEach { self.step($0, path, &writer) } })
                }
            }
            if let hole { writer.value(RBACOutput.notObservable(hole)) }
        }
        return writer.string
    }

    private func step(_ step: EscalationStep, _ path: EscalationPath, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("actor", step.actor.description)
            writer.member("becomes", step.becomes?.description ?? path.goal.rawValue)
            writer.member("ways", array: { writer in step.ways.forEach { self.way($0, &writer) } })
        }
    }

    private func way(_ way: EscalationWay, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("by", way.id)
            if !way.namespace.isEmpty { writer.member("namespace", way.namespace) }
            if !way.names.isEmpty { writer.member("names", way.names) }
            if let condition = way.condition { writer.member("if", condition) }
            if let field = way.field {
                writer.member("field", field.path.description)
                if let location = field.location { writer.member("place", "\(location)") }
            }
            guard !way.grants.isEmpty else { return }
            writer.member(
                "grants",
                array: { writer in
                    for grant in way.grants {
                        writer.object { writer in
                            writer.member("binding", grant.binding.reference.description)
                            writer.member("subject", grant.subject.description)
                            writer.member("role", grant.role.description)
                            writer.member("rule", grant.rule.description)
                            let place = RBACOutput.place(grant.ruleNode)
                            if !place.isEmpty { writer.member("place", place) }
                        }
                    }
                })
        }
    }
}
