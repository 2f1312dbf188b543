import Findings
import HTTPTypes
import Hummingbird
import NIOCore
import Store

/// What happened, and what happens now.
enum EventRoutes {
    static let all: [Route] = [list, stream]

    private static let list = Route(
        .get, "/api/v1/events", .read,
        query: [
            .cluster, QueryParameter("source", "Only of this source."),
            QueryParameter("severity", .choice(Severity.allCases.map(\.rawValue)), "This severity and worse."), .limit,
            .cursor,
        ]
    ) { request in
        let (scope, values) = (request.scope(), request.query)
        let before = try values["cursor"].map { try PageCursor.parts($0, count: 1)[0] }
        let rows = try await request.hub.store.read { db in
            try db.events(
                in: scope, cluster: values["cluster"], source: values["source"],
                severity: values["severity"].flatMap(Severity.init(rawValue:)), before: before, limit: values.limit)
        }
        let next = rows.count == values.limit ? rows.last.map { PageCursor.text([$0.id]) } : nil
        return .json { json in json.page(rows, next: next) { $0.event($1) } }
    }

    /// Server-sent events: every change somebody may see, and a comment now and then so that nobody hangs up.
    private static let stream = Route(
        .get, "/api/v1/stream", .read, query: [.cluster]
    ) { request in
        let cluster = request.query["cluster"]
        let hub = request.hub
        guard hub.feed.listenerCount < 500 else { throw HubProblem.tooMany(after: 30) }
        let items = hub.feed.listen()
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: ": martlet\nretry: 3000\n\n"))
            var last = 0
            var scope = request.scope()
            for await beat in StreamItems.merge(items, every: .seconds(15)) {
                let text: String
                switch beat {
                case .nothing:
                    // Sessions end, keys are revoked and labels move while a stream is open.
                    guard
                        let identity = try? await hub.authenticator.identity(
                            request.headers, isSecure: request.isSecure, isUse: false)
                    else { return try await writer.finish(nil) }
                    scope = identity.scope(.read)
                    text = ": still here\n\n"
                case .item(let item):
                    // What was left out because this side is slow: ask for the lists again.
                    let event = item.event
                    let isMissing = event.isMissed || last > 0 && item.number > last + 1
                    let missed = isMissing ? "event: missed\ndata: {}\n\n" : ""
                    last = item.number
                    let isAsked = !event.isMissed && (cluster == nil || cluster == event.cluster)
                    let isMeant = isAsked && isVisible(event, scope)
                    text =
                        missed
                        + (isMeant ? "id: \(item.number)\nevent: \(event.kind)\ndata: \(event.data)\n\n" : "")
                }
                if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
            }
            try await writer.finish(nil)
        }
        return HubReply(.stream(body, type: "text/event-stream"))
    }

    private static func isVisible(_ event: HubEvent, _ scope: AccessScope) -> Bool {
        event.kind == "cluster.changed"
            ? scope.touches(cluster: event.cluster)
            : scope.allows(cluster: event.cluster, namespace: event.namespace)
    }
}

/// Items of a feed with a beat in between.
enum StreamItems {
    enum Beat: Sendable {
        case item(ChangeFeed.Item)
        case nothing
    }

    static func merge(
        _ items: AsyncStream<ChangeFeed.Item>, every period: Duration
    ) -> AsyncStream<Beat> {
        AsyncStream(bufferingPolicy: .bufferingNewest(512)) { continuation in
            let task = Task {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await item in items { continuation.yield(.item(item)) }
                        continuation.finish()
                    }
                    group.addTask {
                        while (try? await Task.sleep(for: period)) != nil { continuation.yield(.nothing) }
                    }
                    await group.next()
                    group.cancelAll()
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}
