import Documents
import Foundation
import Secrets
import Testing

@testable import KubernetesClient

/// The proof by counters against a real API server, compared with what etcd really holds.
@Suite(.tags(.apiserver), .enabled(if: APIServer.assets != nil, "KUBEBUILDER_ASSETS is not set"))
struct StorageProofTests {
    private static func configuration(_ first: String, _ second: String) -> String {
        """
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: [secrets]
          providers:
          - \(first)
          - \(second)
        """
    }

    private static let identity = "identity: {}"
    private static let box = "secretbox: {keys: [{name: key1, secret: 3qp8zsm5Zb2O6J0nU0n7ZV0iYV1s6F3n2v9c8b7a6d4=}]}"
    private static let gcm = "aesgcm: {keys: [{name: key2, secret: 3qp8zsm5Zb2O6J0nU0n7ZV0iYV1s6F3n2v9c8b7a6d4=}]}"

    @Test(arguments: [(identity, box), (box, identity), (gcm, box)])
    func `the counters tell what etcd holds`(_ first: String, _ second: String) async throws {
        try await APIServer.run { folder in
            let path = "\(folder)/encryption.yaml"
            try Data(Self.configuration(first, second).utf8).write(to: URL(filePath: path))
            return ["--encryption-provider-config=\(path)"]
        } _: { server in
            let client = try APIClient(server.administrator)
            try await APIServerTests.create(client, "/api/v1/namespaces", ["metadata": ["name": "shop"]])
            let names = ["a", "b", "c"]
            for name in names {
                try await APIServerTests.create(
                    client, "/api/v1/namespaces/shop/secrets",
                    ["metadata": ["name": .string(name)], "data": ["p": "aHVudGVyMg=="]])
            }
            let prover = StorageProver {
                StorageProof.Counters(metrics: try await client.metrics())
            } read: { target in
                try await client.metadata(of: secrets, named: target.name, in: target.namespace) != nil
            }
            let proofs = try await prover.prove((names + ["none"]).map { .init(namespace: "shop", name: $0) })
            #expect(proofs.map(\.target.name) == names)
            let etcd = try APIClient(.plain(server.etcdPort))
            for proof in proofs {
                let key = Base64.encoded("/registry/secrets/shop/\(proof.target.name)".utf8)
                let answer = try await etcd.review("/v3/kv/range", ["key": .string(key)])
                let text = try #require(answer["kvs"][0]["value"].string)
                let stored = try #require(Data(base64Encoded: text))
                switch proof.verdict {
                case .encrypted(let prefix, let name):
                    #expect(stored.starts(with: Data("\(prefix)\(name ?? "?"):".utf8)))
                    #expect(!stored.contains(Data("hunter2".utf8)))
                case .plaintext:
                    #expect(stored.starts(with: Data("k8s\0".utf8)) && stored.contains(Data("hunter2".utf8)))
                default: Issue.record("\(proof.target.name): \(proof.verdict)")
                }
            }
            let metadata = try #require(try await client.metadata(of: secrets, named: "a", in: "shop"))
            #expect(metadata["metadata"]["managedFields"].isArray)
            #expect(metadata["data"].isNull && !metadata.source.bytes.contains("aHVudGVyMg".utf8))
        }
    }

    @Test func `a server without a configuration undoes nothing`() async throws {
        try await APIServer.run { server in
            let client = try APIClient(server.administrator)
            try await APIServerTests.create(
                client, "/api/v1/namespaces/default/secrets",
                ["metadata": ["name": "a"], "data": ["p": "aHVudGVyMg=="]])
            let prover = StorageProver {
                StorageProof.Counters(metrics: try await client.metrics())
            } read: { target in
                try await client.metadata(of: secrets, named: target.name, in: target.namespace) != nil
            }
            let proofs = try await prover.prove([.init(namespace: "default", name: "a")])
            #expect(proofs.map(\.verdict) == [.notTransformed])
        }
    }
}
