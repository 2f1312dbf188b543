import ArgumentParser
import Findings
import Kubernetes
import PodSecurity
import Posture
import Workloads

extension PodSecurityLevel: ExpressibleByArgument {}

struct FixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix", abstract: "Mend what can be mended, each change verified.",
        discussion: """
            martlet fix deploy/                          a diff, and what it closes
            martlet fix deploy/ --output patch | git apply
            martlet fix deploy/ --write                  edit the YAML in place; comments and order stay
            martlet fix deploy/ --output kustomize       patches for a kustomization
            martlet fix --cluster                        kubectl patch commands, nothing is changed

            Every patch is applied to a copy and everything is evaluated again: what would open a finding is refused.
            What cannot be known from the object (can the image run without root?) is said, never guessed.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case diff, patch, kustomize, json }

    @OptionGroup var target: TargetOptions

    @Option(name: [.short, .long], help: "diff (with words), patch (the diff alone), kustomize, json.")
    var output: Format = .diff

    @Flag(help: "Write the changes into the files.")
    var write = false

    @Option(help: "Towards this level of the Pod Security Standards: baseline, restricted.")
    var level: PodSecurityLevel = .restricted

    @Option(name: .customLong("check"), help: ArgumentHelp("Only for these checks, by id with *.", valueName: "id"))
    var checks: [String] = []

    @Option(help: ArgumentHelp("Not for these checks, by id with *.", valueName: "id"))
    var skip: [String] = []

    @Flag(help: "Exit with 3 when something was not observable.")
    var strict = false

    func run() async throws {
        let read = try await target.read()
        if write, read.isCluster {
            throw Failure(
                message:
                    "--write edits files; Martlet never changes a cluster. Run the kubectl commands of `martlet fix --cluster` yourself"
            )
        }
        let include = checks.map(Glob.init)
        let exclude = skip.map(Glob.init)
        let options = WorkloadOptions(
            target: read.version.flatMap(TargetVersion.init) ?? .newest, unlistedKinds: read.unlistedKinds)
        let planner = FixPlanner(
            engines: read.inventory, policy: LevelVersion(level), options: options, isCluster: read.isCluster)
        let fixes = planner.fixes { rule in
            (include.isEmpty || include.contains { $0.matches(rule) }) && !exclude.contains { $0.matches(rule) }
        }
        read.tellHoles()
        if write { try writeFiles(fixes) } else { show(fixes, read) }
        try read.failIfUnreadable()
        // What was not seen may be what a fix would open.
        if strict, read.problems.contains(where: { $0.kind == .forbidden || $0.kind == .unsupported }) {
            throw ExitCode(RunStatus.partial.rawValue)
        }
    }

    private func show(_ fixes: [VerifiedFix], _ read: Target) {
        let context = read.isCluster ? read.name : nil
        switch output {
        case .json: Console.print(FixText.json(fixes, cluster: context))
        case .kustomize: Console.print(KustomizePatches.text(fixes))
        case .patch:
            for file in FixFiles.files(fixes) where file.isChanged {
                Console.print(String(decoding: file.diff, as: UTF8.self))
            }
        case .diff:
            Console.print(FixText(width: Console.width, colour: Console.usesColour).text(fixes, cluster: context))
        }
    }

    private func writeFiles(_ fixes: [VerifiedFix]) throws {
        var changed = 0
        var objects = 0
        for file in FixFiles.files(fixes) {
            for refusal in file.refused {
                Console.note("martlet: \(file.name): \(refusal.object) was left as it is: \(refusal.reason)")
            }
            guard file.isChanged else { continue }
            try OutputFile.replace(file.name, with: file.after)
            Console.print("wrote \(file.name): \(file.written.map(\.description).joined(separator: ", "))")
            changed += 1
            objects += file.written.count
        }
        let closed = fixes.reduce(0) { $0 + $1.closed.count }
        let decisions = fixes.reduce(0) { $0 + $1.decisions.count }
        Console.print(
            "\(objects) objects in \(changed) files changed; findings closed: \(closed), opened: 0, needing a decision: \(decisions)"
        )
    }
}
