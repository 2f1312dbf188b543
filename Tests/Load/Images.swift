import Admission
import AdmissionImages
import Findings
import Foundation
import ImageInspection
import ImageStore
import Kubernetes
import NIOCore
import NIOPosix
import Vulnerabilities

extension Load {
    /// Verdicts out of a store on disk, as the door has them after a restart: nothing is in memory yet.
    static let images = Load(name: "images") {
        let folder = FileManager.default.temporaryDirectory.appending(path: "load-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try ImageStore.open(path: folder.appending(path: "images.db").path)
        try KnownImages.fill(store, count: 100_000)
        let registry = try await SilentRegistry()
        var images = Admission.ImagePolicy()
        images.refusals = [.init(severity: .critical, fixAvailableForDays: 14)]
        var options = ImageInspection.Options(cache: nil)
        options.registry.insecure = [registry.host]
        let examiner = ImageExaminer(
            [try ImageInspection(options)],
            shelf: AdvisoryShelf(path: folder.appending(path: "none.db").path), now: { KnownImages.now })
        let verdicts = StoredVerdicts(store, examiner, policy: images)
        var policy = AdmissionPolicy(defaultMode: .off)
        policy.images = images
        // Only the image policy: the door's other rules of images are the scan's.
        policy.entries = [.init(checks: ImageRules.all.map { Glob($0.id) }, mode: .enforce)]
        let reviewer = AdmissionReviewer(policy: policy, inventory: Inventory(Requests.namespace), images: verdicts)
        @Sendable func ask(_ index: Int, _ image: String) async -> (milliseconds: Double, isRefused: Bool) {
            let body = Requests.review(index, image: image)
            let begin = ContinuousClock.now
            let reviewed = await reviewer.review(body, today: Requests.today)
            return ((ContinuousClock.now - begin) / .milliseconds(1), reviewed.decision.outcome == .refused)
        }
        var times: [Double] = []
        var wrong = 0
        for index in 0..<5000 {
            let number = index * 7919 % 100_000
            let answer = await ask(index, "registry.example/a@\(KnownImages.digest(number))")
            times.append(answer.milliseconds)
            if answer.isRefused != (number % 7 == 0) { wrong += 1 }
        }
        // One new tag of a registry that does not answer, asked for by a thousand at once.
        let new = Requests.review(1, image: "\(registry.host)/new:1")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 { group.addTask { _ = await reviewer.review(new, today: Requests.today) } }
        }
        let resolutions = Double(await verdicts.resolver.lookUps)
        let queued = Double(verdicts.waiting)
        // Two hundred requests a second for tags of it, each of them new to the door or known to be without answer.
        let slow = await withTaskGroup(of: Double.self) { group in
            let begin = ContinuousClock.now
            for index in 0..<400 {
                try? await Task.sleep(until: begin + .milliseconds(5 * index), clock: .continuous)
                group.addTask { await ask(index, "\(registry.host)/down-\(index % 40):1").milliseconds }
            }
            return await group.reduce(into: [Double]()) { $0.append($1) }
        }
        await verdicts.close()
        try await registry.close()
        return [
            line("image-verdict-p99-of-100000", percentile(times, 0.99), "ms", goal: "5"),
            line("image-verdict-p50-of-100000", percentile(times, 0.5), "ms", goal: "none"),
            line("image-verdicts-wrong", Double(wrong), "of 5000", goal: "0"),
            line("image-resolutions-of-1000-pods", resolutions, "look-ups", goal: "1"),
            line("image-scans-queued-by-1000-pods", queued, "scans", goal: "1"),
            line("image-registry-down-time-outs", Double(slow.count { $0 >= 2000 }), "of 400 requests", goal: "0"),
            line("image-registry-down-slowest", slow.max() ?? 0, "ms", goal: "2000 (the time-out)"),
        ]
    }
}

/// What a store holds of many images.
private enum KnownImages {
    static func digest(_ index: Int) -> String {
        let text = String(index, radix: 16)
        return "sha256:" + String(repeating: "0", count: 64 - text.count) + text
    }

    /// The day of ``Requests/today``.
    static let now = Date(
        timeIntervalSince1970: Double(CivilDate(year: 2026, month: 11, day: 23).dayNumber) * 86_400 + 1)

    static func fill(_ store: ImageStore, count: Int) throws {
        let day = Date(timeIntervalSince1970: 1_790_000_000)
        let packages = (0..<4).map { SoftwarePackage(type: "deb", name: "p-\($0)", version: "1.2.2") }
        for start in stride(from: 0, to: count, by: 10_000) {
            try store.store(
                (start..<min(count, start + 10_000)).map { index in
                    StoredImage(
                        digest: digest(index), reference: "registry.example/a:\(index)",
                        distribution: Distribution(id: "debian", version: "12"), packages: packages, stored: day)
                })
        }
        for index in 0..<count {
            let severity: Vulnerabilities.Severity = index % 7 == 0 ? .critical : .medium
            let items = (0..<8).map { number in
                StoredVerdict.Item(
                    id: "CVE-2026-\(index % 5000 + number)", package: "p-\(number % 4)", version: "1.2.2",
                    severity: severity, fix: "1.2.3", fixed: CivilDate(year: 2026, month: 10, day: 1 + index % 28),
                    epss: 0.01)
            }
            let verdict = StoredVerdict(
                digest: digest(index), database: "load", decided: day, items: items, unassessed: 0)
            try store.store(verdict, items: items)
        }
    }
}

/// A registry that takes connections and says nothing.
private struct SilentRegistry {
    private let channel: any Channel
    let host: String

    init() async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        host = "127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    func close() async throws { try await channel.close() }
}
