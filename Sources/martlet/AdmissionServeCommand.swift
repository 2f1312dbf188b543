import Admission
import AdmissionServer
import ArgumentParser
import Findings
import Kubernetes
import KubernetesClient
import Posture
import Workloads

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct AdmissionServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer admission reviews over TLS.",
        discussion: """
            Makes its own certificates, in memory, and replaces them in time. With --register the webhook configuration
            of that name is told whom to trust, after the server has passed its own check; without, --bundle-file takes
            the certificate to be trusted. Serves /validate, /mutate, /healthz, /readyz and /metrics.
            """)

    @OptionGroup var options: AdmissionPolicyOptions

    @Option(help: "Address to listen on.") var host = "0.0.0.0"
    @Option(help: "Port to listen on.") var port = 8443
    @Option(name: .customLong("name"), help: "A name or address clients know the server by; may be repeated.")
    var names: [String] = []

    @Flag(help: "Follow the cluster: labels of namespaces, owners, rights.") var cluster = false
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(name: .customLong("own-namespace"), help: "Martlet's own namespace, which is never judged.")
    var ownNamespace: String?

    @Option(help: "The webhook configuration to keep, by name.") var register: String?
    @Flag(name: .customLong("fail-closed"), help: "With --register: set failurePolicy: Fail once the server answers.")
    var failClosed = false
    @Option(name: .customLong("bundle-file"), help: "Write the certificates to be trusted there.", completion: .file())
    var bundleFile: String?

    mutating func validate() throws {
        if failClosed, register == nil { throw ValidationError("--fail-closed needs --register") }
    }

    func run() async throws {
        let loaded = try options.load(today: Clock.today())
        let certificates = try ServingCertificates(
            names: names.isEmpty ? ["localhost", "127.0.0.1"] : names, now: Self.seconds())
        var inventory = Inventory()
        var client: APIClient?
        var version: String?
        let set = ClusterFollower.resources(withPods: loaded.policy.podSecurity != nil)
        if cluster || register != nil {
            let known = try APIClient(try connection.configuration())
            client = known
            if cluster {
                let snapshot = try await ClusterReader(known, set: set).read()
                inventory = snapshot.inventory
                version = snapshot.version
                for gap in snapshot.gaps { Console.note("martlet: \(gap.message)") }
            }
        }
        var scan = ScanOptions(cluster: "cluster")
        if let target = version.flatMap(TargetVersion.init) { scan.workloads.target = target }
        let reviewer = AdmissionReviewer(
            policy: loaded.policy, inventory: inventory, custom: loaded.custom, waivers: loaded.waivers,
            options: scan, ownNamespaces: Set([ownNamespace].compactMap(\.self)))
        let service = AdmissionService(
            reviewer, certificates: certificates, today: { Clock.today() },
            onDecision: { decision, isDryRun in
                guard decision.outcome == .brokenGlass, !isDryRun else { return }
                let who = decision.response.auditAnnotations["break-glass"] ?? ""
                Console.note("martlet: break-glass used by \(who)")
            })
        let registration = register.flatMap { name in
            client.map { WebhookRegistration($0, name: name, failurePolicy: failClosed ? "Fail" : nil) }
        }
        let bundleFile = bundleFile
        @Sendable func publish(_ present: [String], _ gone: [String]) async throws {
            if let bundleFile { try OutputFile.replace(bundleFile, with: Array(certificates.bundle.utf8)) }
            try await registration?.publish(present, without: gone, now: Self.seconds())
        }
        let follows = cluster
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (started, running) = AsyncStream<Int>.makeStream()
            group.addTask {
                try await service.run(host: host, port: port) { running.yield($0) }
            }
            group.addTask {
                var iterator = started.makeAsyncIterator()
                guard let port = await iterator.next() else { return }
                try await publish([certificates.bundle], [])
                Console.note("martlet: answering admission reviews on \(host):\(port)")
                try await service.keepCertificates(now: { Self.seconds() }, publish: publish)
            }
            if follows, let client {
                group.addTask { try await ClusterFollower(service).run(client, set: set) }
            }
            // The server ends last; whatever ends before it has failed.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    static func seconds() -> Int { time(nil) }
}
