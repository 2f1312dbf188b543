import Documents
import Store
import X509

/// How an agent gets in, and stays in: its certificates.
struct AgentDoor: Sendable {
    let hub: HubContext
    let authority: AgentAuthority

    /// Guessing a token of 256 bits leads nowhere; asking without end is not answered without end.
    func slowDown(_ address: String) throws {
        let now = hub.now()
        if let wait = hub.joins.wait(address, at: now) { throw HubProblem.tooMany(after: wait) }
        hub.joins.note(address, at: now)
    }

    private func request(_ node: Node) throws -> CertificateSigningRequest {
        do {
            return try CertificateSigningRequest(pemEncoded: try node.required("csr", limit: 16 << 10))
        } catch let problem as HubProblem {
            throw problem
        } catch {
            throw HubProblem.invalid("\"csr\" is not a certificate request in PEM")
        }
    }

    private func issue(_ request: CertificateSigningRequest, to cluster: String) throws -> AgentAuthority.Issued {
        try authority.issue(request, to: cluster, life: hub.settings.agents.certificateLife, now: hub.now())
    }

    private static func reply(_ issued: AgentAuthority.Issued, _ cluster: String) -> HubReply {
        .json { json in
            json.member("cluster", cluster)
            json.member("certificate", issued.pem)
            json.member("endsAt", issued.endsAt)
        }
    }

    /// Changes a join token for a certificate, once.
    func join(_ node: Node) async throws -> HubReply {
        let request = try request(node)
        let digest = SecretText.digest(try node.required("token", limit: 256))
        let version = try node.optional("version", limit: 100) ?? ""
        let now = hub.now()
        let found = try await hub.store.write { db -> (AgentAuthority.Issued, String)? in
            guard let token = try db.useJoinToken(digest, at: now) else { return nil }
            // Issued within the transaction: a token is not used up for nothing.
            let issued = try issue(request, to: token.cluster)
            var row =
                try db.cluster(token.cluster)
                ?? ClusterRow(id: token.cluster, name: token.cluster, source: "agent", addedAt: now)
            row.source = "agent"
            row.server = ""
            row.state = .starting
            row.detail = "its agent has joined and reads the cluster"
            try db.addCluster(row)
            var agent = AgentRow(
                cluster: token.cluster, version: version, certificate: issued.serial, joinedAt: now,
                endsAt: issued.endsAt)
            agent.seenAt = now
            try db.write(agent)
            try db.audit("agent.join", target: token.cluster, by: "token of \(token.createdBy)", at: now)
            return (issued, token.cluster)
        }
        guard let (issued, cluster) = found else {
            throw HubProblem(
                .forbidden, "bad-token", "the join token is not known, was used, or is older than 15 minutes")
        }
        // From now on the agent says how the cluster is.
        hub.supervisor.stop(cluster)
        hub.supervisor.tell(.clusterChanged(cluster, .starting))
        return Self.reply(issued, cluster)
    }

    /// The next certificate, for a new key.
    func renew(_ agent: AgentRow, _ node: Node) async throws -> HubReply {
        let issued = try issue(try request(node), to: agent.cluster)
        try await replace(agent.cluster, issued)
        return Self.reply(issued, agent.cluster)
    }

    /// The next certificate for who slept longer than his held: he proves that he has the key of the old one.
    func recover(_ node: Node) async throws -> HubReply {
        let request = try request(node)
        let refused = HubProblem(
            .forbidden, "revoked", "this certificate is no longer good; join again with a new token")
        guard let old = try? Certificate(pemEncoded: try node.required("certificate", limit: 16 << 10)),
            let holder = authority.holder(of: old), old.publicKey == request.publicKey,
            let agent = try await hub.store.read({ try $0.agent(of: holder.cluster) }),
            [agent.certificate, agent.previous].contains(holder.serial),
            hub.now() < agent.endsAt + AgentAuthority.grace
        else { throw refused }
        let issued = try issue(request, to: holder.cluster)
        try await replace(holder.cluster, issued)
        return Self.reply(issued, holder.cluster)
    }

    private func replace(_ cluster: String, _ issued: AgentAuthority.Issued) async throws {
        let now = hub.now()
        try await hub.store.write { db in
            guard var agent = try db.agent(of: cluster, locked: true) else { return }
            agent.previous = agent.certificate
            agent.certificate = issued.serial
            agent.endsAt = issued.endsAt
            try db.write(agent)
            try db.audit("agent.renew", target: cluster, by: "agent", at: now)
        }
    }
}
