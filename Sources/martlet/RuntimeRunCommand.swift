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

    enum Source: String, ExpressibleByArgument, CaseIterable { case auto, kernel, fallback }

    @Option(
        help: "kernel: programs in the kernel; fallback: fanotify and the connector of processes, which see less; auto."
    )
    var sensor: Source = .auto

    func validate() throws {
        guard Priority(parsing: priority) != nil else { throw ValidationError("no such priority: \(priority)") }
        guard ring > 0, ring <= 512, ring.nonzeroBitCount == 1 else {
            throw ValidationError("--ring is a power of two up to 512")
        }
    }

    /// The rules and the sensor that asks for what they name. Tells what is missing.
    func start(
        settings: RuntimeWatch.Settings, profiles: ProfileFile = ProfileFile(), quiet: Bool = false,
        response: SensorOptions.Response = .none, images: (any ImageFiles)? = nil,
        network: (any ConnectionVerdicts)? = nil
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
        given.response = response
        let sensor = try source(demand.options(from: given), quiet: quiet)
        context.follow(sensor)
        let watch = RuntimeWatch(
            matcher, settings: settings, profiles: profiles.profiles, images: images, network: network)
        return LiveRun(sensor: sensor, watch: watch)
    }

    /// The kernel programs, or what can be had without them.
    private func source(_ options: SensorOptions, quiet: Bool) throws -> any EventSource {
        let names: [any ContainerNames] = [RuntimeFiles(root: root)]
        if sensor != .fallback {
            do throws(SensorError) {
                let made = try Sensor(options, names: names, root: root)
                if let problem = made.denialProblem { Console.error(problem) }
                if !quiet { for lack in SensorSupport.probe().reduced { Console.error(lack) } }
                return made
            } catch {
                guard sensor == .auto else { throw Failure(message: error.message) }
                Console.error("\(error.message); falling back to fanotify and the connector of processes")
            }
        }
        do throws(SensorError) {
            let made = try FallbackSensor(options, names: names, root: root)
            for spot in made.blindSpots { Console.error("reduced coverage: \(spot)") }
            if options.response == .signal { Console.error("programs cannot be signalled without the kernel programs") }
            return made
        } catch {
            throw Failure(message: error.message)
        }
    }
}

/// A sensor with its rules, running until a signal or the given time.
struct LiveRun {
    let sensor: any EventSource
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
