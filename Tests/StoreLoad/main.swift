import Findings
import Foundation
import Store

// Findings of many clusters, as agents and workers write them, and the lists that people ask for.
//
// `load <name>: <figure> <unit>, goal <goal>`. LOAD_FINDINGS and LOAD_CLUSTERS change the size; LOAD_POSTGRES names a
// database, else the embedded one is measured.

func number(_ name: String, _ otherwise: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? otherwise
}

func say(_ name: String, _ figure: Double, _ unit: String, goal: String) {
    print("load \(name): \((figure * 100).rounded() / 100) \(unit), goal \(goal)")
}

func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    let passed = ContinuousClock.now - start
    return Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
}

/// Processor seconds of this program, the embedded database in it: what counts on a machine that others use too.
func processor() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}

func part(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}

func finding(_ cluster: Int, _ number: Int, round: Int = 0) -> FindingRow {
    let digits = String(UInt64(cluster) << 32 | UInt64(number), radix: 16)
    return FindingRow(
        cluster: "cluster-\(cluster)", fingerprint: String(repeating: "0", count: 16 - digits.count) + digits,
        rule: "pod/rule-\(number % 60)", severity: Severity.allCases[(number * 7) % 5], status: .failing,
        group: "apps", kind: "Deployment", namespace: "team-\(number % 40)", name: "app-\(number / 10)",
        title: "A container asks for a port on the node itself",
        message: "container \"app\" opens port \(8000 + number % 1000) on the node, round \(round)",
        evidence:
            #"[{"path":"spec.template.spec.containers[0].ports[0].hostPort","message":"opens a port","value":"80"}]"#
    )
}

let total = number("LOAD_FINDINGS", 1_000_000)
let clusters = number("LOAD_CLUSTERS", 334)
let each = max(1, total / clusters)
let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-load-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
let backend: any StorageBackend
let name: String
if let address = ProcessInfo.processInfo.environment["LOAD_POSTGRES"] {
    backend = try PostgresBackend(address)
    name = "postgres"
} else {
    backend = try SQLiteBackend(path: folder.appending(path: "hub.sqlite").path)
    name = "sqlite"
}
let store = try await Store(backend)
var before = processor()
let ingest = try await seconds {
    for cluster in 0..<clusters {
        let rows = (0..<each).map { finding(cluster, $0) }
        try await store.write { db in
            let id = "cluster-\(cluster)"
            try db.addCluster(ClusterRow(id: id, name: id, source: "agent", addedAt: 1))
            _ = try db.apply(FindingDelta(cluster: id, at: 1_000 + cluster, present: rows))
        }
    }
}
say("\(name) ingest of \(clusters * each) findings", Double(clusters * each) / ingest, "findings/s", goal: ">= 20000")
if name == "sqlite" {
    say(
        "\(name) ingest, by processor time", Double(clusters * each) / (processor() - before), "findings/s",
        goal: ">= 20000")
}

var acknowledged: [Double] = []
for round in 0..<400 {
    let cluster = (round * 37) % clusters
    let rows = (0..<5).map { finding(cluster, ($0 * 13 + round) % each, round: round + 1) }
    let gone = [finding(cluster, (round * 31) % each).fingerprint]
    acknowledged.append(
        try await seconds {
            _ = try await store.write { db in
                try db.apply(
                    FindingDelta(cluster: "cluster-\(cluster)", at: 1_000_000 + round, present: rows, gone: gone))
            }
        } * 1000)
}
say("\(name) delta acknowledged, p99", part(acknowledged, 0.99), "ms", goal: "<= 1000")

let team = AccessScope([.init(namespace: "team-1*")])
let queries: [(String, FindingQuery)] = [
    ("worst of the fleet", FindingQuery(scope: .everything)),
    ("critical and high", FindingQuery(scope: .everything, severities: [.critical, .high])),
    ("of a cluster", FindingQuery(scope: .everything, cluster: "cluster-7")),
    ("of a rule", FindingQuery(scope: .everything, rule: "pod/rule-7")),
    ("of a namespace of a cluster", FindingQuery(scope: .everything, cluster: "cluster-7", namespace: "team-3")),
    ("latest", FindingQuery(scope: .everything, order: .changed)),
    ("of a team's namespaces", FindingQuery(scope: team)),
    (
        "deep page",
        FindingQuery(
            scope: .everything,
            after: .init(rank: 2, changedAt: 0, cluster: "cluster-200", fingerprint: ""))
    ),
    ("text in a cluster", FindingQuery(scope: .everything, cluster: "cluster-7", text: "round 3")),
]
var worst = 0.0
for (what, query) in queries {
    var times: [Double] = []
    before = processor()
    for _ in 0..<20 {
        times.append(try await seconds { _ = try await store.read { try $0.findings(query) } } * 1000)
    }
    let figure = part(times, 0.95)
    worst = max(worst, figure)
    say("\(name) list \(what), p95", figure, "ms", goal: "<= 100")
    if name == "sqlite" {
        say("\(name) list \(what), mean by processor time", (processor() - before) * 50, "ms", goal: "<= 100")
    }
}
var fleet: [Double] = []
for _ in 0..<20 {
    fleet.append(try await seconds { _ = try await store.read { try $0.rollups(.cluster) } } * 1000)
}
say("\(name) counters of the fleet, p95", part(fleet, 0.95), "ms", goal: "<= 100")
if let size = try await backend.size() { say("\(name) size", Double(size) / 1_048_576, "MiB", goal: "-") }
try await store.close()
