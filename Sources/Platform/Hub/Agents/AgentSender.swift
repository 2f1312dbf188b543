import Documents
import Findings
import Logging
import Store
import Synchronization

/// Sends what lies on an agent's disk, keeps its certificate fresh, and tells the hub how it fares.
final class AgentSender: Sendable {
    private let settings: Agent.Settings
    private let join: AgentJoin
    private let buffer: AgentBuffer
    private let sink: AgentSink
    private let worker: ClusterWorker
    private let now: @Sendable () -> Milliseconds
    private let log: Logger
    private let pulse: Double
    private let (arrivals, arrival) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(
        settings: Agent.Settings, join: AgentJoin, buffer: AgentBuffer, sink: AgentSink, worker: ClusterWorker,
        now: @escaping @Sendable () -> Milliseconds, log: Logger, pulse: Double
    ) {
        self.settings = settings
        self.join = join
        self.buffer = buffer
        self.sink = sink
        self.worker = worker
        self.now = now
        self.log = log
        self.pulse = pulse
    }

    /// Returns when the hub has answered for the first time, or after a while.
    func waitForHub(_ most: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.arrivals { return } }
            group.addTask { try? await Task.sleep(for: most) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Works until it is cancelled; throws when the hub refuses this agent for good.
    func run(_ first: AgentIdentity) async throws {
        var identity = first
        var failures = 0
        // Where the clocks differ by more than a certificate's life, the next one looks as old: asked for once an hour.
        var renewal = ContinuousClock.now
        func mayRenew() -> Bool { ContinuousClock.now >= renewal }
        func noteRenewal(_ identity: AgentIdentity) {
            renewal = .now + .seconds(identity.isDue(at: now()) ? 3600 : pulse)
        }
        while !Task.isCancelled {
            do {
                if identity.isOver(at: now()), mayRenew() {
                    identity = try await join.recover(identity)
                    noteRenewal(identity)
                    log.info("the certificate had ended; got a new one")
                }
                let link = AgentLink(host: settings.host, port: settings.port, try identity.configuration(), now: now)
                do {
                    let pause = renewal
                    if let next = try await session(link, identity, renewing: pause, { failures = 0 }) {
                        identity = next
                        noteRenewal(identity)
                    }
                    await link.close()
                } catch {
                    await link.close()
                    throw error
                }
            } catch is CancellationError {
                return
            } catch let error as LinkError where error.isFinal {
                // The clocks of the two sides may differ: to the hub it has ended.
                guard error.code == "no-certificate", mayRenew() else { throw error }
                do {
                    identity = try await join.recover(identity)
                    noteRenewal(identity)
                } catch let refusal as LinkError where refusal.isFinal {
                    throw refusal
                } catch {
                    renewal = .now + .seconds(pulse)
                    log.warning("no new certificate yet", metadata: ["error": "\(error)"])
                }
            } catch {
                failures += 1
                log.warning("the hub is lost; what happens is kept", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(min(30_000, 500 << min(failures, 6))))
            }
        }
    }

    /// One connection, until it fails or there is another certificate.
    private func session(
        _ link: AgentLink, _ identity: AgentIdentity, renewing pause: ContinuousClock.Instant, _ succeeded: () -> Void
    ) async throws -> AgentIdentity? {
        try await agree(link)
        succeeded()
        var seen = ""
        try await beat(link, &seen)
        arrival.yield()
        log.info("the hub answers")
        var isCompared = false
        let (ticks, tick) = AsyncStream<Bool>.makeStream(bufferingPolicy: .bufferingNewest(4))
        return try await withThrowingTaskGroup(of: AgentIdentity?.self) { group in
            group.addTask { [buffer] in
                for await _ in buffer.news.listen() { tick.yield(false) }
                return nil
            }
            group.addTask { [sink] in
                for await _ in sink.changes.listen() { tick.yield(true) }
                return nil
            }
            group.addTask { [pulse] in
                while (try? await Task.sleep(for: .seconds(pulse))) != nil { tick.yield(true) }
                return nil
            }
            defer { group.cancelAll() }
            tick.yield(false)
            for await isBeat in ticks {
                try Task.checkCancellation()
                try await drain(link)
                if !isCompared {
                    isCompared = try await compare(link)
                }
                if isBeat { try await beat(link, &seen) }
                if identity.isDue(at: now()), ContinuousClock.now >= pause {
                    let next = try await join.renew(identity, over: link)
                    log.info("got the next certificate")
                    return next
                }
            }
            throw CancellationError()
        }
    }

    // MARK: Agreeing

    private func agree(_ link: AgentLink) async throws {
        let (version, pod) = (settings.version, settings.pod)
        let answer = try await link.ask(.POST, "hello") { json in
            json.member("version", version)
            json.member("pod", pod)
        }
        let serial = answer["serial"].int ?? 0
        if await buffer.goesOn(from: serial, of: answer["stream"].string ?? "") { return }
        let next = await buffer.fresh()
        let lost = await buffer.lost
        let begun = try await link.ask(.POST, "begin") { json in
            json.member("stream", next.stream)
            json.member("number", next.number)
            json.member("lost", lost)
        }
        try await buffer.begin(next.stream, at: next.number, with: try PostureDigests(begun["namespaces"]))
        await buffer.forgetLost(lost)
        log.info("begins with what the hub has")
        await worker.recompare()
    }

    private func drain(_ link: AgentLink) async throws {
        while let (number, bytes) = try await buffer.next() {
            let path = "batches/\(await buffer.stream)/\(number)"
            let answer = try await link.ask(.PUT, path, bytes, type: "application/zstd")
            let node = try DocumentReader.readJSON(SourceText(name: "", bytes: answer))
            try await buffer.acknowledge(node["serial"].int ?? 0)
        }
    }

    /// Holds both sides against each other, namespace by namespace. False when there were batches meanwhile.
    private func compare(_ link: AgentLink) async throws -> Bool {
        let (stream, number) = (await buffer.stream, await buffer.number)
        let digests = try await buffer.digests().digests
        let answer = try await link.ask(.POST, "compare") { json in
            json.member("stream", stream)
            json.member("number", number)
            json.member(
                "digests",
                object: { json in for (key, digest) in digests.sorted(by: <) { json.member(key, digest) } })
        }
        let different = try PostureDigests(answer["namespaces"])
        guard !different.parts.isEmpty else { return true }
        guard try await buffer.correct(different, at: number) else { return false }
        log.warning("the hub had other findings", metadata: ["namespaces": "\(different.parts.count)"])
        await worker.recompare()
        return true
    }

    // MARK: Beats

    private let last = Mutex<(at: Milliseconds, processor: Int)?>(nil)

    private func beat(_ link: AgentLink, _ seen: inout String) async throws {
        let standing = sink.standing
        let waiting = await buffer.waiting
        let footprint = Footprint.now()
        let time = now()
        let cpu = last.withLock { last -> Int in
            defer { last = (time, footprint.processor) }
            guard let last, time > last.at else { return 0 }
            return (footprint.processor - last.processor) * 1000 / (time - last.at)
        }
        let answer = try await link.ask(.POST, "beat") { json in
            json.member("state", standing.state.rawValue)
            json.member("detail", standing.detail)
            json.member("holes", standing.holes)
            if let version = standing.version { json.member("server", version) }
            json.member("waiting", waiting)
            json.member("memory", footprint.memory)
            json.member("cpu", cpu)
        }
        let digest = answer["waivers"].string ?? ""
        guard digest != seen else { return }
        let text = try await link.ask(.GET, "waivers")
        let node = try DocumentReader.readJSON(SourceText(name: "", bytes: text))
        let isFirst = seen.isEmpty
        sink.set(node["items"].elements.map { Waiver(agent: $0) })
        seen = digest
        if !isFirst { await worker.reconsider() }
    }
}
