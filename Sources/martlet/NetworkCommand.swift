import ArgumentParser
import Documents
import Findings
import Kubernetes
import NetworkPolicies

/// Who may talk to whom.
struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Say who may talk to whom, what is exposed, and what a change opens or cuts.",
        discussion: """
            martlet network reach shop/web shop/db deploy/ --port 5432
            martlet network reach shop/web internet --cluster --port 443
            martlet network matrix deploy/ --output dot
            martlet network exposure --cluster
            martlet network generate deploy/ --flows hubble.json > policies.yaml
            martlet network diff before/ after/
            martlet network diff --cluster --patch policies.yaml --flows hubble.json
            martlet network lint deploy/
            martlet network test network-tests.yaml deploy/

            An end is a pod or workload (namespace/name), a node (node:NAME), an address, a name (dns:NAME) or
            "internet". What a policy that cannot be read may touch is "not observable", never allowed.
            """,
        subcommands: [
            NetworkReachCommand.self, NetworkMatrixCommand.self, NetworkExposureCommand.self, NetworkDiffCommand.self,
            NetworkLintCommand.self, NetworkTestCommand.self, NetworkGenerateCommand.self, NetworkFixCommand.self,
        ])
}

extension NetworkPlugin.Family: ExpressibleByArgument {}

/// Which network plugin reads the policies.
struct PluginOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read policies as this plugin does: standard, calico, cilium, antrea, aws, azure, ovn, kindnet, kube-router, weave, flannel.",
            discussion: "Otherwise the plugin is told by what it leaves in the cluster."))
    var plugin: NetworkPlugin.Family?

    func state(_ inventory: Inventory) -> NetworkState {
        NetworkState(inventory, plugin: plugin.map { NetworkPlugin($0, evidence: "--plugin") })
    }

    /// The plugin and where it differs, and what was wrong with policies, for the terminal's error side.
    func note(_ state: NetworkState, _ problems: [Problem]) {
        for problem in problems + state.problems {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        let differences = state.plugin.differences
        guard state.plugin.family != .standard || !differences.isEmpty else { return }
        let evidence = state.plugin.evidence.isEmpty ? "" : " (\(state.plugin.evidence))"
        Console.note("martlet: plugin \(state.plugin.family.rawValue)\(evidence)")
        for difference in differences { Console.note("  \(difference)") }
    }
}

struct NetworkReachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reach", abstract: "Say whether one end may open a connection to another, and why.",
        discussion: "Exit codes: 0 allowed, 1 denied, 2 bad usage, 3 not observable.")

    @Argument(help: "Where the connection comes from.") var from: String
    @Argument(help: "Where it goes.") var to: String
    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions

    @Option(help: "Port of the destination.") var port: UInt16 = 80
    @Option(help: "TCP, UDP, SCTP, ICMP or ICMPv6.") var `protocol` = "TCP"

    func run() async throws {
        let read = try await target.read()
        let state = plugin.state(read.inventory)
        plugin.note(state, read.problems)
        let model = NetworkModel(state)
        guard let transport = TransportProtocol(name: self.protocol) else {
            throw Failure(message: "\"\(self.protocol)\" is not a protocol; TCP, UDP, SCTP, ICMP, ICMPv6")
        }
        let source = try end(from, model)
        let destination = try end(to, model)
        let traffic = transport.hasPorts ? Traffic(transport, port) : .icmp(transport, type: 8, code: 0)
        let answer = model.verdict(from: source, to: destination, traffic)
        let verdict = answer.verdict == .unknown ? "not observable" : answer.verdict.rawValue
        Console.print("\(model.name(source)) to \(model.name(destination)), \(traffic): \(verdict)")
        for line in model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress) {
            Console.print(line)
        }
        for edit in model.edits(toAllow: source, to: destination, traffic) ?? [] {
            var writer = JSONWriter()
            writer.value(edit.rule)
            let also = edit.alsoOpens == 0 ? "opens nothing else" : "\(edit.alsoOpens) more connections open with it"
            Console.print("to allow it: add to \(edit.path) of \(edit.policy) (tried; \(also)):\n  \(writer.string)")
        }
        if answer.verdict != .allowed { throw ExitCode(answer.verdict == .denied ? 1 : 3) }
    }

    private func end(_ text: String, _ model: NetworkModel) throws -> NetworkModel.Endpoint {
        guard let end = model.endpoint(named: text) else {
            throw Failure(
                message:
                    "\"\(text)\" is no pod, workload, node or address that was seen; write namespace/name, node:NAME, "
                    + "dns:NAME, an address or \"internet\"")
        }
        return end
    }
}

struct NetworkMatrixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matrix", abstract: "List who may talk to whom, by workload or by namespace.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, csv, dot }
    enum Parties: String, CaseIterable, ExpressibleByArgument { case workload, namespace }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @Option(name: [.short, .long], help: "table, json, csv, dot.") var output: Format = .table
    @Option(help: "workload or namespace.") var by: Parties = .workload

    func run() async throws {
        let read = try await target.read()
        let state = plugin.state(read.inventory)
        plugin.note(state, read.problems)
        let connections = NetworkModel(state).connections(byNamespace: by == .namespace)
        switch output {
        case .table: Console.print(NetworkText.table(connections))
        case .json: Console.print(NetworkText.json(connections))
        case .csv: Console.print(NetworkText.csv(connections))
        case .dot: Console.print(NetworkText.dot(connections))
        }
    }
}

struct NetworkExposureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exposure", abstract: "List what the outside can reach, and what may reach the outside.")

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions

    func run() async throws {
        let read = try await target.read()
        let state = plugin.state(read.inventory)
        plugin.note(state, read.problems)
        let model = NetworkModel(state)
        let words = { (verdict: Verdict) in verdict == .unknown ? "not observable" : verdict.rawValue }
        let ways = model.exposures(read.inventory).map { exposure in
            [
                "\(exposure.workload.namespace)/\(exposure.workload.name)", "\(exposure.port)", exposure.route.rawValue,
                "\(exposure.through)", words(exposure.verdict), exposure.reason,
            ]
        }
        Console.print(NetworkText.columns(["WORKLOAD", "PORT", "BY", "THROUGH", "FROM OUTSIDE", "WHY"], ways))
        Console.print("")
        let out = model.outreach().map { row in
            [
                "\(row.workload.namespace)/\(row.workload.name)", words(row.internet), words(row.metadata),
                words(row.otherNamespaces),
            ]
        }
        Console.print(NetworkText.columns(["WORKLOAD", "TO INTERNET", "TO METADATA", "TO OTHER NAMESPACES"], out))
    }
}

struct NetworkLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "List policies that are missing, open, refused or without effect.")

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions

    func run() async throws {
        let read = try await target.read()
        let state = plugin.state(read.inventory)
        plugin.note(state, read.problems)
        let (findings, coverage) = NetworkEvaluation(NetworkModel(state)).results()
        for finding in findings {
            let outcome = finding.outcome == .notObservable ? "not observable" : finding.severity.rawValue
            Console.print("\(outcome)  \(finding.rule.id)  \(finding.subject)")
            for evidence in finding.evidence {
                let place = evidence.location.map { "\($0)" } ?? "\(evidence.path)"
                Console.print("    \(place): \(evidence.message)")
            }
        }
        Console.print("\(coverage.failed) failed, \(coverage.passed) passed, \(coverage.notObservable) not observable")
        if coverage.failed > 0 { throw ExitCode(1) }
    }
}
