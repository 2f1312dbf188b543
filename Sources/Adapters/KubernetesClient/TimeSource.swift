import Synchronization

/// The clock and the dice, given from outside so that tests decide what time it is.
package struct TimeSource: Sendable {
    /// Seconds since 1970.
    package var now: @Sendable () -> Double
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A number in 0..<1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    package static let system: TimeSource = TimeSource(
        now: SystemTime.now, sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0..<1) })
}

/// A token bucket: at most `rate` requests a second in the long run, `burst` at once.
///
/// kubectl keeps to 50 and 300; a scan is no more in a hurry than that.
final class RateLimit: Sendable {
    private struct State {
        var tokens: Double
        var updated: Double
    }
    private let rate: Double
    private let burst: Double
    private let time: TimeSource
    private let state: Mutex<State>

    init(rate: Double, burst: Double, time: TimeSource) {
        self.rate = rate
        self.burst = burst
        self.time = time
        state = Mutex(State(tokens: burst, updated: time.now()))
    }

    /// Takes a token, waiting until there is one; those who wait are served in order, each with a token of its own.
    func take() async throws {
        let now = time.now()
        let wait = state.withLock { state -> Double in
            // A clock set back gives no tokens and takes none.
            let gained = max(0, now - state.updated) * rate
            state.tokens = min(burst, state.tokens + gained) - 1
            state.updated = now
            return state.tokens >= 0 ? 0 : -state.tokens / rate
        }
        if wait > 0 { try await time.sleep(.seconds(wait)) }
    }
}

/// How long to wait before which try.
struct Backoff: Sendable {
    var first = 0.5
    var limit = 30.0
    var tries = 5

    /// Doubles from try to try; half of it is left to chance, so that clients that failed together do not come back
    /// together. What the server asks for is the least.
    func delay(after attempt: Int, asked: Duration?, random: Double) -> Duration {
        var full = first
        for _ in 0..<min(attempt, 16) { full *= 2 }
        full = min(full, limit)
        let chosen = Duration.seconds(full / 2 + full / 2 * random)
        guard let asked else { return chosen }
        return asked + .seconds(first * random)
    }
}
