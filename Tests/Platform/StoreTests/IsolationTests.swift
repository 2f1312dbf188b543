import Findings
import Store
import Testing

@Suite struct IsolationTests {
    private static let clusters = ["prod", "edge", "test"]
    private static let namespaces = ["", "shop", "shop-eu", "shop_eu", "team", "Shop"]

    private static func scope(_ generator: inout some RandomNumberGenerator) -> AccessScope {
        let patterns: [String?] = [nil, "shop", "shop*", "shop-*", "team", "t*", "*", "other"]
        let parts = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            AccessScope.Part(
                cluster: (Self.clusters + [nil]).randomElement(using: &generator) ?? nil,
                namespace: patterns.randomElement(using: &generator) ?? nil)
        }
        return AccessScope(parts)
    }

    /// Labels of a namespace of a cluster; what has no namespace has none, and `team` carries both.
    private static func labels(_ cluster: String, _ namespace: String) -> [String] {
        switch (cluster, namespace) {
        case (_, ""), ("test", _): []
        case (_, "team"): ["team=red", "tier=prod"]
        case (_, let name): [name.contains("eu") ? "team=blue" : "team=red"]
        }
    }

    /// A grant with labels in half of the cases.
    private static func grant(_ generator: inout some RandomNumberGenerator) -> GrantRow {
        let wanted = [[], ["team=red"], ["team=blue"], ["team=red", "tier=prod"], ["team"], ["team=re"], ["TEAM=red"]]
        return GrantRow(
            role: "viewer", cluster: (Self.clusters + ["*"]).randomElement(using: &generator) ?? "*",
            namespace: ["*", "shop", "shop*", "t*", "*"].randomElement(using: &generator) ?? "*",
            labels: wanted.randomElement(using: &generator) ?? [])
    }

    /// Said again without the store's code, as above.
    private static func maySee(_ grants: [GrantRow], _ cluster: String, _ namespace: String) -> Bool {
        grants.contains { grant in
            maySee(AccessScope([grant.part]), cluster, namespace)
                && (grant.labels.isEmpty
                    || !namespace.isEmpty && Set(labels(cluster, namespace)).isSuperset(of: grant.labels))
        }
    }

    @Test(arguments: Database.available)
    func rightsByLabelLeakNothing(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            var generator = SystemRandomNumberGenerator()
            let pairs = database == .sqlite ? 10_000 : 1_000
            var (leaks, misses, answered) = (0, 0, 0)
            for _ in 0..<pairs / 100 {
                let asked = (0..<100).map { _ in
                    (
                        (0..<Int.random(in: 1...3, using: &generator)).map { _ in Self.grant(&generator) },
                        Int.random(in: 0..<6, using: &generator), Self.clusters.randomElement(using: &generator)
                    )
                }
                let answers = try await store.read { db in
                    try asked.map { grants, kind, cluster in
                        let scope = AccessScope(try db.namingNamespaces(grants).map(\.part))
                        return try Self.answer(db, scope, kind, cluster)
                    }
                }
                for ((grants, _, _), answer) in zip(asked, answers) {
                    leaks += answer.rows.count { !Self.maySee(grants, $0.cluster, $0.namespace) }
                    misses += abs(
                        answer.all.count { Self.maySee(grants, $0.cluster, $0.namespace) } - answer.rows.count)
                    answered += answer.rows.count
                }
            }
            #expect(leaks == 0 && misses == 0 && answered > pairs, "\(pairs) pairs, \(answered) rows")
        }
    }

    @Test(arguments: Database.available)
    func rightsByLabelReachThousandsOfNamespacesAndNotMore(_ database: Database) async throws {
        try await database.withStore { store in
            try await store.write { db in
                for cluster in 0..<1250 {
                    let id = "c\(cluster)"
                    try db.addCluster(ClusterRow(id: id, name: id, source: "agent", addedAt: 1))
                    let names = (0..<4).map { Self.namespace("n\($0)", of: id, ["team=red"]) }
                    try db.write(names, gone: [], of: id)
                }
                _ = try db.apply(
                    FindingDelta(cluster: "c7", at: 1, present: [.example(1, cluster: "c7", namespace: "n3")]))
            }
            let grants = [GrantRow(role: "viewer", labels: ["team=red"])]
            let (count, rows) = try await store.read { db in
                let named = try db.namingNamespaces(grants)
                return (named.count, try db.findings(FindingQuery(scope: AccessScope(named.map(\.part)), limit: 5)))
            }
            #expect(count == 5000 && rows.count == 1)
            try await store.write { db in
                // A star would be a pattern, and is no name of a namespace.
                try db.write([Self.namespace("*", of: "c0", ["team=red"])], gone: [], of: "c0")
            }
            #expect(try await store.read { try $0.namingNamespaces(grants).count } == 5000)
            try await store.write { db in
                try db.write([Self.namespace("one-more", of: "c0", ["team=red"])], gone: [], of: "c0")
            }
            await #expect(throws: StoreError.self) { try await store.read { try $0.namingNamespaces(grants) } }
        }
    }

    private static func namespace(_ name: String, of cluster: String, _ labels: [String]) -> ObjectRow {
        ObjectRow(
            cluster: cluster, kind: "Namespace", namespace: "", name: name, runsPods: false, labels: labels, seenAt: 1)
    }

    /// Said again without the store's code: who may see a row.
    private static func maySee(_ scope: AccessScope, _ cluster: String, _ namespace: String) -> Bool {
        for part in scope.parts {
            if let wanted = part.cluster, wanted != cluster { continue }
            guard let pattern = part.namespace else { return true }
            if namespace.isEmpty { continue }
            if pattern.last == "*" {
                if Array(namespace).starts(with: Array(pattern.dropLast())) { return true }
            } else if pattern == namespace {
                return true
            }
        }
        return false
    }

    @Test(arguments: Database.available)
    func tenThousandPairsOfRightsAndQuestionsLeakNothing(_ database: Database) async throws {
        try await database.withStore { store in
            try await Self.fill(store)
            var generator = SystemRandomNumberGenerator()
            let pairs = database == .sqlite ? 10_000 : 1_000
            var leaks = 0
            var misses = 0
            var round = 0
            while round < pairs {
                // Many questions in one transaction: what is asked is what counts here.
                let asked = (0..<100).map { _ in
                    (
                        Self.scope(&generator), Int.random(in: 0..<6, using: &generator),
                        Self.clusters.randomElement(using: &generator)
                    )
                }
                let answers = try await store.read { db in
                    try asked.map { scope, kind, cluster in try Self.answer(db, scope, kind, cluster) }
                }
                for ((scope, _, _), answer) in zip(asked, answers) {
                    leaks += answer.rows.count { !Self.maySee(scope, $0.cluster, $0.namespace) }
                    let wanted = answer.all.count { Self.maySee(scope, $0.cluster, $0.namespace) }
                    misses += abs(wanted - answer.rows.count)
                }
                round += asked.count
            }
            #expect(leaks == 0 && misses == 0, "\(pairs) pairs")
        }
    }

    private struct Place: Hashable {
        var cluster: String
        var namespace: String
    }

    private static var places: [Place] {
        clusters.flatMap { cluster in namespaces.map { Place(cluster: cluster, namespace: $0) } }
    }

    private static func fill(_ store: Store) async throws {
        try await store.write { db in
            for (number, place) in places.enumerated() {
                try db.addCluster(ClusterRow(id: place.cluster, name: place.cluster, source: "agent", addedAt: 1))
                var rows: [FindingRow] = []
                for copy in 0..<2 {
                    rows.append(
                        .example(number * 10 + copy, cluster: place.cluster, namespace: place.namespace))
                }
                _ = try db.apply(FindingDelta(cluster: place.cluster, at: number, present: rows))
                let object = ObjectRow(
                    cluster: place.cluster, kind: "Deployment", namespace: place.namespace, name: "o\(number)",
                    runsPods: true, seenAt: 1)
                let named = Self.namespace(
                    place.namespace, of: place.cluster, labels(place.cluster, place.namespace))
                try db.write(place.namespace.isEmpty ? [object] : [object, named], gone: [], of: place.cluster)
                try db.write(
                    AlertRow(
                        cluster: place.cluster, id: "a\(number)", rule: "r", groupKey: "g\(number)", severity: .high,
                        title: "t", content: "[]", namespace: place.namespace, total: 1, startedAt: number))
            }
        }
    }

    /// What is answered, and what there is without any limit of rights.
    private static func answer(
        _ db: any SQLConnection, _ scope: AccessScope, _ kind: Int, _ cluster: String?
    ) throws -> (rows: [Place], all: [Place]) {
        let inCluster = places.filter { cluster == nil || $0.cluster == cluster }
        switch kind {
        case 0, 1:
            let query = FindingQuery(
                scope: scope, cluster: cluster, order: kind == 0 ? .severity : .changed, limit: 500)
            let rows = try db.findings(query)
            return (rows.map { Place(cluster: $0.cluster, namespace: $0.namespace) }, inCluster + inCluster)
        case 2:
            let query = FindingQuery(scope: scope, cluster: cluster, text: "app", limit: 500)
            let rows = try db.findings(query)
            return (rows.map { Place(cluster: $0.cluster, namespace: $0.namespace) }, inCluster + inCluster)
        case 3:
            let rows = try db.objects(ObjectQuery(scope: scope, cluster: cluster, limit: 500))
            return (rows.map { Place(cluster: $0.cluster, namespace: $0.namespace) }, inCluster)
        case 4:
            let rows = try db.alerts(in: scope, cluster: cluster, limit: 500)
            return (rows.map { Place(cluster: $0.cluster, namespace: $0.namespace) }, inCluster)
        default:
            let rows = try db.rollups(.namespace, cluster: cluster, in: scope)
            return (rows.map { Place(cluster: $0.cluster, namespace: $0.item) }, inCluster)
        }
    }
}
