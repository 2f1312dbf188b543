/// What became of every event: seen is delivered, filtered and lost together, class by class.
package struct SensorLedger: Sendable, Equatable {
    package enum Group: Int, Sendable, CaseIterable {
        case process, privilege, network, container, change, signal, read, other
    }

    package struct Count: Sendable, Equatable {
        package var seen: UInt64 = 0
        package var delivered: UInt64 = 0
        package var filtered: UInt64 = 0
        package var lost: UInt64 = 0

        /// Nothing is missing from the books.
        package var isExact: Bool { seen == delivered &+ filtered &+ lost }
    }

    package var counts: [Count] = Array(repeating: Count(), count: Group.allCases.count)
    /// Records that arrived, by class, counted by the reader.
    package var received: [UInt64] = Array(repeating: 0, count: Group.allCases.count)
    /// Records that could not be read.
    package var unreadable: UInt64 = 0
    /// Times the kernel did not run a program since the same was running: events nobody saw.
    package var missedRuns: UInt64 = 0

    package init() {}

    package var total: Count {
        counts.reduce(into: Count()) { sum, next in
            sum.seen += next.seen
            sum.delivered += next.delivered
            sum.filtered += next.filtered
            sum.lost += next.lost
        }
    }
}
