import Findings
import Store
import Testing

@Suite struct FindingTests {
    static func begin(_ store: Store, _ ids: [String] = ["prod"]) async throws {
        try await store.write { db in
            for id in ids { try db.addCluster(ClusterRow(id: id, name: id, source: "files", addedAt: 1)) }
        }
    }

    static func apply(
        _ store: Store, at time: Int, _ present: [FindingRow] = [], gone: [String] = [], cluster: String = "prod"
    ) async throws -> [FindingChange] {
        try await store.write { db in
            try db.apply(FindingDelta(cluster: cluster, at: time, present: present, gone: gone))
        }
    }

    @Test(arguments: Database.available)
    func aFindingKeepsItsHistory(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.begin(store)
            let finding = FindingRow.example(1)
            #expect(try await Self.apply(store, at: 10, [finding]).map(\.kind) == [.new])
            #expect(try await Self.apply(store, at: 20, [finding]).isEmpty, "the same again changes nothing")
            #expect(try await Self.apply(store, at: 30, gone: [finding.fingerprint]).map(\.kind) == [.fixed])
            #expect(try await Self.apply(store, at: 40, gone: [finding.fingerprint]).isEmpty)
            #expect(try await Self.apply(store, at: 50, [finding]).map(\.kind) == [.reopened])
            let kept = try #require(try await store.read { try $0.finding(finding.fingerprint, of: "prod") })
            #expect(kept.firstSeen == 10)
            #expect(kept.changedAt == 50)
            #expect(kept.reopened == 1)
            #expect(kept.fixedAt == nil)
            let events = try await store.read { try $0.history(of: finding.fingerprint, cluster: "prod").map(\.event) }
            #expect(events == ["fixed", "reopened"])
        }
    }

    @Test(arguments: Database.available)
    func countersAlwaysEqualTheCountedFindings(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.begin(store)
            var random = Dice(seed: 7)
            var time = 0
            for _ in 0..<60 {
                time += 1
                var present: [FindingRow] = []
                var gone: [String] = []
                for _ in 0..<random.below(12) {
                    let row = FindingRow.example(
                        random.below(40), severity: Severity.allCases[random.below(5)],
                        status: [.failing, .waived, .unobservable][random.below(3)],
                        namespace: ["shop", "bank", ""][random.below(3)], message: "\(random.below(2))")
                    if random.below(3) == 0 { gone.append(row.fingerprint) } else { present.append(row) }
                }
                _ = try await Self.apply(store, at: time, present, gone: gone)
                let counted = try await store.read { try $0.countedRollups() }
                let kept = try await store.read { try $0.rollups(.namespace) }
                #expect(kept == counted)
            }
        }
    }

    @Test(arguments: Database.available)
    func pagesHoldEveryFindingOnceWorstFirst(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.begin(store, ["a", "b"])
            for cluster in ["a", "b"] {
                let rows = (0..<57).map {
                    FindingRow.example(
                        $0, cluster: cluster, rule: $0 % 2 == 0 ? "pod/x" : "pod/y",
                        severity: Severity.allCases[$0 % 5], namespace: $0 % 3 == 0 ? "shop" : "bank")
                }
                _ = try await Self.apply(store, at: 5, rows, cluster: cluster)
            }
            for order in FindingQuery.Order.allCases {
                for severities in [[], [Severity.high, .low]] {
                    var query = FindingQuery(
                        scope: .everything, severities: Set(severities), order: order, limit: 10)
                    var seen: [String] = []
                    var ranks: [Int] = []
                    while true {
                        let asked = query
                        let page = try await store.read { try $0.findings(asked) }
                        seen += page.map { "\($0.cluster)/\($0.fingerprint)" }
                        ranks += page.map { -$0.severity.rank }
                        guard let last = page.last else { break }
                        query.after = FindingQuery.Cursor(last)
                    }
                    #expect(seen.count == (severities.isEmpty ? 114 : 46))
                    #expect(Set(seen).count == seen.count)
                    if order == .severity { #expect(ranks == ranks.sorted()) }
                }
            }
            let some = FindingQuery(scope: .everything, cluster: "a", namespace: "shop", rule: "pod/x", limit: 100)
            #expect(try await store.read { try $0.findings(some).count } == 10)
            let text = FindingQuery(scope: .everything, text: "APP-1%", limit: 100)
            #expect(try await store.read { try $0.findings(text).isEmpty }, "a % is a letter like any other")
        }
    }

    @Test(arguments: Database.available)
    func aScopeHidesWhatIsOutsideIt(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.begin(store, ["a", "b"])
            var everything: [FindingRow] = []
            for cluster in ["a", "b"] {
                let rows = ["", "team-x", "team-y", "team", "shop"].enumerated().map {
                    FindingRow.example($0.offset, cluster: cluster, namespace: $0.element)
                }
                everything += rows
                _ = try await Self.apply(store, at: 5, rows, cluster: cluster)
            }
            var random = Dice(seed: 11)
            for _ in 0..<200 {
                let parts = (0..<random.below(3)).map { _ in
                    AccessScope.Part(
                        cluster: [nil, "a", "b", "c"][random.below(4)],
                        namespace: [nil, "team-*", "shop", "team"][random.below(4)])
                }
                let scope = AccessScope(parts)
                let query = FindingQuery(scope: scope, limit: 100)
                let seen = Set(try await store.read { try $0.findings(query).map { "\($0.cluster)/\($0.namespace)" } })
                let allowed = Set(
                    everything.filter { scope.allows(cluster: $0.cluster, namespace: $0.namespace) }
                        .map { "\($0.cluster)/\($0.namespace)" })
                #expect(seen == allowed)
                let counted = Set(
                    try await store.read { try $0.rollups(.namespace, in: scope).map { "\($0.cluster)/\($0.item)" } })
                #expect(counted == allowed)
            }
        }
    }

    @Test(arguments: Database.available)
    func whatIsForgottenLeavesTheCountersToo(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.begin(store)
            _ = try await Self.apply(store, at: 10, [.example(1), .example(2)])
            _ = try await Self.apply(store, at: 20, gone: [FindingRow.example(1).fingerprint])
            let count = try await store.write { try $0.prune(findingsBefore: 30, eventsBefore: 30, now: 30) }
            #expect(count == 1)
            #expect(try await store.read { try $0.rollups(.namespace).map(\.total) } == [1])
            _ = try await store.write { try $0.removeCluster("prod") }
            #expect(try await store.read { try $0.rollups(.namespace) }.isEmpty)
        }
    }
}

/// Numbers that look like chance and are the same in every run.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(max(1, limit)))
    }
}
