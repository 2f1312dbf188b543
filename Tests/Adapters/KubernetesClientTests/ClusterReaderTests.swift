import Documents
import FoundationEssentials
import Kubernetes
import Testing

@testable import KubernetesClient

/// A small cluster read from a server of ours.
@Suite struct ClusterReaderTests {
    static let core = """
        {"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","resources":[
        {"resource":"namespaces","responseKind":{"kind":"Namespace"},"scope":"Cluster","verbs":["get","list"]},
        {"resource":"pods","responseKind":{"kind":"Pod"},"scope":"Namespaced","verbs":["list"]},
        {"resource":"services","responseKind":{"kind":"Service"},"scope":"Namespaced","verbs":["list"]},
        {"resource":"secrets","responseKind":{"kind":"Secret"},"scope":"Namespaced","verbs":["list"]},
        {"resource":"bindings","responseKind":{"kind":"Binding"},"scope":"Namespaced","verbs":["create"]},
        {"resource":"events","responseKind":{"kind":"Event"},"scope":"Namespaced","verbs":["list"]}]}]}]}
        """
    static let groups = """
        {"kind":"APIGroupDiscoveryList","items":[
        {"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[
        {"resource":"replicasets","responseKind":{"kind":"ReplicaSet"},"scope":"Namespaced","verbs":["list"]}]}]},
        {"metadata":{"name":"acme.io"},"versions":[{"version":"v1","resources":[
        {"resource":"widgets","responseKind":{"kind":"Widget"},"scope":"Namespaced","verbs":["list"]}]}]},
        {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale","resources":[]}]}]}
        """

    static func server() async throws -> FakeServer {
        try await FakeServer { request in
            let first = request.path.replacing("/namespaces/shop", with: "")
            return switch (request.path, first) {
            case ("/version", _): .json(TransportTests.version)
            case ("/api", _): .json(core)
            case ("/apis", _): .json(groups)
            case ("/api/v1/namespaces", _): .json(#"{"items":[{"metadata":{"name":"shop","labels":{"a":"b"}}}]}"#)
            case ("/api/v1/namespaces/shop", _):
                .json(#"{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"shop","labels":{"a":"b"}}}"#)
            case (_, "/api/v1/pods"):
                .json(
                    #"{"items":[{"metadata":{"name":"web-1","namespace":"shop","uid":"p1","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"r1","controller":true}]},"spec":{"containers":[{"name":"web","image":"web:1"}]}}]}"#
                )
            case (_, "/api/v1/services"):
                .json(status(403, "Forbidden", "services is forbidden: User ada cannot list"), status: 403)
            case (_, "/apis/apps/v1/replicasets"):
                .json(
                    #"{"items":[{"metadata":{"name":"web","namespace":"shop","uid":"r1","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"d1","controller":true}]},"spec":{"replicas":1}},{"metadata":{"name":"web-old","namespace":"shop","uid":"r0","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"d1","controller":true}]},"spec":{"replicas":0},"status":{"replicas":0}},{"metadata":{"name":"own","namespace":"shop","uid":"r2"},"spec":{"replicas":0}}]}"#
                )
            default: .json(status(404, "NotFound", "not found"), status: 404)
            }
        }
    }

    @Test func `settings are fetched by name; one that is forbidden is a gap, one that is not there is none`()
        async throws
    {
        let resources = """
            {"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[
            {"resource":"configmaps","responseKind":{"kind":"ConfigMap"},"scope":"Namespaced","verbs":["get","list"]}]}]}]}
            """
        let server = try await FakeServer { request in
            switch request.path {
            case "/version": .json(TransportTests.version)
            case "/api": .json(resources)
            case "/apis": .json(#"{"kind":"APIGroupDiscoveryList","items":[]}"#)
            case "/api/v1/namespaces/kube-system/configmaps/cilium-config":
                .json(
                    #"{"metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"enable-policy":"always"}}"#
                )
            case "/api/v1/namespaces/kube-system/configmaps/amazon-vpc-cni":
                .json(status(403, "Forbidden", "no"), status: 403)
            default: .json(status(404, "NotFound", "not found"), status: 404)
            }
        }
        let snapshot = try await ClusterReader(try .plain(server)).read()
        #expect(snapshot.inventory.keys.map(\.reference.description) == ["ConfigMap kube-system/cilium-config"])
        #expect(snapshot.inventory.objects("ConfigMap").first?.node["data"]["enable-policy"].string == "always")
        #expect(
            snapshot.gaps.map(\.permission) == [
                Permission("get", "configmaps", in: "", namespace: "kube-system", name: "amazon-vpc-cni")
            ])
        #expect(!server.requests.contains { $0.path == "/api/v1/configmaps" })
    }

    @Test func `what may be read is in the inventory, what may not is named with the permission`() async throws {
        let server = try await Self.server()
        let progress = Mutexed<[ReadProgress]>([])
        let snapshot = try await ClusterReader(try .plain(server)).read { step in progress.change { $0.append(step) } }

        #expect(
            snapshot.inventory.keys.map(\.reference.description) == [
                "Namespace shop", "Pod shop/web-1", "ReplicaSet shop/own", "ReplicaSet shop/web",
            ])
        #expect(snapshot.version == "v1.36.0")
        let pod = try #require(snapshot.inventory.objects("Pod").first)
        #expect(snapshot.inventory.topmostOwner(of: pod).description == "Deployment shop/web")
        #expect(pod.node["kind"].string == "Pod")
        #expect(pod.podTemplates.first?.spec.allContainers.first?.image == "web:1")

        #expect(snapshot.gaps.map(\.kind) == [.unavailable, .forbidden])
        #expect(snapshot.gaps[1].permission == Permission("list", "services", in: ""))
        #expect(snapshot.gaps[1].message.hasPrefix("not allowed to list services in the whole cluster"))
        #expect(snapshot.gaps[0].message.contains("metrics.k8s.io/v1beta1"))
        #expect(snapshot.unreadKinds == ["widgets.acme.io"])
        #expect(snapshot.reads.map(\.skipped).reduce(0, +) == 1)
        #expect(progress.value.last?.finished == 4)
        #expect(progress.value.last?.objects == 4)
        // Neither Secrets nor Events nor what cannot be listed were asked for, and nothing but GET was used.
        #expect(!server.requests.contains { $0.path.hasSuffix("secrets") || $0.path.hasSuffix("events") })
        #expect(server.requests.allSatisfy { $0.method == "GET" })
    }

    @Test func `one namespace: only what is in it, and the namespace itself`() async throws {
        let server = try await Self.server()
        let snapshot = try await ClusterReader(try .plain(server), namespace: "shop").read()
        #expect(snapshot.inventory.keys.map(\.reference.description).first == "Namespace shop")
        #expect(snapshot.inventory.count == 4)
        #expect(snapshot.gaps.last?.permission == Permission("list", "services", in: "", namespace: "shop"))
        let asked = server.requests.map(\.path).filter { $0.contains("/v1/") }
        #expect(asked.allSatisfy { $0.contains("/namespaces/shop") }, "\(asked)")
    }

    @Test func `a namespace that is not there is a slip, not an empty report`() async throws {
        let server = try await Self.server()
        let reader = ClusterReader(try .plain(server), namespace: "shpo")
        #expect(try await failure { _ = try await reader.read() }.code == .namespaceNotFound)
        #expect(server.requests.last?.path == "/api/v1/namespaces/shpo")
    }

    @Test func `Secrets are read where asked for, custom resources too`() async throws {
        let server = try await Self.server()
        var reader = ClusterReader(try .plain(server), set: .standard + .secretMetadata)
        reader.readsAllCustomResources = true
        let snapshot = try await reader.read()
        #expect(snapshot.unreadKinds.isEmpty)
        #expect(snapshot.gaps.map(\.resource) == ["metrics.k8s.io/v1beta1", "services", "secrets", "widgets.acme.io"])
        #expect(server.requests(to: "/api/v1/secrets")[0].headers["accept"][0].contains("as=PartialObjectMetadataList"))
    }

    @Test func `values of Secrets come only where a comparison was asked for`() async throws {
        let server = try await FakeServer { request in
            let item = #"{"metadata":{"name":"db","namespace":"shop"},"data":{"p":"aHVudGVyMg=="}}"#
            let isPartial = request.headers["accept"].contains { $0.contains("as=PartialObjectMetadataList") }
            return switch request.path {
            case "/version": .json(TransportTests.version)
            case "/api": .json(Self.core)
            case "/apis": .json(Self.groups)
            case "/api/v1/secrets" where isPartial:
                .json(
                    #"{"kind":"PartialObjectMetadataList","items":[{"metadata":{"name":"db","namespace":"shop"}}]}"#)
            case "/api/v1/secrets": .json(#"{"kind":"SecretList","items":[\#(item)]}"#)
            default: .json(status(404, "NotFound", "not found"), status: 404)
            }
        }
        for (set, value) in [(ResourceSet.secretMetadata, nil), (ResourceSet.secretValues, "aHVudGVyMg==")] {
            let snapshot = try await ClusterReader(try .plain(server), set: set).read()
            let secrets = snapshot.inventory.objects("Secret")
            #expect(secrets.map(\.name) == ["db"])
            #expect(secrets.first?.node["data"]["p"].string == value)
        }
    }

    @Test func `credentials that are not accepted end the reading at once`() async throws {
        let server = try await FakeServer { _ in .json(status(401, "Unauthorized", "Unauthorized"), status: 401) }
        let reader = ClusterReader(try .plain(server))
        #expect(try await failure { _ = try await reader.read() }.code == .unauthorized)
        #expect(server.requests.count == 1)
    }
}

@Suite struct ObjectCondenserTests {
    static func condense(_ resource: APIResource, _ item: String) throws -> String {
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(item.utf8)))
        return try ObjectCondenser(resource).objects(CollectionOfOne(node)).map { $0.node.json() }.joined()
    }

    static func resource(_ name: String, _ kind: String) -> APIResource {
        APIResource(group: "", version: "v1", name: name, kind: kind, isNamespaced: true, verbs: ["list"])
    }

    @Test func `a pod keeps its spec as written and loses what says nothing`() throws {
        let text = try Self.condense(
            Self.resource("pods", "Pod"),
            #"{"metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":1}","k\"\u00e9":"v"},"managedFields":[{"manager":"kubectl"}]},"spec":{"x":1.50,"y":"\u00e9\n","z":[],"w":null},"status":{"phase":"Running","conditions":[{"type":"Ready"}],"containerStatuses":[{"imageID":"i"}]}}"#
        )
        #expect(
            text
                == #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"","k\"é":"v"}},"spec":{"x":1.50,"y":"é\n","z":[],"w":null},"status":{"phase":"Running","containerStatuses":[{"imageID":"i"}]}}"#
        )
    }

    @Test func `a Secret's values do not stay, wherever they stand`() throws {
        let text = try Self.condense(
            secrets,
            #"{"kind":"PartialObjectMetadata","metadata":{"name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"aHVudGVyMg==\"}}"}},"data":{"p":"aHVudGVyMg=="},"stringData":{"p":"hunter2"},"type":"Opaque"}"#
        )
        #expect(
            text
                == #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":""}},"type":"Opaque"}"#
        )
    }

    @Test func `a node keeps where its kubelet serves`() throws {
        let text = try Self.condense(
            Self.resource("nodes", "Node"),
            #"{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10255}}}}"#
        )
        #expect(
            text
                == #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":10255}}}}"#
        )
    }

    @Test func `nothing at all is no object`() throws {
        #expect(try Self.condense(configMaps, "null") == "")
        #expect(try Self.condense(configMaps, "{}") == #"{"apiVersion":"v1","kind":"ConfigMap"}"#)
    }
}

@Suite struct PermissionTests {
    static func golden(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
    }

    @Test(arguments: ["clusterrole.yaml", "role.yaml", "clusterrole-secrets.yaml"])
    func `the role reads as people see it`(_ name: String) throws {
        let text =
            switch name {
            case "role.yaml": ResourceSet.standard.role(in: "shop")
            case "clusterrole.yaml": ResourceSet.standard.clusterRole()
            default: (ResourceSet.standard + .secretMetadata + .configMaps).clusterRole()
            }
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: Self.golden(name))
        }
        #expect(try text == String(contentsOf: Self.golden(name), encoding: .utf8))
    }

    @Test func `the role allows exactly what the set reads, by one verb, and names no wildcard`() throws {
        let set = DocumentReader.read(SourceText(name: "role", bytes: Array(ResourceSet.standard.clusterRole().utf8)))
        #expect(set.problems.isEmpty)
        let root = try #require(set.documents.first?.root)
        var allowed: Set<String> = []
        let named = root["rules"].elements.filter { $0["resourceNames"].exists }
        #expect(
            named.map { $0["resourceNames"].strings } == ResourceSet.standard.singles.map(\.names)
                && named.allSatisfy { $0["verbs"].strings == ["get"] })
        for rule in root["rules"].elements where !rule["resourceNames"].exists {
            #expect(rule["verbs"].strings == ["list"])
            for group in rule["apiGroups"].strings {
                for resource in rule["resources"].strings { allowed.insert("\(group)/\(resource)") }
            }
        }
        #expect(allowed == Set(ResourceSet.standard.entries.map { "\($0.group)/\($0.name)" }))
        #expect(!allowed.contains("/secrets"))
    }

    @Test func `the server is asked for each permission, and answers are told in order`() async throws {
        let server = try await FakeServer { request in
            #expect(request.method == "POST")
            return .json(#"{"status":{"allowed":\#(request.body.contains("pods")),"reason":"because"}}"#, status: 201)
        }
        let permissions = [Permission("list", "nodes", in: ""), Permission("list", "pods", in: "", namespace: "shop")]
        let answer = try await APIClient.plain(server).check(permissions)
        #expect(answer.map(\.isHeld) == [false, true])
        #expect(answer.map(\.permission) == permissions)
        let body = server.requests.map(\.body).first { $0.contains("pods") }
        #expect(
            body
                == #"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","group":"","resource":"pods","namespace":"shop"}}}"#
        )
    }
}
