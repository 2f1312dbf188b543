import ArgumentParser
import Kubernetes
import RBAC

struct RBACEscalationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escalation",
        abstract:
            "Who can take over what, by which grants, and the fewest changes that end it. Exit code 1 when somebody can.",
        discussion: """
            Goals: cluster-admin, node (root on it), secrets (all of them), accounts (other service accounts), cloud.
            Steps are rights, ways out of a container, and the tokens on a node. Conditions that neither rights nor
            objects tell, such as a cloud's trust policy, count as given and are named.

              martlet rbac escalation --cluster --to cluster-admin
              martlet rbac escalation dump.yaml --from shop/Deployment/web --all
              martlet rbac escalation deploy/ --cuts
              martlet rbac escalation deploy/ --picture paths.svg
            """)

    @OptionGroup var input: RBACInputOptions
    @OptionGroup var files: RBACPathOptions

    @Option(name: .customLong("to"), help: "Only this goal.")
    var goal: Goal?

    @Option(
        name: .customLong("from"),
        help:
            "Only this user name, system:serviceaccount:NAMESPACE:NAME, group:NAME, or NAMESPACE/KIND/NAME of a workload."
    )
    var start: String?

    @Option(
        name: .customLong("kubernetes-version"), help: "Minor version of Kubernetes; otherwise the cluster's, or 1.36.")
    var version: String?

    @Flag(help: "Every minimal path instead of a shortest one: one from which no step can be left out.")
    var all = false

    @Option(help: "With --all, most paths of one start to one goal.")
    var limit = 50

    @Flag(help: "The changes that cut the most paths, each set computed again with it.")
    var cuts = false

    @Option(help: ArgumentHelp("Draw the paths into a file: .svg, or .dot for Graphviz.", valueName: "file"))
    var picture: String?

    enum Goal: String, ExpressibleByArgument, CaseIterable {
        case clusterAdmin = "cluster-admin"
        case node, secrets, accounts, cloud
    }

    func validate() throws {
        if let version, Self.minor(version) == nil {
            throw ValidationError("\(version) is no version of Kubernetes; write 1.36")
        }
        if let picture, !picture.hasSuffix(".svg"), !picture.hasSuffix(".dot") {
            throw ValidationError("--picture takes a file that ends in .svg or .dot")
        }
        guard limit > 0 else { throw ValidationError("--limit takes a number above 0") }
    }

    private static func minor(_ version: String) -> Int? { version.split(separator: ".").last.flatMap { Int($0) } }

    func run() async throws {
        let read = try await input.read(files.paths)
        let minor = version.flatMap(Self.minor) ?? read.version ?? 36
        let graph = EscalationGraph(
            read.model, accounts: read.accounts, workloads: WorkloadMap(read.objects), minor: minor)
        let goals = EscalationEdge.Goal.allCases.filter { goal == nil || $0.rawValue == goal?.rawValue }
        let (paths, reached) = cuts && picture == nil ? ([], [:]) : paths(graph, goals)
        if let picture {
            let drawing = EscalationPicture(paths)
            try OutputFile.replace(picture, with: Array((picture.hasSuffix(".dot") ? drawing.dot : drawing.svg).utf8))
        }
        let found = cuts ? writeCuts(graph, goals, minor, read) : writePaths(paths, reached, read)
        try read.finish()
        if found { throw ExitCode(1) }
    }

    private func paths(
        _ graph: EscalationGraph, _ goals: [EscalationEdge.Goal]
    ) -> (paths: [EscalationPath], reached: [EscalationLimit: Int]) {
        var paths: [EscalationPath] = []
        var reached: [EscalationLimit: Int] = [:]
        for goal in goals {
            let shortest = graph.shortestPaths(to: goal, from: .subjectsAndWorkloads, including: isWanted)
            guard all else {
                paths += shortest
                continue
            }
            for path in shortest {
                let (found, most) = graph.minimalPaths(from: path.start, to: goal, limit: limit)
                paths += found
                if let most { reached[most, default: 0] += 1 }
            }
        }
        return (paths, reached)
    }

    private func writePaths(_ paths: [EscalationPath], _ reached: [EscalationLimit: Int], _ read: RBACInput) -> Bool {
        EscalationText(input.output, hole: read.pathHole).write(
            paths, empty: read.nothing("nobody reaches anything", hole: read.pathHole))
        for (most, count) in reached.sorted(by: { $0.key < $1.key }) {
            Console.note(
                "martlet: \(count) starts may have more minimal paths to a goal: \(most) was reached; raise --limit")
        }
        return !paths.isEmpty
    }

    private func isWanted(_ actor: EscalationActor) -> Bool {
        guard let start else { return true }
        switch actor {
        case .subject(let subject):
            return subject.kind == .group ? start == "group:\(subject.name)" : subject.matchedName == start
        case .workload(let reference):
            return "\(reference.namespace)/\(reference.kind)/\(reference.name)".lowercased() == start.lowercased()
        case .node: return false
        }
    }

    private func writeCuts(
        _ graph: EscalationGraph, _ goals: [EscalationEdge.Goal], _ minor: Int, _ read: RBACInput
    ) -> Bool {
        var rows: [[String]] = []
        var isFound = false
        func add(_ goal: EscalationEdge.Goal, _ kind: String, _ cut: EscalationCut, _ sign: String) {
            rows.append([
                goal.rawValue, kind, cut.changes.map(\.description).joined(separator: "; "),
                "\(cut.paths.cut) of \(sign)\(cut.paths.of) paths", "\(cut.starts.cut) of \(cut.starts.of)",
            ])
        }
        for goal in goals where graph.count(reaching: goal, from: .subjectsAndWorkloads) > 0 {
            isFound = true
            let cuts = EscalationCuts(graph, to: goal, minor: minor)
            let sign = cuts.limit == nil ? "" : "the first "
            if let limit = cuts.limit {
                Console.note("martlet: cuts to \(goal.rawValue) weigh not every path: \(limit) was reached")
            }
            for single in cuts.singles() { add(goal, "one change", single, sign) }
            if let set = cuts.set(), set.changes.count > 1 {
                add(goal, set.isFewest ? "fewest for all" : "a set for all", set, sign)
            }
        }
        RBACOutput.write(
            input.output, ["GOAL", "CHANGES", "WHAT", "CUTS", "NO LONGER REACH IT"], rows,
            empty: read.nothing(
                isFound ? "nothing but Kubernetes' own bindings leads there" : "nobody reaches anything",
                hole: read.pathHole), hole: read.pathHole)
        return isFound
    }
}
