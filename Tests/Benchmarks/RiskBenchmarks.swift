import Documents
import Findings
import Foundation
import Kubernetes
import NetworkPolicies
import Posture
import RBAC

/// How fast ways of an attack are found among 100,000 pods.
enum RiskBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("risk-graph-build", goal: "<= 5 s CPU") { try inChild(0, "s for 100000 pods") },
        Benchmark("risk-shortest-paths", goal: "<= 2 s CPU") { try inChild(1, "s, every workload to every target") },
        Benchmark("risk-binding-change", goal: "<= 100 ms") { try inChild(2, "ms, ways and risk anew") },
        Benchmark("risk-weakness-change", goal: "<= 100 ms") { try inChild(3, "ms, ways and risk anew") },
        Benchmark("risk-rank", goal: "<= 30 s CPU") { try inChild(4, "s, 24 changes computed again") },
    ]

    static let parts: [String: @Sendable ([String]) throws -> Void] = ["risk": { _ in measure() }]

    /// The rights and pods of `AccessCluster`, with ways in, policies and flaws: 20 of 10,000 workloads have a load
    /// balancer, half of the namespaces let in only themselves, one image in nine has a flaw that is used in attacks.
    private static func inventory() -> Inventory {
        var lines = AccessCluster.rights() + AccessCluster.pods(100_000)
        for number in 0..<20 {
            let app = number * 487
            lines.append(
                """
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"s\(number)","namespace":"ns\(app % 5000 % 50)"},\
                "spec":{"type":"LoadBalancer","selector":{"app":"app-\(app)"},"ports":[{"port":80,"targetPort":8080}]}}
                """)
        }
        for number in stride(from: 0, to: 50, by: 2) {
            lines.append(
                """
                {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"own","namespace":\
                "ns\(number)"},"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"from":[{"podSelector":{}}]}]}}
                """)
        }
        return Inventory(AccessCluster.objects(lines))
    }

    private static let weaknesses = ListedWeaknesses([
        Weakness(
            id: "CVE-2021-44228", severity: .critical, isKnownExploited: true, epss: 0.94, port: 8080,
            image: "registry.example/app:1.3"),
        Weakness(id: "CVE-2024-0001", severity: .medium, epss: 0.02, image: "registry.example/app:1.5"),
    ])

    private static func measure() {
        let inventory = inventory()
        let objects = inventory.objects.values
        var graph: RiskGraph?
        let build = Measuring.shortest(of: 2) {
            graph = RiskGraph(inventory, model: AccessModel(objects), weaknesses: weaknesses)
        }
        guard var graph else { return }
        var count = 0
        let paths = Measuring.shortest(of: 2) {
            let answers = graph.answers()
            count = graph.paths(answers, fromInternetOnly: false, limit: 100_000).count
        }
        precondition(count > 0, "somebody reaches something")
        let bindings = inventory.objects("RoleBinding", of: "rbac.authorization.k8s.io").prefix(5)
        var best = Double.infinity
        for binding in bindings {
            best = min(
                best,
                Measuring.shortest(of: 1) {
                    graph.apply(.deleted(binding))
                    _ = graph.score(graph.answers())
                })
        }
        let change = Measuring.shortest(of: 3) {
            graph.rebuild(image: "registry.example/app:1.5")
            _ = graph.score(graph.answers())
        }
        let rank = Measuring.shortest(of: 1) { _ = graph.rankedFixes(graph.answers()) }
        print(build, paths, best * 1e3, change * 1e3, rank, count)
    }

    private static func inChild(_ position: Int, _ unit: String) throws -> Benchmark.Outcome {
        let figures = try Measuring.child(["--part", "risk"]).split(whereSeparator: \.isWhitespace).compactMap {
            Double($0)
        }
        guard figures.count > position else { return .skipped("the part gave no figure") }
        return .figure(figures[position], unit: unit)
    }
}
