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
            NetworkLintCommand.self, NetworkTestCommand.self, NetworkScoreCommand.self, NetworkGenerateCommand.self,
            NetworkFixCommand.self,
        ])
}

extension TargetOptions {
    /// Also reads ConfigMaps, where workloads and plugins keep what they are told; a cluster that does not show them is
    /// read without.
    func readNetwork() async throws -> Target {
        let read = try await read(.configMaps)
        if read.inventory.keys.isEmpty, read.problems.contains(where: { $0.kind != .warning }) {
            // Nothing was understood of what was named: that is no empty network.
            try read.reportHoles()
            throw ExitCode(RunStatus.unreadable.rawValue)
        }
        if read.inventory.keys.isEmpty {
            Console.note("martlet: no Kubernetes objects were found in \(read.name): there is nothing to answer from")
        }
        return read
    }
}

extension NetworkPlugin.Family: ExpressibleByArgument {}

/// Which network plugin reads the policies.
struct PluginOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read policies as this plugin does: \(NetworkPlugin.Family.allCases.map(\.rawValue).joined(separator: ", ")).",
            discussion: "Otherwise the plugin is told by what it leaves in the cluster."))
    var plugin: NetworkPlugin.Family?

    /// The plugin that was named; nil where it is to be told by what is seen.
    var chosen: NetworkPlugin? { plugin.map { NetworkPlugin($0, evidence: "--plugin") } }

    /// The network of what was read; policies that a cluster did not show leave their hole in it.
    func state(_ read: Target) -> NetworkState {
        var state = NetworkState(read.inventory, plugin: chosen)
        state.note(unlisted: read.unlistedKinds)
        return state
    }

    /// Says of which networks an answer does not speak.
    func noteOtherNetworks(_ read: Target, _ state: NetworkState) {
        let names = PodNetworks(read.inventory, state).names
        guard !names.isEmpty else { return }
        Console.note(
            "martlet: this is about the cluster's own network; reach, matrix and diff look at the others, too: "
                + names.joined(separator: ", "))
    }

    /// The plugin and where it differs, and what was wrong with policies, for the terminal's error side.
    func note(_ state: NetworkState, _ problems: [Problem]) {
        for problem in problems + state.problems {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        let onNodes = Set(state.pods.filter(\.isOnHostNetwork).map(\.owner))
        if !onNodes.isEmpty {
            Console.note(
                "martlet: \(onNodes.count.of("workload")) on the network of a node: policies for pods do not apply there"
                    + (state.guards.isEmpty ? "" : ", policies about nodes do")
            )
        }
        if state.endedPods > 0 {
            Console.note("martlet: \(state.endedPods.of("pod")) ended, which take no traffic and are left out")
        }
        if state.unaddressedPods > 0 {
            let count = state.unaddressedPods.of("pod")
            Console.note("martlet: \(count) without an address yet: a block may hold them or not")
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
        let read = try await target.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        let model = NetworkModel(state)
        guard let transport = TransportProtocol(name: self.protocol) else {
            throw Failure(message: "\"\(self.protocol)\" is not a protocol; TCP, UDP, SCTP, ICMP, ICMPv6")
        }
        let source = try end(from, model)
        let destination = try end(to, model)
        let traffic = transport.hasPorts ? Traffic(transport, port) : .icmp(transport, type: 8, code: 0)
        let networks = PodNetworks(read.inventory, state)
        guard networks.names.isEmpty else {
            try tell(networks.ways(from: from, to: to, traffic), model, source, destination, traffic)
            return try read.failIfUnreadable()
        }
        let answer = model.verdict(from: source, to: destination, traffic)
        let verdict = answer.verdict == .unknown ? "not observable" : answer.verdict.rawValue
        Console.print("\(model.name(source)) to \(model.name(destination)), \(traffic): \(verdict)")
        for line in model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress) {
            Console.print(line)
        }
        tellOtherFamily(state, answer.verdict, traffic)
        for edit in model.edits(toDeny: source, to: destination, traffic) {
            Console.print("to deny it: \(edit.text) (tried; \(edit.also) with it)")
        }
        for edit in model.edits(toAllow: source, to: destination, traffic) ?? [] {
            var writer = JSONWriter()
            writer.value(edit.rule)
            let also = edit.alsoOpens == 0 ? "opens nothing else" : "\(edit.alsoOpens) more connections open with it"
            Console.print("to allow it: add to \(edit.path) of \(edit.policy) (tried; \(also)):\n  \(writer.string)")
        }
        if answer.verdict != .allowed { throw ExitCode(answer.verdict == .denied ? 1 : 3) }
        try read.failIfUnreadable()
    }

    /// Where pods are on several networks: what each of them says, and what they come to.
    private func tell(
        _ ways: [PodNetworks.Way], _ model: NetworkModel, _ source: NetworkModel.Endpoint,
        _ destination: NetworkModel.Endpoint, _ traffic: Traffic
    ) throws {
        let verdict: Verdict =
            ways.contains { $0.verdict == .allowed }
            ? .allowed : ways.contains { $0.verdict == .unknown } ? .unknown : .denied
        let word = verdict == .unknown ? "not observable" : verdict.rawValue
        Console.print("\(model.name(source)) to \(model.name(destination)), \(traffic): \(word)")
        if ways.isEmpty { Console.print("no network has both of them") }
        for way in ways {
            Console.print("over \(way.network.isEmpty ? "the cluster's own network" : "network \(way.network)"):")
            for reason in way.reasons { Console.print("  \(reason)") }
        }
        if verdict != .allowed { throw ExitCode(verdict == .denied ? 1 : 3) }
    }

    /// A pod with addresses of both families may be answered otherwise over the other one.
    private func tellOtherFamily(_ state: NetworkState, _ verdict: Verdict, _ traffic: Traffic) {
        guard state.isDualStack else { return }
        for family in [IPAddress.Family.v4, .v6] {
            var other = state
            other.family = family
            let model = NetworkModel(other)
            guard let source = model.endpoint(named: from), let target = model.endpoint(named: to) else { continue }
            let answer = model.verdict(from: source, to: target, traffic).verdict
            guard answer != verdict else { continue }
            Console.print("over IPv\(family.rawValue): \(answer == .unknown ? "not observable" : answer.rawValue)")
        }
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

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, csv, dot, svg }
    enum Likeness: String, CaseIterable, ExpressibleByArgument { case netpolAnalyzer = "netpol-analyzer" }
    enum Parties: String, CaseIterable, ExpressibleByArgument { case workload, namespace }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @Option(name: [.short, .long], help: "table, json, csv, dot, svg.") var output: Format = .table
    @Option(help: "workload or namespace.") var by: Parties = .workload
    @Option(
        help: ArgumentHelp(
            "List what this tool would: netpol-analyzer.",
            discussion: "It knows no addresses of pods, no nodes, no IPv6 and no ICMP."))
    var like: Likeness?
    @Option(help: "List where this tool would say otherwise, and why: netpol-analyzer.") var differences: Likeness?

    mutating func validate() throws {
        if like != nil || differences != nil, by == .namespace || plugin.plugin != nil {
            throw ValidationError("--like and --differences are about workloads, without --by namespace and --plugin")
        }
    }

    func run() async throws {
        let read = try await target.readNetwork()
        if differences != nil { return tellDifferences(read.inventory) }
        let connections: [Connection]
        var parties: [Party] = []
        if like != nil {
            plugin.note(NetworkState(), read.problems)
            connections = AnalyzerLikeness(read.inventory).connections
        } else {
            let state = plugin.state(read)
            plugin.note(state, read.problems)
            let network = DualStack(state)
            let networks = PodNetworks(read.inventory, state)
            if networks.names.isEmpty {
                connections = network.connections(byNamespace: by == .namespace)
            } else {
                Console.note("martlet: networks beside the cluster's own: \(networks.names.joined(separator: ", "))")
                connections = networks.connections(byNamespace: by == .namespace)
            }
            parties = network.models[0].podParties(byNamespace: by == .namespace)
        }
        switch output {
        case .svg:
            let picture = MatrixPicture(connections, among: parties)
            guard picture.isReadable else {
                throw Failure(
                    message: "more than \(MatrixPicture.mostParties) rows cannot be read; use --by namespace, or csv")
            }
            Console.print(picture.svg(title: "Who may talk to whom in \(read.name)"))
        case .table: Console.print(NetworkText.table(connections))
        case .json: Console.print(NetworkText.json(connections))
        case .csv: Console.print(NetworkText.csv(connections))
        case .dot: Console.print(NetworkText.dot(connections))
        }
        try read.failIfUnreadable()
    }
}

extension NetworkMatrixCommand {
    private func tellDifferences(_ inventory: Inventory) {
        let rows = AnalyzerLikeness(inventory).differences().map { difference in
            [
                "\(difference.source)", "\(difference.target)", "\(difference.more)", "\(difference.less)",
                difference.reasons.isEmpty
                    ? "several of the simplifications together"
                    : difference.reasons.map(\.rawValue).joined(separator: "; "),
            ]
        }
        Console.print(NetworkText.columns(["FROM", "TO", "ONLY HERE", "ONLY THERE", "WHY"], rows))
    }
}

/// How far the network keeps workloads apart, in one number and its terms.
struct NetworkScoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Count how far policies keep workloads apart.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @Option(name: [.short, .long], help: "table, json.") var output: Format = .table

    func run() async throws {
        let read = try await target.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        let score = DualStack(state).isolation()
        if output == .json {
            Console.print(NetworkText.json(score))
            return try read.failIfUnreadable()
        }
        Console.print("isolation \(score.value.map { "\($0) of 100" } ?? "not observable: no workload was seen")")
        if !score.isEnforced { Console.print("the network plugin enforces no policy: that makes it 0") }
        let rows = score.terms.map { [$0.name, "\($0.good) of \($0.count)", "\($0.weight)"] }
        Console.print(NetworkText.columns(["TERM", "COUNT", "WEIGHT"], rows))
        try read.failIfUnreadable()
    }
}

struct NetworkExposureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exposure", abstract: "List what the outside can reach, and what may reach the outside.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, csv, svg }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @Option(name: [.short, .long], help: "table, json, csv, svg.") var output: Format = .table
    @Option(
        help: ArgumentHelp(
            "List what this tool would: netpol-analyzer.",
            discussion: "Beside what is there it lists pods that are not, and that a rule would let in."))
    var like: NetworkMatrixCommand.Likeness?

    mutating func validate() throws {
        if like != nil, plugin.plugin != nil {
            throw ValidationError("--like reads policies its own way, without --plugin")
        }
        if like != nil, output == .svg || output == .json {
            throw ValidationError("--like is written as table or csv")
        }
    }

    func run() async throws {
        let read = try await target.readNetwork()
        if like != nil { return tellLike(read) }
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        let network = DualStack(state)
        let exposures = network.exposures(read.inventory)
        let outreach = network.outreach()
        switch output {
        case .table:
            Console.print(NetworkText.columns(NetworkText.exposureHead, NetworkText.rows(exposures)))
            Console.print("")
            Console.print(NetworkText.columns(NetworkText.outreachHead, NetworkText.rows(outreach)))
        case .csv:
            Console.print(NetworkText.csv(NetworkText.exposureHead, NetworkText.rows(exposures)))
            Console.print("")
            Console.print(NetworkText.csv(NetworkText.outreachHead, NetworkText.rows(outreach)))
        case .json: Console.print(NetworkText.json(exposures, outreach))
        case .svg:
            Console.print(ExposurePicture(exposures, outreach).svg(title: "What is exposed in \(read.name)"))
        }
        try read.failIfUnreadable()
    }
}

extension NetworkExposureCommand {
    private func tellLike(_ read: Target) {
        plugin.note(NetworkState(), read.problems)
        let rows = AnalyzerLikeness(read.inventory).exposures().map { exposure in
            let peer =
                switch exposure.peer {
                case .entireCluster: "entire-cluster"
                case .outside(let range): "\(range)"
                case .pods(let text): text
                }
            let names = exposure.names.map { "\($0.protocols.map(\.rawValue).joined(separator: "/")) \($0.name)" }
            let traffic = exposure.traffic.isEmpty && !names.isEmpty ? [] : ["\(exposure.traffic)"]
            return [
                "\(exposure.workload)", exposure.direction.rawValue, peer, (traffic + names).joined(separator: ", "),
            ]
        }
        let head = ["WORKLOAD", "DIRECTION", "PEER", "TRAFFIC"]
        Console.print(output == .csv ? NetworkText.csv(head, rows) : NetworkText.columns(head, rows))
    }
}

struct NetworkLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "List policies that are missing, open, refused or without effect.")

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions

    func run() async throws {
        let read = try await target.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        let (findings, coverage) = NetworkEvaluation(
            read.inventory, isCluster: read.isCluster, unlistedKinds: read.unlistedKinds, plugin: plugin.chosen
        ).results()
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
        try read.failIfUnreadable()
    }
}
