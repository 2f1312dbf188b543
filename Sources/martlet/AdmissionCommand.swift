import Admission
import ArgumentParser
import Documents
import Findings
import Kubernetes
import Posture
import Webhooks

struct AdmissionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admission",
        abstract: "The same verdict at the door: refuse, warn or note what the scan would report.",
        discussion: """
              martlet admission simulate --policy policy.yaml deploy/      what would be refused, with patches
              martlet admission replay --policy policy.yaml --audit-log audit.log
              martlet admission analyze --cluster                          which webhooks can lock the cluster out
              martlet admission plan --policy policy.yaml                  label, native policy or webhook
              martlet admission install --policy policy.yaml --image IMAGE prints the manifests
              martlet admission serve --policy policy.yaml                 the webhook itself
            """,
        subcommands: [
            AdmissionServeCommand.self, AdmissionInstallCommand.self, AdmissionUninstallCommand.self,
            AdmissionStatusCommand.self, AdmissionPlanCommand.self, AdmissionSimulateCommand.self,
            AdmissionReplayCommand.self, AdmissionAnalyzeCommand.self,
        ])
}

/// A policy file with what it names, read.
struct AdmissionPolicyOptions: ParsableArguments {
    @Option(
        help: "The admission policy; without one, what is bad is told and nothing refused.",
        completion: .file(extensions: ["yaml", "yml"]))
    var policy: String?

    @Option(
        name: .customLong("custom"), help: "A file of ValidatingAdmissionPolicies to ask too; may be repeated.",
        completion: .file(extensions: ["yaml", "yml"]))
    var custom: [String] = []

    @Option(help: "A file of waivers; may be repeated.", completion: .file(extensions: ["yaml", "yml"]))
    var waivers: [String] = []

    struct Loaded {
        var policy: AdmissionPolicy
        var custom: CustomPolicies
        var waivers: WaiverSet
        /// The texts, as they go into a ConfigMap: the policy, and what stands beside it by its place.
        var text: String
        var files: [(path: String, text: String)]
        /// What the server is to be told of files that the policy does not name.
        var arguments: [String] = []
    }

    func load(today: CalendarDate) throws -> Loaded {
        var loaded = Loaded(
            policy: .standard, custom: CustomPolicies([]), waivers: WaiverSet(),
            text: "default: audit\nrules:\n- {check: \"*\", severity: high, mode: warn}\n", files: [])
        var folder = ""
        if let path = policy {
            let bytes = try InputFile.read(path)
            let read = AdmissionPolicy.read(SourceText(name: path, bytes: bytes))
            guard let known = read.policy else {
                throw Failure(message: read.problems.map(\.message).joined(separator: "\n"))
            }
            loaded.policy = known
            loaded.text = String(decoding: bytes, as: UTF8.self)
            folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        }
        func beside(_ name: String) -> String { name.hasPrefix("/") ? name : folder + name }
        func note(_ path: String, _ bytes: [UInt8]) {
            loaded.files.append((path, String(decoding: bytes, as: UTF8.self)))
        }
        /// What a flag names has no place below the policy; it gets one, and the server is told.
        func note(_ path: String, _ bytes: [UInt8], flag: String) {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let place = "more/\(loaded.arguments.count / 2)-\(name)"
            note(place, bytes)
            loaded.arguments += [flag, "\(AdmissionManifests.folder)/\(place)"]
        }
        var objects: [KubernetesObject] = []
        for (name, path) in loaded.policy.policyFiles.map({ (Optional($0), beside($0)) }) + custom.map({ (nil, $0) }) {
            let bytes = try InputFile.read(path)
            if let name { note(name, bytes) } else { note(path, bytes, flag: "--custom") }
            let read = DocumentReader.read(SourceText(name: path, bytes: bytes))
            if let problem = read.problems.first { throw Failure(message: "\(path): \(problem.message)") }
            objects += read.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        }
        loaded.custom = CustomPolicies(objects)
        if let problem = loaded.custom.problems.first { throw Failure(message: problem.message) }
        for (name, path) in loaded.policy.waiverFiles.map({ (Optional($0), beside($0)) }) + waivers.map({ (nil, $0) }) {
            let bytes = try InputFile.read(path)
            if let name { note(name, bytes) } else { note(path, bytes, flag: "--waivers") }
            let read = WaiverFile.read(SourceText(name: path, bytes: bytes), today: today)
            for problem in read.problems {
                Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
            }
            loaded.waivers.add(read.waivers)
        }
        return loaded
    }
}

struct AdmissionSimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Say what a policy would refuse of what is there, with patches.",
        discussion: """
            Looks at templates, not at pods: workloads scaled to zero and CronJobs count too. Images are judged by what
            the store holds of them, under the digests that pods run or that tags stood for when somebody last looked; no
            registry is asked. Exit code 1 when something would be refused.
            """)

    @OptionGroup var target: TargetOptions
    @OptionGroup var options: AdmissionPolicyOptions
    @OptionGroup(title: "Images") var images: AdmissionImageStoreOptions

    func run() async throws {
        let today = Clock.today()
        let loaded = try options.load(today: today)
        let read = try await target.read(loaded.policy.entries.isEmpty ? .init([]) : .configMaps)
        read.tellHoles()
        let reviewer = AdmissionReviewer(
            policy: loaded.policy, inventory: read.inventory, custom: loaded.custom, waivers: loaded.waivers,
            options: ScanOptions(
                workloads: .init(unlistedKinds: read.unlistedKinds), cluster: read.isCluster ? read.name : ""))
        let simulation = AdmissionSimulation(
            reviewer, images: try images.recalled(loaded.policy.images), namespace: target.connection.namespace,
            today: today)
        Console.print(simulation.text)
        try read.failIfUnreadable()
        if !simulation.refused.isEmpty { throw ExitCode(1) }
    }
}

struct AdmissionReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run recorded requests against a policy: what it would have refused, of whom.",
        discussion: """
            Reads audit.k8s.io/v1 events of level Request or RequestResponse, one a line or as an EventList, gzip and
            zstd too. Patches without the object they made cannot be judged, and are counted. Images are judged by what
            the store holds of them, under the digests that the door noted in the events.
            """)

    @OptionGroup var options: AdmissionPolicyOptions
    @OptionGroup(title: "Images") var images: AdmissionImageStoreOptions

    @Option(name: .customLong("audit-log"), parsing: .upToNextOption, help: "Audit logs; - for standard input.")
    var logs: [String]

    func run() async throws {
        let today = Clock.today()
        let loaded = try options.load(today: today)
        let reviewer = AdmissionReviewer(
            policy: loaded.policy, custom: loaded.custom, waivers: loaded.waivers,
            options: ScanOptions(cluster: "recorded"))
        var replay = AdmissionReplay(reviewer, images: try images.recalled(loaded.policy.images), today: today)
        var lost = 0
        for log in logs {
            try LogFile.audit(log).read({ replay.take($0) }, tooLong: { lost += 1 })
        }
        Console.print(replay.text)
        if lost > 0 { Console.note("martlet: \(lost) lines were too long or cut off") }
        // What holds no event at all is no log, and nothing of it was judged.
        guard replay.events > 0 else {
            throw Failure(message: "\(logs.joined(separator: ", ")): there is no audit event in it")
        }
        if replay.refused > 0 { throw ExitCode(1) }
    }
}

struct AdmissionAnalyzeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Say which webhooks and policies can keep a cluster from starting, and what each blocks.",
        discussion: "Looks at everybody's webhooks. Exit code 1 when one can lock the cluster out.")

    @OptionGroup var target: TargetOptions

    func run() async throws {
        let read = try await target.read()
        read.tellHoles()
        let analysis = LockOutAnalysis(read.inventory) { MatchConditions.hold($0, for: $1) }
        for entry in analysis.entries {
            let gate = entry.gate
            Console.print("\(gate.kind.rawValue) \(gate.name)  (\(gate.object.reference), \(gate.backend.text))")
            guard gate.failsClosed else {
                Console.print("    fails open: while nobody answers, requests pass unasked")
                continue
            }
            let word = entry.isLockOut ? "CAN LOCK OUT" : "fails closed"
            Console.print("    \(word), after \(gate.timeoutSeconds) s of waiting")
            let some = gate.isSelective ? ", where its selectors and conditions hold" : ""
            let when = gate.backend == .expression ? "where it cannot be decided" : "while nobody answers"
            for kinds in gate.blocked { Console.print("    \(when), it refuses \(kinds)\(some)") }
            for (title, blocked) in [("its own backend", entry.own), ("the cluster", entry.bootstrap)] {
                for one in blocked {
                    let doubt = one.doubt.map { "; not certain: \($0)" } ?? ""
                    Console.print(
                        "    blocks \(one.essential.request.operation) \(one.essential.request.resourceText) of "
                            + "\(title): \(one.essential.effect)\(doubt)")
                }
            }
            for plugin in entry.plugins {
                Console.print("    blocks pods of \(plugin.workload), which gives nodes their \(plugin.part)")
            }
            if !entry.cycle.isEmpty {
                Console.print("    waits for \(entry.cycle.joined(separator: ", ")), and they for it")
            }
        }
        let count = analysis.entries.count { $0.isLockOut }
        Console.print("\(analysis.entries.count) webhooks and bound policies, \(count) can lock the cluster out")
        try read.failIfUnreadable()
        if count > 0 { throw ExitCode(1) }
    }
}

struct AdmissionPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say which rule is cheaper as a Pod Security label, as a native policy or in the webhook.")

    @OptionGroup var options: AdmissionPolicyOptions

    func run() async throws {
        let loaded = try options.load(today: Clock.today())
        let place = AdmissionPolicy.Place(namespace: "")
        let rules = (PostureScan.allRules + ImageRules.all).filter { rule in
            loaded.policy.entries.contains { entry in
                entry.mode >= .warn && rule.severity >= entry.severity ?? .info
                    && entry.checks.contains { $0.matches(rule.id) }
            } || loaded.policy.mode(of: rule.id, rule.severity, at: place).mode >= .warn
        }
        Console.print(EnforcementPlan(rules).text)
    }
}
