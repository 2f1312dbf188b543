import ArgumentParser
import Detection
import Documents
import Foundation
import RuntimeWatch
import Sensor

/// The file of learned profiles.
enum RuntimeProfiles {
    static func read(_ path: String) throws -> ProfileFile {
        let bytes = try RuleFileOptions.bytes(path)
        guard let node = try? DocumentReader.readJSON(SourceText(name: path, bytes: bytes)),
            let file = ProfileFile(node)
        else { throw Failure(message: "\(path): no profiles in it; write them with `martlet runtime learn`") }
        return file
    }

    static func write(_ profiles: [LearnedProfile.Subject: LearnedProfile], to path: String) throws {
        try OutputFile.replace(path, with: Array((ProfileFile(profiles).json() + "\n").utf8))
    }
}

struct RuntimeLearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Learns what workloads do until little new is to be expected; alerts on nothing.",
        discussion: """
            Learning ends by itself, class by class, when the estimated chance that the next thing was never seen falls
            below --limit. Profiles that are there are gone on with; those of replicas are joined with --merge.
            """)

    @Argument(help: "The file of profiles.")
    var file: String

    @OptionGroup var live: LiveOptions

    @Option(help: "The chance of something new that is small enough.")
    var limit: Double = 0.02

    @Option(parsing: .upToNextOption, help: "Files of other replicas or nodes to take over; nothing is watched then.")
    var merge: [String] = []

    func run() throws {
        var known = FileManager.default.fileExists(atPath: file) ? try RuntimeProfiles.read(file) : ProfileFile()
        guard merge.isEmpty else {
            for other in merge { known.merge(try RuntimeProfiles.read(other)) }
            try RuntimeProfiles.write(known.profiles, to: file)
            return
        }
        var settings = RuntimeWatch.Settings()
        settings.alertsOnProfiles = false
        settings.limit = limit
        var run = try live.start(settings: settings, profiles: known)
        run.loop(seconds: live.seconds) { _ in }
        try RuntimeProfiles.write(run.watch.profiles, to: file)
        run.tellLedger()
        RuntimeProfileShowCommand.write(ProfileFile(run.watch.profiles), limit: limit, whole: false)
    }
}

struct RuntimeProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Learned profiles.", subcommands: [RuntimeProfileShowCommand.self])
}

struct RuntimeProfileShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "What was learned of workloads, and how far learning is.")

    @Argument(help: "The file of profiles.")
    var file: String

    @Flag(help: "Every item.")
    var whole = false

    @Option(help: "The chance of something new that is small enough.")
    var limit: Double = 0.02

    func run() throws { Self.write(try RuntimeProfiles.read(file), limit: limit, whole: whole) }

    static func write(_ file: ProfileFile, limit: Double, whole: Bool) {
        var rows: [[String]] = []
        let profiles = file.profiles.sorted { $0.key < $1.key }
        for (subject, profile) in profiles {
            for kind in LearnedProfile.Class.allCases where profile.observations(kind) > 0 {
                rows.append([
                    RuntimeText.visible(subject.workload), RuntimeText.visible(subject.container), kind.rawValue,
                    "\(profile.items[kind]?.count ?? 0)", "\(profile.observations(kind))",
                    String(format: "%.3f", profile.unseenChance(kind)),
                    String(format: "%.3f", profile.unseenBound(kind)),
                    profile.isLearned(kind, limit: limit) ? "learned" : "learning",
                ])
            }
        }
        RBACOutput.write(
            .table, ["WORKLOAD", "CONTAINER", "CLASS", "ITEMS", "SEEN", "CHANCE OF NEW", "BOUND", "STATE"], rows,
            empty: "no profiles")
        guard whole else { return }
        for (subject, profile) in profiles {
            for kind in LearnedProfile.Class.allCases {
                for (name, item) in (profile.items[kind] ?? [:]).sorted(by: { $0.key < $1.key }) {
                    Console.print(
                        RuntimeText.visible("\(subject.workload) \(kind.rawValue) \(item.count)x \(name)"))
                }
            }
        }
    }
}

struct RuntimeTopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Who makes how many events: containers, processes, kinds.")

    @OptionGroup var live: LiveOptions

    @Option(help: "Seconds between two tables.")
    var interval: Double = 2

    @Option(help: "Lines of a table.")
    var lines: Int = 20

    private struct Key: Hashable {
        var container: String
        var process: String
        var kind: String
    }

    func run() throws {
        var settings = RuntimeWatch.Settings()
        settings.alertsOnProfiles = false
        settings.learns = false
        var run = try live.start(settings: settings, quiet: true)
        var counts: [Key: Int] = [:]
        var alerts = 0
        var last = ContinuousClock.now
        let sensor = run.sensor
        func show() {
            let seconds = max(0.001, Double((ContinuousClock.now - last) / .milliseconds(1)) / 1000)
            last = ContinuousClock.now
            let rows = counts.sorted { a, b in
                a.value != b.value
                    ? a.value > b.value : (a.key.container, a.key.process) < (b.key.container, b.key.process)
            }
            RBACOutput.write(
                .table, ["EVENTS/S", "CONTAINER", "PROCESS", "KIND"],
                rows.prefix(lines).map {
                    [
                        String(format: "%.1f", Double($0.value) / seconds), RuntimeText.visible($0.key.container),
                        RuntimeText.visible($0.key.process), $0.key.kind,
                    ]
                }, empty: "nothing happened")
            let total = sensor.ledger.total
            Console.note(
                "\(sensor.processCount) processes, \(sensor.containerCount) containers, \(alerts) alerts; "
                    + "\(total.seen) events seen, \(total.filtered) filtered, \(total.lost) lost")
            counts.removeAll(keepingCapacity: true)
        }
        run.loop(
            seconds: live.seconds,
            each: { event in
                let container = event.process.container
                let key = Key(
                    container: container?.facts.podName ?? container?.identity.shortID ?? "host",
                    process: String(decoding: event.process.name, as: UTF8.self), kind: event.kind.name)
                counts[key, default: 0] += 1
            },
            tick: {
                if ContinuousClock.now - last > .milliseconds(Int64(interval * 1000)) { show() }
            },
            alert: { _ in alerts += 1 })
        show()
    }
}
