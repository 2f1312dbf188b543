import ArgumentParser
import Detection
import Documents
import Foundation
import Manifests

struct RuntimeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runtime", abstract: "Detection at run time, with Falco's rule files as they are.",
        discussion: """
              martlet runtime run --container-only
              martlet runtime images registry.example/web:1.4 > images.json
              martlet runtime run --images images.json --state deploy/ --flows flows.json
              martlet runtime rules check --rules falco_rules.yaml
              martlet runtime replay audit.log --rules k8s_audit_rules.yaml -o json
              martlet runtime rules explain "Attach/Exec Pod" audit.log --rules k8s_audit_rules.yaml
              martlet runtime rules test audit.log --rules old.yaml --changed new.yaml
            """,
        subcommands: [
            RuntimeRunCommand.self, RuntimeReplayCommand.self, RuntimeRulesCommand.self, RuntimeLearnCommand.self,
            RuntimeProfileCommand.self, RuntimeTopCommand.self, RuntimeImagesCommand.self,
        ])
}

struct RuntimeRulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Check, list, explain and try rule files.",
        subcommands: [
            RuntimeRulesCheckCommand.self, RuntimeRulesListCommand.self, RuntimeRulesExplainCommand.self,
            RuntimeRulesTestCommand.self,
        ])
}

/// The rule files of a command.
struct RuleFileOptions: ParsableArguments {
    @Option(
        name: [.customShort("r"), .customLong("rules")], parsing: .upToNextOption,
        help: "Falco rule files, in order; without any, Martlet's own small set.")
    var files: [String] = []

    @Flag(help: "Ask the rules that are switched off, too.")
    var everyRule = false

    /// The loaded files. An error in one ends the command as Falco ends.
    func load() throws -> RuleSet { try Self.load(files, tellsWarnings: false).set }

    static func load(
        _ files: [String], tellsWarnings: Bool
    ) throws -> (set: RuleSet, results: [RuleFileResult]) {
        var set = RuleSet(appendedOutput: RuleSet.containerOutput)
        var results: [RuleFileResult] = []
        let sources = files.isEmpty ? OwnRules.sources : try files.map { SourceText(name: $0, bytes: try bytes($0)) }
        for source in sources {
            let result = set.load(source)
            results.append(result)
            guard result.isSuccessful else {
                if tellsWarnings { break }
                throw Failure(message: result.errors.map(line).joined(separator: "\n"))
            }
        }
        return (set, results)
    }

    static func line(_ message: LoadMessage) -> String {
        let what = message.message.isEmpty ? "" : ": \(message.message)"
        return "\(message.file):\(message.line):\(message.column): \(message.code.rawValue)\(what)"
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        do {
            return try FileBytes.read(path)
        } catch {
            throw Failure(message: "\(path): \(error.message)")
        }
    }
}

/// A file of recorded events.
struct EventFile {
    let stream: EventStream

    init(_ path: String) throws {
        stream = EventStream.read(try RuleFileOptions.bytes(path))
        guard !stream.events.isEmpty else {
            throw Failure(
                message: "\(path): no audit event, recorded event or Falco alert in it; \(stream.unreadable) lines are "
                    + "no JSON or cut off, \(stream.unknown) objects of no known form")
        }
    }

    /// What of the file was not understood: counted, never silent.
    func tellHoles() {
        if stream.unreadable > 0 { Console.error("\(stream.unreadable) lines are no JSON or cut off") }
        if stream.unknown > 0 { Console.error("\(stream.unknown) objects are no event of a known form") }
    }
}

struct RuntimeReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Asks rules about recorded events. Exit code 1 when one matched.",
        discussion: """
            FILE holds Kubernetes audit events (one a line, an EventList, a webhook's body, or as CloudWatch, Cloud
            Logging and Azure Monitor wrap them), recorded system calls, or Falco's own JSON alerts.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, summary }

    @Argument(help: "Events; - for standard input.")
    var file: String

    @OptionGroup var rules: RuleFileOptions

    @Option(name: [.short, .long], help: "text (Falco's lines), json (Falco's JSON, one a line) or summary (folded).")
    var output: Format = .text

    @Flag(help: "Report only the first rule that matches an event, as Falco does unless told otherwise.")
    var firstMatch = false

    @Flag(
        name: .customLong("counters"),
        help: "Count refused requests and secrets read by user over a minute; on with Martlet's own rules.")
    var countsRequests = false

    @Option(help: "Least urgent priority to report.")
    var priority: String = "debug"

    func run() throws {
        guard let least = Priority(parsing: priority) else { throw ValidationError("no such priority: \(priority)") }
        let set = try rules.load()
        let events = try EventFile(file)
        var replay = Replay(
            set, hostname: ProcessInfo.processInfo.hostName, firstMatchOnly: firstMatch, minimumPriority: least,
            everyRule: rules.everyRule, counters: rules.files.isEmpty || countsRequests ? AuditCounters() : nil)
        var groups = AlertGroups()
        var count = 0
        for event in events.stream.events {
            for alert in replay.alerts(event) where alert.priority <= least {
                count += 1
                switch output {
                case .text: Console.print(alert.line)
                case .json: Console.print(alert.json())
                case .summary: groups.add(alert)
                }
            }
        }
        if output == .summary { RuntimeText.write(groups, replay) }
        events.tellHoles()
        if replay.unasked > 0 { Console.error("\(replay.unasked) events are of a source no rule is for") }
        if count > 0 { throw ExitCode(1) }
    }
}

struct RuntimeRulesCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Loads rule files and says what is wrong, with Falco's codes and places.")

    @Argument(help: "Rule files, in order.")
    var files: [String]

    @Flag(help: "Warnings, too, end with 1.")
    var strict = false

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(name: [.short, .long], help: "text, or json as Falco prints it for programs.")
    var output: Format = .text

    func run() throws {
        let (set, results) = try RuleFileOptions.load(files, tellsWarnings: true)
        let warnings = results.reduce(0) { $0 + $1.warnings.count }
        if output == .json {
            Console.print(results.json())
            guard results.allSatisfy(\.isSuccessful) else { throw ExitCode(2) }
            if strict, warnings > 0 { throw ExitCode(1) }
            return
        }
        for result in results {
            for message in result.errors + result.warnings { Console.print(RuleFileOptions.line(message)) }
            let verdict = result.isSuccessful ? "Ok" : "Invalid"
            Console.print("\(result.name): \(verdict)\(result.warnings.isEmpty ? "" : ", with warnings")")
            Console.print("\(result.name): schema validation \(RuntimeText.visible(result.schema.description))")
        }
        for alternatives in set.requiredPlugins {
            let names = alternatives.map { "\($0.name) >= \($0.version)" }.joined(separator: " or ")
            let isBuiltIn = alternatives.contains {
                ["container", "json"].contains($0.name) || $0.name.hasPrefix("k8saudit")
            }
            Console.print("needs \(names): \(isBuiltIn ? "built in" : "not here, rules of its source are skipped")")
        }
        guard results.allSatisfy(\.isSuccessful) else { throw ExitCode(2) }
        Console.print("\(set.rules.count) rules")
        if strict, warnings > 0 { throw ExitCode(1) }
    }
}

struct RuntimeRulesListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The rules of the files.")

    @OptionGroup var rules: RuleFileOptions

    func run() throws {
        let set = try rules.load()
        RBACOutput.write(
            .table, ["RULE", "SOURCE", "PRIORITY", "ENABLED", "TECHNIQUES"],
            set.rules.map {
                [
                    $0.name, $0.source, $0.priority.name, $0.isEnabled ? "yes" : "no",
                    $0.techniques.joined(separator: " "),
                ]
            }, empty: "no rules")
    }
}

struct RuntimeRulesExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why a rule matches the events of a file, or why it does not.")

    @Argument(help: "Name of the rule.")
    var rule: String

    @Argument(help: "Events; without them the rule itself is shown.")
    var file: String?

    @OptionGroup var rules: RuleFileOptions

    @Option(help: "Only the event with this number, from 1.")
    var event: Int?

    @Option(help: "How many events to explain.")
    var limit: Int = 5

    func run() throws {
        let set = try rules.load()
        guard let found = set.rules.first(where: { $0.name == rule }) else {
            throw Failure(message: "no rule is called \"\(rule)\"")
        }
        guard let file else {
            RuntimeText.write(found)
            return
        }
        let events = try EventFile(file)
        guard var detector = set.detector(found.source, isEnabled: { $0.name == found.name }) else { return }
        var shown = 0
        for (i, each) in events.stream.events.enumerated() where each.source == found.source {
            if let event, i + 1 != event { continue }
            let explanation = detector.explain(found, lists: set.lists, each.values)
            guard explanation.matches || event != nil else { continue }
            RuntimeText.write(explanation, number: i + 1)
            shown += 1
            if shown == limit { break }
        }
        if shown == 0 { Console.print("\(rule) matches none of the \(events.stream.events.count) events") }
        events.tellHoles()
    }
}

struct RuntimeRulesTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "What changed rule files would have done otherwise. Exit code 1 when something would.")

    @Argument(help: "Events; - for standard input.")
    var file: String

    @OptionGroup var rules: RuleFileOptions

    @Option(name: .customLong("changed"), parsing: .upToNextOption, help: "The rule files after the change, in order.")
    var changed: [String]

    func run() throws {
        let events = try EventFile(file)
        let before = Self.groups(try rules.load(), events, rules.everyRule)
        let after = Self.groups(try RuleFileOptions.load(changed, tellsWarnings: false).set, events, rules.everyRule)
        let difference = ReplayDifference(before: before.groups, after: after.groups)
        RuntimeText.write(difference, days: after.days)
        events.tellHoles()
        guard difference.added.isEmpty, difference.removed.isEmpty, difference.changed.isEmpty else {
            throw ExitCode(1)
        }
    }

    private static func groups(
        _ set: RuleSet, _ events: EventFile, _ everyRule: Bool
    ) -> (groups: AlertGroups, days: Double?) {
        var replay = Replay(set, everyRule: everyRule)
        var groups = AlertGroups()
        for event in events.stream.events {
            for alert in replay.alerts(event) { groups.add(alert) }
        }
        return (groups, replay.days)
    }
}
