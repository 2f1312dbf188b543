import Foundation
import ImageStore
import Vulnerabilities

/// Stored inventories and verdicts: what admission asks for every pod, and what a new advisory asks of all images.
enum ImageStoreBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("images-advisory-3M-packages", goal: "<= 100 ms") { try advisory() },
        Benchmark("images-verdict-p99", goal: "<= 5 ms") { try verdict() },
    ]

    private static func withStore(_ body: (ImageStore) throws -> Benchmark.Outcome) throws -> Benchmark.Outcome {
        let folder = FileManager.default.temporaryDirectory.appending(path: "image-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(try ImageStore.open(path: folder.appending(path: "images.db").path))
    }

    private static func package(_ number: Int, _ version: Int) -> SoftwarePackage {
        var package = SoftwarePackage(type: "deb", name: "lib\(number)", version: "1.\(version)-1")
        package.sources = [SoftwarePackage.Source(name: "source\(number / 2)")]
        return package
    }

    /// 10,000 images of 300 packages each; every image has the package that the advisory is of, in one of 40 versions.
    private static func advisory() throws -> Benchmark.Outcome {
        try withStore { store in
            let distribution = Distribution(id: "debian", version: "12")
            for start in stride(from: 0, to: 10_000, by: 500) {
                try store.store(
                    (start..<start + 500).map { image in
                        let first = image % 40 * 150
                        let packages = (0..<300).map { package($0 == 0 ? 0 : first + $0, image % 40) }
                        return StoredImage(
                            digest: "sha256:\(image)", reference: "", distribution: distribution, packages: packages,
                            stored: Date(timeIntervalSince1970: 0))
                    })
            }
            var entry = AffectedPackage(EcosystemKey("debian:12"), "source0")
            entry.fix(in: "1.20-1")
            var advisory = Advisory("CVE-2030-1")
            advisory.affected = [entry]
            let found = try store.affected(by: advisory)
            guard found.count >= 5_000 else { return .skipped("only \(found.count) images were found") }
            let seconds = try Measuring.shortest { _ = try store.affected(by: advisory) }
            return .figure(seconds * 1000, unit: "ms")
        }
    }

    /// Of 100,000 digests.
    private static func verdict() throws -> Benchmark.Outcome {
        try withStore { store in
            for number in 0..<100_000 {
                let items = [
                    StoredVerdict.Item(id: "CVE-1", package: "a", version: "1", severity: .high, fix: "2")
                ]
                try store.store(
                    StoredVerdict(
                        digest: "sha256:\(number)", database: "db", decided: Date(timeIntervalSince1970: 0),
                        items: items, unassessed: 0), items: items)
            }
            var times: [Double] = []
            for number in 0..<20_000 {
                let digest = "sha256:\(number * 48_271 % 100_000)"
                let start = ContinuousClock.now
                guard try store.verdict(digest: digest) != nil else { return .skipped("a verdict is missing") }
                times.append((ContinuousClock.now - start) / .milliseconds(1))
            }
            return .figure(times.sorted()[times.count * 99 / 100], unit: "ms")
        }
    }
}
