import Documents
import Encodings
import Kubernetes
import Testing

@testable import KubernetesClient

/// What was proved against a server of ours, once more against the real one.
@Suite(.tags(.apiserver), .enabled(if: APIServer.assets != nil, "KUBEBUILDER_ASSETS is not set"))
struct APIServerTests {
    @Test func `a real API server`() async throws {
        try await APIServer.run { server in
            try await Self.discovers(server)
            try await Self.refuses(server)
            try await Self.lists(server)
            try await Self.watches(server)
            try await Self.forgets(server)
            try await Self.readsWithItsRole(server)
        }
    }

    static func create(_ client: APIClient, _ path: String, _ value: DocumentValue) async throws {
        _ = try await client.review(path, value)
    }

    /// Aggregated discovery and the old one give the same resources.
    static func discovers(_ server: APIServer) async throws {
        let client = try APIClient(server.administrator)
        #expect(try await client.version().hasPrefix("v1."))
        let aggregated = try await client.discover()
        #expect(aggregated.unavailable.isEmpty)
        #expect(aggregated.resource("deployments", in: "apps")?.kind == "Deployment")
        let legacy = try await client.discoverLegacy()
        func words(_ discovery: Discovery) -> Set<String> {
            Set(
                discovery.resources.filter { $0.verbs.contains("list") }.map {
                    "\($0.apiVersion) \($0.name) \($0.kind) \($0.isNamespaced) \($0.verbs.sorted())"
                })
        }
        #expect(words(aggregated) == words(legacy))
        for entry in ResourceSet.standard.entries where entry.isBuiltIn {
            let resource = try #require(aggregated.resource(entry.name, in: entry.group), "\(entry.name)")
            #expect(resource.isNamespaced == entry.isNamespaced, "\(entry.name)")
        }
    }

    static func refuses(_ server: APIServer) async throws {
        var configuration = server.administrator
        configuration.certificateAuthority = server.certificates.otherAuthority
        let stranger = try APIClient(configuration)
        #expect(try await failure { _ = try await stranger.version() }.code == .unknownAuthority)

        configuration = server.administrator
        configuration.tlsServerName = "elsewhere.test"
        let elsewhere = try APIClient(configuration)
        #expect(try await failure { _ = try await elsewhere.version() }.code == .hostnameMismatch)

        configuration = server.administrator
        configuration.identity.certificate = server.certificates.expiredClient.certificate
        configuration.identity.key = server.certificates.expiredClient.key
        let expired = try APIClient(configuration)
        #expect(try await failure { _ = try await expired.get("/api/v1/pods") }.code == .clientCertificateExpired)

        configuration = .secure(server.port, host: "127.0.0.1", authority: server.certificates.authority)
        configuration.identity.token = "no-such-token"
        let unknown = try APIClient(configuration)
        #expect(try await failure { _ = try await unknown.get("/api/v1/pods") }.code == .unauthorized)

        let plain = try APIClient(.plain(server.port))
        #expect(try await failure { _ = try await plain.version() }.code == .notAnAPIServer)
    }

    static func lists(_ server: APIServer) async throws {
        let client = try APIClient(server.administrator)
        try await create(client, "/api/v1/namespaces", ["metadata": ["name": "shop"]])
        for index in 0..<23 {
            try await create(
                client, "/api/v1/namespaces/shop/configmaps", ["metadata": ["name": .string("map-\(index)")]])
        }
        var names: [String] = []
        let outcome = try await client.list(configMaps, in: "shop", limit: 4) { event in
            guard case .page(let page) = event else { return }
            names += page.items.compactMap { $0["metadata"]["name"].string }
        }
        #expect(Set(names.filter { $0.hasPrefix("map-") }).count == 23)
        #expect(names.count == Set(names).count)
        #expect(outcome.pages >= 6)

        try await create(
            client, "/api/v1/namespaces/shop/secrets",
            [
                "metadata": [
                    "name": "card",
                    "annotations": ["kubectl.kubernetes.io/last-applied-configuration": "{\"p\":\"aHVudGVyMg==\"}"],
                ],
                "data": ["p": "aHVudGVyMg=="],
            ])
        var bytes: [[UInt8]] = []
        _ = try await client.list(secrets, in: "shop") { event in
            guard case .page(let page) = event else { return }
            bytes += try ObjectCondenser(secrets).objects(page.items).map(\.node.source.bytes)
        }
        let text = bytes.map { String(decoding: $0, as: UTF8.self) }.joined()
        #expect(text.contains("\"card\""))
        #expect(!text.contains("aHVudGVyMg"))
    }

    static func watches(_ server: APIServer) async throws {
        let client = try APIClient(server.administrator)
        var words: [String] = []
        for try await event in client.watch(configMaps, in: "shop") {
            switch event {
            case .listed:
                try await create(client, "/api/v1/namespaces/shop/configmaps", ["metadata": ["name": "late"]])
                words.append("listed")
            case .bookmark: continue
            default: words.append(WatchTests.words(event))
            }
            if words.count == 2 { break }
        }
        #expect(words == ["listed", "added late"])
    }

    /// A continue token from before etcd was compacted is answered with 410 and a token for what is there now.
    ///
    /// LimitRanges, for which this server has no watch cache: from that it could answer for old moments too.
    static func forgets(_ server: APIServer) async throws {
        let client = try APIClient(server.administrator)
        let collection = "/api/v1/namespaces/shop/limitranges"
        for name in ["a", "b", "c"] {
            try await create(client, collection, ["metadata": ["name": .string(name)], "spec": ["limits": []]])
        }
        let version = try await client.node(collection)["metadata"]["resourceVersion"].string ?? ""
        let etcd = try APIClient(.plain(server.etcdPort))
        _ = try await etcd.review("/v3/kv/compaction", ["revision": .string(version), "physical": true])
        let token = Base64.encoded(#"{"v":"meta.k8s.io/v1","rv":2,"start":"a\u0000"}"#.utf8).replacing("=", with: "")
        let error = try await failure { _ = try await client.get("\(collection)?limit=1&continue=\(token)") }
        #expect(error.code == .expired)
        let next = PercentEncoding.encoded(try #require(error.continueToken))
        let page = try await client.node("\(collection)?limit=1&continue=\(next)")
        #expect(page["items"].elements.map { $0["metadata"]["name"].string } == ["b"])
    }

    static func readsWithItsRole(_ server: APIServer) async throws {
        let client = try APIClient(server.administrator)
        let yaml = SourceText(name: "", bytes: Array(ResourceSet.standard.clusterRole().utf8))
        let role = try #require(DocumentReader.read(yaml).documents.first?.root)
        try await create(client, "/apis/rbac.authorization.k8s.io/v1/clusterroles", DocumentValue(role))
        try await create(
            client, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            [
                "metadata": ["name": "martlet"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "martlet"],
                "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bird"]],
            ])
        let bird = try ClusterReader(server.acting(for: "bird"))
        // The authorizer sees a new binding a moment after it is stored.
        var missing: [PermissionStatus] = []
        for _ in 0..<100 {
            missing = try await bird.client.check(ResourceSet.standard.permissions()).filter { !$0.isHeld }
            if missing.isEmpty { break }
        }
        #expect(missing == [])
        let snapshot = try await bird.read()
        #expect(snapshot.gaps == [])
        #expect(snapshot.inventory.objects("Namespace").contains { $0.name == "shop" })
        #expect(snapshot.inventory.objects("Secret").isEmpty)

        let nobody = try ClusterReader(server.acting(for: "nobody"))
        let blind = try await nobody.read()
        #expect(blind.inventory.count == 0)
        #expect(Set(blind.gaps.compactMap(\.permission?.resource)).isSuperset(of: ["pods", "deployments", "nodes"]))
        #expect(blind.gaps.allSatisfy { $0.kind == .forbidden })
        #expect(try await nobody.client.check([Permission("list", "pods", in: "")]).map(\.isHeld) == [false])
    }
}
