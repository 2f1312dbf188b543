import Documents
import HTTPTypes
import Store

/// Agents: letting one in, how each fares, putting one out.
enum AgentRoutes {
    static let all: [Route] = [list, join, remove]

    /// How long a join token is good.
    private static let tokenLife = 15 * 60_000

    private static let list = Route(.get, "/api/v1/agents", .administer) { request in
        let scope = request.scope()
        let rows = try await request.hub.store.read { try $0.agents() }.filter {
            scope.allows(cluster: $0.cluster, namespace: nil)
        }
        return .json { json in json.page(rows, next: nil) { $0.agent($1) } }
    }

    private static let join = Route(.post, "/api/v1/agents", .administer) { request in
        let body = try request.json(["cluster", "address", "namespace", "image", "storage"])
        let name = try body.required("cluster", limit: 200)
        let cluster = ClusterName.id(name)
        try request.require(.administer, cluster: cluster)
        guard let listener = request.hub.agents else {
            throw HubProblem(.conflict, "no-agents", "this hub does not listen for agents; see agents in its settings")
        }
        let secret = SecretText.make(prefix: JoinToken.prefix)
        let token = JoinToken(secret: secret, pin: listener.authority.pin)
        let settings = request.hub.settings.agents
        var manifest = JoinManifest(
            hub: try body.optional("address", limit: 300) ?? address(request, listener),
            token: token.text, image: try body.optional("image", limit: 500) ?? settings.image)
        if let namespace = try body.optional("namespace", limit: 63) { manifest.namespace = namespace }
        if let word = try body.optional("storage", limit: 10) {
            guard let storage = JoinManifest.Storage(rawValue: word) else {
                throw HubProblem.invalid("\"storage\" is claim or pod")
            }
            manifest.storage = storage
        }
        try check(manifest)
        let expires = request.now + tokenLife
        let (row, actor) = (
            ClusterRow(id: cluster, name: name, source: "agent", addedAt: request.now), try request.somebody().name
        )
        try await request.hub.store.write { db in
            try db.add(
                JoinTokenRow(
                    digest: SecretText.digest(secret), cluster: cluster, createdBy: actor, expiresAt: expires))
            if try db.cluster(cluster) == nil {
                try db.addCluster(row)
                try db.setState(of: cluster, .starting, detail: "waits for its agent to join")
            }
            try request.audit(db, "agent.invite", target: cluster)
        }
        let yaml = manifest.yaml
        if request.headers[.accept]?.contains("yaml") ?? false {
            return HubReply(status: .created, .bytes(Array(yaml.utf8), type: "application/yaml"))
        }
        let hub = manifest.hub
        return .json(status: .created) { json in
            json.member("cluster", cluster)
            json.member("hub", hub)
            // Shown this once; the hub keeps its digest only.
            json.member("token", token.text)
            json.member("expiresAt", time: expires)
            json.member("manifest", yaml)
        }
    }

    private static let remove = Route(.delete, "/api/v1/agents/{cluster}", .administer) { request in
        let cluster = try request.path("cluster")
        try request.require(.administer, cluster: cluster)
        let removed = try await request.hub.store.write { db in
            guard try db.run("DELETE FROM agents WHERE cluster = ?", [.text(cluster)]) > 0 else { return false }
            try db.setState(of: cluster, .lost, detail: "its agent was put out")
            try request.audit(db, "agent.remove", target: cluster)
            return true
        }
        guard removed else { throw HubProblem.notFound("such agent") }
        request.hub.supervisor.tell(.clusterChanged(cluster, .lost))
        return .noContent
    }

    /// Where agents reach this hub: as the settings say, else the host by which this request reached it.
    private static func address(_ request: HubRequest, _ listener: AgentListener) -> String {
        if let address = request.hub.settings.agents.address { return address }
        var host = request.hub.settings.host
        if host == "0.0.0.0" || host == "::" {
            host = request.authority.map { String($0.prefix { $0 != ":" }) } ?? host
        }
        return "\(host):\(listener.port)"
    }

    /// What goes into the manifest must be what it looks like there.
    private static func check(_ manifest: JoinManifest) throws(HubProblem) {
        func isPlain(_ text: String, _ more: Set<Character>) -> Bool {
            !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || more.contains($0)) }
        }
        guard isPlain(manifest.namespace, ["-"]), manifest.namespace == manifest.namespace.lowercased() else {
            throw .invalid("\"namespace\" is a name of letters, digits and -")
        }
        guard isPlain(manifest.image, ["-", ".", "_", "/", ":", "@"]) else {
            throw .invalid("\"image\" names no image")
        }
        guard isPlain(manifest.hub, ["-", ".", ":"]),
            manifest.hub.split(separator: ":").last.flatMap({ Int($0) }) != nil
        else { throw .invalid("\"address\" is a host and a port") }
    }
}

extension JSONWriter {
    mutating func agent(_ row: AgentRow) {
        member("cluster", row.cluster)
        member("version", row.version)
        member("pod", row.pod)
        member("joinedAt", time: row.joinedAt)
        member("lastSeen", time: row.seenAt)
        member("certificateEnds", time: row.endsAt)
        member("memoryBytes", row.memory)
        member("milliCores", row.cpu)
        member("waitingBatches", row.buffered)
        member("lostBatches", row.lost)
        member("clockBehindMilliseconds", row.skew)
    }
}
