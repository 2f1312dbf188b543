import ArgumentParser
import Kubernetes
import PodSecurity
import Posture

struct PodSecurityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pss", abstract: "The way from privileged to restricted, namespace by namespace.",
        subcommands: [PlanCommand.self, SimulateCommand.self])

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, markdown }

    /// The version to pin: the one asked for, the cluster's own, or the newest known.
    static func version(_ asked: String?, _ read: Target) throws -> PolicyVersion {
        if let asked {
            guard let version = PolicyVersion(parsing: asked) else {
                throw Failure(message: "--pss-version is \"latest\" or like \"v1.36\", not \"\(asked)\"")
            }
            return version
        }
        let parts = (read.version ?? "").split(separator: ".").prefix(2).joined(separator: ".")
        return PolicyVersion(parsing: parts) ?? .minor(PolicyVersion.newestKnown)
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "What each namespace meets today, what blocks the next level, and the steps there.",
        discussion: """
            martlet pss plan --cluster
            martlet pss plan deploy/ --level restricted --output markdown

            For every namespace: the level enforced and the level met, the workloads and fields that stand in the way with
            the smallest patch for each, and the label commands for the stages audit, warn, enforce, with the way back.
            """)

    @OptionGroup var target: TargetOptions

    @Option(help: "The level to plan for; otherwise each namespace's next.")
    var level: PodSecurityLevel?

    @Option(name: .customLong("pss-version"), help: "Policy version to pin: v1.N; otherwise the cluster's own.")
    var podSecurityVersion: String?

    @Option(name: [.short, .long], help: "table, json, markdown.")
    var output: PodSecurityCommand.Format = .table

    func run() async throws {
        let read = try await target.read()
        let version = try PodSecurityCommand.version(podSecurityVersion, read)
        let plan = PodSecurityPlanner(read.inventory, version: version, goal: level)
            .plan(namespace: target.connection.namespace)
        let context = read.isCluster ? read.name : nil
        switch output {
        case .json: Console.print(plan.json(cluster: context))
        case .markdown: Console.print(PlanText.markdown(plan))
        case .table: Console.print(PlanText(width: Console.width, colour: Console.usesColour).text(plan))
        }
        try read.reportHoles()
    }
}

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "What would be refused if a namespace enforced a level.",
        discussion: """
            martlet pss simulate --cluster -n shop --level restricted
            martlet pss simulate deploy/ -n shop --level baseline --pss-version v1.30

            In the API server's own words, workloads without a live pod included: CronJobs, what is scaled to zero. Exit
            code 1 when something would be refused.
            """)

    @OptionGroup var target: TargetOptions

    @Option(help: "The level to enforce.")
    var level: PodSecurityLevel

    @Option(name: .customLong("pss-version"), help: "Policy version: latest or v1.N; otherwise the cluster's own.")
    var podSecurityVersion: String?

    @Option(name: [.short, .long], help: "table, json, markdown.")
    var output: PodSecurityCommand.Format = .table

    func run() async throws {
        guard let namespace = target.connection.namespace else {
            throw Failure(message: "which namespace? name it with --namespace")
        }
        let read = try await target.read()
        let version = try PodSecurityCommand.version(podSecurityVersion, read)
        let simulation = PodSecuritySimulation(
            read.inventory, namespace: namespace, policy: LevelVersion(level, version))
        switch output {
        case .json: Console.print(simulation.json())
        case .markdown: Console.print(SimulationText.markdown(simulation))
        case .table: Console.print(SimulationText(width: Console.width, colour: Console.usesColour).text(simulation))
        }
        try read.reportHoles()
        if !simulation.refused.isEmpty { throw ExitCode(1) }
    }
}
