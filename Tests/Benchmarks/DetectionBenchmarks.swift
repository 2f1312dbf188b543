import Detection
import Documents
import Foundation

/// How fast rules load and events are decided.
///
/// Rule files and events are those of MARTLET_CONFORMANCE/falco where that folder is; without it only Martlet's own
/// rules on made events are measured.
enum DetectionBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("detection-load", goal: "<= 40 ms") { try load() },
        Benchmark("detection-event-stable", goal: "<= 0.3 us") { try events(["falco_rules.yaml"]) },
        Benchmark("detection-event-all", goal: "<= 0.6 us") { try events(stock) },
        Benchmark("detection-event-unseen", goal: "none; values seen for the first time") { try unseen() },
        Benchmark("detection-audit", goal: ">= 60000 events/s") { try audit() },
        Benchmark("detection-own-rules", goal: "<= 5 ms") { own() },
    ]

    private static let stock = ["falco_rules.yaml", "falco-incubating_rules.yaml"]

    private static func file(_ name: String) -> [UInt8]? {
        let folder = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        return FileManager.default.contents(atPath: "\(folder)/falco/\(name)").map(Array.init)
    }

    private static func rules(_ names: [String]) -> RuleSet? {
        var set = RuleSet()
        for name in names {
            guard let bytes = file("rules/\(name)") else { return nil }
            _ = set.load(SourceText(name: name, bytes: bytes))
        }
        return set
    }

    private static let missing = Benchmark.Outcome.skipped("no folder falco in MARTLET_CONFORMANCE")

    private static func load() throws -> Benchmark.Outcome {
        let files = stock.compactMap { name in file("rules/\(name)").map { (name, $0) } }
        guard files.count == stock.count else { return missing }
        var rules = 0
        let seconds = Measuring.shortest {
            var set = RuleSet()
            for (name, bytes) in files { _ = set.load(SourceText(name: name, bytes: bytes)) }
            rules += set.detector("syscall", isEnabled: { _ in true })?.rules.count ?? 0
        }
        precondition(rules > 0, "the rule files load")
        return .figure(seconds * 1000, unit: "ms")
    }

    /// Rules alone: the values of the events are in their slots.
    private static func events(_ files: [String]) throws -> Benchmark.Outcome {
        guard var detector = rules(files)?.detector("syscall", isEnabled: { _ in true }),
            let lines = file("vectors/syscall-events.jsonl")
        else { return missing }
        var events: [Matcher.Event] = []
        for event in EventStream.read(lines).events { events.append(detector.event(event.values)) }
        let rounds = 400
        var found: [Int] = []
        var matches = 0
        let seconds = Measuring.shortest {
            matches = 0
            for _ in 0..<rounds {
                for event in events {
                    found.removeAll(keepingCapacity: true)
                    detector.matcher.match(event, into: &found)
                    matches += found.count
                }
            }
        }
        precondition(matches > 0, "the events have matches")
        return .figure(seconds * 1e6 / Double(rounds * events.count), unit: "us")
    }

    /// The same with a file name that no event had before: every check of the field is answered anew.
    private static func unseen() throws -> Benchmark.Outcome {
        guard var detector = rules(stock)?.detector("syscall", isEnabled: { _ in true }),
            let lines = file("vectors/syscall-events.jsonl"),
            let slot = detector.fields.firstIndex(where: { $0.field.description == "fd.name" })
        else { return missing }
        var events: [Matcher.Event] = []
        for event in EventStream.read(lines).events { events.append(detector.event(event.values)) }
        let names = (0..<200_000).map { Array("/var/lib/app/data/segment-\($0).db".utf8) }
        var count = 0
        let seconds = Measuring.shortest(of: 1) {
            for i in 0..<names.count {
                var event = events[i % events.count]
                let name = names[i]
                detector.matcher.set(slot, text: name.span, in: &event)
                count += detector.match(event).count
            }
        }
        return .figure(seconds * 1e6 / Double(names.count), unit: "us")
    }

    /// Bytes of audit events to matching rules.
    private static func audit() throws -> Benchmark.Outcome {
        guard var detector = rules(["k8s_audit_rules.yaml"])?.detector("k8s_audit", isEnabled: { _ in true }),
            let vectors = file("vectors/k8saudit-events.jsonl")
        else { return missing }
        let lines = try vectors.split(separator: 0x0A).map { line in
            Array(
                try DocumentReader.readJSON(SourceText(name: "", bytes: Array(line)))["event"].json().utf8)
        }
        let reader = AuditReader(detector)
        var matches = 0
        let seconds = try Measuring.shortest {
            for line in lines {
                let event = AuditEvent(try DocumentReader.readJSON(SourceText(name: "", bytes: line)))
                matches += reader.match(event, &detector).count
            }
        }
        precondition(matches > 0, "the events have matches")
        return .figure(Double(lines.count) / seconds, unit: "events/s")
    }

    private static func own() -> Benchmark.Outcome {
        var rules = 0
        let seconds = Measuring.shortest {
            var set = RuleSet()
            for source in OwnRules.sources { _ = set.load(source) }
            rules += set.rules.count
        }
        precondition(rules > 0, "Martlet's own rules load")
        return .figure(seconds * 1000, unit: "ms")
    }
}
