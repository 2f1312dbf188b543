import Documents
import Foundation
import Kubernetes
import Posture

/// The whole program on whole inputs, measured from outside, and what one change costs.
enum ScanBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("help", goal: "<= 20 ms") { try help() },
        Benchmark("corpus-scan", goal: "<= 2 CPU s, >= 16 x checkov") { try corpus("CPU s") { $0.cpuSeconds } },
        Benchmark("corpus-scan-memory", goal: "<= 150 MB, >= 8 x checkov") {
            try corpus("MB") { Double($0.peakBytes) / 1e6 }
        },
        Benchmark("workloads-20000", goal: "<= 15 CPU s") { try generated("CPU s") { $0.cpuSeconds } },
        Benchmark("workloads-20000-memory", goal: "<= 500 MB") {
            try generated("MB") { Double($0.peakBytes) / 1e6 }
        },
        Benchmark("change-p99", goal: "<= 20 ms of 20,000 workloads") { change() },
        Benchmark("rbac-binding-change-scan-p99", goal: "<= 5 ms of 5,000 workloads, 10,000 bindings") {
            bindingChange()
        },
    ]

    /// A finished program, as the kernel accounts for it.
    struct Usage {
        var cpuSeconds: Double
        var wallSeconds: Double
        var peakBytes: Int
    }

    /// The kernel counts towards a program's peak what the process that started it had resident, so a small process
    /// of its own starts it.
    static func run(_ program: String, _ arguments: [String]) throws -> Usage {
        let answer = try Measuring.child(["--part", "run", program] + arguments)
        let figures = answer.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard figures.count == 3 else { throw CocoaError(.executableNotLoadable) }
        return Usage(cpuSeconds: figures[0], wallSeconds: figures[1], peakBytes: Int(figures[2]))
    }

    /// Parts that run in a process of their own.
    static let parts: [String: @Sendable ([String]) throws -> Void] = [
        "run": { arguments in
            guard let program = arguments.first else { exit(2) }
            let usage = try spawn(program, Array(arguments.dropFirst()))
            print(usage.cpuSeconds, usage.wallSeconds, Double(usage.peakBytes))
        }
    ]

    private static func spawn(_ program: String, _ arguments: [String]) throws -> Usage {
        var files: posix_spawn_file_actions_t = .init()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let start = ContinuousClock.now
        guard posix_spawnp(&process, program, &files, nil, words, environ) == 0 else {
            throw CocoaError(.executableNotLoadable)
        }
        var status: Int32 = 0
        var usage = rusage()
        wait4(process, &status, 0, &usage)
        let wall = ContinuousClock.now - start
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Usage(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            wallSeconds: Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18,
            peakBytes: usage.ru_maxrss * 1024)
    }

    /// The program that was built beside this one.
    static var martlet: String? {
        let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("martlet").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    static func installed(_ program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func help() throws -> Benchmark.Outcome {
        guard let martlet else { return .skipped("martlet is not built") }
        let best = try (0..<10).map { _ in try run(martlet, ["--help"]).wallSeconds }.min() ?? 0
        return .figure(best * 1000, unit: "ms")
    }

    private static func corpus(_ unit: String, _ figure: (Usage) -> Double) throws -> Benchmark.Outcome {
        guard let martlet else { return .skipped("martlet is not built") }
        let root = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        let corpus = "\(root)/posture/corpus"
        guard FileManager.default.fileExists(atPath: corpus) else { return .skipped("no \(corpus)") }
        let own =
            try (0..<3).map { _ in
                figure(try run(martlet, ["scan", corpus, "--output", "json", "--fail-on", "never", "--no-render"]))
            }.min() ?? 0
        guard let checkov = installed("checkov") else { return .figure(own, unit: unit) }
        let theirs = figure(
            try run(checkov, ["-d", corpus, "--framework", "kubernetes", "--compact", "--quiet", "-o", "json"]))
        return .figure(own, unit: unit, peer: .init(name: "checkov", figure: theirs, ratio: theirs / own))
    }

    private static func generated(_ unit: String, _ figure: (Usage) -> Double) throws -> Benchmark.Outcome {
        guard let martlet else { return .skipped("martlet is not built") }
        return try Measuring.inTemporaryFolder { folder in
            var generator = Generator()
            for part in 0..<200 {
                let objects = (0..<100).map { _ in generator.workload() }
                var writer = JSONWriter()
                writer.object { json in
                    json.member("apiVersion", "v1")
                    json.member("kind", "List")
                    json.member("items", array: { json in for object in objects { json.value(object) } })
                }
                try Data(writer.bytes).write(to: folder.appendingPathComponent("\(part).json"))
            }
            let usage = try run(martlet, ["scan", folder.path, "--output", "json", "--fail-on", "never"])
            return .figure(figure(usage), unit: unit)
        }
    }

    /// 20,000 workloads are held; one after another changes and is evaluated again.
    /// One binding made and deleted, the whole scan brought up to date with it.
    private static func bindingChange() -> Benchmark.Outcome {
        let workloads = (0..<5000).map { number in
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d\(number)","namespace":"ns\(number % 50)"},\
            "spec":{"template":{"spec":{"serviceAccountName":"a\(number)","containers":[{"name":"c","image":"i:1"}]}}}}
            """
        }
        let objects = AccessCluster.objects(AccessCluster.rights() + workloads)
        let bindings = objects.filter { $0.kind.hasSuffix("Binding") }.prefix(200)
        var scan = PostureScan(Inventory(objects), options: ScanOptions(cluster: "bench"))
        var times: [Double] = []
        for binding in bindings {
            for event in [Inventory.Event.deleted(binding), .added(binding)] {
                times.append(Measuring.threadSeconds { scan.apply(event) } * 1e3)
            }
        }
        times.sort()
        return .figure(times[times.count * 99 / 100], unit: "ms")
    }

    private static func change() -> Benchmark.Outcome {
        var generator = Generator()
        var objects: [KubernetesObject] = []
        for serial in 0..<20_000 {
            var value = generator.workload()
            if case .object(var members) = value, let index = members.firstIndex(where: { $0.key == "metadata" }),
                case .object(var metadata) = members[index].value
            {
                metadata.removeAll { $0.key == "name" }
                metadata.append(.init("name", .string("workload-\(serial)")))
                members[index].value = .object(metadata)
                value = .object(members)
            }
            var writer = JSONWriter()
            writer.value(value)
            let read = DocumentReader.read(SourceText(name: "", bytes: writer.bytes), options: .server)
            if let object = read.documents.first.flatMap({ KubernetesObject($0.root) }) { objects.append(object) }
        }
        var scan = PostureScan(Inventory(objects), options: ScanOptions(cluster: "bench"))
        var times: [Double] = []
        for object in objects.prefix(1_000) {
            var editor = DocumentEditor(object.node)
            editor.set("spec.template.spec.hostPID", true)
            let changed = object.with(editor.finish())
            let start = ContinuousClock.now
            scan.apply(.modified(changed))
            let time = ContinuousClock.now - start
            times.append(Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15)
        }
        times.sort()
        return .figure(times[times.count * 99 / 100], unit: "ms")
    }
}
