import ArgumentParser
import Documents
import NetworkPolicies

extension PolicyForm: ExpressibleByArgument {}

struct NetworkGenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write the smallest policies that keep what is needed, with proof.",
        discussion: """
            martlet network generate deploy/ > policies.yaml
            martlet network generate --cluster --flows hubble.json --namespace shop
            martlet network generate deploy/ --form cilium

            What is needed is read from the manifests (Services, addresses in the environment, arguments and ConfigMaps,
            routes, probes, metrics, webhooks, rights of service accounts) and from flows that were seen. The text that
            is written is read back and weighed by the model: nothing that is needed or was seen may be cut. Workloads
            of which nothing is known stay open and are named.

            Policies go to standard output, the summary to standard error. Nothing is changed in a cluster.
            Exit codes: 0 the certificate holds, 1 something would be cut, 2 bad usage, 3 not observable.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case yaml, json, summary }

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @OptionGroup var flows: FlowOptions
    @Option(help: "kubernetes, calico or cilium.") var form: PolicyForm = .kubernetes
    @Option(name: [.short, .long], help: "yaml, json (policies, reasons and certificate), summary (no policies).")
    var output: Format = .yaml
    @Flag(name: .customLong("isolate-unknown"), help: "Isolate workloads of which nothing is known too.")
    var isolatesUnknown = false
    @Option(
        name: .customLong("ingress-namespace"),
        help: ArgumentHelp("Namespace of the ingress controller, where it is not in the input.", valueName: "name"))
    var ingressNamespace: String?

    func run() async throws {
        // A need may lead to another namespace: all is read, and policies are written for the one that is named.
        let namespace = target.connection.namespace
        var everywhere = target
        everywhere.connection.namespace = nil
        let read = try await everywhere.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        let table = try flows.table(state, read.inventory)
        var options = GenerationOptions()
        options.namespaces = namespace.map { [$0] } ?? []
        options.form = form
        options.isolatesUnknown = isolatesUnknown
        options.ingressNamespace = ingressNamespace
        let generation = PolicyGeneration(state, read.inventory, flows: table, options)
        switch output {
        case .yaml:
            Console.note(NetworkGenerateText.summary(generation))
            if !generation.policies.isEmpty { Console.print(generation.yaml) }
        case .json: Console.print(NetworkGenerateText.json(generation))
        case .summary: Console.print(NetworkGenerateText.summary(generation))
        }
        try read.failIfUnreadable()
        let certificate = generation.certificate
        if certificate.holds { return }
        let isCut = certificate.lines.contains { !$0.broken.isEmpty } || !certificate.isolatedByAccident.isEmpty
        throw ExitCode(isCut || !certificate.refusals.isEmpty ? 1 : 3)
    }
}
