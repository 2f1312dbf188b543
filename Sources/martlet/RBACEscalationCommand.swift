import ArgumentParser
import Kubernetes
import RBAC

struct RBACEscalationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escalation",
        abstract:
            "Who can take over what, the shortest way, and which bindings to take away. Exit code 1 when somebody can.",
        discussion: """
            Goals: cluster-admin, node, secrets (all of them), accounts (other service accounts), cloud.
            Conditions outside RBAC, such as Pod Security, count as given and are named.
            """)

    @OptionGroup var input: RBACInputOptions

    @Option(name: .customLong("to"), help: "Only this goal.")
    var goal: Goal?

    @Option(name: .customLong("from"), help: "Only this user name, or system:serviceaccount:NAMESPACE:NAME.")
    var subject: String?

    @Option(name: .customLong("kubernetes-version"), help: "Minor version of Kubernetes, 1.36 or 36.")
    var version: String = "1.36"

    @Flag(help: "Count what taking a binding away would cut, each computed again without it.")
    var cuts = false

    enum Goal: String, ExpressibleByArgument, CaseIterable {
        case clusterAdmin = "cluster-admin"
        case node, secrets, accounts, cloud
    }

    func run() async throws {
        guard let minor = version.split(separator: ".").last.flatMap({ Int($0) }) else {
            throw ValidationError("\(version) is no version of Kubernetes; write 1.36")
        }
        let read = try await input.read()
        let known = read.objects.filter { $0.is("ServiceAccount") }.map {
            ServiceAccountName(namespace: $0.namespace, name: $0.name)
        }
        let graph = EscalationGraph(read.model, accounts: known, minor: minor)
        let goals = EscalationEdge.Goal.allCases.filter { goal == nil || $0.rawValue == goal?.rawValue }
        let found = cuts ? writeCuts(graph, goals) : writePaths(graph, goals)
        try read.finish()
        if found { throw ExitCode(1) }
    }

    private func writePaths(_ graph: EscalationGraph, _ goals: [EscalationEdge.Goal]) -> Bool {
        var rows: [[String]] = []
        for goal in goals {
            for (who, steps) in graph.shortestPaths(to: goal) where subject == nil || who.matchedName == subject {
                for (number, step) in steps.enumerated() {
                    let limit = step.names.isEmpty ? "" : " named \(step.names.joined(separator: ", "))"
                    let place = step.namespace.isEmpty ? "everywhere" : "in \(step.namespace)"
                    rows.append([
                        goal.rawValue, who.description, "\(number + 1)/\(steps.count)",
                        "\(step.edge.id) \(place)\(limit)", step.becomes?.description ?? goal.rawValue,
                        step.edge.condition ?? "", step.grants.map(\.description).joined(separator: " and "),
                        step.grants.first.map { RBACOutput.place($0.ruleNode) } ?? "",
                    ])
                }
            }
        }
        RBACOutput.write(
            input.output, ["GOAL", "SUBJECT", "STEP", "BY", "BECOMES", "IF", "GRANT", "PLACE"], rows,
            empty: "nobody reaches anything")
        return !rows.isEmpty
    }

    private func writeCuts(_ graph: EscalationGraph, _ goals: [EscalationEdge.Goal]) -> Bool {
        var rows: [[String]] = []
        for goal in goals {
            for cut in graph.cuts(to: goal) {
                rows.append([
                    goal.rawValue, cut.binding.description, "\(cut.cut) of \(cut.of) subjects no longer reach it",
                ])
            }
        }
        RBACOutput.write(input.output, ["GOAL", "REMOVE", "EFFECT"], rows, empty: "no single binding cuts a path")
        return !rows.isEmpty
    }
}
