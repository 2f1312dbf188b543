import Admission
import ArgumentParser
import Findings
import Posture

struct PolicyReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Ask policies of recorded requests: what they would have refused, of whom, how often.",
        discussion: """
            Reads audit.k8s.io/v1 events of level Request or RequestResponse, gzip and zstd too. Bindings beside the
            policies count with their parameters, selectors and actions; a policy without one is asked of every
            request that it matches. An error of evaluation is told apart and is no refusal. Without a path the policies of the cluster are asked. Exit code 1 when something
            would have been refused.
            """)

    @OptionGroup var target: TargetOptions

    @Option(name: .customLong("audit-log"), parsing: .upToNextOption, help: "Audit logs; - for standard input.")
    var logs: [String]

    func run() async throws {
        let read = try await target.read()
        read.tellHoles()
        try read.failIfUnreadable()
        var custom = CustomPolicies(read.inventory.keys.compactMap { read.inventory[$0] })
        if let problem = custom.problems.first { throw Failure(message: problem.message) }
        guard !custom.isEmpty else { throw Failure(message: "there is no ValidatingAdmissionPolicy in what was named") }
        custom.errorsRefuse = false
        let reviewer = AdmissionReviewer(
            policy: AdmissionPolicy(
                defaultMode: .off, entries: [.init(checks: [Glob("custom/*")], mode: .enforce, includesPods: true)]),
            custom: custom, options: ScanOptions(cluster: "recorded"))
        var replay = AdmissionReplay(reviewer, today: Clock.today())
        var lost = 0
        for log in logs { try LogFile.audit(log).read({ replay.take($0) }, tooLong: { lost += 1 }) }
        Console.print(replay.text)
        if lost > 0 { Console.note("martlet: \(lost) lines were too long or cut off") }
        // What holds no event at all is no log, and nothing of it was judged.
        guard replay.events > 0 else {
            throw Failure(message: "\(logs.joined(separator: ", ")): there is no audit event in it")
        }
        if replay.refused > 0 { throw ExitCode(1) }
    }
}
