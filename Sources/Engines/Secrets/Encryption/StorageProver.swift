/// Asks for Secrets between readings of an API server's counters until each is shown to be stored this way or that.
///
/// Reading and counting are given by the caller; here is only what to read next. Groups that show one prefix are done
/// with two readings of the counters, mixed ones are halved.
package struct StorageProver: Sendable {
    package struct Target: Sendable, Hashable, Comparable {
        package var namespace: String
        package var name: String

        package init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }

        package static func < (a: Self, b: Self) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
    }

    package struct Proof: Sendable {
        package var target: Target
        package var verdict: StorageProof.Verdict
    }

    /// How often each Secret is asked for between two readings; doubled where other readers blur the picture.
    package var times = 2
    /// Secrets in one group at most.
    package var groupSize = 200
    /// Further attempts with a Secret that stays unclear.
    package var retries = 3

    private let counters: @Sendable () async throws -> StorageProof.Counters
    private let read: @Sendable (Target) async throws -> Bool

    /// - Parameters:
    ///   - counters: the server's counters now.
    ///   - read: asks for the metadata of one Secret; false where there is none any more.
    package init(
        counters: @escaping @Sendable () async throws -> StorageProof.Counters,
        read: @escaping @Sendable (Target) async throws -> Bool
    ) {
        self.counters = counters
        self.read = read
    }

    /// A proof for each Secret that is still there, in order.
    package func prove(_ targets: [Target]) async throws -> [Proof] {
        let sorted = Set(targets).sorted()
        var out: [Proof] = []
        for start in stride(from: 0, to: sorted.count, by: groupSize) {
            out += try await prove(
                group: sorted[start..<min(sorted.count, start + groupSize)], times: times, left: retries)
        }
        return out
    }

    private func prove(group: ArraySlice<Target>, times: Int, left: Int) async throws -> [Proof] {
        guard !group.isEmpty else { return [] }
        let before = try await counters()
        var present: [Target] = []
        for target in group {
            var isThere = true
            for _ in 0..<times where isThere { isThere = try await read(target) }
            if isThere { present.append(target) }
        }
        // One that vanished half-way leaves the sum uneven: the rest is asked again.
        guard present.count == group.count else {
            return try await prove(group: present[...], times: times, left: left)
        }
        let verdict = StorageProof.verdict(before, try await counters(), count: group.count, times: times)
        switch verdict {
        case .mixed:
            let middle = group.startIndex + group.count / 2
            return try await prove(group: group[..<middle], times: times, left: left)
                + prove(group: group[middle...], times: times, left: left)
        case .unclear where left > 0:
            // A louder question is heard over the others.
            return try await prove(group: group, times: times * 4, left: left - 1)
        default: return group.map { Proof(target: $0, verdict: verdict) }
        }
    }
}
