import ArgumentParser
import Documents
import Findings
import ImageInspection
import PodSecurity
import Posture
import Vulnerabilities
import Workloads

struct ChecksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checks", abstract: "List the checks, or explain some.",
        discussion: """
            martlet checks                    every check in a line
            martlet checks pod/host-port      what it is, why it matters, what to do
            martlet checks 'service/*' -o json
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @Argument(help: "Ids, with *.")
    var ids: [String] = []

    @Option(name: [.short, .long], help: "table or json.")
    var output: Format = .table

    func run() throws {
        let images = WorkloadImageFindings.rules + [.imageLatestTag]
        let rules = (PostureScan.allRules + images).filter { rule in
            ids.isEmpty || ids.contains { Glob($0).matches(rule.id) }
        }
        guard !rules.isEmpty else {
            throw Failure(message: "no check fits \(ids.joined(separator: " ")); `martlet checks` lists them")
        }
        switch output {
        case .json: Console.print(Self.json(rules))
        case .table where ids.isEmpty:
            let width = rules.map(\.id.count).max() ?? 0
            for rule in rules {
                let severity = rule.severity.rawValue + String(repeating: " ", count: 9 - rule.severity.rawValue.count)
                let id = rule.id + String(repeating: " ", count: width - rule.id.count)
                let mark = rule.category == .security ? "" : "  (\(rule.category.rawValue))"
                Console.print("\(severity) \(id)  \(rule.title)\(mark)")
            }
        case .table:
            for (index, rule) in rules.enumerated() {
                if index > 0 { Console.print("\n") }
                Console.print(Self.explanation(rule))
            }
        }
    }

    private static func explanation(_ rule: Rule) -> String {
        var lines = [
            "\(rule.id)  (\(rule.severity.rawValue))", rule.title, "", "Why:  \(rule.why)", "Use:  \(rule.remedy)",
        ]
        if !rule.references.isEmpty {
            lines.append("See:  " + rule.references.map(\.description).joined(separator: "; "))
        }
        return lines.joined(separator: "\n")
    }

    private static func json(_ rules: [Rule]) -> String {
        var writer = JSONWriter(compact: false)
        writer.array { writer in
            for rule in rules {
                writer.object { writer in
                    writer.member("id", rule.id)
                    writer.member("severity", rule.severity.rawValue)
                    writer.member("category", rule.category.rawValue)
                    writer.member("title", rule.title)
                    writer.member("why", rule.why)
                    writer.member("remedy", rule.remedy)
                    writer.member("references", rule.references.map(\.description))
                }
            }
        }
        return writer.string
    }
}
