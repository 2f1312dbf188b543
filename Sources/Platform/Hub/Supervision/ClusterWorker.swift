import CISBenchmark
import Findings
import Kubernetes
import KubernetesClient
import Logging
import Manifests
import Posture
import SecretSearch
import Store
import Workloads

/// Keeps one cluster's findings up to date: lists and watches, evaluates what changed, writes the difference.
actor ClusterWorker {
    let cluster: String
    private let source: ClusterSource
    private let sink: any PostureSink
    private let log: Logger

    private var scan: PostureScan?
    private var ledger: PostureLedger?
    /// Objects of the first lists, until all have come.
    private var gathered = Inventory()
    /// Resources whose first list has not come.
    private var awaited: Set<String> = []
    private var gaps: [String: ReadGap] = [:]
    private var version = ""
    /// Events that came while everything was evaluated.
    private var backlog: [ClusterWatch.Event] = []
    private var isEvaluating = false
    private var touched: Set<OwnerIdentity> = []
    /// When the first change that is not written yet came.
    private var waitingSince: Milliseconds?
    private var imagesWritten: Set<String> = []
    private var day = ""
    private var notedAt: Milliseconds = 0
    private var fullAt: Milliseconds = 0
    private var needsAll = false

    init(cluster: String, source: ClusterSource, sink: any PostureSink, log: Logger) {
        self.cluster = cluster
        self.source = source
        self.sink = sink
        var log = log
        log[metadataKey: "cluster"] = "\(cluster)"
        self.log = log
    }

    // MARK: Running

    /// Works until it is cancelled; whatever fails is tried again, and shown.
    func run() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                switch source {
                case .files(let paths): try await follow(paths)
                case .cluster(let configuration): try await watch(configuration) { failures = 0 }
                }
            } catch is CancellationError {
                return
            } catch {
                let message = (error as? ClientError)?.message ?? "\(error)"
                log.warning("the cluster is lost", metadata: ["error": "\(message)"])
                await state(.lost, message)
                failures += 1
                let seconds = min(60, 1 << min(failures, 6))
                try? await Task.sleep(for: .seconds(seconds))
            }
        }
    }

    private func state(_ state: ClusterRow.State, _ detail: String) async {
        let holes = gaps.values.map(\.message).sorted()
        do {
            try await sink.note(state, detail: detail, holes: holes, version: version.isEmpty ? nil : version)
        } catch {
            log.error("the state of the cluster was not written", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Files

    private func follow(_ paths: [String]) async throws {
        var seen: String?
        while true {
            try Task.checkCancellation()
            let mark = FolderMark.of(paths)
            if mark != seen {
                let set = await ManifestReader().read(paths)
                gaps = [:]
                for problem in set.problems {
                    let message = "\(problem.location): \(problem.message)"
                    gaps[message] = ReadGap(kind: .unavailable, resource: "file", message: message)
                }
                try await evaluateAll(Inventory(set.objects), options: ScanOptions(archives: .bounded))
                await state(.resting, "\(set.files) files, read again when they change")
                seen = mark
            }
            try await Task.sleep(for: .seconds(1))
            try await tick()
        }
    }

    // MARK: Watching

    private func watch(_ configuration: ClientConfiguration, _ succeeded: () -> Void) async throws {
        let client = try APIClient(configuration)
        defer { client.close() }
        version = try await client.version()
        let watch = ClusterWatch(client)
        let items = watch.items(try await client.discover())
        awaited = Set(items.map { "\($0.resource.group)/\($0.resource.kind)" })
        gathered = Inventory()
        scan = nil
        gaps = [:]
        backlog = []
        await state(.starting, "reading \(items.count) kinds of objects")
        succeeded()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run(items) { event in await self.take(event) } }
            group.addTask { try await self.beat(client) }
            // The first that ends, ends in an error.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Asks every few seconds whether the server is there, and writes what has gathered.
    private func beat(_ client: APIClient) async throws {
        var wasLost = false
        var round = 0
        while true {
            try await Task.sleep(for: .milliseconds(150))
            try await flush()
            round += 1
            guard round % 100 == 0 else { continue }
            try await tick()
            do {
                let now = try await client.version()
                if wasLost || now != version {
                    version = now
                    wasLost = false
                    await state(scan == nil ? .starting : .watching, "")
                }
            } catch let error as ClientError where error.code == .unauthorized {
                throw error
            } catch let error as ClientError {
                if !wasLost { await state(.lost, error.message) }
                wasLost = true
            }
        }
    }

    private func take(_ event: ClusterWatch.Event) async {
        if isEvaluating {
            backlog.append(event)
            return
        }
        switch event {
        case .alive: return
        case .gap(let gap):
            gaps[gap.resource] = gap
            await begun(gap.resource)
        case .listed(let kind, let group, let objects):
            let healed = gaps.removeValue(forKey: Self.resource(kind, group)) != nil
            if scan == nil {
                for object in objects { gathered.replace(ObjectKey(object.reference), with: object) }
                awaited.remove("\(group)/\(kind)")
                await beginIfReady()
            } else {
                relist(kind, group, objects)
                if healed { needsAll = true }
            }
        case .changed(let change):
            if scan == nil {
                _ = gathered.apply(change)
            } else {
                apply(change)
            }
        }
    }

    /// A gap names the resource, a list the kind; the awaited ones are kinds.
    private func begun(_ resource: String) async {
        guard scan == nil else {
            await state(.watching, "")
            return
        }
        awaited = awaited.filter { entry in
            let sides = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return Self.resource(sides[1], sides[0]) != resource
        }
        await beginIfReady()
    }

    /// `Deployment` of `apps` as `deployments.apps`: plurals of the kinds in the table are regular but for few.
    private static func resource(_ kind: String, _ group: String) -> String {
        let word = kind.lowercased()
        let plural =
            if word.hasSuffix("s") || word.hasSuffix("x") || word.hasSuffix("ch") {
                word + "es"
            } else if word.hasSuffix("y"), !word.hasSuffix("ay"), !word.hasSuffix("ey") {
                String(word.dropLast()) + "ies"
            } else {
                word + "s"
            }
        return group.isEmpty ? plural : "\(plural).\(group)"
    }

    private func beginIfReady() async {
        guard awaited.isEmpty, scan == nil else { return }
        do {
            try await evaluateAll(gathered, options: options())
            gathered = Inventory()
            await state(.watching, "")
        } catch {
            log.error("the first evaluation was not written", metadata: ["error": "\(error)"])
            needsAll = true
        }
    }

    private func options() -> ScanOptions {
        let workloads = WorkloadOptions(
            target: TargetVersion(version) ?? .newest, includesReliability: false,
            unlistedKinds: gaps.values.unlistedKinds)
        return ScanOptions(workloads: workloads, cluster: cluster, archives: .bounded)
    }

    private func relist(_ kind: String, _ group: String, _ objects: [KubernetesObject]) {
        guard let inventory = scan?.inventory else { return }
        var current: Set<ObjectKey> = []
        for object in objects {
            let key = ObjectKey(object.reference)
            current.insert(key)
            let old = inventory[key]?.metadata["resourceVersion"].string
            if old == nil || old != object.metadata["resourceVersion"].string { apply(.modified(object)) }
        }
        for key in inventory.keys(kind, of: group) where !current.contains(key) {
            if let object = inventory[key] { apply(.deleted(object)) }
        }
    }

    private func apply(_ event: Inventory.Event) {
        guard var scan else { return }
        // Not held twice, or the change would copy it.
        self.scan = nil
        touched.formUnion(scan.apply(event))
        self.scan = scan
        if waitingSince == nil { waitingSince = sink.now() }
    }

    // MARK: Writing

    /// Evaluates everything: at the start, after a hole was mended, and as the recovery path from time to time.
    private func evaluateAll(_ inventory: Inventory, options: ScanOptions) async throws {
        isEvaluating = true
        defer { isEvaluating = false }
        var next = PostureScan(inventory, options: options)
        await next.evaluateAll(width: 2)
        scan = next
        try await reconcile()
        isEvaluating = false
        let waiting = backlog
        backlog = []
        for event in waiting { await take(event) }
    }

    /// Holds all results against what the store really has.
    private func reconcile() async throws {
        let known = try await sink.known()
        ledger = PostureLedger(cluster: cluster, stored: known.findings, objects: known.objects)
        ledger?.waivers = try await sink.waivers()
        touched = []
        waitingSince = nil
        try await write(scan?.owners ?? [], isAll: true)
        fullAt = sink.now()
    }

    /// Writes what gathered since the last time.
    private func flush() async throws {
        if needsAll, let scan, !isEvaluating {
            needsAll = false
            try await evaluateAll(scan.inventory, options: options())
            await state(.watching, "")
            return
        }
        guard waitingSince != nil, scan != nil, !isEvaluating else { return }
        touched.formUnion(scan?.settle() ?? [])
        let owners = touched.sorted()
        touched = []
        try await write(owners, isAll: false)
    }

    private func write(_ owners: [OwnerIdentity], isAll: Bool) async throws {
        guard var scan, var ledger else { return }
        let now = sink.now()
        let since = waitingSince
        waitingSince = nil
        let today = CalendarDate.of(now)
        let entry = ledger.enter(owners, of: &scan, isAll: isAll, today: today, at: now)
        // Before anything waits: events come in meanwhile.
        self.scan = scan
        self.ledger = ledger
        let images = imageRows(scan.inventory, at: now)
        let batch = PostureBatch(
            at: now, present: entry.delta.present, gone: entry.delta.gone, objects: entry.objects,
            goneObjects: entry.goneObjects, images: images,
            end: .init(counts: entry.counts, score: entry.score, eventAt: since, lag: since.map { now - $0 }))
        do {
            try await sink.write(batch)
            if let images { imagesWritten = Set(images.map(\.image)) }
            day = "\(today)"
            notedAt = now
        } catch {
            // Nothing of it was written; everything is held against the store again.
            needsAll = true
            throw error
        }
    }

    /// The images of the cluster; nil when they are the same as before.
    private func imageRows(_ inventory: Inventory, at now: Milliseconds) -> [ImageRow]? {
        let images = inventory.images.filter { !$0.isEmpty }
        guard Set(images) != imagesWritten else { return nil }
        return images.map { image in
            let digest = image.split(separator: "@", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
            return ImageRow(
                cluster: cluster, image: image, digest: digest,
                workloads: inventory.keys(usingImage: image).count, seenAt: now)
        }
    }

    /// Now and then: a new day ends waivers, and everything is evaluated again once in a while.
    private func tick() async throws {
        guard scan != nil, !isEvaluating else { return }
        let now = sink.now()
        if day != "\(CalendarDate.of(now))" {
            try await reconcile()
        } else if now - fullAt > Supervisor.fullEvery, case .cluster = source {
            needsAll = true
        } else if sink.isDecidedElsewhere, let known = ledger?.waivers, try await sink.waivers() != known {
            try await reconcile()
        } else if now - notedAt > 600_000 {
            // Nothing changes, and somebody looks: that too is worth remembering.
            try await sink.noteQuiet(isComplete: gaps.isEmpty)
            notedAt = now
        }
    }

    /// Waivers have changed: the results are the same, what is failing is not.
    func reconsider() async {
        guard scan != nil, !isEvaluating else {
            needsAll = scan != nil
            return
        }
        do {
            try await reconcile()
        } catch {
            needsAll = true
        }
    }

    /// What is known of the cluster elsewhere is not what was thought: everything is held against it again.
    func recompare() { needsAll = scan != nil }

    /// The scan as it is now, and the kinds it stands without: what fixes, pictures and what-if are computed on.
    var current: (scan: PostureScan, unlistedKinds: Set<String>)? {
        scan.map { ($0, gaps.values.unlistedKinds) }
    }
}
