import Foundation
import Kubernetes
import Manifests
import Posture
import Secrets

/// Text as source files have it, made from a seed: words, assignments, calls, now and then a token.
enum SecretCorpus {
    static func source(bytes: Int) -> [UInt8] {
        var state: UInt64 = 88_172_645_463_325_252
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let words = [
            "return", "value", "index", "config", "client", "request", "handler", "token", "key", "password", "error",
            "string", "context", "result", "name", "path", "auth", "service", "secret", "count", "buffer", "length",
        ]
        var out: [UInt8] = []
        out.reserveCapacity(bytes + 200)
        while out.count < bytes {
            out += Array(String(repeating: " ", count: 4 * next(4)).utf8)
            for _ in 0..<next(9) + 2 {
                out += Array(words[next(words.count)].utf8) + [[0x20, 0x2E, 0x28, 0x5F][next(4)]]
            }
            if next(6) == 0 { out += Array("= get_\(words[next(words.count)])(\"\(next(9999))\")".utf8) }
            if next(400) == 0 { out += Array("api_key = \"a\(next(1 << 40))f\(next(1 << 40))\"".utf8) }
            out.append(0x0A)
        }
        return out
    }
}

/// How fast texts and objects are looked through.
enum SecretBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("secrets-source", goal: ">= 79 MB/s") { try source(.kingfisher) },
        Benchmark("secrets-packages", goal: ">= 79 MB/s, >= kingfisher") { try packages(.kingfisher) },
        Benchmark("secrets-source-betterleaks", goal: ">= betterleaks") { try source(.betterleaks) },
        Benchmark("secrets-source-credsweeper", goal: ">= credsweeper") { try source(.credsweeper) },
        Benchmark("secrets-source-detect-secrets", goal: ">= detect-secrets") { try source(.detectSecrets) },
        Benchmark("secrets-objects-10000", goal: "<= 1 CPU s") { try objects("CPU s") { $0.cpuSeconds } },
        Benchmark("secrets-objects-10000-memory", goal: "<= 100 MB") {
            try objects("MB") { Double($0.peakBytes) / 1e6 }
        },
    ]

    /// Parts that run in a process of their own.
    static let parts: [String: @Sendable ([String]) throws -> Void] = [
        "secrets-file": { arguments in
            guard let path = arguments.first else { exit(2) }
            var scan = SourceSecretScan(seal: .unkeyed)
            print(scan.scan(file: path, bytes: try FileBytes.read(path)).count)
        }
    ]

    /// Another scanner, and how it is told to read a folder on one core and ask nobody.
    private struct Scanner {
        var program: String
        var megabytes: Int
        var arguments: @Sendable (String) -> [String]

        static let kingfisher = Scanner(program: "kingfisher", megabytes: 32) {
            ["scan", $0, "--no-validate", "--jobs", "1", "--no-update-check", "--format", "json"]
        }
        static let betterleaks = Scanner(program: "betterleaks", megabytes: 32) {
            [$0, "--jobs", "1", "--log-level", "error"]
        }
        // Python: minutes for what the others read in a second.
        static let credsweeper = Scanner(program: "credsweeper", megabytes: 1) { ["--path", $0, "--jobs", "1"] }

        static let detectSecrets = Scanner(program: "detect-secrets", megabytes: 1) {
            // It looks at nothing outside the folder it stands in.
            ["-c", "1", "-C", $0, "scan", "--all-files", "--no-verify", "."]
        }
    }

    /// Made-up text, whose every fifth word is a reason to look: a program has far fewer.
    private static func source(_ other: Scanner) throws -> Benchmark.Outcome {
        let text = SecretCorpus.source(bytes: other.megabytes << 20)
        let pieces = stride(from: 0, to: text.count, by: 1 << 20).map {
            Array(text[$0..<min(text.count, $0 + 1 << 20)])
        }
        return try compare(pieces, other)
    }

    /// Programs as people write them: the sources of the packages that this build stands on.
    private static func packages(_ other: Scanner) throws -> Benchmark.Outcome {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folder = program.deletingLastPathComponent()
        while folder.path != "/", folder.lastPathComponent != ".build" { folder.deleteLastPathComponent() }
        let checkouts = folder.appendingPathComponent("checkouts").path
        let kinds: Set<String> = ["swift", "c", "h", "cc", "py", "sh", "md"]
        let names = FileManager.default.enumerator(atPath: checkouts)?.compactMap { $0 as? String } ?? []
        var text: [UInt8] = []
        for name in names.sorted() where kinds.contains((name as NSString).pathExtension) {
            guard FileManager.default.isReadableFile(atPath: "\(checkouts)/\(name)"),
                let file = FileManager.default.contents(atPath: "\(checkouts)/\(name)")
            else { continue }
            text += file
            if text.count >= other.megabytes << 20 { break }
        }
        guard text.count >= 8 << 20 else { return .skipped("no sources of packages in \(checkouts)") }
        let pieces = stride(from: 0, to: text.count, by: 1 << 20).map {
            Array(text[$0..<min(text.count, $0 + 1 << 20)])
        }
        return try compare(pieces, other)
    }

    /// The same files by us and another: bytes a second of one core, what it costs to begin taken off.
    private static func compare(_ pieces: [[UInt8]], _ other: Scanner) throws -> Benchmark.Outcome {
        let megabytes = Double(pieces.reduce(0) { $0 + $1.count }) / 1e6
        var scan = SourceSecretScan(seal: .unkeyed)
        _ = scan.scan(file: "warm.py", bytes: Array(pieces[0].prefix(1 << 16)))
        var found = 0
        let seconds = Measuring.shortest(of: 3) {
            found = pieces.reduce(0) { sum, piece in
                var scan = scan
                return sum + scan.scan(file: "a.py", bytes: piece).count
            }
        }
        precondition(found > 0, "the texts hold tokens")
        let own = megabytes / seconds
        guard let program = ScanBenchmarks.installed(other.program) else { return .figure(own, unit: "MB/s") }
        return try Measuring.inTemporaryFolder { folder in
            let (empty, full) = (folder.appendingPathComponent("empty"), folder.appendingPathComponent("full"))
            for folder in [empty, full] {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            try Data("nothing\n".utf8).write(to: empty.appendingPathComponent("a.py"))
            for (number, piece) in pieces.enumerated() {
                try Data(piece).write(to: full.appendingPathComponent("f\(number).py"))
            }
            func cpu(_ folder: URL) throws -> Double {
                try (0..<2).map { _ in try ScanBenchmarks.run(program, other.arguments(folder.path)).cpuSeconds }.min()
                    ?? 0
            }
            let theirs = megabytes / max(0.001, try cpu(full) - cpu(empty))
            return .figure(
                own, unit: "MB/s", peer: .init(name: other.program, figure: theirs, ratio: own / theirs))
        }
    }

    /// Ten thousand ConfigMaps of three kilobytes in one file, read by a process of its own.
    private static func objects(
        _ unit: String, _ figure: (ScanBenchmarks.Usage) -> Double
    ) throws -> Benchmark.Outcome {
        try Measuring.inTemporaryFolder { folder in
            var text = ""
            for number in 0..<10_000 {
                text += """
                    ---
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: c\(number), namespace: shop}
                    data:
                      app.properties: |

                    """
                for line in 0..<60 {
                    text += "    setting.\(line).value.of.service = value-\(line)-\(number) and more\n"
                }
            }
            let path = folder.appendingPathComponent("all.yaml")
            try Data(text.utf8).write(to: path)
            let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
            let best = try (0..<3).map { _ in
                figure(try ScanBenchmarks.run(program, ["--part", "secrets-file", path.path]))
            }.min()
            return .figure(best ?? 0, unit: unit)
        }
    }
}
