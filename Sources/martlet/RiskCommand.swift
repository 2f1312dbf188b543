import ArgumentParser
import Documents
import Findings
import Kubernetes
import Posture
import RBAC

struct RiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "risk", abstract: "How somebody gets from outside to what matters, and what ends it cheapest.",
        discussion: """
              martlet risk paths --cluster
              martlet risk paths deploy/ --target cluster-admin --target secret/shop/database
              martlet risk paths --cluster --from-pods --format svg --output-file ways.svg
              martlet risk rank --cluster --weaknesses kev.yaml

            Ways join exposure, policies, flaws of images, ways out of containers, rights, tokens on nodes and
            identities of the cloud. Each step names the grant or field that makes it. The risk is a sum, and every
            term of it is shown: value of the target x 0.8 ^ effort.
            """,
        subcommands: [RiskPathsCommand.self, RiskRankCommand.self])
}

struct RiskInput: ParsableArguments {
    @OptionGroup var target: TargetOptions

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp(
            "What nobody may reach: cluster-admin, secrets, node, cloud, namespace/NAME, secret/NAMESPACE/NAME; may be "
                + "repeated.", valueName: "target"))
    var targets: [String] = []

    @Option(
        help: "A file with flaws of images: id, image, severity, kev, epss, port.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var weaknesses: String?

    @Option(name: .customLong("output-file"), help: "Write it there.", completion: .file())
    var outputFile: String?

    func validate() throws {
        for text in targets where RiskTarget(text) == nil {
            throw ValidationError(
                "\"\(text)\" is no target; write cluster-admin, secrets, node, cloud, namespace/NAME or "
                    + "secret/NAMESPACE/NAME")
        }
    }

    func graph() async throws -> RiskGraph {
        var list: any WeaknessSource = NoWeaknesses()
        if let weaknesses {
            let (found, problems) = ListedWeaknesses.read(try FrameworkOptions.source(weaknesses))
            try FrameworkOptions.refuse(problems)
            list = found
        }
        let read = try await target.read()
        try read.reportHoles()
        let minor = read.version?.split(separator: ".").dropFirst().first.flatMap { Int($0.prefix(while: \.isNumber)) }
        return RiskGraph(
            read.inventory, isCluster: read.isCluster,
            targets: targets.isEmpty ? RiskTarget.standard : targets.compactMap(RiskTarget.init), weaknesses: list,
            unlistedKinds: read.unlistedKinds, minor: minor)
    }

    func write(_ text: String) throws {
        guard let outputFile else { return Console.print(text) }
        try OutputFile.replace(outputFile, with: Array(text.utf8))
        Console.note("martlet: wrote \(outputFile)")
    }
}

struct RiskPathsCommand: AsyncParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, svg }

    static let configuration = CommandConfiguration(
        commandName: "paths",
        abstract: "The shortest way of every workload to every target. Exit code 1 when there is one from the internet."
    )

    @OptionGroup var input: RiskInput

    @Flag(name: .customLong("from-pods"), help: "Ways that begin in a pod, too: as if somebody were in it.")
    var fromPods = false

    @Option(name: [.customShort("o"), .customLong("format")], help: "text, json or svg.")
    var format: Format = .text

    @Option(help: "Most ways that are shown.")
    var limit = 50

    mutating func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number above 0") }
    }

    func run() async throws {
        let graph = try await input.graph()
        let answers = graph.answers()
        let score = graph.score(answers)
        let paths = graph.paths(answers, fromInternetOnly: !fromPods, limit: limit)
        switch format {
        case .text: try input.write(RiskText.paths(paths, of: graph, score: score))
        case .json: try input.write(RiskJSON.paths(paths, of: graph, score: score))
        case .svg: try input.write(RiskPicture(paths, title: "Ways to what matters").svg)
        }
        if score.terms.contains(where: { $0.start != .pod }) { throw ExitCode(1) }
    }
}

struct RiskRankCommand: AsyncParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

    static let configuration = CommandConfiguration(
        commandName: "rank", abstract: "The changes that take most of the risk away, each computed again with it made.")

    @OptionGroup var input: RiskInput

    @Option(name: [.customShort("o"), .customLong("format")], help: "text or json.")
    var format: Format = .text

    @Option(help: "Most changes that are shown.")
    var limit = 10

    mutating func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number above 0") }
    }

    func run() async throws {
        let graph = try await input.graph()
        let answers = graph.answers()
        let score = graph.score(answers)
        let fixes = graph.rankedFixes(answers, limit: limit)
        switch format {
        case .text: try input.write(RiskText.ranking(fixes, of: graph, score: score))
        case .json: try input.write(RiskJSON.ranking(fixes, of: graph, score: score))
        }
    }
}
