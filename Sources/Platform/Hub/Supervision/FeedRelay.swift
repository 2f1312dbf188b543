import Documents
import Store

/// Brings what happens on one hub to the open pages and streams of the others on its database.
struct FeedRelay: Sendable {
    private let feed: ChangeFeed
    private let store: Store
    private let replica: String
    private let log: @Sendable (String) -> Void

    init(_ hub: HubContext) {
        feed = hub.feed
        store = hub.store
        replica = hub.supervisor.replica
        log = { [log = hub.log] error in
            log.warning("other hubs were not told of changes", metadata: ["error": "\(error)"])
        }
    }

    /// Runs until it is cancelled; ends at once where there can be no other hub.
    func run() async {
        guard let messages = store.replicaMessages() else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await message in messages {
                    switch message {
                    case .text(let text): feed.tell(Self.events(text, except: replica), isOwn: false)
                    case .gap: feed.tell([.missed], isOwn: false)
                    }
                }
            }
            group.addTask { await send() }
            await group.next()
            group.cancelAll()
        }
    }

    private func send() async {
        var last: Int?
        for await item in feed.listen(buffer: 4096, isCounted: false) {
            // This side was slow: the others are to look for themselves.
            let isGap = last.map { item.number > $0 + 1 } ?? false
            last = item.number
            let events = (isGap ? [.missed] : []) + (item.isOwn ? [item.event] : [])
            for event in events {
                let text = Self.text(event, from: replica)
                let fits = text.utf8.count <= Store.longestMessage
                do {
                    try await store.tellReplicas(fits ? text : Self.text(.missed, from: replica))
                } catch {
                    if !Task.isCancelled { log("\(error)") }
                }
            }
        }
    }

    static func text(_ event: HubEvent, from replica: String) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("from", replica)
            json.member("kind", event.kind)
            json.member("cluster", event.cluster)
            json.member("namespace", event.namespace)
            json.member("data", event.data)
        }
        return json.string
    }

    /// The event of a message; none of one's own, and what cannot be read is something missed.
    static func events(_ text: String, except replica: String) -> [HubEvent] {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))),
            let from = node["from"].string, let kind = node["kind"].string, let cluster = node["cluster"].string,
            let namespace = node["namespace"].string, let data = node["data"].string
        else { return [.missed] }
        guard from != replica else { return [] }
        return [HubEvent(kind: kind, cluster: cluster, namespace: namespace, data: data)]
    }
}
