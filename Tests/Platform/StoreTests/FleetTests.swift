import Findings
import Store
import Testing

/// What keeps the screens quick: counters of the fleet, words to look for, time that was watched.
@Suite struct FleetTests {
    private static func image(
        _ number: Int, _ advisory: String, in image: String, cluster: String, severity: Severity = .critical
    ) -> FindingRow {
        FindingRow(
            cluster: cluster, fingerprint: "image-\(number)", rule: advisory, severity: severity, status: .failing,
            kind: FindingRow.imageKind, namespace: "", name: image, title: "\(advisory) in zlib",
            message: "zlib 1.\(number) has \(advisory)", source: "trivy")
    }

    /// Two clusters with one rule, two images and two advisories between them.
    private static func fill(_ store: Store) async throws {
        try await FindingTests.begin(store, ["prod", "test"])
        for cluster in ["prod", "test"] {
            var rows = [
                image(1, "CVE-1", in: "shop/cart:1", cluster: cluster),
                image(2, "CVE-2", in: "shop/cart:1", cluster: cluster, severity: .low),
            ]
            if cluster == "prod" { rows.append(image(3, "CVE-1", in: "shop/web:1", cluster: cluster)) }
            rows += (10..<14).map { number in
                var row = FindingRow.example(number, severity: .high, namespace: "shop", message: "message \(number)")
                row.cluster = cluster
                return row
            }
            _ = try await FindingTests.apply(store, at: 5, rows, cluster: cluster)
        }
    }

    @Test(arguments: Database.available)
    func theFleetCountsWhatItsClustersCount(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            let everything = RankingQuery(.advisory, scope: .everything, order: .severity)
            let prod = RankingQuery(.advisory, scope: AccessScope([.init(cluster: "prod")]), order: .severity)
            let (all, some, places) = try await store.read { db in
                (
                    try db.ranking(everything), try db.ranking(prod),
                    try db.clusters(with: "CVE-1", of: .advisory, in: .everything).map { "\($0.cluster) \($0.total)" }
                )
            }
            #expect(all.map(\.item) == ["CVE-1", "CVE-2"])
            #expect(all.map(\.total) == [3, 2])
            #expect(all.map(\.worst) == [.critical, .low])
            #expect(some.map(\.total) == [2, 1])
            #expect(places == ["prod 2", "test 1"])
            let nobody = RankingQuery(.advisory, scope: AccessScope([.init(cluster: "prod", namespace: "shop")]))
            #expect(try await store.read { try $0.ranking(nobody) }.isEmpty, "images belong to no namespace")
            let totals = try await store.read { try $0.rankingTotals(everything) }
            #expect(totals.items == 2)
            #expect(totals.risk == 3 * Severity.critical.weight + 2 * Severity.low.weight)
        }
    }

    @Test(arguments: Database.available)
    func aClusterThatIsForgottenCountsNoMore(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            _ = try await store.write { try $0.removeCluster("prod") }
            let query = RankingQuery(.image, scope: .everything)
            #expect(
                try await store.read { try $0.ranking(query).map { "\($0.item) \($0.total)" } } == ["shop/cart:1 2"])
        }
    }

    @Test(arguments: Database.available)
    func whatIsFixedLeavesTheRanking(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            for cluster in ["prod", "test"] {
                _ = try await FindingTests.apply(store, at: 6, gone: ["image-1"], cluster: cluster)
            }
            let query = RankingQuery(.advisory, scope: .everything, severity: .critical)
            #expect(try await store.read { try $0.ranking(query).map(\.total) } == [1])
        }
    }

    @Test(arguments: Database.available)
    func wordsAreFoundInNamesRulesAndTitlesAndInOneClusterInMessages(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            func found(_ text: String, cluster: String? = nil, limit: Int = 50) async throws -> Int {
                try await store.read {
                    try $0.findings(FindingQuery(scope: .everything, cluster: cluster, text: text, limit: limit)).count
                }
            }
            #expect(try await found("cve-1") == 3, "a rule, whatever the case")
            #expect(try await found("CVE-1", limit: 2) == 2)
            #expect(try await found("in ZLIB") == 5, "a title")
            #expect(try await found("shop/web") == 1, "a name")
            #expect(try await found("message 12", cluster: "prod") == 1)
            #expect(try await found("message 12") == 0, "messages of the whole fleet are not searched")
            #expect(try await found("100%") == 0)
            #expect(try await found("nothing like this") == 0)
            let name = FindingRow.example(10).name
            let rows = try await store.read {
                try $0.findings(FindingQuery(scope: AccessScope([.init(cluster: "test")]), text: name))
            }
            #expect(Set(rows.map(\.cluster)) == ["test"], "what is hidden is not found")
        }
    }

    @Test(arguments: Database.available)
    func advisoriesWithAFixAreToldFromThoseWithout(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            try await store.write { db in
                try db.write([
                    AdvisoryRow(id: "CVE-1", package: "zlib", fixed: "1.3", firstSeen: 5),
                    AdvisoryRow(id: "CVE-2", package: "zlib", fixed: "", firstSeen: 5),
                ])
                try db.write([AdvisoryRow(id: "CVE-1", package: "zlib", fixed: "1.4", firstSeen: 9)])
            }
            func items(_ isFixable: Bool) async throws -> [String] {
                let query = RankingQuery(.advisory, scope: .everything, isFixable: isFixable)
                return try await store.read { try $0.ranking(query).map(\.item) }
            }
            #expect(try await items(true) == ["CVE-1"])
            #expect(try await items(false) == ["CVE-2"])
            let known = try await store.read { try $0.advisories(["CVE-1"])["CVE-1"] }
            #expect(known == AdvisoryRow(id: "CVE-1", package: "zlib", fixed: "1.4", firstSeen: 5))
        }
    }

    @Test(arguments: Database.available)
    func aWatchGrowsUntilItBreaks(_ database: Database) async throws {
        try await database.withStore { store in
            try await FindingTests.begin(store)
            let hour = 3_600_000
            let steps: [(at: Int, isComplete: Bool)] = [
                (0, true), (hour / 2, true), (hour, true), (3 * hour, true), (3 * hour + 1, false),
            ]
            for step in steps {
                try await store.write {
                    try $0.noteWatched("prod", at: step.at, isComplete: step.isComplete, version: "1")
                }
            }
            let rows = try await store.read { try $0.watched("prod") }
            #expect(rows.map(\.from) == [0, 3 * hour, 3 * hour + 1])
            #expect(rows.map(\.to) == [hour, 3 * hour, 3 * hour + 1])
            #expect(rows.map(\.isComplete) == [true, true, false])
        }
    }

    @Test(arguments: Database.available)
    func theStoreTellsWhatBecameOfEachFinding(_ database: Database) async throws {
        try await database.withStore { store in
            try await FindingTests.begin(store)
            let finding = FindingRow.example(1)
            var waived = finding
            waived.status = .waived
            _ = try await FindingTests.apply(store, at: 10, [finding])
            _ = try await FindingTests.apply(store, at: 20, [waived])
            _ = try await FindingTests.apply(store, at: 30, gone: [finding.fingerprint])
            _ = try await FindingTests.apply(store, at: 40, [finding])
            let rows = try await store.read { try $0.evidence(of: "prod", before: 40) }
            #expect(rows.map(\.at) == [10, 20, 30])
            #expect(rows.map(\.status) == [.failing, .waived, .fixed])
        }
    }
}
