import Documents
import FoundationEssentials
import Kubernetes
import KubernetesClient
package import Logging
package import Store

/// Watches the cluster it runs in and tells a hub: dials out, evaluates here, keeps on disk what the hub has not taken.
package struct Agent: Sendable {
    package struct Settings: Sendable {
        /// Where the hub listens for agents.
        package var host: String
        package var port: Int
        package var folder: String
        package var version: String
        /// Needed the first time.
        package var token: JoinToken?
        /// Which of several pods this is.
        package var pod: String
        /// Namespace and name of the Lease by which one of several leads; none outside a cluster.
        package var lease: (namespace: String, name: String)?

        package init(host: String, port: Int, folder: String, version: String, pod: String) {
            self.host = host
            self.port = port
            self.folder = folder
            self.version = version
            self.pod = pod
        }
    }

    let settings: Settings
    let source: ClusterSource
    let now: @Sendable () -> Milliseconds
    let log: Logger
    /// Seconds between two beats.
    var pulse = 15.0
    var limits = AgentBuffer.Limits()

    package init(
        _ settings: Settings, source: ClusterSource, now: @escaping @Sendable () -> Milliseconds = TimeText.system,
        log: Logger
    ) {
        self.settings = settings
        self.source = source
        self.now = now
        self.log = log
    }

    private var join: AgentJoin {
        AgentJoin(
            host: settings.host, port: settings.port, folder: settings.folder, version: settings.version, now: now)
    }

    /// Works until it is cancelled; throws when the hub will not have it.
    package func run() async throws {
        try FileManager.default.createDirectory(
            atPath: settings.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let lease = settings.lease, case .cluster(let configuration) = source {
            let leader = LeaderLease(
                namespace: lease.namespace, name: lease.name, holder: settings.pod, now: now, log: log)
            try await leader.leading(configuration) { try await work() }
        } else {
            try await work()
        }
    }

    /// Like `run`, and ends when the program is told to.
    package func runUntilStopped() async throws {
        try await StopSignals.running(true) { try await run() }
    }

    private func work() async throws {
        let identity = try await enter()
        let buffer = try AgentBuffer(
            cluster: identity.cluster, folder: "\(settings.folder)/buffer", limits: limits)
        let sink = AgentSink(buffer: buffer, now: now)
        var log = log
        log[metadataKey: "hub"] = "\(settings.host):\(settings.port)"
        let worker = ClusterWorker(cluster: identity.cluster, source: source, sink: sink, log: log)
        let sender = AgentSender(
            settings: settings, join: join, buffer: buffer, sink: sink, worker: worker, now: now, log: log, pulse: pulse
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sender.run(identity) }
            group.addTask {
                // What the hub has already need not be told; an absent hub keeps nobody from watching.
                await sender.waitForHub(.seconds(10))
                await worker.run()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// The identity on disk, or a new one for the token.
    private func enter() async throws -> AgentIdentity {
        if let known = try AgentIdentity.load(settings.folder) { return known }
        guard let token = settings.token else {
            throw LinkError(
                status: 403, code: "no-token",
                description: "there is no identity in \(settings.folder); give a join token of the hub")
        }
        var failures = 0
        while true {
            do {
                let identity = try await join.join(token)
                log.info("joined", metadata: ["cluster": "\(identity.cluster)"])
                return identity
            } catch let error as LinkError where !error.isFinal {
                failures += 1
                log.warning("cannot join yet", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(min(30, 1 << min(failures, 5))))
            }
        }
    }
}
