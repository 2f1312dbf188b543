import ArgumentParser
import Detection
import Documents
import Findings
import Foundation
import Kubernetes
import KubernetesClient
import Manifests
import Posture
import RuntimeWatch
import Sensor

/// What is known beside the events: of images, of the cluster.
struct RuntimeKnowledgeOptions: ParsableArguments {
    @Option(
        parsing: .upToNextOption, help: "Files of images that `runtime images` wrote: programs are compared with them.",
        completion: .file(extensions: ["json"]))
    var images: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: "Manifests, or objects as `kubectl get -o yaml` prints them: policies, rights and exposure of workloads.")
    var state: [String] = []

    /// What network policies say, and what is known of workloads.
    func cluster() async throws -> (network: PolicyVerdicts?, workloads: [String: [(name: String, text: String)]]) {
        guard !state.isEmpty else { return (nil, [:]) }
        let set = await ManifestReader().read(state)
        for problem in set.problems.map(Problem.init) where problem.kind != .warning {
            Console.error("\(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        guard !set.objects.isEmpty else {
            throw Failure(message: "\(state.joined(separator: " ")): no Kubernetes object in it")
        }
        let inventory = Inventory(set.objects)
        return (PolicyVerdicts(inventory), Self.workloads(inventory))
    }

    /// For each workload whether the internet reaches it, and what somebody in it reaches: rights, nodes, secrets.
    private static func workloads(_ inventory: Inventory) -> [String: [(name: String, text: String)]] {
        let graph = RiskGraph(inventory, isCluster: false, targets: RiskTarget.standard, weaknesses: NoWeaknesses())
        var ways: [String: Set<String>] = [:]
        var exposed: Set<String> = []
        for path in graph.paths(graph.answers(), fromInternetOnly: false, limit: 10_000) {
            let name = "\(path.workload.namespace)/\(path.workload.name)"
            ways[name, default: []].insert("\(path.target)")
            if path.start != .pod { exposed.insert(name) }
        }
        var out: [String: [(name: String, text: String)]] = [:]
        for object in inventory.objects.values {
            guard let template = object.podTemplates.first else { continue }
            let name = "\(object.namespace)/\(object.name)"
            let account = template.spec.node["serviceAccountName"].string ?? "default"
            out[name] = [
                ("martlet.exposed", exposed.contains(name) ? "internet" : "not known to be"),
                ("martlet.reaches", ways[name].map { $0.sorted().joined(separator: ", ") } ?? "nothing of note"),
                ("martlet.service_account", account),
            ]
        }
        return out
    }
}

/// What is done about alerts; nothing unless asked for.
struct RuntimeResponseOptions: ParsableArguments {
    @Option(
        help: """
            About programs that are not of the image: signal (killed as they start), deny (not let start; the kernel's \
            BPF security module, or fanotify), none.
            """)
    var respond: SensorOptions.Response = .none

    @Option(
        parsing: .upToNextOption,
        help: "Rules whose alerts isolate the pod: proposed in the record, carried out with --isolate-apply.")
    var isolate: [String] = []

    @Flag(help: "Label the pod and make the NetworkPolicy, with the kubeconfig or the pod's service account.")
    var isolateApply = false

    @Option(help: "Where each response is written down, with its reason; otherwise the error side.")
    var record: String?
}

extension SensorOptions.Response: ExpressibleByArgument {}

/// Where alerts go besides standard output.
struct RuntimeHubOptions: ParsableArguments {
    @Option(help: "Address of the hub that takes alerts.")
    var hub: String?

    @Option(help: "File with the hub's token.", completion: .file())
    var hubToken: String?

    @Option(help: "The cluster's id at the hub.")
    var hubCluster: String = "default"

    @Option(help: "Certificate authority of the hub, as PEM.", completion: .file())
    var hubAuthority: String?

    func client() throws -> APIClient? {
        guard let hub else { return nil }
        var flags = KubeconfigFlags()
        // Nothing of a kubeconfig: its credentials are for another server.
        flags.kubeconfig = "/dev/null"
        flags.server = hub
        flags.certificateAuthority = hubAuthority
        if let hubToken {
            let text = String(decoding: try RuleFileOptions.bytes(hubToken), as: UTF8.self)
            flags.token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        do {
            return try APIClient(try ClientConfiguration.here(flags))
        } catch {
            throw Failure(message: "the hub at \(hub): \(error.message)")
        }
    }
}

struct RuntimeRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Watches this machine and its containers as things happen.",
        discussion: """
            Needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE, and a kernel with type information (5.11 or newer); without
            them fanotify and the connector of processes are asked, which see less. Without --rules Martlet's own rules
            are asked; Falco's files are taken as they are. What was found is counted by rule, workload and item at the
            end.

              martlet runtime run
              martlet runtime run --rules falco_rules.yaml --format falco-json
              martlet runtime run --container-only --profile profiles.json
              martlet runtime run --images images.json --state deploy/ --flows flows.json --keep events.jsonl
              martlet runtime run --respond deny --isolate "Program not of the image" --record responses.jsonl
              martlet runtime run --hub https://hub.example --hub-token /var/run/hub/token --hub-cluster prod
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case falcoJSON = "falco-json"
        case summary
    }

    @OptionGroup var live: LiveOptions

    @Option(
        name: [.short, .long], help: "text (Falco's lines), falco-json (one a line) or summary (folded, at the end).")
    var format: Format = .text

    @Option(help: "Profiles that `runtime learn` wrote: what they do not know is an alert.")
    var profile: String?

    @OptionGroup(title: "Knowledge") var knowledge: RuntimeKnowledgeOptions

    @Option(help: "Append the connections of containers, as flow logs for `network generate --flows`.")
    var flows: String?

    @Option(help: "At the end, write the last events there, for `runtime rules test`.")
    var keep: String?

    @Option(help: "Megabytes of memory that the last events may take.")
    var keepMegabytes: Int = 64

    @OptionGroup(title: "Responses") var responses: RuntimeResponseOptions
    @OptionGroup(title: "Hub") var hub: RuntimeHubOptions

    func validate() throws {
        guard (1...16_384).contains(keepMegabytes) else { throw ValidationError("--keep-megabytes is 1 to 16384") }
    }

    func run() async throws {
        var settings = RuntimeWatch.Settings()
        settings.alertsOnProfiles = profile != nil
        settings.learns = profile != nil
        let (network, workloads) = try await knowledge.cluster()
        settings.workloads = workloads
        let known = try profile.map { try RuntimeProfiles.read($0) } ?? ProfileFile()
        let audit = try ResponseAudit(responses.record)
        let outlet = RuntimeOutlet(
            hub: try hub.client(), cluster: hub.hubCluster, api: try isolator(), audit: audit)
        var flowFile = try flows.map { try AppendedFile($0) }
        var run = try live.start(
            settings: settings, profiles: known, response: responses.respond,
            images: try RuntimeImages.read(knowledge.images), network: network)
        let sending = Task { await outlet.run() }
        var recorder = keep.map { _ in LiveRecorder(run.watch.matcher.context, limit: keepMegabytes << 20) }
        let flowLog = FlowLog(network: network)
        var groups = AlertGroups()
        var count = 0
        var isolated: Set<String> = []
        let (format, isolating) = (format, Set(responses.isolate))
        run.loop(
            seconds: live.seconds,
            each: { event in
                recorder?.add(event)
                if flowFile != nil, let line = flowLog.line(event) { flowFile?.add(line) }
            },
            tick: { flowFile?.flush() },
            alert: { alert in
                count += 1
                groups.add(alert)
                switch format {
                case .text: Console.print(RuntimeText.visible(alert.line))
                case .falcoJSON: Console.print(alert.json())
                case .summary: break
                }
                outlet.send(alert)
                if let how = alert.field("martlet.response") { audit.write(Self.record(alert, how)) }
                if isolating.contains(alert.rule), let pod = PodIsolation(alert), isolated.insert(pod.uid).inserted {
                    outlet.isolate(pod)
                }
            })
        flowFile?.flush()
        outlet.close()
        await sending.value
        if format == .summary { RuntimeText.write(groups, events: Int(clamping: run.watch.events)) }
        run.tellLedger()
        if let profile { try RuntimeProfiles.write(run.watch.profiles, to: profile) }
        if let keep, let ring = recorder?.ring { try Self.write(ring, to: keep) }
        if count > 0 { throw ExitCode(1) }
    }

    private func isolator() throws -> APIClient? {
        guard responses.isolateApply, !responses.isolate.isEmpty else { return nil }
        do {
            return try APIClient(try ClientConfiguration.here(KubeconfigFlags()))
        } catch {
            throw Failure(message: "pods cannot be isolated: \(error.message)")
        }
    }

    private static func record(_ alert: Alert, _ how: String) -> ResponseRecord {
        let pod = alert.field("k8s.pod.name").map { "\(alert.field("k8s.ns.name") ?? "")/\($0)" }
        return ResponseRecord(
            time: alert.time, response: how, reason: alert.field("martlet.response_reason") ?? "",
            target: pod ?? alert.field("container.id") ?? "", outcome: .done, detail: alert.message)
    }

    private static func write(_ ring: EventRing, to path: String) throws {
        var bytes: [UInt8] = []
        ring.lines { line in
            bytes += line
            bytes.append(0x0A)
        }
        try OutputFile.replace(path, with: bytes, mode: 0o600)
        let gone = ring.dropped > 0 ? ", \(ring.dropped) older ones found no room" : ""
        Console.note("martlet: kept \(ring.count) events in \(path)\(gone)")
    }
}

/// A file that lines are appended to, some at a time.
struct AppendedFile {
    private let path: String
    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var isBroken = false

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure(message: "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    mutating func add(_ line: [UInt8]) {
        bytes += line
        bytes.append(0x0A)
        if bytes.count > 1 << 16 { flush() }
    }

    mutating func flush() {
        guard !bytes.isEmpty else { return }
        if !Console.writeAll(bytes, to: descriptor), !isBroken {
            isBroken = true
            Console.error("\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
        bytes.removeAll(keepingCapacity: true)
    }
}
