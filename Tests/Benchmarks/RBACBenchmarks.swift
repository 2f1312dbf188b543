import Documents
import Foundation
import Kubernetes
import RBAC

/// How fast the authorizer and the escalation graph answer, on a cluster made from a seed.
enum RBACBenchmarks {
    static let all: [Benchmark] =
        [
            Benchmark("rbac-effective-permissions", goal: "<= 50 ms") { build() },
            Benchmark("rbac-who-can-p99", goal: "<= 1 ms") { whoCan() },
            Benchmark("rbac-can-i", goal: "<= 10 us") { canI() },
            Benchmark("rbac-binding-change", goal: "<= 5 ms") { change() },
            Benchmark("rbac-graph-build", goal: "<= 150 ms") { try inChild("rbac-graph", "ms for 100000 pods", 0) },
            Benchmark("rbac-paths-five-goals", goal: "<= 50 ms") { try inChild("rbac-graph", "ms for 100000 pods", 1) },
            Benchmark("rbac-graph-memory", goal: "<= 400 MB") {
                try inChild("rbac-graph", "MB on top of the objects", 2)
            },
            Benchmark("rbac-dump-to-report", goal: "<= 5 s") { try dump(0, "s for 100000 pods") },
            Benchmark("rbac-dump-to-report-memory", goal: "<= 1000 MB") { try dump(1, "MB") },
            Benchmark("rbac-cuts", goal: "<= 5 s") { try inChild("rbac-cuts", "s for one goal", 0) },
            Benchmark("rbac-million-rules", goal: "<= 30 s, every check") { try inChild("rbac-million", "s", 0) },
            Benchmark("rbac-million-rules-can-i", goal: "<= 50 ms") { try inChild("rbac-million", "ms", 1) },
            Benchmark("rbac-audit-events", goal: ">= 200000 events/s") { auditEvents() },
        ] + RBACAuditBenchmarks.all

    private static let objects = AccessCluster.objects(AccessCluster.rights())
    private static let model = AccessModel(objects)
    private static let accounts = (0..<5000).map { ServiceAccountName(namespace: "ns\($0 % 50)", name: "a\($0)") }

    private static let requests: [AccessRequest] = (0..<2000).map { number in
        let resource = ["pods", "secrets", "deployments", "jobs"][number % 4]
        return AccessRequest(
            ["get", "list", "delete", "create"][number / 4 % 4],
            AccessRequest.Resource(
                group: resource == "deployments" ? "apps" : resource == "jobs" ? "batch" : "", resource,
                namespace: number % 5 == 0 ? "" : "ns\(number % 50)"))
    }

    private static func build() -> Benchmark.Outcome {
        let objects = objects
        var count = 0
        let seconds = Measuring.shortest {
            let model = AccessModel(objects)
            count = model.subjects.count
        }
        precondition(count > 4000, "most accounts are bound")
        return .figure(seconds * 1e3, unit: "ms for \(objects.count) objects")
    }

    private static func whoCan() -> Benchmark.Outcome {
        let directory = IdentityDirectory(accounts.map { .serviceAccount($0.namespace, $0.name) })
        var times: [Double] = []
        var sum = 0
        for request in requests {
            times.append(Measuring.shortest(of: 3) { sum += directory.whoCan(request, in: model).count })
        }
        precondition(sum > 0, "somebody may")
        times.sort()
        return .figure(times[times.count * 99 / 100] * 1e3, unit: "ms")
    }

    private static func canI() -> Benchmark.Outcome {
        let identities = accounts.map { Identity.serviceAccount($0.namespace, $0.name) }
        let model = model
        var sum = 0
        let count = 200_000
        let seconds = Measuring.shortest {
            for number in 0..<count
            where model.isAllowed(identities[number * 7 % identities.count], requests[number % requests.count]) {
                sum += 1
            }
        }
        precondition(sum > 0, "somebody may")
        return .figure(seconds / Double(count) * 1e6, unit: "us")
    }

    private static func change() -> Benchmark.Outcome {
        var model = model
        let bindings = objects.suffix(1000)
        let seconds = Measuring.shortest {
            for binding in bindings {
                model.apply(.deleted(binding))
                model.apply(.added(binding))
            }
        }
        return .figure(seconds / 2000 * 1e3, unit: "ms")
    }

    private static func auditEvents() -> Benchmark.Outcome {
        let lines = (0..<100_000).map { number in
            let account = accounts[number % 500]
            let user = ServiceAccountName.userName(account.namespace, account.name)
            let place = "\(account.namespace)"
            return Array(
                """
                {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"\(number)",\
                "stage":"ResponseComplete","requestURI":"/api/v1/namespaces/\(place)/configmaps/c\(number % 7)",\
                "verb":"get","user":{"username":"\(user)","groups":["system:serviceaccounts",\
                "system:serviceaccounts:\(place)","system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"app",\
                "objectRef":{"resource":"configmaps","namespace":"\(place)","name":"c\(number % 7)","apiVersion":"v1"},\
                "responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-09-01T10:00:00.0Z",\
                "stageTimestamp":"2026-09-01T10:00:00.1Z","annotations":{"authorization.k8s.io/decision":"allow",\
                "authorization.k8s.io/reason":"RBAC: allowed by RoleBinding"}}
                """.utf8)
        }
        var events = 0
        let seconds = Measuring.shortest(of: 3) {
            var usage = AuditUsage()
            for line in lines { usage.read(line: line) }
            events = usage.summary.events
        }
        return .figure(Double(events) / seconds, unit: "events/s")
    }

    // MARK: What runs

    /// Measured in a process of its own: memory counts from where nothing else was allocated.
    static let parts: [String: @Sendable ([String]) throws -> Void] = RBACAuditBenchmarks.parts.merging(own) {
        first, _ in first
    }

    private static let own: [String: @Sendable ([String]) throws -> Void] = [
        "rbac-million": { _ in million() },
        "rbac-graph": { _ in graph() },
        "rbac-cuts": { _ in cuts() },
        "rbac-report": { arguments in try report(arguments) },
    ]

    private static func inChild(_ part: String, _ unit: String, _ position: Int) throws -> Benchmark.Outcome {
        let figures = try Measuring.child(["--part", part]).split(whereSeparator: \.isWhitespace).compactMap {
            Double($0)
        }
        guard figures.count > position else { return .skipped("the part \(part) gave no figure") }
        return .figure(figures[position], unit: unit)
    }

    private static func graph() {
        let all = AccessCluster.objects(AccessCluster.rights() + AccessCluster.pods(100_000))
        Measuring.resetPeak()
        let before = Measuring.residentMemory()
        let model = AccessModel(all)
        let workloads = WorkloadMap(all)
        let build = Measuring.shortest { _ = EscalationGraph(model, accounts: accounts, workloads: workloads) }
        let graph = EscalationGraph(model, accounts: accounts, workloads: workloads)
        var sum = 0
        let paths = Measuring.shortest {
            for goal in EscalationEdge.Goal.allCases { sum += graph.count(reaching: goal) }
        }
        precondition(sum > 0, "somebody reaches something")
        print(build * 1e3, paths * 1e3, Double(Measuring.peakMemory() - before) / 1e6, graph.nodeCount, graph.arcCount)
    }

    private static func cuts() {
        let all = AccessCluster.objects(AccessCluster.rights() + AccessCluster.pods(100_000))
        let graph = EscalationGraph(AccessModel(all), accounts: accounts, workloads: WorkloadMap(all))
        var found = 0
        let seconds = Measuring.shortest(of: 1) {
            let cuts = EscalationCuts(graph, to: .clusterAdmin)
            found = cuts.singles().count + (cuts.set()?.changes.count ?? 0)
        }
        print(seconds, found)
    }

    /// A role of a million rules, bound to a workload's account: reading it, every check, and a question.
    private static func million() {
        let rules = (0..<1_000_000).map { number in
            """
            {"apiGroups":[""],"resources":["\(number % 3 == 0 ? "secrets" : "pods")"],"verbs":["get"],\
            "resourceNames":["n\(number)"]}
            """
        }
        let version = #""apiVersion":"rbac.authorization.k8s.io/v1""#
        let texts = [
            """
            {\(version),"kind":"ClusterRole","metadata":{"name":"big","uid":"1"},"rules":[\(rules.joined(separator: ","))]}
            """,
            """
            {\(version),"kind":"ClusterRoleBinding","metadata":{"name":"big","uid":"2"},"roleRef":{"kind":"ClusterRole",\
            "name":"big"},"subjects":[{"kind":"ServiceAccount","name":"default","namespace":"shop"}]}
            """,
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"template":\
            {"spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """,
        ]
        var found = 0
        var model: AccessModel?
        let seconds = Measuring.shortest(of: 1) {
            let objects = texts.flatMap { DocumentReader.read(SourceText(name: "", bytes: Array($0.utf8))).documents }
                .compactMap { KubernetesObject($0.root) }
            var evaluation = RBACEvaluation(Inventory(objects), isCluster: true)
            for object in objects { found += evaluation.evaluate(object).findings.count }
            // Again after a change of the role.
            let inventory = Inventory(objects)
            _ = evaluation.follow([ObjectKey(objects[0].reference)], from: inventory, to: inventory)
            model = evaluation.context.model
        }
        precondition(found > 0, "the role is found")
        let who = Identity.serviceAccount("shop", "default")
        let last = AccessRequest("get", .init("pods", name: "n999998", namespace: "shop"))
        var isAllowed = false
        let question = Measuring.shortest { isAllowed = model?.isAllowed(who, last) ?? false }
        precondition(isAllowed, "the last rule grants it")
        print(seconds, question * 1e3, found)
    }

    private static func dump(_ position: Int, _ unit: String) throws -> Benchmark.Outcome {
        try Measuring.inTemporaryFolder { folder in
            let file = folder.appending(path: "dump.json")
            let lines = AccessCluster.rights() + AccessCluster.pods(100_000)
            try Data(lines.joined(separator: "\n").utf8).write(to: file)
            let text = try Measuring.child(["--part", "rbac-report", file.path()])
            let figures = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            guard figures.count > position else { return .skipped("no report was made") }
            return .figure(figures[position], unit: unit)
        }
    }

    /// From the file to every shortest path with its grants, as text.
    private static func report(_ arguments: [String]) throws {
        guard let path = arguments.first else { exit(2) }
        let start = Measuring.cpuSeconds()
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let objects = DocumentReader.read(SourceText(name: path, bytes: bytes)).documents.compactMap {
            KubernetesObject($0.root.asRoot)
        }
        let graph = EscalationGraph(AccessModel(objects), workloads: WorkloadMap(objects))
        var size = 0
        for goal in EscalationEdge.Goal.allCases {
            for path in graph.shortestPaths(to: goal, from: .subjectsAndWorkloads) {
                for step in path.steps {
                    for way in step.ways { size += way.id.count + way.grants.map(\.description.count).reduce(0, +) }
                }
            }
        }
        precondition(size > 0, "there is something to report")
        print(Measuring.cpuSeconds() - start, Double(Measuring.peakMemory()) / 1e6, size)
    }
}
