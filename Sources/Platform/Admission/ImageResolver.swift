package import Kubernetes

/// Finds the digest a tag stands for, once for all who ask at the same time.
///
/// A registry that does not answer costs nobody more than `patience`: whoever waits is told so, the look-up goes on,
/// and its answer, a failure too, is kept for those who ask next. While a registry does not answer, a tag counts as what it
/// stood for last: nodes pull from the same registry, and what was refused an hour ago is not let in by an outage.
package actor ImageResolver {
    package struct Limits: Sendable {
        /// Longest wait of one request.
        package var patience = Duration.milliseconds(300)
        /// How long a digest counts for a tag.
        package var lifetime = Duration.seconds(60)
        /// How long a failure is told again without another try.
        package var failureLifetime = Duration.seconds(15)
        /// How long the last digest of a tag counts while its registry does not answer.
        package var staleLifetime = Duration.seconds(24 * 3600)
        package var capacity = 100_000
        /// Look-ups at once; more are refused until some have ended.
        package var width = 64

        package init() {}
    }

    private struct Entry {
        var resolution: ImageResolution
        var ends: ContinuousClock.Instant
    }

    private struct Waiting {
        var waiters: [Int: CheckedContinuation<ImageResolution, Never>] = [:]
    }

    private let limits: Limits
    private let now: @Sendable () -> ContinuousClock.Instant
    private let lookUp: @Sendable (ImageReference) async throws -> String
    private var known: [ImageReference: Entry] = [:]
    private var pending: [ImageReference: Waiting] = [:]
    /// What tags stood for when a registry last said so.
    private var last: [ImageReference: Entry] = [:]
    private var nextWaiter = 0
    /// How often a registry was asked.
    package private(set) var lookUps = 0

    package init(
        limits: Limits = Limits(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        lookUp: @escaping @Sendable (ImageReference) async throws -> String
    ) {
        self.limits = limits
        self.now = now
        self.lookUp = lookUp
    }

    package func resolve(_ image: ImageReference) async -> ImageResolution {
        if let digest = image.digest { return .digest(digest) }
        if let entry = known[image] {
            if entry.ends > now() { return entry.resolution }
            known[image] = nil
        }
        if pending[image] == nil {
            guard pending.count < limits.width else { return .unknown("too many images are looked up at once") }
            pending[image] = Waiting()
            lookUps += 1
            Task { await self.run(image) }
        }
        let waiter = nextWaiter
        nextWaiter += 1
        let patience = limits.patience
        return await withCheckedContinuation { continuation in
            pending[image]?.waiters[waiter] = continuation
            Task {
                try? await Task.sleep(for: patience)
                self.giveUp(waiter, on: image)
            }
        }
    }

    private func run(_ image: ImageReference) async {
        var resolution: ImageResolution
        var isFailure = false
        do {
            resolution = .digest(try await lookUp(image))
            if last.count >= limits.capacity { last.removeAll(keepingCapacity: true) }
            last[image] = Entry(resolution: resolution, ends: now() + limits.staleLifetime)
        } catch {
            isFailure = true
            resolution = .unknown("registry \(image.registry): \(error)")
            // A registry that says the tag is not there has answered.
            if !Self.isAnswer(error) { resolution = stale(image) ?? resolution }
        }
        if known.count >= limits.capacity {
            let moment = now()
            known = known.filter { $0.value.ends > moment }
            if known.count >= limits.capacity { known.removeAll(keepingCapacity: true) }
        }
        known[image] = Entry(
            resolution: resolution, ends: now() + (isFailure ? limits.failureLifetime : limits.lifetime))
        let waiters = pending.removeValue(forKey: image)?.waiters ?? [:]
        for waiter in waiters.values { waiter.resume(returning: resolution) }
    }

    private func giveUp(_ waiter: Int, on image: ImageReference) {
        guard let continuation = pending[image]?.waiters.removeValue(forKey: waiter) else { return }
        continuation.resume(
            returning: stale(image) ?? .unknown("registry \(image.registry) did not answer in time"))
    }

    private func stale(_ image: ImageReference) -> ImageResolution? {
        last[image].flatMap { $0.ends > now() ? $0.resolution : nil }
    }

    /// What a look-up throws for a tag that the registry says is not there.
    package struct NoSuchImage: Error, Sendable, CustomStringConvertible {
        package var description: String

        package init(description: String) { self.description = description }
    }

    private static func isAnswer(_ error: any Error) -> Bool { error is NoSuchImage }
}
