import Documents
import Foundation
import Kubernetes
import NetworkPolicies

/// How fast policies become answers.
enum NetworkPolicyBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("netpol-model-10k", goal: "<= 20 ms") { model(NetworkGenerator.small) },
        Benchmark("netpol-model-100k", goal: "<= 250 ms") { model(NetworkGenerator.large) },
        Benchmark("netpol-memory-100k", goal: "<= 300 MB") { try memory() },
        Benchmark("netpol-blocks-100k", goal: "<= 500 ms") { blocks() },
        Benchmark("netpol-question", goal: "<= 5 us") { question() },
    ]

    /// Parts that run in a process of their own: `bench --part <name> <arguments>`.
    static let parts: [String: @Sendable ([String]) throws -> Void] = ["netpol-memory": { _ in memoryPart() }]

    private static func model(_ generator: NetworkGenerator) -> Benchmark.Outcome {
        let state = generator.state()
        var classes = 0
        let seconds = Measuring.shortest { classes = NetworkModel(state).classCount }
        precondition(classes > 0, "there are pods")
        return .figure(seconds * 1000, unit: "ms")
    }

    private static func blocks() -> Benchmark.Outcome {
        let model = NetworkModel(NetworkGenerator.large.state())
        var count = 0
        let seconds = Measuring.shortest(of: 3) { count = model.blockCount }
        precondition(count > 0, "something may talk to something")
        return .figure(seconds * 1000, unit: "ms")
    }

    private static func question() -> Benchmark.Outcome {
        let model = NetworkModel(NetworkGenerator.large.state())
        var random = SeededRandom(seed: 7)
        let count = 200_000
        let questions = (0..<count).map { _ in
            (Int(random.next() % 100_000), Int(random.next() % 100_000), UInt16(8000 + random.next() % 8))
        }
        var allowed = 0
        let seconds = Measuring.shortest(of: 3) {
            allowed = 0
            for (from, to, port) in questions {
                let answer = model.verdict(from: .pod(from), to: .pod(to), Traffic(.tcp, port))
                if answer.verdict == .allowed { allowed += 1 }
            }
        }
        precondition(allowed > 0, "something may talk to something")
        return .figure(seconds / Double(count) * 1e6, unit: "us")
    }

    private static func memory() throws -> Benchmark.Outcome {
        let text = try Measuring.child(["--part", "netpol-memory"])
        guard let bytes = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            return .skipped("the part said \(text)")
        }
        return .figure(bytes / 1e6, unit: "MB")
    }

    /// What the model needs beside the state it is made from.
    private static func memoryPart() {
        let state = NetworkGenerator.large.state()
        let before = Measuring.residentMemory()
        Measuring.resetPeak()
        let model = NetworkModel(state)
        precondition(model.classCount > 0, "there are pods")
        print(Measuring.peakMemory() - before)
    }
}

/// Makes clusters in which every namespace has a default deny and a handful of policies over its workloads.
struct NetworkGenerator {
    var namespaces: Int
    var apps: Int
    var replicas: Int
    var policies: Int

    /// 10,000 pods, 1,000 policies.
    static let small = NetworkGenerator(namespaces: 100, apps: 10, replicas: 10, policies: 10)
    /// 100,000 pods, 5,000 policies.
    static let large = NetworkGenerator(namespaces: 500, apps: 20, replicas: 10, policies: 10)

    func state() -> NetworkState {
        var state = NetworkState()
        for namespace in 0..<namespaces {
            let name = "team-\(namespace)"
            state.add(
                namespace: name,
                labels: ["team": "t\(namespace % 17)", "stage": ["dev", "test", "prod"][namespace % 3]])
            for app in 0..<apps {
                for replica in 0..<replicas {
                    let number = UInt128((namespace * apps + app) * replicas + replica)
                    state.add(
                        pod: "app-\(app)-\(replica)", in: name,
                        labels: [
                            "app": "app-\(app)", "tier": app % 3 == 0 ? "front" : "back",
                            "pod-template-hash": "h\(app)",
                        ],
                        addresses: [IPAddress(family: .v4, value: 0x0A00_0000 + number)],
                        ports: [ContainerPort(name: "http", number: UInt16(8000 + app % 8), protocol: .tcp)])
                }
            }
        }
        let objects = (0..<namespaces).flatMap(policies)
        state.read(policies: objects, among: objects)
        return state
    }

    private func policies(_ namespace: Int) -> [KubernetesObject] {
        (0..<policies).compactMap { number in
            let app = number % apps
            let spec: DocumentValue =
                switch number {
                case 0: ["podSelector": [:], "policyTypes": ["Ingress", "Egress"]]
                case 1:
                    [
                        "podSelector": [:], "policyTypes": ["Egress"],
                        "egress": [
                            [
                                "to": [
                                    ["namespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": "team-0"]]]
                                ],
                                "ports": [["port": 53, "protocol": "UDP"], ["port": 53]],
                            ]
                        ],
                    ]
                case 2:
                    [
                        "podSelector": ["matchLabels": ["tier": "front"]], "policyTypes": ["Egress"],
                        "egress": [
                            [
                                "to": [
                                    [
                                        "ipBlock": [
                                            "cidr": "0.0.0.0/0",
                                            "except": [
                                                "10.0.0.0/8", "169.254.169.254/32",
                                                .string("192.168.\(namespace % 256).0/24"),
                                            ],
                                        ]
                                    ]
                                ], "ports": [["port": 443]],
                            ]
                        ],
                    ]
                case 3:
                    [
                        "podSelector": ["matchLabels": ["tier": "front"]],
                        "ingress": [
                            [
                                "from": [
                                    ["namespaceSelector": ["matchLabels": ["team": .string("t\(namespace % 17)")]]]
                                ],
                                "ports": [["port": "http"]],
                            ]
                        ],
                    ]
                default:
                    [
                        "podSelector": ["matchLabels": ["app": .string("app-\(app)")]],
                        "policyTypes": ["Ingress", "Egress"],
                        "ingress": [
                            [
                                "from": [["podSelector": ["matchLabels": ["app": .string("app-\((app + 1) % apps)")]]]],
                                "ports": [["port": .int(8000 + app % 8)]],
                            ]
                        ],
                        "egress": [
                            [
                                "to": [
                                    ["podSelector": ["matchLabels": ["app": .string("app-\((app + apps - 1) % apps)")]]]
                                ],
                                "ports": [["port": .int(8000 + (app + apps - 1) % apps % 8)]],
                            ]
                        ],
                    ]
                }
            return Self.object(spec, namespace, number)
        }
    }

    private static func object(_ spec: DocumentValue, _ namespace: Int, _ number: Int) -> KubernetesObject? {
        var writer = JSONWriter()
        writer.value(
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": ["name": .string("policy-\(number)"), "namespace": .string("team-\(namespace)")],
                "spec": spec,
            ] as DocumentValue)
        let documents = DocumentReader.read(SourceText(name: "", bytes: writer.bytes)).documents
        return documents.first.flatMap { KubernetesObject($0.root) }
    }
}
