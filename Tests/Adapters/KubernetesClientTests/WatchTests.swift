import Kubernetes
import Testing

@testable import KubernetesClient

/// Watches, over the ends of their connections.
@Suite struct WatchTests {
    static func event(_ type: String, _ name: String, _ version: String) -> String {
        #"{"type":"\#(type)","object":{"kind":"ConfigMap","metadata":{"name":"\#(name)","resourceVersion":"\#(version)"}}}"#
            + "\n"
    }

    static func words(_ event: ResourceWatch.Event) -> String {
        switch event {
        case .listed(let objects): "listed " + objects.map(\.name).joined(separator: ",")
        case .changed(.added(let object)): "added \(object.name)"
        case .changed(.modified(let object)): "modified \(object.name)"
        case .changed(.deleted(let object)): "deleted \(object.name)"
        case .bookmark(let version): "bookmark \(version)"
        }
    }

    /// The first `count` events in words.
    static func events(_ client: APIClient, _ count: Int) async throws -> [String] {
        var out: [String] = []
        for try await event in client.watch(configMaps) {
            out.append(words(event))
            if out.count == count { break }
        }
        return out
    }

    /// A server that lists `a` at 100 and answers each watch with the next of `streams`.
    static func server(_ streams: [FakeServer.Reply]) async throws -> FakeServer {
        let count = Mutexed(0)
        return try await FakeServer { request in
            guard request.query["watch"] == "true" else { return .json(list(["a"])) }
            let index = count.increment() - 1
            return index < streams.count ? streams[index] : .stall("")
        }
    }

    @Test func `a list comes first, then what changes, split over packets as it may be`() async throws {
        let text =
            Self.event("ADDED", "b", "101") + Self.event("MODIFIED", "b", "102") + Self.event("DELETED", "a", "103")
        let half = text.index(text.startIndex, offsetBy: 150)
        let server = try await Self.server([.stream([String(text[..<half]), String(text[half...])])])
        let events = try await Self.events(try .plain(server), 4)
        #expect(events == ["listed a", "added b", "modified b", "deleted a"])
        #expect(server.requests[1].query["resourceVersion"] == "100")
        #expect(server.requests[1].query["allowWatchBookmarks"] == "true")
    }

    @Test func `a watch whose connection ends goes on from the last bookmark`() async throws {
        let bookmark = #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"250"}}}"# + "\n"
        let server = try await Self.server([
            .stream([Self.event("ADDED", "b", "101"), bookmark]), .stream([Self.event("ADDED", "c", "300")]),
            .stream([Self.event("ADDED", "d", "400")]),
        ])
        let events = try await Self.events(try .plain(server), 5)
        #expect(events == ["listed a", "added b", "bookmark 250", "added c", "added d"])
        #expect(
            server.requests.filter { $0.query["watch"] != nil }.map { $0.query["resourceVersion"] } == [
                "100", "250", "300",
            ])
        #expect(server.requests.count == 4, "one list only")
    }

    @Test func `a connection cut in the middle of an event loses nothing`() async throws {
        let server = try await Self.server([
            .cut(Self.event("ADDED", "b", "101") + #"{"type":"ADDED","obj"#, length: 9999),
            // Stays open: a stream that ends would be asked for again before the test looks.
            .stall(Self.event("ADDED", "c", "102")),
        ])
        let time = ManualTime()
        #expect(try await Self.events(try .plain(server, time), 3) == ["listed a", "added b", "added c"])
        #expect(server.requests.last?.query["resourceVersion"] == "101")
        #expect(time.slept.count == 1)
    }

    @Test(arguments: [
        FakeServer.Reply.json(status(410, "Expired", "too old"), status: 410),
        FakeServer.Reply.stream([#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"# + "\n"]
        ),
    ])
    func `a moment the server has forgotten leads to a new list`(_ reply: FakeServer.Reply) async throws {
        let server = try await Self.server([reply, .stream([Self.event("ADDED", "b", "101")])])
        #expect(try await Self.events(try .plain(server), 3) == ["listed a", "listed a", "added b"])
    }

    @Test func `a server that goes down before the new list is waited for`() async throws {
        let lists = Mutexed(0)
        let watches = Mutexed(0)
        let down = FakeServer.Reply.json(status(503, "ServiceUnavailable", "starting"), status: 503)
        let server = try await FakeServer { request in
            if request.query["watch"] == "true" {
                return watches.increment() == 1
                    ? .json(status(410, "Expired", "too old"), status: 410) : .stall(Self.event("ADDED", "b", "101"))
            }
            // More often than one list tries by itself.
            return (2...20).contains(lists.increment()) ? down : .json(list(["a"]))
        }
        let events = try await Self.events(try .plain(server, ManualTime()), 3)
        #expect(events == ["listed a", "listed a", "added b"])
    }

    @Test func `a server that was never there is told of`() async throws {
        let server = try await FakeServer { _ in
            .json(status(503, "ServiceUnavailable", "starting"), status: 503)
        }
        let client = try APIClient.plain(server, ManualTime())
        let error = try await failure { _ = try await Self.events(client, 1) }
        #expect(error.status == 503)
    }

    @Test func `too many requests are waited out`() async throws {
        let server = try await Self.server([
            .json(status(429, "TooManyRequests", "slow"), status: 429, headers: [("Retry-After", "3")]),
            .stream([Self.event("ADDED", "b", "101")]),
        ])
        let time = ManualTime()
        #expect(try await Self.events(try .plain(server, time), 2) == ["listed a", "added b"])
        #expect(time.slept == [.seconds(3)])
    }

    @Test func `a permission that is taken away ends the watch with its name`() async throws {
        let server = try await Self.server([.json(status(403, "Forbidden", "no watch for you"), status: 403)])
        let client = try APIClient.plain(server)
        let error = try await failure { _ = try await Self.events(client, 2) }
        #expect(error.code == .forbidden)
        #expect(error.message.contains("no watch for you"))
    }

    @Test func `cancelling ends a watch that waits`() async throws {
        let server = try await Self.server([])
        let client = try APIClient.plain(server)
        let seen = AsyncStream.makeStream(of: String.self)
        let task = Task {
            for try await event in client.watch(configMaps) { seen.continuation.yield(Self.words(event)) }
        }
        for await word in seen.stream {
            #expect(word == "listed a")
            break
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
