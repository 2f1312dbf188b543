/// Counts what happens by key over a sliding window of event time, and says when a count passes its bound.
///
/// Time is the events' own: a replayed log counts as the live one did. The window slides in steps of a tenth, so a
/// count is exact to that step. A clock that jumps back is counted in the newest step.
package struct WindowCounter<Key: Hashable & Sendable>: Sendable {
    package let window: UInt64
    package let bound: Int
    private let step: UInt64
    private let largest: Int
    private var counts: [Key: Count] = [:]
    private var newest: UInt64 = 0
    /// Events whose key found no room.
    package private(set) var uncounted = 0

    private static var steps: Int { 10 }

    private struct Count: Sendable {
        var steps = [Int](repeating: 0, count: 10)
        /// The step the newest entry is of.
        var last: UInt64
        /// Told already, and not again before the count fell below the bound.
        var isTold = false
    }

    /// `window` in nanoseconds; more than `bound` events within it are too many.
    package init(window: UInt64, bound: Int, largest: Int = 10_000) {
        self.window = max(window, 10)
        self.bound = bound
        self.largest = largest
        step = max(1, self.window / 10)
    }

    /// Counts one event; true when it makes its key pass the bound.
    package mutating func add(_ key: Key, at time: UInt64) -> Bool {
        newest = max(newest, time / step)
        var count = counts[key] ?? Count(last: newest)
        guard counts[key] != nil || counts.count < largest || forgetOld() else {
            uncounted += 1
            return false
        }
        advance(&count)
        count.steps[Int(newest % UInt64(Self.steps))] += 1
        let passes = count.steps.reduce(0, +) > bound
        defer { counts[key] = count }
        guard passes else {
            count.isTold = false
            return false
        }
        defer { count.isTold = true }
        return !count.isTold
    }

    /// Events of a key in the window.
    package func count(_ key: Key) -> Int {
        guard var count = counts[key] else { return 0 }
        advance(&count)
        return count.steps.reduce(0, +)
    }

    private func advance(_ count: inout Count) {
        guard newest > count.last else { return }
        for passed in 1...min(newest - count.last, UInt64(Self.steps)) {
            count.steps[Int((count.last + passed) % UInt64(Self.steps))] = 0
        }
        count.last = newest
        if count.steps.reduce(0, +) <= bound { count.isTold = false }
    }

    /// Forgets keys that had nothing in the window; false when every key had.
    private mutating func forgetOld() -> Bool {
        let limit = newest
        let before = counts.count
        counts = counts.filter { $0.value.last + UInt64(Self.steps) > limit }
        return counts.count < before
    }
}
