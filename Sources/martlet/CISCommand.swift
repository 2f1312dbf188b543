import ArgumentParser
import CISBenchmark
import Documents
import Findings
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Manifests
import NodeInspection
import Posture

extension KubeletReader.Route: ExpressibleByArgument {}

struct CISCommand: AsyncParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json, csv, html, sarif, junit, markdown, openreports, gitlab
        /// What was seen of the node, to be judged elsewhere.
        case capture
    }

    static let configuration = CommandConfiguration(
        commandName: "cis", abstract: "All 131 controls of the CIS Kubernetes Benchmark 2.0.1, each with its reason.",
        discussion: """
            martlet cis                               the cluster of the current context: API server, kubelets, policies
            sudo martlet cis --node                   this machine: files, owners, modes and processes too
            martlet cis --node --root /host           the node whose / is mounted there, as in a pod
            martlet cis cluster-dump/ manifests/      files: static pods, configuration files, captures of nodes
            martlet cis --node -o capture > n1.json   what was seen of a node, without keys; judge it elsewhere:
            martlet cis --cluster --captures n1.json n2.json
            martlet cis --cluster --provider eks.json          the controls of EKS, GKE and AKS that their API answers
            martlet cis --kube-bench result.json --cluster     lay kube-bench's results beside ours

            Each value is said with where it came from: a flag, the environment, a file, a drop-in, the kubelet's own
            answer, or the default of the component's version. What could not be seen is "unseen" and never a pass.
            pass* is a pass by equivalence: the protection is there by other means than the benchmark names.

            A cluster alone decides about 90 controls; the files of sections 1.1 and 4.1 need the nodes. Run
            Deploy/node-check.yaml there, or --node as root. The kubelet's settings come through the API server when
            the user has get nodes/proxy, or from the kubelet itself with get nodes/configz (--kubelet direct).

            Exit codes: 0 all pass, 1 a control fails, 2 bad usage or unreadable input, 3 something was not seen
            (with --strict).
            """)

    @OptionGroup var target: TargetOptions

    @Flag(help: "Look at this machine: its files, owners, modes and processes.")
    var node = false

    @Option(help: ArgumentHelp("The folder that is the node's /.", valueName: "dir"))
    var root = "/"

    @Option(name: .customLong("node-name"), help: "The node's name, where its host name is another.")
    var nodeName: String?

    @Option(parsing: .upToNextOption, help: "Captures of nodes, as --node -o capture writes them.")
    var captures: [String] = []

    @Option(
        name: .customLong("audit-log"), parsing: .upToNextOption,
        help: "Audit logs of the API server, for who logs in how (3.1).", completion: .file())
    var auditLogs: [String] = []

    @Option(help: "How to ask kubelets: proxy (by the API server), direct (needs get nodes/configz only), off.")
    var kubelet: KubeletReader.Route = .proxy

    @Option(help: "What built the cluster: eks, gke, aks, k3s, rke2, kops, openshift, standard; found out otherwise.")
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "What the provider says of the cluster, for its benchmark's own controls: what aws eks describe-cluster, "
                + "gcloud container clusters describe --format json or az aks show prints.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var provider: String?

    @Option(help: "1 for the controls of level 1 only, 2 for all.")
    var level = 2

    @Flag(help: "What passes by equivalence fails; exit with 3 when something was not seen.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "A subject that is meant to hold strong rights, as 'Group ops-*'; may be repeated.", valueName: "subject"))
    var accept: [String] = []

    @Option(name: .customLong("kubernetes-version"), help: "The version whose defaults count, where nothing tells it.")
    var kubernetesVersion: String?

    @Option(
        name: .customLong("kube-bench"), help: "A result of kube-bench --json.", completion: .file(extensions: ["json"])
    )
    var kubeBench: String?

    @Option(
        name: [.short, .long], help: "text, json, csv, html, sarif, junit, markdown, openreports, gitlab, capture.")
    var output: Format = .text

    @Option(name: .customLong("output-file"), help: "Write the report there.", completion: .file())
    var outputFile: String?

    @Flag(help: "Show every control, not only what fails or a person has to judge (text).")
    var all = false

    mutating func validate() throws {
        guard level == 1 || level == 2 else { throw ValidationError("--level is 1 or 2") }
        if let profile, Platform.named(profile) == nil {
            throw ValidationError("--profile is one of \(Platform.all.map(\.id).joined(separator: ", "))")
        }
        if let kubernetesVersion, ComponentVersion(kubernetesVersion) == nil {
            throw ValidationError("--kubernetes-version is like \"v1.36\", not \"\(kubernetesVersion)\"")
        }
        if output == .capture, !node { throw ValidationError("-o capture goes with --node") }
        if root != "/", !node { throw ValidationError("--root goes with --node") }
    }

    func run() async throws {
        let imported = try kubeBench.map(readKubeBench)
        if let imported, !node, !target.cluster, target.paths.isEmpty, captures.isEmpty {
            let report = imported.report.narrowed(level: level, strict: strict)
            try write(report, remedies: [:], target: kubeBench ?? "", isCluster: false, problems: [])
            return try finish(report)
        }
        var problems: [Problem] = []
        var (input, name) = try await read(&problems)
        if output == .capture, let capture = input.captures.first {
            return try emit(capture.json())
        }
        if let profile { input.platform = Platform.named(profile) }
        if let provider { input.provider = try readProvider(provider) }
        if let kubernetesVersion { input.version = ComponentVersion(kubernetesVersion) }
        if !auditLogs.isEmpty {
            var logins = LoginRecord()
            for log in auditLogs { try LogFile.audit(log).read(into: &logins) }
            input.logins = logins
        }
        input = CISPosture.complete(input, accepted: accept)
        let full = CISBenchmark(input).report()
        let report = full.narrowed(level: level, strict: strict)
        try write(
            report, remedies: CISPosture.remedies(report, input), target: name, isCluster: input.isCluster,
            problems: problems)
        if let imported { tell(imported.differences(full)) }
        if problems.contains(where: { $0.kind == .unreadable || $0.kind == .invalid }) {
            throw ExitCode(RunStatus.unreadable.rawValue)
        }
        try finish(report)
    }

    // MARK: Reading

    private func read(_ problems: inout [Problem]) async throws -> (CISInput, String) {
        var input = CISInput()
        var name = ""
        if node {
            let inspector = NodeInspector(root: root, name: nodeName)
            let platform = profile.flatMap(Platform.named)
            input.captures.append(inspector.capture { NodePlan.requests($0, platform: platform) })
            name = root == "/" ? "node \(inspector.name)" : "node \(inspector.name) at \(root)"
        }
        for path in captures { input.captures.append(try Self.capture(path)) }
        // A folder that looks like a node's / is judged as one.
        var target = target
        let trees = target.paths.filter(NodeInspector.isTree)
        target.paths.removeAll(where: trees.contains)
        for tree in trees {
            let inspector = NodeInspector(root: tree, name: trees.count == 1 ? nodeName : nil)
            let platform = profile.flatMap(Platform.named)
            input.captures.append(inspector.capture { NodePlan.requests($0, platform: platform) })
        }
        if !trees.isEmpty, target.paths.isEmpty, !target.cluster { return (input, trees.joined(separator: " ")) }
        guard !node || target.cluster || !target.paths.isEmpty else { return (input, name) }
        guard captures.isEmpty || target.cluster || !target.paths.isEmpty else {
            return (input, captures.joined(separator: " "))
        }
        let read = try await target.read()
        read.tellHoles()
        problems += read.problems
        input.inventory = read.inventory
        input.isCluster = read.isCluster
        input.unlistedKinds = read.unlistedKinds
        input.version = read.version.flatMap { ComponentVersion($0) }
        input.looseFiles = CISInput.looseFiles(read.inventory)
        for object in read.inventory.objects(NodeCapture.kind, of: "martlet.dev") {
            input.captures.append(NodeCapture(object.node))
        }
        if read.isCluster { try await readKubelets(&input) }
        return (input, name.isEmpty ? read.name : "\(read.name) and \(name)")
    }

    private func readKubelets(_ input: inout CISInput) async throws {
        do {
            let client = try APIClient(try target.connection.configuration())
            defer { client.close() }
            let line = ProgressLine(quiet: target.quiet)
            let nodes = input.inventory.objects("Node")
            line.update("asking \(nodes.count) kubelets")
            let answers = await KubeletReader(client, route: kubelet).read(nodes)
            line.clear()
            input.kubelets = answers.configurations
            input.kubeletProblems = answers.problems
            input.configMaps = try await client.configuration(inConfigMap: "kube-proxy", of: "kube-system")
            for namespace in CISInput.openShiftNamespaces(of: input.inventory) {
                input.configMaps.merge(try await client.configuration(inConfigMap: "config", of: namespace)) { $1 }
            }
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }

    private static func capture(_ path: String) throws -> NodeCapture {
        do throws(DocumentError) {
            let source = SourceText(name: path, bytes: try FileBytes.read(path))
            let root = try DocumentReader.readJSON(source)
            guard NodeCapture.isOne(root) else {
                throw DocumentError(
                    .notAnObject, at: source.location(at: 0), "no capture; write it with martlet cis --node -o capture")
            }
            return NodeCapture(root)
        } catch {
            throw Failure(message: error.description)
        }
    }

    private func readProvider(_ path: String) throws -> ProviderDescription {
        do throws(DocumentError) {
            let source = SourceText(name: path, bytes: try FileBytes.read(path))
            guard let found = ProviderDescription(try DocumentReader.readJSON(source)) else {
                throw DocumentError(
                    .notAnObject, at: source.location(at: 0),
                    "no cluster of EKS, GKE or AKS; write it with "
                        + Platform.all.map(\.describe).filter { !$0.isEmpty }.joined(separator: ", or "))
            }
            return found
        } catch {
            throw Failure(message: error.description)
        }
    }

    private func readKubeBench(_ path: String) throws -> KubeBenchResult {
        do {
            return try KubeBenchResult(SourceText(name: path, bytes: try FileBytes.read(path)))
        } catch let error as DocumentError {
            throw Failure(message: error.description)
        } catch let error as KubeBenchResult.Unreadable {
            throw Failure(message: error.description)
        }
    }

    // MARK: Writing

    private func write(
        _ report: CISReport, remedies: [String: CISRemedy], target: String, isCluster: Bool, problems: [Problem]
    ) throws {
        let formats = CISFormats(
            report, remedies: remedies, target: target, generatedAt: Clock.now(), version: MartletVersion.current)
        switch output {
        case .text:
            try emit(formats.text(all: all, colour: outputFile == nil && Console.usesColour, width: Console.width))
        case .json: try emit(formats.json())
        case .csv: try emit(formats.csv())
        case .html: try emit(formats.html())
        case .capture: break
        case .sarif, .junit, .markdown, .openreports, .gitlab:
            guard let format = ReportFormat(rawValue: output.rawValue) else { return }
            let options = RenderOptions(baseDirectory: FileManager.default.currentDirectoryPath)
            let whole = report.report(
                target: target, isCluster: isCluster, generatedAt: Clock.now(), version: MartletVersion.current,
                problems: problems)
            try emit(format.render(whole, options: options))
        }
    }

    private func emit(_ text: String) throws {
        guard let outputFile else { return Console.print(text) }
        try OutputFile.replace(outputFile, with: Array(text.utf8))
    }

    private func tell(_ differences: [(id: String, theirs: String, ours: CISResult)]) {
        Console.note("martlet: \(differences.count) controls where kube-bench says otherwise")
        for difference in differences {
            Console.note(
                "  \(difference.id): kube-bench \(difference.theirs), here \(difference.ours.outcome.rawValue): "
                    + (difference.ours.parts.first?.message ?? ""))
        }
    }

    private func finish(_ report: CISReport) throws {
        if report.count(.fail) > 0 { throw ExitCode(RunStatus.findings.rawValue) }
        if strict, report.count(.notObservable) > 0 { throw ExitCode(RunStatus.partial.rawValue) }
    }
}
