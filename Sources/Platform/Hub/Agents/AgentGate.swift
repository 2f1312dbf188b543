import Crypto
import Documents
import Findings
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import Store
import X509

/// One request of an agent, and the connection it came by.
struct AgentContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    var address: String { (channel.remoteAddress ?? channel.parent?.remoteAddress)?.ipAddress ?? "" }

    /// The certificate the other side has proved to hold.
    func certificate() async throws -> Certificate? {
        for candidate in [channel, channel.parent].compactMap(\.self) {
            // The TLS handler stands in the connection's pipeline; a stream of HTTP/2 has none of its own.
            guard let found = try? await candidate.nioSSL_peerCertificate().get() else { continue }
            return try Certificate(derEncoded: found.toDERBytes())
        }
        return nil
    }
}

/// Where agents dial in: a listener of its own, with certificates of the hub's own authority on both sides.
struct AgentGate: HTTPResponder {
    /// An agent that says nothing for so long is lost.
    static let silence = 60_000
    private static let mostBytes = 16 << 20

    let hub: HubContext
    let authority: AgentAuthority

    /// Listens until it is cancelled.
    func run(host: String, port: Int, started: @escaping @Sendable (Int) async -> Void) async throws {
        var log = hub.log
        // A connection that a stop cuts off is nothing to tell of.
        log.logLevel = .critical
        let application = Application(
            responder: self,
            server: try .http2Upgrade(
                tlsConfiguration: authority.configuration(now: hub.now()),
                configuration: .init(
                    idleTimeout: .seconds(90), streamConfiguration: .init(idleTimeout: .seconds(60)))),
            configuration: .init(address: .hostname(host, port: port), serverName: nil, backlog: 512),
            onServerRunning: { channel in await started(channel.localAddress?.port ?? port) }, logger: log)
        try await application.run()
    }

    func respond(to request: Request, context: AgentContext) async throws -> Response {
        do {
            return try await answer(request, context)
        } catch let problem as HubProblem {
            return Self.response(HubResponder.reply(problem))
        } catch let error as StoreError {
            hub.log.error("the store refused an agent", metadata: ["error": "\(error.message)"])
            return Self.response(
                HubResponder.reply(
                    HubProblem(.serviceUnavailable, "store-\(error.code.rawValue)", "the hub cannot write now")))
        } catch is CancellationError {
            return Self.response(
                HubResponder.reply(HubProblem(.serviceUnavailable, "stopping", "the hub is stopping")))
        } catch {
            hub.log.warning("an agent sent what is not understood", metadata: ["error": "\(error)"])
            return Self.response(HubResponder.reply(.invalid("this is not understood: \(error)")))
        }
    }

    private static func response(_ reply: HubReply) -> Response {
        var headers = reply.headers
        guard case .bytes(let bytes, let type) = reply.content else { return Response(status: reply.status) }
        headers[.contentType] = type
        return Response(status: reply.status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func answer(_ request: Request, _ context: AgentContext) async throws -> Response {
        let parts = request.uri.path.split(separator: "/").map(String.init)
        guard parts.count >= 3, parts[0] == "agent", parts[1] == "v1" else { throw HubProblem.notFound("such address") }
        let door = AgentDoor(hub: hub, authority: authority)
        switch (request.method, parts[2]) {
        case (.get, "authority"): return Self.response(.text(authority.pem, type: "application/x-pem-file"))
        case (.post, "join"):
            try door.slowDown(context.address)
            return Self.response(try await door.join(try await json(request)))
        case (.post, "recover"):
            try door.slowDown(context.address)
            return Self.response(try await door.recover(try await json(request)))
        default: break
        }
        let agent = try await agent(context)
        let clock = request.headers[Self.clock].flatMap { Int($0) }
        let desk = AgentDesk(hub: hub, agent: agent, skew: clock.map { hub.now() - $0 } ?? agent.skew)
        switch (request.method, parts[2], parts.count) {
        case (.post, "hello", 3): return Self.response(try await desk.hello(try await json(request)))
        case (.post, "begin", 3): return Self.response(try await desk.begin(try await json(request)))
        case (.post, "compare", 3): return Self.response(try await desk.compare(try await json(request)))
        case (.post, "beat", 3): return Self.response(try await desk.beat(try await json(request)))
        case (.get, "waivers", 3): return Self.response(try await desk.waivers())
        case (.post, "renew", 3): return Self.response(try await door.renew(agent, try await json(request)))
        case (.put, "batches", 5):
            guard let number = Int(parts[4]), number > 0 else { throw HubProblem.invalid("a batch has a number") }
            return Self.response(try await desk.take(number, of: parts[3], try await body(request)))
        default: throw HubProblem.notFound("such address")
        }
    }

    /// What an agent's clock says when it asks.
    static let clock = HTTPField.Name("Martlet-Clock") ?? .date

    /// Who asks: by a certificate that is the agent's present one, or the one before.
    private func agent(_ context: AgentContext) async throws -> AgentRow {
        guard let certificate = try await context.certificate(), let holder = authority.holder(of: certificate) else {
            throw HubProblem(.unauthorized, "no-certificate", "agents show a certificate that this hub has issued")
        }
        guard let agent = try await hub.store.read({ try $0.agent(of: holder.cluster) }),
            [agent.certificate, agent.previous].contains(holder.serial)
        else {
            throw HubProblem(
                .forbidden, "revoked", "this certificate is no longer good; join again with a new token")
        }
        return agent
    }

    private func body(_ request: Request) async throws -> [UInt8] {
        let tooLarge = HubProblem(.contentTooLarge, "too-large", "a body is \(Self.mostBytes) bytes at most")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.mostBytes { throw tooLarge }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= Self.mostBytes else { throw tooLarge }
            bytes += chunk.readableBytesView
        }
        return bytes
    }

    private func json(_ request: Request) async throws -> Node {
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: try await body(request)))
        guard node.isObject else { throw HubProblem.invalid("a JSON object is needed") }
        return node
    }

    /// Agents that say nothing any more are shown as lost; called every few seconds.
    func noteSilence() async {
        guard await hub.supervisor.hold("agents") else { return }
        let now = hub.now()
        do {
            let lost = try await hub.store.write { db -> [String] in
                var lost: [String] = []
                for agent in try db.agents(seenBefore: now - Self.silence) {
                    guard let row = try db.cluster(agent.cluster), row.source == "agent", row.state != .lost else {
                        continue
                    }
                    try db.setState(
                        of: agent.cluster, .lost,
                        detail: "its agent has not been heard of since \(TimeText.rfc3339(agent.seenAt))")
                    lost.append(agent.cluster)
                }
                return lost
            }
            for cluster in lost { hub.supervisor.tell(.clusterChanged(cluster, .lost)) }
        } catch {
            hub.log.warning("agents were not looked at", metadata: ["error": "\(error)"])
        }
    }
}
