import Documents
import Findings
import Store
import Synchronization

/// Where an agent's worker writes to: the disk, from where everything goes to the hub.
final class AgentSink: PostureSink {
    /// How the cluster is, as the hub is told with every beat.
    struct Standing: Sendable {
        var state = ClusterRow.State.starting
        var detail = ""
        var holes: [String] = []
        var version: String?
    }

    private struct State {
        var standing = Standing()
        var waivers: [Waiver] = []
    }

    let buffer: AgentBuffer
    private let clock: @Sendable () -> Milliseconds
    private let state = Mutex(State())
    let changes = Hint()

    init(buffer: AgentBuffer, now: @escaping @Sendable () -> Milliseconds) {
        self.buffer = buffer
        clock = now
    }

    var standing: Standing { state.withLock { $0.standing } }

    func now() -> Milliseconds { clock() }

    func known() async throws -> KnownPosture { try await buffer.digests().known }

    func waivers() async throws -> [Waiver] { state.withLock { $0.waivers } }

    /// The hub decides; what it said last lies here.
    var isDecidedElsewhere: Bool { true }

    func set(_ waivers: [Waiver]) { state.withLock { $0.waivers = waivers } }

    func write(_ batch: PostureBatch) async throws { try await buffer.add(batch) }

    func note(_ state: ClusterRow.State, detail: String, holes: [String], version: String?) async throws {
        self.state.withLock { inner in
            inner.standing.state = state
            inner.standing.detail = detail
            inner.standing.holes = holes
            if let version { inner.standing.version = version }
        }
        changes.tell()
    }

    /// Every beat says so.
    func noteQuiet(isComplete: Bool) async throws {}
}
