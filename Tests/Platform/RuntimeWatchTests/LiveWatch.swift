import Detection
import Documents
import Foundation
import Sensor
import Testing

@testable import RuntimeWatch

/// What the kernel and this machine let the tests do, asked once.
enum Live {
    static let refusal: String? = {
        if let missing = TestContainer.missing { return missing }
        do throws(SensorError) {
            _ = try Sensor(SensorOptions())
            return nil
        } catch {
            return error.message
        }
    }()

    static var isPossible: Bool {
        if let refusal { print("skipped: \(refusal)") }
        return refusal == nil
    }
}

/// What needs the kernel, one after the other: a response stops programs in every container of the machine, also in
/// those of another test.
@Suite(.serialized, .enabled(if: Live.isPossible)) struct LiveTests {}

/// A sensor with rules, as `martlet runtime run` has them.
final class LiveWatch {
    var watch: RuntimeWatch
    let sensor: any EventSource
    /// Why programs are denied by other means than the kernel programs.
    var denialProblem: String?
    var alerts: [Alert] = []
    var events: [SensorEvent.Kind] = []
    var nameless = 0
    /// Containers a program was started in.
    var containers: Set<String> = []
    /// Programs started in each container.
    private var starts: [String: Int] = [:]

    init(
        _ sources: [SourceText] = OwnRules.sources, settings: RuntimeWatch.Settings = RuntimeWatch.Settings(),
        response: SensorOptions.Response = .none, images: (any ImageFiles)? = nil, isFallback: Bool = false
    ) throws {
        var set = RuleSet(appendedOutput: RuleSet.containerOutput)
        for source in sources { _ = set.load(source) }
        guard let detector = set.detector("syscall") else { throw NoRules() }
        let context = LiveContext(hostname: "node")
        watch = RuntimeWatch(LiveMatcher(detector, context: context), settings: settings, images: images)
        var options = RuleDemand(detector.rules).options()
        options.response = response
        if isFallback {
            sensor = try FallbackSensor(options, names: [RuntimeFiles()])
        } else {
            let made = try Sensor(options, names: [RuntimeFiles()])
            denialProblem = made.denialProblem
            sensor = made
        }
        let sensor = sensor
        context.follow(sensor)
    }

    /// Takes what there is, or waits a moment for it.
    func take(milliseconds: Int32 = 0) {
        while sensor.poll(
            milliseconds: milliseconds,
            { event in
                events.append(event.kind)
                if let container = event.process.container {
                    if container.facts.podUID == nil { nameless += 1 }
                    if event.kind == .exec {
                        containers.insert(container.identity.id)
                        starts[container.identity.id, default: 0] += 1
                    }
                }
                alerts += watch.alerts(event)
            }) > 0, milliseconds == 0
        {}
    }

    /// A script's line that waits until the sensor has seen a few programs of the container, however busy the machine.
    static let known = wait(for: "known")

    /// A script's line that runs a program until an alert tells of it, the `number`-th of what is awaited.
    static func held(_ program: String, _ number: Int) -> String {
        "\(program) 300 & held=$!; \(wait(for: "seen\(number)"))kill $held; "
    }

    private static func wait(for mark: String) -> String {
        "i=0; until [ -e /tmp/\(mark) ] || [ $i -gt 900 ]; do i=$((i+1)); /bin/sleep 0.1; done; "
    }

    /// Everything a container did, asked about; the alerts for it. `awaited` are parts of alerts that the script waits
    /// for.
    func run(_ container: inout TestContainer, _ script: String, awaited: [String] = []) throws -> [Alert] {
        take()
        alerts = []
        let (whole, folder) = (container.id, "\(container.folder)/rootfs/tmp")
        let id = String(whole.prefix(12))
        var marks: [String: () -> Bool] = [:]
        if script.contains(Self.known) { marks["known"] = { self.starts[whole, default: 0] >= 3 } }
        for (number, part) in awaited.enumerated() {
            marks["seen\(number)"] = {
                self.alerts.contains { $0.field("container.id") == id && $0.message.contains(part) }
            }
        }
        try container.run(script) {
            take(milliseconds: 5)
            for (mark, isTrue) in marks where isTrue() {
                guard FileManager.default.createFile(atPath: "\(folder)/\(mark)", contents: nil) else { continue }
                marks[mark] = nil
            }
        }
        take()
        return alerts.filter { $0.field("container.id") == id }
    }
}

struct NoRules: Error {}
