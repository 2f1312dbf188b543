import ArgumentParser
import Documents
import Kubernetes
import NetworkPolicies

struct NetworkFixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix", abstract: "Write what closes the findings of lint, each tried by the model.",
        discussion: """
            Policies to add go to standard output as YAML, changes of policies as remarks with a JSON patch and the
            kubectl command. Each is put in force in a copy and everything is evaluated again: what would open a finding
            or cut a connection that is needed is not offered, and it is said why. Nothing is changed in a cluster.
            """)

    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions
    @OptionGroup var flows: FlowOptions
    @Option(help: "kubernetes, calico or cilium.") var form: PolicyForm = .kubernetes
    @Flag(name: .customLong("isolate-unknown"), help: "Isolate workloads of which nothing is known too.")
    var isolatesUnknown = false

    func run() async throws {
        let namespace = target.connection.namespace
        var everywhere = target
        everywhere.connection.namespace = nil
        let read = try await everywhere.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        var options = GenerationOptions()
        options.namespaces = namespace.map { [$0] } ?? []
        options.form = form
        options.isolatesUnknown = isolatesUnknown
        let table = try flows.table(state, read.inventory)
        let fixes = NetworkFixes(state, read.inventory, flows: table, options, isCluster: read.isCluster).all()
        var offered = 0
        for fix in fixes {
            guard fix.isOffered else {
                Console.note("martlet: not offered: \(Self.name(fix)): \(Self.refusal(fix))")
                continue
            }
            offered += 1
            for line in Self.words(fix) { Console.print("# \(line)") }
            switch fix.remedy {
            case .add(let policies): Console.print(policies.map { "---\n\($0.yaml)" }.joined())
            case .patch(let policy, let patch):
                Console.print("# kubectl patch \(Self.kubectl(policy)) --type json -p '\(patch.json())'")
            case .remove(let policy): Console.print("# kubectl delete \(Self.kubectl(policy))")
            }
        }
        let closed = fixes.filter(\.isOffered).reduce(0) { $0 + $1.closes.count }
        if fixes.isEmpty {
            Console.note("nothing that lint finds can be mended by a policy")
        } else {
            Console.note(
                "\(offered) of \(fixes.count.of("fix", "fixes")) offered, closing \(closed.of("finding")) and opening none"
            )
        }
        try read.failIfUnreadable()
    }

    private static func kubectl(_ policy: ObjectReference) -> String {
        let kind = policy.group == "networking.k8s.io" ? "networkpolicy" : "\(policy.kind.lowercased()).\(policy.group)"
        return "\(kind) \(policy.name)\(policy.namespace.isEmpty ? "" : " -n \(policy.namespace)")"
    }

    private static func name(_ fix: NetworkFix) -> String {
        switch fix.remedy {
        case .add(let policies): "policies for namespace \(policies.first?.reference.namespace ?? "")"
        case .patch(let policy, _): "a change of \(policy)"
        case .remove(let policy): "taking away \(policy)"
        }
    }

    private static func refusal(_ fix: NetworkFix) -> String {
        if let first = fix.opens.first { return "it would open \(first)" }
        let cut = fix.certificate?.lines.flatMap { $0.broken + $0.unknown }.first
        if let cut { return "it may cut \(cut)" }
        if let first = fix.certificate?.refusals.first { return first }
        if let first = fix.cutFlows.first { return "it would cut \(first.source) to \(first.target), \(first.traffic)" }
        if fix.changesNothing, !fix.isWithoutEffect { return "it would change who may talk to whom" }
        return "it closes nothing"
    }

    private static func words(_ fix: NetworkFix) -> [String] {
        var out = ["\(name(fix)) closes \(fix.closes.count.of("finding")):"] + fix.closes.map { "  \($0)" }
        out.append(
            fix.isWithoutEffect
                ? "changes no connection"
                : "cuts \(fix.change.removed.count.of("connection")), opens \(fix.change.added.count)")
        return out
    }
}
