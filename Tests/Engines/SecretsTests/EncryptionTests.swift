import Documents
import Kubernetes
import Synchronization
import Testing

@testable import Secrets

@Suite struct EncryptionTests {
    private func configuration(_ entries: String) throws -> EncryptionConfiguration {
        let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [\(entries)]\n"
        return try #require(EncryptionConfiguration(SourceText(name: "e.yaml", bytes: Array(text.utf8))))
    }

    private static func box(_ key: String) -> String {
        "{secretbox: {keys: [{name: \(key), secret: 3qp8zsm5Zb2O6J0nU0n7ZV0iYV1s6F3n2v9c8b7a6d4=}]}}"
    }

    @Test func `a file without identity loses what was stored as plaintext`() throws {
        let new = try configuration("{resources: [secrets], providers: [\(Self.box("a"))]}")
        #expect(EncryptionChange(from: nil, to: new).losses.map(\.kind) == [.plaintextUnreadable])
        let safe = try configuration("{resources: [secrets], providers: [\(Self.box("a")), {identity: {}}]}")
        #expect(EncryptionChange(from: nil, to: safe).losses.isEmpty)
    }

    @Test func `a key that is taken out too early, or put first too early, is told`() throws {
        let old = try configuration("{resources: [secrets], providers: [\(Self.box("a"))]}")
        let new = try configuration("{resources: [secrets], providers: [\(Self.box("b"))]}")
        #expect(EncryptionChange(from: old, to: new).losses.map(\.kind) == [.keyMissing])
        let both = try configuration("{resources: [secrets], providers: [\(Self.box("b")), \(Self.box("a"))]}")
        #expect(EncryptionChange(from: old, to: both).losses.isEmpty)
        #expect(EncryptionChange(from: old, to: both, servers: 3).losses.map(\.kind) == [.keyNotYetEverywhere])
    }

    @Test func `no remark holds a key`() throws {
        let file = try configuration(
            "{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}}]}")
        for remark in EncryptionAssessment(file).remarks {
            #expect(!remark.message.contains("c2Vj") && !remark.message.contains("secret is secure"))
        }
    }

    @Test func `the published keys are keys`() {
        #expect(PublishedKeys.all.count >= 3)
        #expect(PublishedKeys.all.allSatisfy { [16, 24, 32].contains($0.count) })
    }

    // MARK: Proof

    /// A server with Secrets stored under prefixes, and other clients that read between.
    private final class Store: Sendable {
        let stored: [String: String?]
        let noise: [String: Double]
        private let counts = Mutex<[String: Double]>([:])
        let asked = Mutex(0)

        init(_ stored: [String: String?], noise: [String: Double] = [:]) {
            self.stored = stored
            self.noise = noise
        }

        func counters() -> StorageProof.Counters {
            counts.withLock { counts in
                for (prefix, by) in noise { counts[prefix, default: 0] += by }
                return StorageProof.Counters(reads: counts, process: "1", isCounting: !counts.isEmpty)
            }
        }

        func read(_ target: StorageProver.Target) -> Bool {
            asked.withLock { $0 += 1 }
            guard let prefix = stored[target.name] else { return false }
            if let prefix {
                counts.withLock { counts in
                    for part in prefix.split(separator: "|") { counts[String(part), default: 0] += 1 }
                }
            }
            return true
        }

        func prove() async throws -> [String: StorageProof.Verdict] {
            let prover = StorageProver {
                self.counters()
            } read: {
                self.read($0)
            }
            let names = stored.keys + ["gone"]
            let proofs = try await prover.prove(names.map { .init(namespace: "shop", name: $0) })
            return Dictionary(uniqueKeysWithValues: proofs.map { ($0.target.name, $0.verdict) })
        }
    }

    private static let boxed = "k8s:enc:secretbox:v1:|key1:"

    @Test func `mixed Secrets are told apart, also while others read`() async throws {
        for noise in [[:], ["k8s:enc:secretbox:v1:": 1.0, "key1:": 1]] {
            let store = Store(
                ["a": Self.boxed, "b": "identity", "c": Self.boxed, "d": "k8s:enc:secretbox:v1:|key2:"], noise: noise)
            let found = try await store.prove()
            #expect(found["a"] == .encrypted(prefix: "k8s:enc:secretbox:v1:", key: "key1"))
            #expect(found["b"] == .plaintext)
            #expect(found["c"] == .encrypted(prefix: "k8s:enc:secretbox:v1:", key: "key1"))
            #expect(found["d"] == .encrypted(prefix: "k8s:enc:secretbox:v1:", key: "key2"))
            #expect(found["gone"] == nil)
        }
    }

    @Test func `a server without encryption undoes nothing`() async throws {
        #expect(try await Store(["a": nil]).prove() == ["a": .notTransformed])
    }

    @Test func `a hundred alike cost two readings of the counters`() async throws {
        let names = (0..<100).map { "s\($0)" }
        let store = Store(Dictionary(uniqueKeysWithValues: names.map { ($0, "k8s:enc:kms:v2:a:" as String?) }))
        let prover = StorageProver {
            store.counters()
        } read: {
            store.read($0)
        }
        let found = try await prover.prove(names.map { .init(namespace: "shop", name: $0) })
        #expect(found.allSatisfy { $0.verdict == .encrypted(prefix: "k8s:enc:kms:v2:a:", key: nil) })
        #expect(store.asked.withLock { $0 } == 200)
        #expect(StorageProof.provider(of: "k8s:enc:kms:v2:a:") == ("kmsv2", "a"))
    }

    @Test func `counters of two servers behind one address show nothing`() {
        let before = StorageProof.Counters(reads: [:], process: "1", isCounting: true)
        let after = StorageProof.Counters(reads: ["identity": 9], process: "2", isCounting: true)
        guard case .unclear = StorageProof.verdict(before, after, count: 1, times: 2) else {
            Issue.record("told what it cannot know")
            return
        }
    }

    @Test func `counters are read from the text format`() {
        let text = """
            # HELP x y
            apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="from_storage",transformer_prefix="identity"} 3
            apiserver_storage_transformation_operations_total{resource="configmaps",status="OK",transformation_type="from_storage",transformer_prefix="identity"} 50
            apiserver_storage_transformation_operations_total{resource="secrets",status="Internal",transformation_type="from_storage",transformer_prefix="identity"} 7
            apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix=""} 1
            apiserver_storage_transformation_operations_total{status="OK",transformation_type="from_storage",transformer_prefix="k8s:enc:kms:v2:a\\"b:"} 2e+01
            apiserver_storage_transformation_operations_total{resource="secrets
            process_start_time_seconds 1.79e+09
            """
        let counters = StorageProof.Counters(metrics: Array(text.utf8))
        #expect(counters.reads == ["identity": 3, "k8s:enc:kms:v2:a\"b:": 20])
        #expect(counters.process == "1.79e+09")
    }

    /// The metrics come from outside: whatever they are, reading ends.
    @Test func `random metrics never trap`() {
        let line = Array(
            #"apiserver_storage_transformation_operations_total{a="b\"",transformation_type="from_storage"} 1"#.utf8)
        var seed: UInt64 = 3
        for _ in 0..<5_000 {
            var bytes = line
            for _ in 0..<6 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 40)
            }
            _ = StorageProof.Counters(metrics: bytes)
        }
    }
}
