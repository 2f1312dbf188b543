package import Admission
import ContainerImages
import ImageInspection
package import ImageStore
package import Kubernetes
import Synchronization
import Vulnerabilities

/// What is known of images, out of a store that survives restarts; what is not known is looked into beside the requests.
///
/// A request reads memory or one row of the store, and waits for a registry's word on a tag for as long as
/// ``ImageResolver`` lets it. `run()` does the rest: it looks into images that were asked for, and compares all that are
/// stored with a new advisory database without pulling any of them again.
package final class StoredVerdicts: ImageVerdicts {
    package struct Options: Sendable {
        /// Images looked into at once.
        package var width = 2
        /// Images that may wait; who comes when there are more is looked into when asked for again.
        package var waiting = 10_000
        /// How long an image that could not be looked into is left alone.
        package var failureLifetime = Duration.seconds(120)
        /// Longest that a registry may take to name a digest.
        package var lookUpLimit = Duration.seconds(10)
        /// Facts held in memory: images and their vulnerabilities together.
        package var weight = 400_000
        /// How often the advisory database is looked at.
        package var pause = Duration.seconds(60)

        package init() {}
    }

    /// What became of an image that was waited for.
    package struct Note: Sendable {
        package var name: String
        /// Nil where it was looked into.
        package var failure: String?
        package var vulnerabilities: Int
    }

    private struct Order: Sendable {
        var image: ImageReference
        var digest: String?
        var key: String
    }

    private struct State {
        var memory: FactsMemory
        var queued: Set<String> = []
        var failed: [String: ContinuousClock.Instant] = [:]
        var counts = Counts()
        /// The advisory database that the memory rests on.
        var database = ""
    }

    package struct Counts: Sendable, Equatable {
        package var examined = 0
        package var failed = 0
        package var rematched = 0
        /// Came when too many were waiting.
        package var dropped = 0
        /// The store could not be read or written.
        package var storeErrors = 0
    }

    private let store: ImageStore
    private let examiner: ImageExaminer
    private let facts: StoredFacts
    private let options: Options
    private let onNote: @Sendable (Note) -> Void
    private let state: Mutex<State>
    private let orders: AsyncStream<Order>
    private let queue: AsyncStream<Order>.Continuation
    package let resolver: ImageResolver

    /// - Parameter onNote: told of every image that was looked into, or could not be.
    package init(
        _ store: ImageStore, _ examiner: ImageExaminer, policy: Admission.ImagePolicy, options: Options = Options(),
        limits: ImageResolver.Limits = ImageResolver.Limits(), onNote: @escaping @Sendable (Note) -> Void = { _ in }
    ) {
        self.store = store
        self.examiner = examiner
        facts = StoredFacts(store: store, policy: policy)
        self.options = options
        self.onNote = onNote
        state = Mutex(State(memory: FactsMemory(capacity: options.weight)))
        (orders, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(options.waiting))
        let client = examiner.inspections[0].client
        let limit = options.lookUpLimit
        resolver = ImageResolver(limits: limits) { image in
            do {
                let digest = try await Self.within(limit) {
                    try await RegistrySource(image.named(), client).digest().description
                }
                // For simulations and replays, which ask no registry; where it cannot be kept they do without.
                try? store.note(StoredFacts.tag, [(image.named(), digest)])
                return digest
            } catch let error as ImageError where error.code == .notFound || error.code == .badName {
                throw ImageResolver.NoSuchImage(description: error.message)
            } catch let error as ImageError {
                throw ImageExaminer.Failed(description: error.message)
            }
        }
    }

    private struct TooSlow: Error, CustomStringConvertible {
        var description: String { "no answer in time" }
    }

    private static func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw TooSlow()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw TooSlow() }
            return first
        }
    }

    package var counts: Counts { state.withLock { $0.counts } }
    package var waiting: Int { state.withLock { $0.queued.count } }

    // MARK: Asked by requests

    package func verdict(of digest: String) -> ImageVerdict? {
        guard let parts = parts(of: digest), let first = parts.first else { return nil }
        if !facts.policy.identities.isEmpty, parts.contains(where: { $0.signers == nil }) {
            // Looked into when nobody asked for signatures yet.
            enqueue(ImageReference(first.reference), digest: digest)
        }
        return StoredFacts.verdict(parts, digest, today: examiner.today.dayNumber)
    }

    package func resolve(_ image: ImageReference) async -> ImageResolution { await resolver.resolve(image) }

    package func enqueue(_ image: ImageReference, digest: String?) {
        let key = image.named(digest: digest)
        let isNew = state.withLock { state in
            if let until = state.failed[key] {
                guard until <= .now else { return false }
                state.failed[key] = nil
            }
            return state.queued.insert(key).inserted
        }
        guard isNew else { return }
        if case .enqueued = queue.yield(Order(image: image, digest: digest, key: key)) { return }
        state.withLock { state in
            state.queued.remove(key)
            state.counts.dropped += 1
        }
    }

    package func areSame(_ one: String, _ other: String) -> Bool? {
        guard one != other else { return true }
        guard let a = listing(one), let b = listing(other) else { return nil }
        return !a.isDisjoint(with: b)
    }

    private func listing(_ digest: String) -> Set<String>? {
        do throws(ImageStoreError) {
            return try facts.listing(digest)
        } catch {
            countStoreError()
            return nil
        }
    }

    // MARK: Stored

    private func countStoreError() { state.withLock { $0.counts.storeErrors += 1 } }

    private func parts(of digest: String) -> [ImageFacts]? {
        if let known = state.withLock({ $0.memory[digest] }) { return known }
        do throws(ImageStoreError) {
            guard let entry = try facts.entry(of: digest) else { return nil }
            state.withLock { $0.memory.keep(entry, of: digest) }
            return entry.parts
        } catch {
            countStoreError()
            return nil
        }
    }

    private func save(_ examined: ImageExaminer.Examined) throws(ImageStoreError) {
        for part in examined.parts { try part.record.store(in: store) }
        try store.note(StoredFacts.door, examined.parts.map { ($0.digest, $0.note.text) })
        if let index = examined.index {
            let seen = examined.parts.map(\.digest).joined(separator: " ")
            try store.note(StoredFacts.index, [(index.digest, ([seen] + index.listed).joined(separator: "\n"))])
        }
        state.withLock { state in
            for part in examined.parts { state.memory.forget(part.digest) }
            if let index = examined.index { state.memory.forget(index.digest) }
        }
    }
}

// MARK: Beside the requests

extension StoredVerdicts {
    /// Looks into what is asked for and keeps up with the advisory database, until it is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.work() }
            group.addTask { await self.keepUp() }
        }
    }

    private func work() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await order in orders {
                if running >= options.width {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { await self.examine(order) }
            }
        }
    }

    private func examine(_ order: Order) async {
        var note = Note(name: order.key, failure: nil, vulnerabilities: 0)
        do {
            let examined = try await examiner.examine(order.image, digest: order.digest)
            try save(examined)
            note.vulnerabilities = examined.parts.map(\.record.items.count).max() ?? 0
        } catch let error as ImageError {
            note.failure = error.message
        } catch {
            note.failure = "\(error)"
        }
        let lifetime = options.failureLifetime
        state.withLock { state in
            state.queued.remove(order.key)
            if note.failure == nil {
                state.counts.examined += 1
            } else {
                state.counts.failed += 1
                if state.failed.count > 10_000 { state.failed.removeAll() }
                state.failed[order.key] = .now + lifetime
            }
        }
        onNote(note)
    }

    private func keepUp() async {
        while !Task.isCancelled {
            do {
                try await rematch()
            } catch is CancellationError {
                return
            } catch {
                countStoreError()
            }
            do { try await Task.sleep(for: options.pause) } catch { return }
        }
    }

    /// Compares every stored image with the advisory database there is now; returns how many were due.
    @discardableResult
    package func rematch() async throws -> Int {
        let copy = try examiner.shelf.current()
        // Somebody else may have compared what the store holds: what is remembered of another database is not right.
        state.withLock { state in
            guard state.database != copy.digest else { return }
            if !state.database.isEmpty { state.memory.removeAll() }
            state.database = copy.digest
        }
        let rescan = StoredRescan(store, copy.database, database: copy.digest, today: examiner.today)
        var done = 0
        while true {
            let due = try store.needingRescan(since: copy.digest, limit: 100)
            guard !due.isEmpty else { return done }
            for digest in due {
                try Task.checkCancellation()
                _ = try rescan.compare(digest, examiner.now())
                state.withLock { $0.memory.forget(digest) }
                done += 1
                await Task.yield()
            }
            state.withLock { $0.counts.rematched += due.count }
        }
    }

    /// In the text form that Prometheus reads.
    package var metrics: String {
        let (counts, waiting) = state.withLock { ($0.counts, $0.queued.count) }
        var out = "# HELP martlet_admission_images_total Images looked into for the door, by outcome.\n"
        out += "# TYPE martlet_admission_images_total counter\n"
        for (outcome, count) in [
            ("examined", counts.examined), ("failed", counts.failed), ("rematched", counts.rematched),
            ("dropped", counts.dropped),
        ] { out += "martlet_admission_images_total{outcome=\"\(outcome)\"} \(count)\n" }
        out += "# HELP martlet_admission_image_store_errors_total Times the image store did not answer.\n"
        out += "# TYPE martlet_admission_image_store_errors_total counter\n"
        out += "martlet_admission_image_store_errors_total \(counts.storeErrors)\n"
        out += "# HELP martlet_admission_images_waiting Images that wait to be looked into.\n"
        out += "# TYPE martlet_admission_images_waiting gauge\nmartlet_admission_images_waiting \(waiting)\n"
        return out
    }

    /// Ends the connections to registries.
    package func close() async {
        for inspection in examiner.inspections { await inspection.close() }
    }
}
