package import Findings
package import Logging
package import Store
import Synchronization

/// Where agents dial in.
struct AgentListener: Sendable {
    var authority: AgentAuthority
    var port: Int
}

/// What every part of the hub works with: the store, the clock, who asks, what happens.
///
/// Areas (API, dashboard, webhooks) get this and nothing else; they add their routes in `HubRoutes.all`.
package final class HubContext: Sendable {
    package let store: Store
    package let now: @Sendable () -> Milliseconds
    package let authenticator: Authenticator
    package let feed: ChangeFeed
    package let supervisor: Supervisor
    let outbox: OutboxSignal
    /// The network, while the hub runs.
    private let wireBox = Mutex<(any Wire)?>(nil)
    var wire: (any Wire)? {
        get { wireBox.withLock { $0 } }
        set { wireBox.withLock { $0 = newValue } }
    }
    package let settings: HubSettings
    package let log: Logger
    /// Every rule there is, by id: what findings are explained with.
    package let rules: [String: Rule]
    package let version: String
    package let requests = RequestCounters()
    package let judge = EventJudge()
    let limits = AttemptLimit(most: 6000, within: 60_000)
    let joins = AttemptLimit(most: 30, within: 60_000)
    /// The authority over agents, and the port they dial, while the hub listens for them.
    private let agentsBox = Mutex<AgentListener?>(nil)
    var agents: AgentListener? {
        get { agentsBox.withLock { $0 } }
        set { agentsBox.withLock { $0 = newValue } }
    }
    /// Outside the database: seals what must not be read in a copy of it.
    let key: [UInt8]

    package init(
        store: Store, settings: HubSettings, key: [UInt8], version: String, rules: [Rule],
        now: @escaping @Sendable () -> Milliseconds, log: Logger
    ) {
        self.store = store
        self.settings = settings
        self.now = now
        self.log = log
        self.version = version
        self.key = key
        self.rules = Dictionary(rules.map { ($0.id, $0) }) { first, _ in first }
        authenticator = Authenticator(store: store, now: now, key: key)
        feed = ChangeFeed()
        outbox = OutboxSignal()
        supervisor = Supervisor(
            store: store, feed: feed,
            alerts: AlertEngine(rules: settings.alertRules, notifiers: settings.notifiers.map(\.name)),
            outbox: outbox, version: version, now: now, log: log)
    }

    /// A new id that sorts by time.
    package func newID() -> String { SortableID.make(at: now(), random: UInt64.random(in: .min ... .max)) }
}
