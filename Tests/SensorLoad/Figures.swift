import CBPF
import Detection
import Documents
import Foundation
import RuntimeWatch
import Sensor

/// One line of figures.
struct Figure: Sendable {
    let name: String
    let measure: @Sendable () throws -> Void
}

/// A sensor with rules, as `martlet runtime run` has them.
struct Watcher {
    let sensor: Sensor
    var watch: RuntimeWatch

    /// Falco's rules where they are, else Martlet's own.
    static let sources: [SourceText] = {
        let folder = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        let stock = ["falco_rules.yaml", "falco-incubating_rules.yaml"].compactMap { name in
            FileManager.default.contents(atPath: "\(folder)/falco/rules/\(name)")
                .map { SourceText(name: name, bytes: Array($0)) }
        }
        return stock.isEmpty ? OwnRules.sources : stock
    }()

    init(
        _ sources: [SourceText] = OwnRules.sources, ring: Int = 8 << 20, containersOnly: Bool = false,
        everyRule: Bool = false
    ) throws {
        var set = RuleSet(appendedOutput: RuleSet.containerOutput)
        for source in sources { _ = set.load(source) }
        guard let detector = set.detector("syscall", isEnabled: { everyRule || $0.isEnabled }) else {
            throw CocoaError(.featureUnsupported)
        }
        var options = SensorOptions()
        options.ringBytes = ring
        options.containersOnly = containersOnly
        let context = LiveContext(hostname: "load")
        sensor = try Sensor(RuleDemand(detector.rules).options(from: options), names: [RuntimeFiles()])
        context.follow(sensor)
        watch = RuntimeWatch(LiveMatcher(detector, context: context))
    }

    /// Takes events while a child goes on; what they were is up to `each`.
    mutating func follow(_ child: Children, each: (SensorEvent, [Alert]) -> Void = { _, _ in }) {
        while child.isRunning { take(20, each: each) }
        take(0, each: each)
    }

    @discardableResult
    mutating func take(_ milliseconds: Int32, each: (SensorEvent, [Alert]) -> Void = { _, _ in }) -> Int {
        var watch = watch
        let count = sensor.poll(milliseconds: milliseconds) { event in each(event, watch.alerts(event)) }
        self.watch = watch
        return count
    }

    /// Whether everything starts with the capabilities at hand; says what is seen with them.
    static func check() {
        do {
            let watcher = try Watcher()
            let known = (1...99_999).compactMap { watcher.sensor.process(UInt32($0)) }
            // Threads of the kernel have no program.
            let named = known.filter { !$0.arguments.isEmpty }
            let whole = named.filter { !$0.executablePath.isEmpty }
            print("starts, \(whole.count) of \(named.count) programs have their path")
        } catch let error as SensorError {
            print("does not start: \(error.message)")
        } catch {
            print("does not start: \(error)")
        }
    }

    /// The process whose memory is measured: until it is told to end.
    static func run() throws {
        var watcher = try Watcher()
        print("ready")
        fflush(nil)
        while true { watcher.take(50) }
    }
}

enum Figures {
    static let refusal: String? = {
        do throws(SensorError) {
            _ = try Sensor(SensorOptions())
            return nil
        } catch {
            return error.message
        }
    }()

    static let all: [Figure] = [
        Figure(name: "null-call-floor") { try floor() },
        Figure(name: "null-call") { try cost("null-call", "null", 4_000_000, goal: "<= 0.04 us more") },
        Figure(name: "open-close") { try cost("open-close", "opens", 1_000_000, goal: "<= 0.5 us more") },
        Figure(name: "capabilities") { capabilities() },
        Figure(name: "start") { try start() },
        Figure(name: "alert") { try latency() },
        Figure(name: "throughput") { try throughput() },
        Figure(name: "rate") { try rate() },
        Figure(name: "flood") { try flood() },
        Figure(name: "memory") { try memory() },
    ]

    private static func number(_ name: String, _ otherwise: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? otherwise
    }

    private static func say(_ name: String, _ figure: Double, _ unit: String, goal: String) {
        print("load sensor-\(name): \((figure * 1000).rounded() / 1000) \(unit), goal \(goal)")
    }

    /// What a system call takes more with the sensor than without, the least of several rounds each.
    private static func cost(_ name: String, _ kind: String, _ count: Int, goal: String) throws {
        func least(_ rounds: Int, _ run: (Children) -> Void) -> Double {
            var out = Double.infinity
            for _ in 0..<rounds {
                guard let child = Children.own("make", kind, "\(count)") else { continue }
                run(child)
                out = min(out, Double(child.text()) ?? .infinity)
            }
            return out
        }
        var plain = least(3) { _ in }
        var watcher = try Watcher()
        let watched = least(5) { child in watcher.follow(child) }
        watcher.sensor.stop()
        plain = min(plain, least(3) { _ in })
        say(name, (watched - plain) / 1000, "us", goal: goal)
    }

    /// What the kernel itself takes to call a program at the end of a system call: one of two instructions. Nobody who
    /// listens there can take less.
    private static func floor() throws {
        var instructions = [bpf_insn(), bpf_insn()]
        // r0 = 0; exit.
        instructions[0].code = 0xB7
        instructions[1].code = 0x95
        let program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "floor", "GPL", instructions, 2, nil)
        guard program >= 0 else { return print("load sensor-null-call-floor: skipped, the kernel refuses the program") }
        defer { close(program) }
        func least(_ rounds: Int) -> Double {
            (0..<rounds).reduce(.infinity) { least, _ in
                min(least, Children.own("make", "null", "4000000").flatMap { Double($0.text()) } ?? .infinity)
            }
        }
        var plain = least(3)
        let link = bpf_raw_tracepoint_open("sys_exit", program)
        guard link >= 0 else { return print("load sensor-null-call-floor: skipped, the kernel refuses the place") }
        let watched = least(5)
        close(link)
        plain = min(plain, least(3))
        say("null-call-floor", (watched - plain) / 1000, "us", goal: "none, the kernel's own part")
    }

    /// What the manifest gives, and what each is for: the sensor is started with all and without one.
    private static func capabilities() {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") else {
            return print("load sensor-capabilities: skipped, no setpriv")
        }
        let all = ["bpf", "perfmon", "sys_ptrace", "dac_read_search"]
        for missing in [nil] + all.map({ Optional($0) }) {
            let kept = all.filter { $0 != missing }
            let bounds = (["-all"] + kept.map { "+\($0)" }).joined(separator: ",")
            let child = Children.start(
                [
                    "/usr/bin/setpriv", "--bounding-set", bounds, "--inh-caps", "-all", "--", CommandLine.arguments[0],
                    "check",
                ],
                keepsOutput: true)
            let name = missing.map { "without \($0)" } ?? "with \(all.joined(separator: ", ")) alone"
            print("load sensor-capabilities: \(name): \(child?.text() ?? "did not run")")
        }
    }

    private static func start() throws {
        for (name, sources) in [("start", OwnRules.sources), ("start-stock", Watcher.sources)] {
            let start = Clock.nanoseconds(CLOCK_MONOTONIC)
            let work = Clock.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
            let watcher = try Watcher(sources)
            let seconds = Double(Clock.nanoseconds(CLOCK_MONOTONIC) - start) / 1e9
            let own = Double(Clock.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - work) / 1e9
            say(name, seconds, "s (\((own * 1000).rounded() / 1000) of the processor)", goal: "<= 1 s")
            watcher.sensor.stop()
        }
    }

    /// From the kernel's time of a program's start to the alert about it.
    private static func latency() throws {
        let rule = """
            - rule: A program
              desc: Every start of one program.
              condition: evt.type in (execve, execveat) and evt.rawres = 0 and proc.name = true
              output: started
              priority: NOTICE
            """
        var watcher = try Watcher([SourceText(name: "load.yaml", bytes: Array(rule.utf8))])
        guard let child = Children.own("make", "programs", "3000") else { return }
        var waits: [Double] = []
        watcher.follow(child) { event, alerts in
            guard event.kind == .exec, !alerts.isEmpty else { return }
            waits.append(Double(Clock.nanoseconds(CLOCK_BOOTTIME) - Int64(event.machineTime)) / 1e6)
        }
        _ = child.text()
        waits.sort()
        guard waits.count > 100 else { return print("load sensor-alert: only \(waits.count) alerts came") }
        say("alert-p50", waits[waits.count / 2], "ms", goal: "none")
        say("alert-p99", waits[waits.count * 99 / 100], "ms", goal: "<= 100 ms")
    }

    /// A ring that was filled first, then read: decoding, what is known of the process, rules.
    private static func throughput() throws {
        let rulesNamed = Watcher.sources.count
        for (name, sources, everyRule, kind, goal) in [
            ("own", OwnRules.sources, false, "mixed", ">= 0.8 M events/s a core"),
            ("stock", Watcher.sources, false, "mixed", ">= 0.8 M events/s a core"),
            ("stock-all", Watcher.sources, true, "mixed", ">= 0.8 M events/s a core (Falco 0.315)"),
            ("stock-all-writes", Watcher.sources, true, "writes", ">= 0.8 M events/s a core"),
        ] where rulesNamed > 0 {
            var watcher = try Watcher(sources, ring: 256 << 20, everyRule: everyRule)
            watcher.take(0)
            guard let child = Children.own("make", kind, "200000") else { return }
            _ = child.text()
            watcher.sensor.stop()
            let before = watcher.watch.events
            let start = Clock.nanoseconds(CLOCK_THREAD_CPUTIME_ID)
            while watcher.take(0) > 0 {}
            let taken = Double(Clock.nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / 1e9
            let count = Double(watcher.watch.events - before)
            say("throughput-\(name)", count / taken / 1e6, "M events/s (\(Int(count)) events)", goal: goal)
        }
    }

    private static func rate() throws {
        let (rate, seconds) = (number("SENSOR_RATE", 200_000), number("SENSOR_SECONDS", 60))
        var watcher = try Watcher()
        watcher.take(0)
        let before = watcher.sensor.ledger.total
        guard let child = Children.own("make", "rate", "\(rate)", "\(seconds)") else { return }
        let start = Clock.nanoseconds(CLOCK_THREAD_CPUTIME_ID)
        watcher.follow(child)
        let taken = Double(Clock.nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / 1e9
        let made = Double(child.text()) ?? 0
        let total = watcher.sensor.ledger.total
        let lost = total.lost - before.lost
        say("rate", made / Double(seconds), "events/s for \(seconds) s", goal: "\(rate)")
        say("rate-lost", Double(lost), "events of \(total.delivered - before.delivered)", goal: "0")
        say("rate-cpu", taken / Double(seconds) * 100, "% of a core", goal: "none")
    }

    /// More than can be taken: what is lost is counted.
    private static func flood() throws {
        var watcher = try Watcher()
        let before = watcher.sensor.ledger.total
        let children = (0..<2).compactMap { _ in Children.own("make", "flood", "5") }
        for child in children { watcher.follow(child) }
        for child in children { _ = child.text() }
        watcher.sensor.stop()
        while watcher.take(0) > 0 {}
        let ledger = watcher.sensor.ledger
        let seen = ledger.total.seen - before.seen
        let off = SensorLedger.Group.allCases.filter { group in
            let count = ledger.counts[group.rawValue]
            return !count.isExact || ledger.received[group.rawValue] != count.delivered
        }
        say("flood", Double(seen) / 5e6, "M events/s seen, \(ledger.total.lost) lost", goal: ">= 1 M events/s")
        say(
            "flood-unexplained", Double(off.count) + Double(ledger.missedRuns), "classes whose books are not exact",
            goal: "0")
    }

    private static func memory() throws {
        guard let watcher = Children.own("watch") else { return }
        defer { watcher.stop() }
        usleep(3_000_000)
        say("memory-idle", watcher.resident / 1024, "MB", goal: "<= 60 MB")
        var containers: [Containers] = []
        defer { for container in containers { container.remove() } }
        if Containers.isPossible {
            for _ in 0..<100 { if let container = Containers() { containers.append(container) } }
            usleep(2_000_000)
            say("memory-\(containers.count)-containers", watcher.resident / 1024, "MB", goal: "<= 120 MB")
        } else {
            print("load sensor-memory-containers: skipped, no runc and busybox")
        }
        let count = number("SENSOR_CONTAINERS", 100_000)
        // What a first thousand needs is not growth.
        _ = Children.own("make", "containers", "2000")?.text()
        usleep(3_000_000)
        let before = watcher.resident
        _ = Children.own("make", "containers", "\(count)")?.text()
        usleep(3_000_000)
        say("memory-growth", (watcher.resident - before) / 1024, "MB after \(count) short containers", goal: "0")
        say("memory-after", watcher.resident / 1024, "MB", goal: "<= 120 MB")
    }
}
