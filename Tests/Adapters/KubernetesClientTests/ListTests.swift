import Testing

@testable import KubernetesClient

/// Lists in pages, and what servers do to them on the way.
@Suite struct ListTests {
    /// The names a list gives, void ones taken out.
    static func names(
        _ client: APIClient, _ resource: APIResource = configMaps, limit: Int = 2
    ) async throws -> (names: [String], outcome: ListOutcome) {
        var names: [String] = []
        let outcome = try await client.list(resource, limit: limit) { event in
            switch event {
            case .restart: names = []
            case .page(let page): names += page.items.compactMap { $0["metadata"]["name"].string }
            }
        }
        return (names, outcome)
    }

    @Test func `pages are followed to the end, tokens given back as they came`() async throws {
        let server = try await FakeServer { request in
            switch request.query["continue"] {
            case nil: .json(list(["a", "b"], next: "x/+=&"))
            case "x%2F%2B%3D%26": .json(list(["c", "d"], next: "y"))
            default: .json(list(["e"], version: "101"))
            }
        }
        let (names, outcome) = try await Self.names(try .plain(server))
        #expect(names == ["a", "b", "c", "d", "e"])
        #expect(outcome.pages == 3)
        #expect(outcome.resourceVersion == "101")
        #expect(server.requests.allSatisfy { $0.query["limit"] == "2" && $0.path == "/api/v1/configmaps" })
    }

    @Test func `a list the server has forgotten begins again, and nothing stands twice`() async throws {
        let count = Mutexed(0)
        let server = try await FakeServer { request in
            guard request.query["continue"] != nil else { return .json(list(["a", "b"], next: "t")) }
            return count.increment() == 1
                ? .json(status(410, "Expired", "too old", next: "now"), status: 410) : .json(list(["c"]))
        }
        let (names, outcome) = try await Self.names(try .plain(server))
        #expect(names == ["a", "b", "c"])
        #expect(outcome.restarts == 1)
        #expect(outcome.isConsistent)
    }

    @Test func `after the second time it goes on with what is there now, and says so`() async throws {
        let server = try await FakeServer { request in
            switch request.query["continue"] {
            case nil: .json(list(["a", "b"], next: "t"))
            case "now": .json(list(["c"]))
            default: .json(status(410, "Expired", "too old", next: "now"), status: 410)
            }
        }
        let (names, outcome) = try await Self.names(try .plain(server))
        #expect(names == ["a", "b", "c"])
        #expect(outcome.restarts == 2)
        #expect(!outcome.isConsistent)
    }

    @Test func `a server that gives no such token is asked for everything at once`() async throws {
        let server = try await FakeServer { request in
            if request.query["limit"] == nil { return .json(list(["a", "b", "c"])) }
            return request.query["continue"] == nil
                ? .json(list(["a"], next: "t")) : .json(status(410, "Expired", "too old"), status: 410)
        }
        let (names, outcome) = try await Self.names(try .plain(server))
        #expect(names == ["a", "b", "c"])
        #expect(outcome.restarts == 4)
    }

    @Test func `too many requests: waits as long as it is told, and not less`() async throws {
        let count = Mutexed(0)
        let server = try await FakeServer { _ in
            count.increment() <= 2
                ? .json(status(429, "TooManyRequests", "slow down"), status: 429, headers: [("Retry-After", "7")])
                : .json(list(["a"]))
        }
        let time = ManualTime()
        #expect(try await Self.names(try .plain(server, time)).names == ["a"])
        #expect(time.slept == [.seconds(7), .seconds(7)])
    }

    @Test(arguments: [(502, 5), (503, 5), (504, 5), (500, 1), (400, 1)])
    func `errors that may pass are tried again, others not`(_ code: Int, _ tries: Int) async throws {
        let server = try await FakeServer { _ in .json(status(code, "Broken", "oh dear"), status: code) }
        let client = try APIClient.plain(server)
        let error = try await failure { _ = try await Self.names(client) }
        #expect(error.code == .server)
        #expect(error.message.contains("oh dear"))
        #expect(server.requests.count == tries)
    }

    @Test func `a page cut off in the middle is asked for again and stands once`() async throws {
        let count = Mutexed(0)
        let server = try await FakeServer { request in
            guard request.query["continue"] != nil else { return .json(list(["a"], next: "t")) }
            return count.increment() == 1
                ? .cut(#"{"items":[{"metadata":{"name":"b"}},"#, length: 9999) : .json(list(["b"]))
        }
        #expect(try await Self.names(try .plain(server)).names == ["a", "b"])
    }

    @Test func `Secrets are only ever asked for as metadata, and an answer with more is not taken`() async throws {
        let server = try await FakeServer { request in
            #expect(request.headers["accept"] == ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"])
            return request.query["continue"] == nil
                ? .json(
                    #"{"kind":"PartialObjectMetadataList","metadata":{"continue":"t"},"items":[{"metadata":{"name":"s"}}]}"#
                )
                : .json(
                    #"{"kind":"SecretList","metadata":{},"items":[{"metadata":{"name":"t"},"data":{"p":"aHVudGVyMg=="}}]}"#
                )
        }
        let client = try APIClient.plain(server)
        let error = try await failure { _ = try await Self.names(client, secrets) }
        #expect(error.message.contains("metadata"))
        #expect(!error.message.contains("aHVudGVyMg"))
    }

    @Test func `requests keep to the rate`() async throws {
        let server = try await FakeServer { _ in .json(TransportTests.version) }
        let time = ManualTime()
        var options = APIClient.Options()
        options.time = time.source
        (options.rate, options.burst) = (4, 3)
        let client = try APIClient(.plain(server.port), options: options)
        for _ in 0..<5 { _ = try await client.version() }
        #expect(time.slept == [.seconds(0.25), .seconds(0.25)])
        time.advance(60)
        for _ in 0..<3 { _ = try await client.version() }
        #expect(time.slept.count == 2)
    }

    @Test func `a list without items is no list`() async throws {
        let server = try await FakeServer { _ in .json(#"{"kind":"Status"}"#) }
        let client = try APIClient.plain(server)
        #expect(try await failure { _ = try await Self.names(client) }.code == .notAnAPIServer)
    }
}

@Suite struct DiscoveryTests {
    @Test func `aggregated discovery takes two requests`() async throws {
        let server = try await FakeServer { request in
            #expect(
                request.headers["accept"][0].hasPrefix(
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"))
            return request.path == "/api"
                ? .json(
                    #"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","resources":[{"resource":"pods","responseKind":{"group":"","version":"v1","kind":"Pod"},"scope":"Namespaced","verbs":["list"],"subresources":[{"subresource":"log"}]}]}]}]}"#
                )
                : .json(
                    #"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"apps"},"versions":[{"version":"v2","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["list"]}]},{"version":"v1","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["list"]}]}]},{"metadata":{"name":"metrics.test"},"versions":[{"version":"v1","freshness":"Stale","resources":[]}]}]}"#
                )
        }
        let discovery = try await APIClient.plain(server).discover()
        #expect(server.requests.count == 2)
        #expect(discovery.preferred.map { "\($0.apiVersion) \($0)" } == ["v1 pods", "apps/v2 deployments.apps"])
        #expect(discovery.resources.count == 3)
        #expect(discovery.resources[0].subresources == ["log"])
        #expect(discovery.unavailable == ["metrics.test/v1"])
    }

    @Test func `an old server is asked group by group, preferred versions first, and one that is down is named`()
        async throws
    {
        let server = try await FakeServer { request in
            switch request.path {
            case "/api": .json(#"{"kind":"APIVersions","versions":["v1"]}"#)
            case "/apis":
                .json(
                    #"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1beta1"},{"groupVersion":"apps/v1"}],"preferredVersion":{"groupVersion":"apps/v1"}},{"name":"metrics.test","versions":[{"groupVersion":"metrics.test/v1"}]}]}"#
                )
            case "/api/v1":
                .json(
                    #"{"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["list"]},{"name":"pods/log","kind":"Pod"},{"name":"nodes","kind":"Node","namespaced":false,"verbs":["list"]}]}"#
                )
            case "/apis/metrics.test/v1": .json(status(503, "ServiceUnavailable", "down"), status: 503)
            default:
                .json(#"{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["list"]}]}"#)
            }
        }
        let discovery = try await APIClient.plain(server).discover()
        #expect(discovery.preferred.map(\.apiVersion) == ["v1", "v1", "apps/v1"])
        #expect(discovery.resource("pods", in: "")?.subresources == ["log"])
        #expect(discovery.resource("nodes", in: "")?.isNamespaced == false)
        #expect(discovery.unavailable == ["metrics.test/v1"])
    }
}
