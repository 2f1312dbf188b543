import AsyncHTTPClient
import Findings
import FoundationEssentials
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOPosix
package import Store

/// Starts what a hub is made of: data folder, store, first user, clusters, server.
package struct HubServer: Sendable {
    package let hub: HubContext
    /// The password of the first user, when this start made him; told once and kept nowhere.
    package let firstPassword: String?

    /// Opens the data folder, which is made when it is not there.
    package static func open(
        _ settings: HubSettings, version: String, now: @escaping @Sendable () -> Milliseconds = TimeText.system,
        log: Logger
    ) async throws -> HubServer {
        let folder = try DataFolder(settings.dataFolder)
        let store: Store
        if let address = settings.postgres {
            store = try await Store(PostgresBackend(address))
        } else {
            if FileManager.default.fileExists(atPath: folder.database),
                let version = try await SQLiteBackend.rehearseUpgrade(folder.database)
            {
                log.info(
                    "the database is brought up to date",
                    metadata: ["from": "\(version)", "copy": "\(folder.database).schema-\(version)"])
            }
            store = try await Store(SQLiteBackend(path: folder.database))
        }
        let hub = HubContext(
            store: store, settings: settings, key: try folder.key(settings.keyFile), version: version,
            rules: HubRules.all, now: now,
            log: log)
        return HubServer(hub: hub, firstPassword: try await firstUser(hub))
    }

    /// A store without users gets one, with a password nobody chose.
    private static func firstUser(_ hub: HubContext) async throws -> String? {
        guard try await hub.store.read({ try $0.users(limit: 1) }).isEmpty else { return nil }
        let password = SecretText.password()
        let kept = try Password.keep(password)
        let user = UserRow(id: hub.newID(), name: "admin", password: kept, createdAt: hub.now())
        do {
            try await hub.store.write { db in
                try db.add(user)
                try db.setGrants([GrantRow(role: Role.admin.rawValue)], of: user.id)
                try db.audit("user.add", target: user.name, by: "first start", at: hub.now())
            }
        } catch let error as StoreError where error.code == .taken {
            // Another hub on the same database was faster, and has told the password.
            return nil
        }
        return password
    }

    /// Serves until it is cancelled or told to stop by a signal; `started` is given the port.
    ///
    /// - Parameter beside: what else runs as long as the hub does; cancelled and waited for before the store is closed.
    package func run(
        handlingSignals: Bool = true, started: @escaping @Sendable (Int) async -> Void = { _ in },
        beside: @escaping @Sendable () async -> Void = {}
    ) async throws {
        let settings = hub.settings
        let isSecure = settings.speaksTLS
        let responder = HubResponder(hub: hub, table: RouteTable(HubRoutes.all()), isSecure: isSecure)
        // Half a minute without a byte ends a connection: who sends slowly holds nothing for long.
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                idleTimeout: .seconds(30),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
        let server =
            isSecure
            ? try HTTPServerBuilder.tls(
                plain, tlsConfiguration: ServerIdentity(settings, now: hub.now()).configuration) : plain
        var log = Logger(label: hub.log.label) { _ in ServerLog(to: hub.log.handler) }
        log.logLevel = .warning
        let application = Application(
            responder: responder, server: server,
            configuration: .init(
                address: .hostname(settings.host, port: settings.port), serverName: nil, backlog: 512,
                availableConnectionsDelegate: MaximumAvailableConnections(2000)),
            onServerRunning: { channel in await started(channel.localAddress?.port ?? settings.port) },
            logger: log)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.clientConfiguration)
        let wire = NetworkWire(client: client, group: MultiThreadedEventLoopGroup.singleton)
        hub.wire = wire
        let deliverer = Deliverer(
            store: hub.store, settings: settings.notifiers, engine: hub.supervisor.alerts, signal: hub.outbox,
            supervisor: hub.supervisor, wire: wire, version: hub.version, now: hub.now, log: hub.log)
        let reports = ReportSender(hub: hub, wire: wire)
        let workers = [
            Task { await keepHouse() }, Task { await deliverer.run() }, Task { await reports.run() },
            Task { await listenForAgents() }, Task { await beside() },
            Task { await FeedRelay(hub).run() },
        ]
        var failure: (any Error)?
        do {
            try await StopSignals.running(handlingSignals) { try await application.run() }
        } catch {
            failure = error
        }
        for worker in workers { worker.cancel() }
        await hub.supervisor.stopAll()
        for worker in workers { await worker.value }
        hub.wire = nil
        try await client.shutdown()
        try await hub.store.close()
        if let failure { throw failure }
    }

    /// A target is what an administrator wrote; where it sends on to is nobody's word.
    private static var clientConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        return configuration
    }

    /// Listens for agents beside everything else; a port that is taken keeps nothing else from working.
    private func listenForAgents() async {
        let settings = hub.settings
        guard settings.agents.isOn else { return }
        do {
            let box = SecretBox(hub.key, purpose: "agents")
            let authority = try await AgentAuthority.load(hub.store, box: box, now: hub.now())
            let gate = AgentGate(hub: hub, authority: authority)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(5))) != nil { await gate.noteSilence() }
                }
                group.addTask {
                    try await gate.run(host: settings.host, port: settings.agents.port) { port in
                        hub.agents = AgentListener(authority: authority, port: port)
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            return
        } catch {
            hub.log.warning(
                "agents cannot reach this hub",
                metadata: ["port": "\(settings.agents.port)", "error": "\(error)"])
        }
    }

    /// Forgets what is older than was asked to keep, once an hour.
    private func keepHouse() async {
        while !Task.isCancelled {
            let now = hub.now()
            let (findings, events) = (hub.settings.findingDays, hub.settings.eventDays)
            do {
                let count = try await hub.store.write { db in
                    // What reports found fails again when its waiver has ended.
                    let today = "\(CalendarDate.of(now))"
                    let recently = "\(CalendarDate.of(now - 7 * 86_400_000))"
                    for waiver in try db.waivers(state: .approved)
                    where waiver.expires < today && waiver.expires >= recently {
                        _ = try ReportedWaivers.reconsider(waiver, in: db, at: now)
                    }
                    return try db.prune(
                        findingsBefore: now - findings * 86_400_000, eventsBefore: now - events * 86_400_000, now: now)
                }
                if count > 0 { hub.log.info("forgot what is old", metadata: ["rows": "\(count)"]) }
            } catch {
                hub.log.warning("what is old was not forgotten", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(3600))
        }
    }
}

/// Where a hub keeps what is its own: nobody but its user may read it.
struct DataFolder {
    let path: String

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    var database: String { "\(path)/hub.sqlite" }

    /// The key of this hub, outside its database: whoever has a copy of the database has neither sessions nor
    /// credentials.
    ///
    /// - Parameter file: where it lies instead; hubs on one database share one.
    func key(_ file: String?) throws -> [UInt8] {
        let place = file ?? "\(path)/key"
        if let bytes = try DurableFile.read(place) {
            guard bytes.count == 32 else {
                throw StoreError(.unavailable, "\(place) is no key of a hub: it has \(bytes.count) bytes, not 32")
            }
            return bytes
        }
        let key = SecretText.bytes(32)
        try DurableFile.replace(place, with: key)
        return key
    }
}
