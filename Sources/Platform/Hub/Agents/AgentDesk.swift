import Crypto
import Documents
import Findings
import Store

/// What an agent that is in may say and ask; everything is about its own cluster.
struct AgentDesk: Sendable {
    let hub: HubContext
    let agent: AgentRow
    /// How far its clock is behind ours.
    let skew: Milliseconds

    private var cluster: String { agent.cluster }

    private static let stale = HubProblem(
        .conflict, "stale", "the hub and the agent do not agree on where they are; say hello again")

    // MARK: Agreeing on where we are

    /// Where the hub is in the agent's stream.
    func hello(_ node: Node) async throws -> HubReply {
        let version = try node.optional("version", limit: 100) ?? ""
        let pod = try node.optional("pod", limit: 300) ?? ""
        let (cluster, skew, now) = (cluster, skew, hub.now())
        let row = try await hub.store.write { db in
            guard var agent = try db.agent(of: cluster, locked: true) else { throw Self.stale }
            agent.version = version
            agent.pod = pod
            agent.skew = skew
            agent.seenAt = now
            try db.write(agent)
            return agent
        }
        return .json { json in
            json.member("stream", row.stream)
            json.member("serial", row.serial)
        }
    }

    /// Another stream begins behind a number; the answer is what the hub has.
    func begin(_ node: Node) async throws -> HubReply {
        let stream = try node.required("stream", limit: 100)
        guard let number = node["number"].int, number >= 0 else { throw HubProblem.invalid("a stream has a number") }
        let lost = max(0, node["lost"].int ?? 0)
        let (cluster, now) = (cluster, hub.now())
        let known = try await hub.store.write { db in
            guard var agent = try db.agent(of: cluster, locked: true) else { throw Self.stale }
            agent.stream = stream
            agent.serial = number
            agent.lost += lost
            agent.seenAt = now
            try db.write(agent)
            return try db.postureDigests(of: cluster)
        }
        return .json { json in json.member("namespaces", object: known.write) }
    }

    /// What the hub has of the namespaces whose digests are not the same.
    func compare(_ node: Node) async throws -> HubReply {
        let stream = try node.required("stream", limit: 100)
        let number = node["number"].int
        var asked: [String: String] = [:]
        for member in node["digests"].members { asked[member.key] = member.value.string ?? "" }
        let cluster = cluster
        let known = try await hub.store.read { db -> PostureDigests in
            guard let agent = try db.agent(of: cluster), agent.stream == stream, agent.serial == number else {
                throw Self.stale
            }
            return try db.postureDigests(of: cluster)
        }
        let digests = known.digests
        var different = PostureDigests()
        for namespace in Set(digests.keys).union(asked.keys) where digests[namespace] != asked[namespace] {
            different.parts[namespace] = known.parts[namespace] ?? .init()
        }
        let answer = different
        return .json { json in json.member("namespaces", object: answer.write) }
    }

    // MARK: Batches

    /// Takes a batch; answers when it is durable. The same again is acknowledged and changes nothing.
    func take(_ number: Int, of stream: String, _ bytes: [UInt8]) async throws -> HubReply {
        let now = hub.now()
        let (cluster, skew, supervisor) = (cluster, skew, hub.supervisor)
        var batch = try BatchCoding.batch(bytes, of: cluster)
        batch.at = min(batch.at + skew, now)
        if let event = batch.end?.eventAt {
            batch.end?.eventAt = min(event + skew, now)
            batch.end?.lag = max(0, now - event - skew)
        }
        let taken = batch
        let outcome = try await hub.store.write { db -> (serial: Int, told: Supervisor.Told?) in
            guard let agent = try db.agent(of: cluster, locked: true), agent.stream == stream,
                number <= agent.serial + 1
            else { throw Self.stale }
            guard number > agent.serial else { return (agent.serial, nil) }
            let told = try supervisor.enter(taken, of: cluster, in: db)
            try db.noteSeen(cluster, at: now, serial: number)
            return (number, told)
        }
        if let told = outcome.told { supervisor.tell(told, of: cluster) }
        return .json { json in json.member("serial", outcome.serial) }
    }

    // MARK: How it fares

    func beat(_ node: Node) async throws -> HubReply {
        let state = node["state"].string.flatMap(ClusterRow.State.init) ?? .watching
        let detail = try node.optional("detail") ?? ""
        let holes = node["holes"].strings.prefix(500).map { String($0.prefix(1000)) }
        let server = try node.optional("server", limit: 300)
        let (cluster, now, skew) = (cluster, hub.now(), skew)
        let changed = try await hub.store.write { db -> Bool in
            guard var agent = try db.agent(of: cluster, locked: true), let row = try db.cluster(cluster) else {
                throw Self.stale
            }
            agent.seenAt = now
            agent.skew = skew
            agent.memory = node["memory"].int ?? 0
            agent.cpu = node["cpu"].int ?? 0
            agent.buffered = node["waiting"].int ?? 0
            try db.write(agent)
            let isSame =
                row.state == state && row.detail == detail && row.holes == holes
                && (server == nil || server == row.version)
            if !isSame { try db.setState(of: cluster, state, detail: detail, holes: holes, version: server) }
            if state == .watching, row.scanAt != nil {
                try db.noteWatched(cluster, at: now, isComplete: holes.isEmpty, version: agent.version)
            }
            return !isSame
        }
        if changed { hub.supervisor.tell(.clusterChanged(cluster, state)) }
        let waivers = try await waiverText()
        return .json { json in json.member("waivers", Self.digest(waivers)) }
    }

    private static func digest(_ text: String) -> String { Base64URL.encode(SecretText.digest(text)) }

    func waivers() async throws -> HubReply {
        HubReply(.bytes(Array(try await waiverText().utf8), type: "application/json"))
    }

    private func waiverText() async throws -> String {
        var json = JSONWriter()
        let waivers = try await hub.supervisor.waivers(of: cluster)
        json.object { json in
            json.member("items", array: { json in for waiver in waivers { json.object { $0.agent(waiver) } } })
        }
        return json.string
    }
}

extension JSONWriter {
    fileprivate mutating func agent(_ waiver: Waiver) {
        member("owner", waiver.owner)
        member("reason", waiver.reason)
        member("approver", optional: waiver.approver)
        member("expires", waiver.expires)
        member("check", waiver.scope.check)
        member("kind", optional: waiver.scope.kind)
        member("namespace", optional: waiver.scope.namespace)
        member("name", optional: waiver.scope.name)
        member("path", optional: waiver.scope.path)
        member("place", waiver.place)
    }
}

extension Waiver {
    /// As an agent reads it.
    init(agent node: Node) {
        self.init(
            owner: node["owner"].string ?? "", reason: node["reason"].string ?? "",
            approver: node["approver"].string, expires: node["expires"].string ?? "",
            scope: Waiver.Scope(
                check: node["check"].string ?? "", kind: node["kind"].string, namespace: node["namespace"].string,
                name: node["name"].string, path: node["path"].string),
            place: node["place"].string ?? "")
    }
}
