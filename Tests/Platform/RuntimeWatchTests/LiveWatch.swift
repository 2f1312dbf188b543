import Detection
import Documents
import Foundation
import Sensor

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
    static let known = "until [ -e /tmp/known ]; do /bin/sleep 0.05; done; rm /tmp/known; "

    /// Everything a container did, asked about; the names of the alerts for it.
    func run(_ container: inout TestContainer, _ script: String) throws -> [Alert] {
        take()
        alerts = []
        let (whole, mark) = (container.id, "\(container.folder)/rootfs/tmp/known")
        var isMarked = !script.contains(Self.known)
        try container.run(script) {
            take(milliseconds: 5)
            guard !isMarked, starts[whole, default: 0] >= 3 else { return }
            isMarked = FileManager.default.createFile(atPath: mark, contents: nil)
        }
        take()
        let id = String(container.id.prefix(12))
        return alerts.filter { $0.field("container.id") == id }
    }
}

struct NoRules: Error {}
