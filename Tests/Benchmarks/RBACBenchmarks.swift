import Documents
import Foundation
import Kubernetes
import RBAC

/// How fast the authorizer and the escalation graph answer, on a cluster made from a seed.
enum RBACBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("rbac-effective-permissions", goal: "<= 50 ms") { build() },
        Benchmark("rbac-who-can-p99", goal: "<= 1 ms") { whoCan() },
        Benchmark("rbac-can-i", goal: "<= 10 us") { canI() },
        Benchmark("rbac-binding-change", goal: "<= 5 ms") { change() },
        Benchmark("rbac-graph-build", goal: "<= 150 ms") { graph() },
        Benchmark("rbac-paths-five-goals", goal: "<= 50 ms") { paths() },
        Benchmark("rbac-audit-events", goal: ">= 200000 events/s") { auditEvents() },
    ]

    // MARK: The cluster

    /// 5,000 service accounts in 50 namespaces, 10,000 bindings, 1,300 roles.
    private static let objects: [KubernetesObject] = {
        var random = SplitMix(state: 3)
        var lines: [String] = []
        let version = "rbac.authorization.k8s.io/v1"
        let resources = [
            "pods", "secrets", "configmaps", "services", "deployments", "jobs", "pods/log", "pods/exec", "nodes",
            "events",
        ]
        let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
        func rules(_ random: inout SplitMix) -> String {
            (0..<(1 + random.next(4))).map { _ in
                let resource = (0..<(1 + random.next(3))).map { _ in "\"\(resources[random.next(resources.count)])\"" }
                let verb = (0..<(1 + random.next(4))).map { _ in "\"\(verbs[random.next(verbs.count)])\"" }
                let group = ["", "apps", "batch"][random.next(3)]
                return """
                    {"apiGroups":["\(group)"],"resources":[\(resource.joined(separator: ","))],\
                    "verbs":[\(verb.joined(separator: ","))]}
                    """
            }.joined(separator: ",")
        }
        for number in 0..<300 {
            lines.append(
                """
                {"apiVersion":"\(version)","kind":"ClusterRole","metadata":{"name":"c\(number)","uid":"c\(number)"},\
                "rules":[\(rules(&random))]}
                """)
        }
        for number in 0..<1000 {
            lines.append(
                """
                {"apiVersion":"\(version)","kind":"Role","metadata":{"name":"r\(number)","namespace":\
                "ns\(number % 50)","uid":"r\(number)"},"rules":[\(rules(&random))]}
                """)
        }
        for number in 0..<10_000 {
            let account = random.next(5000)
            let subject = #"{"kind":"ServiceAccount","name":"a\#(account)","namespace":"ns\#(account % 50)"}"#
            if number % 20 == 0 {
                lines.append(
                    """
                    {"apiVersion":"\(version)","kind":"ClusterRoleBinding","metadata":{"name":"cb\(number)"},"roleRef":\
                    {"kind":"ClusterRole","name":"c\(random.next(300))"},"subjects":[\(subject)]}
                    """)
            } else {
                let place = random.next(50)
                let role =
                    number % 2 == 0
                    ? #""kind":"ClusterRole","name":"c\#(random.next(300))""#
                    : #""kind":"Role","name":"r\#(random.next(20) * 50 + place)""#
                lines.append(
                    """
                    {"apiVersion":"\(version)","kind":"RoleBinding","metadata":{"name":"b\(number)","namespace":\
                    "ns\(place)"},"roleRef":{\(role)},"subjects":[\(subject)]}
                    """)
            }
        }
        let source = SourceText(name: "", bytes: Array(lines.joined(separator: "\n").utf8))
        return DocumentReader.read(source).documents.compactMap { KubernetesObject($0.root.asRoot) }
    }()

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

    private static func graph() -> Benchmark.Outcome {
        let model = model
        var nodes = 0
        let seconds = Measuring.shortest { nodes = EscalationGraph(model, accounts: accounts).nodeCount }
        return .figure(seconds * 1e3, unit: "ms for \(nodes) nodes")
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

    private static func paths() -> Benchmark.Outcome {
        let graph = EscalationGraph(model, accounts: accounts)
        var sum = 0
        let seconds = Measuring.shortest {
            for goal in EscalationEdge.Goal.allCases { sum += graph.count(reaching: goal) }
        }
        precondition(sum > 0, "somebody reaches something")
        return .figure(seconds * 1e3, unit: "ms")
    }
}

/// A small generator of numbers that are the same in every run.
private struct SplitMix {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
