import Admission
import Documents
import Kubernetes
import Testing
import Webhooks

/// A cluster that starts again from nothing while nobody answers for the webhook, on an API server that asks its gates as
/// Kubernetes does. The real one is in the tests of the server.
@Suite struct ColdRestartTests {
    /// Asks whom the configurations name, refuses while a gate that fails closed does not answer.
    private struct FakeAPIServer {
        let gates: [AdmissionGate]
        /// What the webhook needs before it answers, each until it was let in.
        var missing: Set<AdmittedRequest>

        var isAnswered: Bool { missing.isEmpty }

        /// Whether a request is let in.
        mutating func take(_ request: AdmittedRequest) -> Bool {
            for gate in gates where gate.failsClosed && !isAnswered {
                // The configurations say nothing by conditions; a doubt counts as a question.
                guard gate.isAsked(about: request, conditions: { _, _ in nil }) == .no else { return false }
            }
            missing.remove(request)
            return true
        }
    }

    private struct Start {
        var isUp: Bool
        /// Vital requests of the cluster that were refused at least once.
        var refused: [String]
        var rounds: Int
    }

    /// One cold start: every request is tried again until it is let in, in an order of chance.
    private static func start(_ own: [KubernetesObject], seed: UInt64) throws -> Start {
        let inventory = Inventory(own)
        let namespaces = Dictionary(
            own.filter { $0.kind == "Namespace" }.map { ($0.name, $0.labels) }, uniquingKeysWith: { first, _ in first })
        let system = EssentialRequest.all { name in
            namespaces[name] ?? (name.hasPrefix("kube-") ? ["kubernetes.io/metadata.name": name] : nil)
        }
        let service = try #require(own.first { $0.kind == "Service" })
        let door = EssentialRequest.ofBackend(
            BackendWorkload(namespace: service.namespace, service: service.name, in: inventory))
        let shop = (0..<20).map { number in
            AdmittedRequest(
                "CREATE", "pods", kind: "Pod", namespace: "shop", name: "p-\(number)",
                namespaceLabels: ["kubernetes.io/metadata.name": "shop"], labels: [[:]],
                username: "system:serviceaccount:kube-system:replicaset-controller")
        }
        let vital = (system + door).filter(\.isVital).map(\.request)
        var server = FakeAPIServer(gates: AdmissionGate.all(in: inventory), missing: Set(vital))
        try #require(server.gates.contains { $0.failsClosed })
        var generator = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func below(_ count: Int) -> Int {
            generator ^= generator << 13
            generator ^= generator >> 7
            generator ^= generator << 17
            return Int(generator % UInt64(count))
        }
        var waiting = vital + shop
        var refused: Set<String> = []
        for round in 1...50 where !waiting.isEmpty {
            for place in stride(from: waiting.count - 1, to: 0, by: -1) { waiting.swapAt(place, below(place + 1)) }
            waiting = waiting.filter { request in
                guard !server.take(request) else { return false }
                if request.namespace != "shop" { refused.insert(request.resourceText) }
                return true
            }
            if waiting.isEmpty { return Start(isUp: true, refused: refused.sorted(), rounds: round) }
        }
        return Start(isUp: false, refused: refused.sorted(), rounds: 50)
    }

    private static func manifests() -> [KubernetesObject] {
        var manifests = AdmissionManifests(image: "martlet@sha256:0", policy: "default: enforce\n")
        manifests.failsClosed = true
        manifests.mutates = true
        return objects(manifests.text)
    }

    @Test func aHundredColdStartsLockNobodyOut() throws {
        let own = Self.manifests()
        for seed in 1...100 {
            let start = try Self.start(own, seed: UInt64(seed))
            #expect(start.isUp, "start \(seed)")
            #expect(start.refused == [], "start \(seed)")
            // What is not the cluster's own waits for the webhook, and no longer.
            #expect(start.rounds <= 2, "start \(seed)")
        }
    }

    /// The same with a configuration that keeps nothing out, so that the test above can fail.
    @Test func aConfigurationForEverythingLocksAColdClusterOut() throws {
        let everything = objects(
            """
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: {name: everything}
            webhooks:
            - name: everything.example
              failurePolicy: Fail
              clientConfig: {service: {namespace: martlet, name: martlet-admission}}
              rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"]}]
            """)
        let start = try Self.start(Self.manifests() + everything, seed: 1)
        #expect(!start.isUp)
        #expect(start.refused.contains("nodes"))
    }
}
