import Documents

/// Random numbers that come out the same on every machine: SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// True once in `n` times.
    mutating func one(in n: Int) -> Bool { next() % UInt64(n) == 0 }
}

/// Makes workloads and pods as a cluster of some hundred teams holds them: most tidy, some careless, a few dangerous.
///
/// The same seed makes the same objects, so that figures of two runs compare.
struct Generator {
    private var random: SeededRandom
    private var serial = 0

    init(seed: UInt64 = 1) { random = SeededRandom(seed: seed) }

    // MARK: Objects

    /// A pod as `kubectl get pods -o json` shows it, status included.
    mutating func pod() -> DocumentValue {
        serial += 1
        let app = pick(Words.apps)
        let namespace = self.namespace()
        let owner = "\(app)-\(hex(9))"
        var metadata: [DocumentValue.Member] = [
            .init("creationTimestamp", .string(timestamp())),
            .init("generateName", .string(owner + "-")),
            .init("labels", labels(app)),
            .init("name", .string("\(owner)-\(hex(5))")),
            .init("namespace", .string(namespace)),
            .init(
                "ownerReferences",
                [
                    [
                        "apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true, "kind": "ReplicaSet",
                        "name": .string(owner), "uid": .string(uid()),
                    ]
                ]),
            .init("resourceVersion", .string(String(100_000 + serial))),
            .init("uid", .string(uid())),
        ]
        if !random.one(in: 3) {
            metadata.insert(
                .init(
                    "annotations",
                    [
                        "prometheus.io/port": "9090", "prometheus.io/scrape": "true",
                        "checksum/config": .string(hex(64)),
                    ]), at: 0)
        }
        let containers = names(app)
        return .object([
            .init("apiVersion", "v1"),
            .init("kind", "Pod"),
            .init("metadata", .object(metadata)),
            .init("spec", podSpec(app, containers, onNode: true)),
            .init("status", status(app, containers)),
        ])
    }

    /// A Deployment, StatefulSet, DaemonSet, Job or CronJob as a repository holds it.
    mutating func workload() -> DocumentValue {
        serial += 1
        let app = pick(Words.apps)
        let containers = names(app)
        let template: DocumentValue = [
            "metadata": ["labels": labels(app)], "spec": podSpec(app, containers, onNode: false),
        ]
        let metadata: DocumentValue = [
            "labels": labels(app), "name": .string("\(app)-\(serial)"), "namespace": .string(namespace()),
        ]
        let selector: DocumentValue = ["matchLabels": ["app": .string(app)]]
        let kind = random.next() % 20
        switch kind {
        case 0..<13:
            return object(
                "apps/v1", "Deployment", metadata,
                ["replicas": .int(Int(random.next() % 5)), "selector": selector, "template": template])
        case 13..<15:
            return object(
                "apps/v1", "StatefulSet", metadata,
                [
                    "replicas": .int(3), "selector": selector, "serviceName": .string(app), "template": template,
                ])
        case 15..<17:
            return object("apps/v1", "DaemonSet", metadata, ["selector": selector, "template": template])
        case 17: return object("batch/v1", "Job", metadata, ["backoffLimit": 2, "template": template])
        default:
            return object(
                "batch/v1", "CronJob", metadata,
                ["jobTemplate": ["spec": ["template": template]], "schedule": "*/15 * * * *"])
        }
    }

    // MARK: Texts

    /// A PodList of about `size` bytes.
    mutating func podList(size: Int, _ style: TextStyle) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + size / 16)
        ValueText.listStart(style, &bytes)
        var first = true
        while bytes.count < size {
            ValueText.listItem(pod(), style, first: first, &bytes)
            first = false
        }
        ValueText.listEnd(style, &bytes)
        return bytes
    }

    /// Workloads of about `size` bytes, as one YAML file of many documents.
    mutating func manifests(size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + size / 16)
        while bytes.count < size {
            bytes.append(contentsOf: "---\n".utf8)
            ValueText.append(workload(), .yaml, indent: 0, to: &bytes)
        }
        return bytes
    }

    // MARK: Parts

    private func object(_ version: String, _ kind: String, _ metadata: DocumentValue, _ spec: DocumentValue)
        -> DocumentValue
    {
        ["apiVersion": .string(version), "kind": .string(kind), "metadata": metadata, "spec": spec]
    }

    private mutating func names(_ app: String) -> [String] {
        var out = [app]
        if random.one(in: 3) { out.append(pick(Words.sidecars)) }
        if random.one(in: 12) { out.append("debug") }
        return out
    }

    private mutating func podSpec(_ app: String, _ containers: [String], onNode: Bool) -> DocumentValue {
        var spec: [DocumentValue.Member] = [
            .init("containers", .array(containers.map { container($0) }))
        ]
        if random.one(in: 30) { spec.append(.init("hostNetwork", true)) }
        if random.one(in: 60) { spec.append(.init("hostPID", true)) }
        if random.one(in: 4) {
            spec.append(.init("initContainers", [container("wait-for-db")]))
        }
        if onNode { spec.append(.init("nodeName", .string("node-\(random.next() % 400)"))) }
        spec.append(.init("restartPolicy", onNode ? "Always" : "OnFailure"))
        switch random.next() % 4 {
        case 0: spec.append(.init("securityContext", [:]))
        case 1:
            spec.append(
                .init(
                    "securityContext",
                    ["fsGroup": 2000, "runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]]))
        case 2: spec.append(.init("securityContext", ["runAsUser": .int(Int(random.next() % 3) * 1000)]))
        default: break
        }
        spec.append(.init("serviceAccountName", random.one(in: 2) ? "default" : .string(app)))
        if onNode {
            spec.append(
                .init(
                    "tolerations",
                    [
                        [
                            "effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists",
                            "tolerationSeconds": 300,
                        ],
                        [
                            "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists",
                            "tolerationSeconds": 300,
                        ],
                    ]))
        }
        var volumes: [DocumentValue] = [
            ["configMap": ["defaultMode": 420, "name": .string("\(app)-config")], "name": "config"],
            ["emptyDir": [:], "name": "tmp"],
        ]
        if random.one(in: 20) {
            volumes.append(["hostPath": ["path": .string(pick(Words.hostPaths)), "type": ""], "name": "host"])
        }
        spec.append(.init("volumes", .array(volumes)))
        return .object(spec)
    }

    private mutating func container(_ name: String) -> DocumentValue {
        var out: [DocumentValue.Member] = []
        if random.one(in: 2) {
            out.append(.init("args", ["--port=8080", "--log-level=info", .string("--feature-gates=\(hex(12))=true")]))
        }
        let variables = Int(random.next() % 6)
        var environment: [DocumentValue] = [
            ["name": "POD_NAME", "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.name"]]]
        ]
        for index in 0..<variables {
            environment.append([
                "name": .string("\(name.uppercased())_SETTING_\(index)"),
                "value": .string("https://\(pick(Words.apps)).\(namespace()).svc:8443/v1?query=\"\(hex(6))\""),
            ])
        }
        out.append(.init("env", .array(environment)))
        out.append(.init("image", .string(image(name))))
        out.append(.init("imagePullPolicy", random.one(in: 2) ? "Always" : "IfNotPresent"))
        if !random.one(in: 3) {
            out.append(
                .init(
                    "livenessProbe",
                    [
                        "failureThreshold": 3, "httpGet": ["path": "/healthz", "port": 8080, "scheme": "HTTP"],
                        "initialDelaySeconds": 15, "periodSeconds": 20, "timeoutSeconds": 1,
                    ]))
        }
        out.append(.init("name", .string(name)))
        out.append(
            .init(
                "ports",
                [
                    random.one(in: 25)
                        ? ["containerPort": 8080, "hostPort": 8080, "name": "http", "protocol": "TCP"]
                        : ["containerPort": 8080, "name": "http", "protocol": "TCP"]
                ]))
        out.append(
            .init(
                "resources",
                random.one(in: 4)
                    ? [:]
                    : ["limits": ["cpu": "500m", "memory": "512Mi"], "requests": ["cpu": "100m", "memory": "128Mi"]]))
        out.append(.init("securityContext", securityContext()))
        out.append(
            .init(
                "volumeMounts",
                [
                    ["mountPath": "/etc/config", "name": "config", "readOnly": true],
                    ["mountPath": "/tmp", "name": "tmp"],
                ]))
        return .object(out)
    }

    private mutating func securityContext() -> DocumentValue {
        switch random.next() % 10 {
        case 0: ["privileged": true]
        case 1: ["capabilities": ["add": ["NET_ADMIN", "SYS_TIME"]]]
        case 2...4: [:]
        default:
            [
                "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]],
                "readOnlyRootFilesystem": .bool(random.one(in: 2)), "runAsNonRoot": true,
            ]
        }
    }

    private mutating func status(_ app: String, _ containers: [String]) -> DocumentValue {
        let conditions: [DocumentValue] = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map {
            ["lastProbeTime": nil, "lastTransitionTime": .string(timestamp()), "status": "True", "type": .string($0)]
        }
        let statuses: [DocumentValue] = containers.map { name in
            [
                "containerID": .string("containerd://\(hex(64))"), "image": .string(image(name)),
                "imageID": .string("registry.example.com/\(name)@sha256:\(hex(64))"), "lastState": [:],
                "name": .string(name), "ready": true, "restartCount": .int(Int(random.next() % 4)), "started": true,
                "state": ["running": ["startedAt": .string(timestamp())]],
            ]
        }
        return [
            "conditions": .array(conditions), "containerStatuses": .array(statuses),
            "hostIP": .string(address()), "phase": "Running", "podIP": .string(address()), "qosClass": "Burstable",
            "startTime": .string(timestamp()),
        ]
    }

    private mutating func labels(_ app: String) -> DocumentValue {
        [
            "app": .string(app), "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/version": .string("\(random.next() % 9).\(random.next() % 30).\(random.next() % 9)"),
            "team": .string(pick(Words.teams)),
        ]
    }

    private mutating func image(_ name: String) -> String {
        switch random.next() % 8 {
        case 0: "\(name):latest"
        case 1: "registry.example.com/\(pick(Words.teams))/\(name)@sha256:\(hex(64))"
        default: "registry.example.com/\(pick(Words.teams))/\(name):\(random.next() % 9).\(random.next() % 40)"
        }
    }

    private mutating func namespace() -> String { "\(pick(Words.teams))-\(pick(Words.stages))" }
    private mutating func pick(_ words: [String]) -> String { words[Int(random.next() % UInt64(words.count))] }

    private mutating func hex(_ length: Int) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(length)
        var bits = random.next()
        for index in 0..<length {
            if index % 16 == 0 { bits = random.next() }
            out.append("0123456789abcdef".utf8.span[Int(bits & 15)])
            bits >>= 4
        }
        return String(decoding: out, as: UTF8.self)
    }

    private mutating func uid() -> String { "\(hex(8))-\(hex(4))-4\(hex(3))-a\(hex(3))-\(hex(12))" }

    private mutating func address() -> String {
        "10.\(random.next() % 256).\(random.next() % 256).\(random.next() % 256)"
    }

    private mutating func timestamp() -> String {
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : String(value) }
        return
            "2026-\(two(1 + random.next() % 12))-\(two(1 + random.next() % 28))T\(two(random.next() % 24)):\(two(random.next() % 60)):\(two(random.next() % 60))Z"
    }

    private enum Words {
        static let apps = [
            "api", "web", "checkout", "payments", "search", "inventory", "mailer", "gateway", "ledger", "reports",
            "catalog", "recommendations", "images", "sessions", "orders", "shipping", "fraud", "pricing",
        ]
        static let sidecars = ["proxy", "log-shipper", "metrics", "vault-agent"]
        static let teams = ["shop", "billing", "platform", "data", "growth", "identity", "logistics", "media"]
        static let stages = ["prod", "staging", "dev", "test"]
        static let hostPaths = ["/var/run/docker.sock", "/var/log", "/etc/kubernetes", "/", "/proc", "/dev"]
    }
}
