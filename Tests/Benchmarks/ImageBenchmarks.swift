import ContainerImages
import Foundation
import ImageInspection

/// Reading images, on the layout that `scripts/peer-image` builds and MARTLET_PEER_IMAGE names.
enum ImageBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("image-cold", goal: "<= 7 CPU s") { try cold().0 },
        Benchmark("image-cold-memory", goal: "<= 120 MB") { try cold().1 },
        Benchmark("image-known", goal: "<= 50 ms") { try known() },
    ]

    /// Run in processes of their own, since memory counts.
    static let parts: [String: @Sendable ([String]) throws -> Void] = [
        "image": { arguments in
            let cache = arguments.count > 1 ? LayerCache(arguments[1]) : nil
            let start = Measuring.cpuSeconds()
            let (packages, layers) = try inspect(arguments[0], cache)
            let seconds = Measuring.cpuSeconds() - start
            print(seconds, Measuring.peakMemory(), packages, layers)
        }
    ]

    private final class Box: @unchecked Sendable {
        // Written by the task before the semaphore is signalled, read after.
        var result: ImageResult?
    }

    private static func inspect(_ path: String, _ cache: LayerCache?) throws -> (Int, Int) {
        let inspection = try ImageInspection(.init(cache: cache))
        let (box, done) = (Box(), DispatchSemaphore(value: 0))
        Task {
            box.result = await inspection.inspect(path)
            await inspection.close()
            done.signal()
        }
        done.wait()
        guard let result = box.result else { return (0, 0) }
        if let failure = result.failure { throw failure }
        return (result.packages.count, result.layers.count)
    }

    private static var path: String? { ProcessInfo.processInfo.environment["MARTLET_PEER_IMAGE"] }

    private static func measure(_ arguments: [String]) throws -> (seconds: Double, memory: Double) {
        let numbers = try Measuring.child(["--part", "image"] + arguments).split(whereSeparator: \.isWhitespace)
            .compactMap { Double($0) }
        guard numbers.count == 4 else { throw CocoaError(.fileReadCorruptFile) }
        return (numbers[0], numbers[1])
    }

    private static func cold() throws -> (Benchmark.Outcome, Benchmark.Outcome) {
        guard let path else {
            return (.skipped("MARTLET_PEER_IMAGE is not set"), .skipped("MARTLET_PEER_IMAGE is not set"))
        }
        let runs = try (0..<3).map { _ in try measure([path]) }
        return (
            .figure(runs.map(\.seconds).min() ?? 0, unit: "CPU s"),
            .figure((runs.map(\.memory).max() ?? 0) / 1_000_000, unit: "MB")
        )
    }

    private static func known() throws -> Benchmark.Outcome {
        guard let path else { return .skipped("MARTLET_PEER_IMAGE is not set") }
        return try Measuring.inTemporaryFolder { folder in
            _ = try measure([path, folder.path])
            let runs = try (0..<5).map { _ in try measure([path, folder.path]).seconds }
            return .figure((runs.min() ?? 0) * 1000, unit: "ms")
        }
    }
}
