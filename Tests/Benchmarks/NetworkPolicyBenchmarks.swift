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
        Benchmark("netpol-pod-event-p99", goal: "<= 100 us") { podEvents() },
        Benchmark("netpol-policy-event-p99", goal: "<= 5 ms") { policyEvents() },
        Benchmark("netpol-matrix-yaml", goal: "<= 1.5 s wall (netpol-analyzer 58 CPU s)") {
            try matrix("s") { $0.wallSeconds }
        },
        Benchmark("netpol-matrix-yaml-memory", goal: "<= 200 MB (netpol-analyzer 780 MB)") {
            try matrix("MB") { Double($0.peakBytes) / 1e6 }
        },
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

    /// Pods of known workloads come and go, and every tenth is the first of a workload nobody has seen.
    private static func podEvents() -> Benchmark.Outcome {
        var live = NetworkGenerator.small.live()
        var random = SeededRandom(seed: 11)
        var times: [Double] = []
        for event in 0..<5000 {
            let app = Int(random.next() % 10)
            var pod = LiveNetwork.PodDescription(
                name: "extra-\(event % 200)", namespace: "team-\(random.next() % 100)",
                labels: NetworkGenerator.labels(app))
            // New kinds go on coming; the spare places run out in the end and are made anew, which counts, too.
            if event % 10 == 9 { pod.labels["app"] = "new-\(event)" }
            pod.addresses = [IPAddress(family: .v4, value: 0x0A40_0000 + UInt128(event))]
            pod.ports = [ContainerPort(name: "http", number: UInt16(8000 + app % 8), protocol: .tcp)]
            times.append(Measuring.threadSeconds { _ = live.put(pod) })
            times.append(Measuring.threadSeconds { _ = live.remove(pod: pod.name, in: pod.namespace) })
        }
        return .figure(percentile(times) * 1e6, unit: "us")
    }

    /// Policies change their ports, peers, blocks and pods, come and go.
    private static func policyEvents() -> Benchmark.Outcome {
        let generator = NetworkGenerator.small
        var live = generator.live()
        var random = SeededRandom(seed: 13)
        var times: [Double] = []
        for event in 0..<2000 {
            let namespace = Int(random.next() % 100)
            guard let policy = NetworkGenerator.changed(namespace, Int(random.next() % 10), event) else { continue }
            times.append(Measuring.threadSeconds { _ = live.put(policy: policy) })
            guard event % 5 == 0 else { continue }
            times.append(Measuring.threadSeconds { _ = live.remove(policy: policy.reference) })
        }
        return .figure(percentile(times) * 1e3, unit: "ms")
    }

    private static func percentile(_ times: [Double]) -> Double {
        let sorted = times.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }

    /// `martlet network matrix` over manifests of 5,000 pods and 1,000 policies.
    private static func matrix(_ unit: String, _ figure: (ScanBenchmarks.Usage) -> Double) throws -> Benchmark.Outcome {
        guard let martlet = ScanBenchmarks.martlet else { return .skipped("martlet is not built") }
        return try Measuring.inTemporaryFolder { folder in
            try NetworkGenerator.manifests.write(to: folder)
            let runs = try (0..<3).map { _ in
                figure(try ScanBenchmarks.run(martlet, ["network", "matrix", folder.path, "--no-render", "-o", "csv"]))
            }
            return .figure(runs.min() ?? 0, unit: unit)
        }
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

    /// 5,000 pods of 500 workloads, 1,000 policies, written as manifests.
    static let manifests = NetworkGenerator(namespaces: 50, apps: 10, replicas: 10, policies: 20)

    static func labels(_ app: Int) -> [String: String] {
        ["app": "app-\(app)", "tier": app % 3 == 0 ? "front" : "back", "pod-template-hash": "h\(app)"]
    }

    func live() -> LiveNetwork { LiveNetwork(pods(), objects: (0..<namespaces).flatMap(policies)) }

    /// A policy with ports, peers, a block and pods that differ from event to event.
    static func changed(_ namespace: Int, _ number: Int, _ event: Int) -> KubernetesObject? {
        let app = DocumentValue.string("app-\(event % 10)")
        let spec: DocumentValue = [
            "podSelector": event % 7 == 0 ? [:] : ["matchLabels": ["app": app]], "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                [
                    "from": [
                        ["podSelector": ["matchLabels": ["app": .string("app-\((event + 3) % 10)")]]],
                        ["namespaceSelector": ["matchLabels": ["team": .string("t\(event % 17)")]]],
                    ], "ports": [["port": .int(8000 + event % 40)]],
                ]
            ],
            "egress": [
                ["to": [["ipBlock": ["cidr": .string("203.0.\(event % 60).0/24")]]], "ports": [["port": 443]]],
                ["to": [["podSelector": [:]]]],
            ],
        ]
        return object(spec, namespace, number)
    }

    /// One file a namespace: its pods as the API server gives them, and its policies.
    func write(to folder: URL) throws {
        for namespace in 0..<namespaces {
            var text: [UInt8] = []
            func append(_ value: DocumentValue) {
                text += Array("---\n".utf8)
                ValueText.append(value, .yaml, indent: 0, to: &text)
                text.append(0x0A)
            }
            append([
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": [
                    "name": .string("team-\(namespace)"),
                    "labels": ["team": .string("t\(namespace % 17)"), "stage": "prod"],
                ],
            ])
            for app in 0..<apps {
                for replica in 0..<replicas { append(pod(namespace, app, replica)) }
            }
            for policy in policies(namespace) { append(DocumentValue(policy.node)) }
            try Data(text).write(to: folder.appendingPathComponent("team-\(namespace).yaml"))
        }
    }

    private func pod(_ namespace: Int, _ app: Int, _ replica: Int) -> DocumentValue {
        let number = UInt128((namespace * apps + app) * replicas + replica)
        let labels = Self.labels(app).sorted { $0.key < $1.key }.map {
            DocumentValue.Member($0.key, .string($0.value))
        }
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string("app-\(app)-h\(app)-\(replica)"), "namespace": .string("team-\(namespace)"),
                "labels": .object(labels), "uid": .string("\(namespace)-\(app)-\(replica)"),
                "ownerReferences": [
                    [
                        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string("app-\(app)-h\(app)"),
                        "uid": .string("\(namespace)-\(app)"), "controller": true,
                    ]
                ],
            ],
            "spec": [
                "nodeName": .string("node-\(number % 50)"), "serviceAccountName": "default",
                "containers": [
                    [
                        "name": "app", "image": .string("registry.example/team/app-\(app):1.\(app)"),
                        "ports": [["name": "http", "containerPort": .int(8000 + app % 8)]],
                        "resources": ["requests": ["cpu": "100m", "memory": "128Mi"], "limits": ["memory": "256Mi"]],
                        "readinessProbe": ["httpGet": ["path": "/healthz", "port": "http"]],
                        "env": [["name": "STAGE", "value": "prod"], ["name": "REGION", "value": "one"]],
                        "volumeMounts": [["name": "token", "mountPath": "/var/run/secrets/token"]],
                    ]
                ], "volumes": [["name": "token", "emptyDir": [:]]],
            ],
            "status": [
                "phase": "Running",
                "podIP": .string(IPAddress(family: .v4, value: 0x0A00_0000 + number).description),
                "podIPs": [["ip": .string(IPAddress(family: .v4, value: 0x0A00_0000 + number).description)]],
            ],
        ]
    }

    func state() -> NetworkState {
        var state = pods()
        let objects = (0..<namespaces).flatMap(policies)
        state.read(policies: objects, among: objects)
        return state
    }

    private func pods() -> NetworkState {
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
                        pod: "app-\(app)-\(replica)", in: name, labels: Self.labels(app),
                        addresses: [IPAddress(family: .v4, value: 0x0A00_0000 + number)],
                        ports: [ContainerPort(name: "http", number: UInt16(8000 + app % 8), protocol: .tcp)])
                }
            }
        }
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
