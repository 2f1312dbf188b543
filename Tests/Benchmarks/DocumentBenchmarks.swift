import Documents
import Foundation
import Kubernetes

/// How fast documents are read, and in how much memory.
enum DocumentBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("json-typed", goal: ">= 300 MB/s") { jsonTyped(.compact) },
        Benchmark("json-typed-pretty", goal: ">= 300 MB/s") { jsonTyped(.pretty) },
        Benchmark("json-memory", goal: "<= 3 x input") { try jsonMemory(.compact) },
        Benchmark("json-memory-pretty", goal: "<= 3 x input") { try jsonMemory(.pretty) },
        Benchmark("yaml-positions", goal: ">= 70 MB/s") { yamlPositions() },
        Benchmark("corpus-parse", goal: "<= 1 s") { corpusParse() },
    ]

    /// Parts that run in a process of their own: `bench --part <name> <arguments>`.
    static let parts: [String: @Sendable ([String]) throws -> Void] = ["json-memory": { try jsonMemoryPart($0) }]

    private static let jsonSize = 50_000_000

    private static func jsonTyped(_ style: TextStyle) -> Benchmark.Outcome {
        var generator = Generator()
        let source = SourceText(name: "", bytes: generator.podList(size: jsonSize, style))
        var checksum = 0
        let seconds = Measuring.shortest { checksum = readPods(source) }
        precondition(checksum > 0, "the pods have fields")
        return .figure(Double(source.bytes.count) / seconds / 1e6, unit: "MB/s")
    }

    /// Parses, then reads of every pod what the checks read first.
    private static func readPods(_ source: SourceText) -> Int {
        var sum = 0
        for document in DocumentReader.read(source, options: .server).documents {
            for pod in document.root["items"].elements {
                let metadata = pod["metadata"]
                sum += (metadata["name"].string?.utf8.count ?? 0) + (metadata["namespace"].string?.utf8.count ?? 0)
                let spec = PodSpec(pod["spec"], metadata: metadata)
                if spec.securityContext["runAsNonRoot"].bool == true { sum += 1 }
                if spec.hostNetwork || spec.hostPID { sum += 1 }
                for container in spec.allContainers {
                    sum += container.image.utf8.count
                    let security = container.securityContext
                    if security["privileged"].bool == true { sum += 1 }
                    if security["runAsNonRoot"].bool == true { sum += 1 }
                    if security["allowPrivilegeEscalation"].bool == false { sum += 1 }
                    for dropped in security["capabilities"]["drop"].elements where dropped.equals("ALL") { sum += 1 }
                }
            }
        }
        return sum
    }

    private static func jsonMemory(_ style: TextStyle) throws -> Benchmark.Outcome {
        try Measuring.inTemporaryFolder { folder in
            var generator = Generator()
            let bytes = generator.podList(size: jsonSize, style)
            let file = folder.appendingPathComponent("pods.json")
            try Data(bytes).write(to: file)
            let answer = try Measuring.child(["--part", "json-memory", file.path])
            guard let peak = Double(answer.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                return .skipped("the child process gave no figure")
            }
            return .figure(peak / Double(bytes.count), unit: "x input")
        }
    }

    /// Prints by how many bytes memory grew at most, the text itself included.
    private static func jsonMemoryPart(_ arguments: [String]) throws {
        let before = Measuring.residentMemory()
        Measuring.resetPeak()
        var sum = 0
        if let path = arguments.first, let file = fopen(path, "r") {
            fseek(file, 0, SEEK_END)
            let size = ftell(file)
            rewind(file)
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = fread(buffer.baseAddress, 1, size, file)
            }
            fclose(file)
            sum = readPods(SourceText(name: path, bytes: bytes))
        }
        precondition(sum > 0, "the pods have fields")
        print(Measuring.peakMemory() - before)
    }

    private static func yamlPositions() -> Benchmark.Outcome {
        var generator = Generator()
        let source = SourceText(name: "workloads.yaml", bytes: generator.manifests(size: 10_000_000))
        var checksum = 0
        let seconds = Measuring.shortest {
            checksum = 0
            for document in DocumentReader.read(source).documents {
                checksum += document.root["spec"]["template"].location?.line ?? 0
            }
        }
        precondition(checksum > 0, "the workloads have templates")
        return .figure(Double(source.bytes.count) / seconds / 1e6, unit: "MB/s")
    }

    private static func corpusParse() -> Benchmark.Outcome {
        let root =
            ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"]
            ?? (FileManager.default.fileExists(atPath: "../shared") ? "../shared" : "")
        let folder = URL(fileURLWithPath: root).appendingPathComponent("posture/corpus")
        guard !root.isEmpty, let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        else {
            return .skipped("MARTLET_CONFORMANCE names no folder with posture/corpus")
        }
        var texts: [SourceText] = []
        for case let url as URL in walk where ["yaml", "yml", "json"].contains(url.pathExtension) {
            guard let data = try? Data(contentsOf: url) else { continue }
            texts.append(SourceText(name: url.path, bytes: Array(data)))
        }
        var documents = 0
        let seconds = Measuring.shortest {
            documents = 0
            // A text of its own each time: lines found before are not found again.
            for text in texts {
                documents += DocumentReader.read(SourceText(name: text.name, bytes: text.bytes)).documents.count
            }
        }
        precondition(documents > 0, "the corpus has documents")
        return .figure(seconds, unit: "s for \(texts.count) files and \(documents) documents")
    }
}
