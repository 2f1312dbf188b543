import Admission
import AdmissionImages
import AdmissionServer
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

/// The webhook as a program runs it, alone or beside a hub: what it listens on, what it follows, what it knows.
struct AdmissionDoor: Sendable {
    var policy: AdmissionPolicyOptions.Loaded
    var host = "0.0.0.0"
    var port = 8443
    /// What clients know the server by.
    var names: [String] = []
    /// The cluster it belongs to; nil for none.
    var client: APIClient?
    /// Whether the cluster is read and followed.
    var followsCluster = false
    var ownNamespaces: Set<String> = []
    /// The webhook configuration that is kept.
    var register: String?
    var failsClosed = false
    var bundleFile: String?
    var images: StoredVerdicts?
    /// Whether SIGTERM ends it; beside a hub, the hub's end does.
    var handlesSignals = true
    /// Told of refusals, emergencies and moved tags.
    var onEvent: @Sendable (DoorEvent) -> Void = { _ in }

    static func seconds() -> Int { time(nil) }

    /// Told of images that were looked into.
    static func tell(_ note: StoredVerdicts.Note) {
        let word = note.vulnerabilities == 1 ? "vulnerability" : "vulnerabilities"
        Console.note(
            note.failure.map { "martlet: \(note.name) could not be looked into: \($0)" }
                ?? "martlet: looked into \(note.name): \(note.vulnerabilities) \(word)")
    }

    /// What the door follows of a cluster.
    static func resources(_ policy: AdmissionPolicy) -> ResourceSet {
        ClusterFollower.resources(
            withPods: policy.podSecurity != nil,
            networkGroups: policy.asksEngines ? AdmissionScan.networkGroups(asking: policy.checksOfInterest) : [])
    }

    /// Answers until it is cancelled; what it holds open is closed then, also where it could not begin.
    func run() async throws {
        do {
            try await answer()
        } catch {
            await close()
            throw error
        }
        await close()
    }

    /// A door that was made and is not run has to be closed.
    func close() async { await images?.close() }

    private func answer() async throws {
        let client = client
        let certificates = try ServingCertificates(
            names: names.isEmpty ? ["localhost", "127.0.0.1"] : names, now: Self.seconds())
        var inventory = Inventory()
        var version: String?
        let parameters = policy.custom.parameterKinds
        let set = Self.resources(policy.policy)
        if followsCluster, let client {
            let snapshot = try await ClusterReader(client, set: set).read()
            inventory = snapshot.inventory
            version = snapshot.version
            for gap in snapshot.gaps { Console.note("martlet: \(gap.message)") }
        }
        var scan = ScanOptions(cluster: "cluster")
        if let target = version.flatMap(TargetVersion.init) { scan.workloads.target = target }
        let reviewer = AdmissionReviewer(
            policy: policy.policy, inventory: inventory, custom: policy.custom, waivers: policy.waivers,
            images: images, options: scan, ownNamespaces: ownNamespaces)
        let running = runningImages()
        let images = images
        let onEvent = onEvent
        let service = AdmissionService(
            reviewer, certificates: certificates, today: { Clock.today() },
            onEvent: { event in
                if event.kind == .brokenGlass { Console.note("martlet: break-glass: \(event.message)") }
                onEvent(event)
            }, onPod: { running?.note($0) },
            moreMetrics: { (images?.metrics ?? "") + (running?.metrics ?? "") })
        let registration = register.flatMap { name in
            client.map { WebhookRegistration($0, name: name, failurePolicy: failsClosed ? "Fail" : nil) }
        }
        let bundleFile = bundleFile
        @Sendable func publish(_ present: [String], _ gone: [String]) async throws {
            if let bundleFile { try OutputFile.replace(bundleFile, with: Array(certificates.bundle.utf8)) }
            try await registration?.publish(present, without: gone, now: Self.seconds())
        }
        let (host, port, handlesSignals, follows) = (host, port, handlesSignals, followsCluster)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (started, ports) = AsyncStream<Int>.makeStream()
            group.addTask {
                try await service.run(host: host, port: port, handlesSignals: handlesSignals) { ports.yield($0) }
            }
            group.addTask {
                var iterator = started.makeAsyncIterator()
                guard let port = await iterator.next() else { return }
                try await publish([certificates.bundle], [])
                Console.note("martlet: answering admission reviews on \(host):\(port)")
                try await service.keepCertificates(now: { Self.seconds() }, publish: publish)
            }
            if let images { group.addTask { await images.run() } }
            if follows, let client {
                group.addTask {
                    try await ClusterFollower(service, onGap: { Console.note("martlet: \($0)") })
                        .run(client, set: set, parameters: parameters)
                }
                if let running { group.addTask { await Self.compare(running, client) } }
            }
            // The server ends last; whatever ends before it has failed.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    /// Without the right to watch pods nothing is compared; reviews are answered all the same.
    private static func compare(_ running: RunningImages, _ client: APIClient) async {
        do {
            try await running.run(client)
        } catch is CancellationError {
            return
        } catch {
            Console.note("martlet: what pods run is not compared with what was judged: \(error)")
        }
        for await _ in AsyncStream<Void>(unfolding: { try? await Task.sleep(for: .seconds(3600)) }) {}
    }

    private func runningImages() -> RunningImages? {
        guard followsCluster, client != nil, let images, let rules = policy.policy.images else { return nil }
        let onEvent = onEvent
        return RunningImages(images, policy: rules) { moved in
            Console.note("martlet: \(moved.text)")
            onEvent(DoorEvent(moved))
        }
    }
}
