import ArgumentParser
import Detection
import Documents
import Foundation
import RuntimeWatch
import Sensor
import Synchronization

/// What every command that listens to the kernel takes.
struct LiveOptions: ParsableArguments {
    @OptionGroup var rules: RuleFileOptions

    @Flag(help: "Only processes in containers; the kernel drops everything of the machine's own.")
    var containerOnly = false

    @Option(help: "Where the node's files are: names of containers are read there (/host in a pod).")
    var root: String = ""

    @Option(name: .customLong("for"), help: "End after so many seconds.")
    var seconds: Double?

    @Option(help: "Least urgent priority to report.")
    var priority: String = "debug"

    @Flag(help: "Report only the first rule that matches an event, as Falco does unless told otherwise.")
    var firstMatch = false

    @Option(help: "Megabytes of the ring between kernel and program: a power of two.")
    var ring: Int = 8

    func validate() throws {
        guard Priority(parsing: priority) != nil else { throw ValidationError("no such priority: \(priority)") }
        guard ring > 0, ring <= 512, ring.nonzeroBitCount == 1 else {
            throw ValidationError("--ring is a power of two up to 512")
        }
    }

    /// The rules and the sensor that asks for what they name. Tells what is missing.
    func start(
        settings: RuntimeWatch.Settings, profiles: ProfileFile = ProfileFile(), quiet: Bool = false
    ) throws -> LiveRun {
        let set = try rules.load()
        let least = Priority(parsing: priority) ?? .debug
        guard
            let detector = set.detector(
                "syscall", firstMatchOnly: firstMatch, minimumPriority: least,
                isEnabled: { rules.everyRule || $0.isEnabled }), !detector.rules.isEmpty
        else { throw Failure(message: "no rule of the files is for system calls") }
        let context = LiveContext(hostname: ProcessInfo.processInfo.hostName)
        let matcher = LiveMatcher(detector, context: context)
        let demand = RuleDemand(detector.rules)
        if !quiet {
            for (field, names) in matcher.unavailable {
                Console.error("no value for \(field), which is absent in: \(names.joined(separator: ", "))")
            }
            if !demand.readersOfAll.isEmpty {
                Console.error(
                    "every file that is read is handed over, for: \(demand.readersOfAll.joined(separator: ", "))")
            }
        }
        var given = SensorOptions()
        given.containersOnly = containerOnly
        given.ringBytes = ring << 20
        var settings = settings
        settings.containersOnly = containerOnly
        do throws(SensorError) {
            let sensor = try Sensor(demand.options(from: given), names: [RuntimeFiles(root: root)])
            context.follow(sensor)
            if !quiet { for lack in SensorSupport.probe().reduced { Console.error(lack) } }
            let watch = RuntimeWatch(matcher, settings: settings, profiles: profiles.profiles)
            return LiveRun(sensor: sensor, watch: watch)
        } catch {
            throw Failure(message: error.message)
        }
    }
}

/// A sensor with its rules, running until a signal or the given time.
struct LiveRun {
    let sensor: Sensor
    var watch: RuntimeWatch

    /// Milliseconds records of classes that may wait are left in the ring.
    private static let patience: Int32 = 50

    mutating func loop(
        seconds: Double?, each: (SensorEvent) -> Void = { _ in }, tick: () -> Void = {}, alert: (Alert) -> Void
    ) {
        StopSignal.listen()
        let start = ContinuousClock.now
        while !StopSignal.isGiven {
            if let seconds, ContinuousClock.now - start > .seconds(seconds) { break }
            var watch = watch
            sensor.poll(milliseconds: Self.patience) { event in
                each(event)
                for found in watch.alerts(event) { alert(found) }
            }
            self.watch = watch
            tick()
        }
        sensor.stop()
        var watch = watch
        while sensor.poll(milliseconds: 0, { event in for found in watch.alerts(event) { alert(found) } }) > 0 {}
        self.watch = watch
    }

    /// What became of every event, by class.
    func tellLedger() {
        let ledger = sensor.ledger
        let total = ledger.total
        Console.note(
            "events: \(total.seen) seen, \(total.delivered) delivered, \(total.filtered) filtered, \(total.lost) lost")
        for group in SensorLedger.Group.allCases where ledger.counts[group.rawValue].lost > 0 {
            Console.error("lost \(ledger.counts[group.rawValue].lost) events of class \(group)")
        }
        if ledger.missedRuns > 0 { Console.error("\(ledger.missedRuns) times the kernel did not run a program") }
        if ledger.unreadable > 0 { Console.error("\(ledger.unreadable) records were not readable") }
    }
}

/// SIGINT and SIGTERM end the loop, so that what is known is written first.
enum StopSignal {
    private static let given = Atomic<Bool>(false)

    static var isGiven: Bool { given.load(ordering: .relaxed) }

    static func listen() {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in StopSignal.give() } }
    }

    private static func give() { given.store(true, ordering: .relaxed) }
}

struct RuntimeRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Watches this machine and its containers as things happen.",
        discussion: """
            Needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE, and a kernel with type information (5.8 or newer). Without
            --rules Martlet's own rules are asked; Falco's files are taken as they are. What was found is counted by
            rule, workload and item at the end.

              martlet runtime run
              martlet runtime run --rules falco_rules.yaml --format falco-json
              martlet runtime run --container-only --profile profiles.json
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

    func run() throws {
        var settings = RuntimeWatch.Settings()
        settings.alertsOnProfiles = profile != nil
        settings.learns = profile != nil
        let known = try profile.map { try RuntimeProfiles.read($0) } ?? ProfileFile()
        var run = try live.start(settings: settings, profiles: known)
        var groups = AlertGroups()
        var count = 0
        let format = format
        run.loop(seconds: live.seconds) { alert in
            count += 1
            groups.add(alert)
            switch format {
            case .text: Console.print(RuntimeText.visible(alert.line))
            case .falcoJSON: Console.print(alert.json())
            case .summary: break
            }
        }
        if format == .summary { RuntimeText.write(groups, events: Int(clamping: run.watch.events)) }
        run.tellLedger()
        if let profile { try RuntimeProfiles.write(run.watch.profiles, to: profile) }
        if count > 0 { throw ExitCode(1) }
    }
}
