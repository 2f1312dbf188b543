import Synchronization

/// How many requests were answered, by route and kind of status: as many series as there are routes, whatever is asked.
package final class RequestCounters: Sendable {
    package struct Key: Hashable, Comparable, Sendable {
        package var route: String
        /// `2xx`.
        package var status: String

        package static func < (a: Self, b: Self) -> Bool { (a.route, a.status) < (b.route, b.status) }
    }

    private let counts = Mutex<[Key: Int]>([:])

    func note(_ route: Route?, status: Int) {
        let name = route.map { "\($0.method) \($0.path)" } ?? "other"
        let key = Key(route: name, status: "\(status / 100)xx")
        counts.withLock { $0[key, default: 0] += 1 }
    }

    package var all: [(key: Key, count: Int)] {
        counts.withLock { $0.sorted { $0.key < $1.key }.map { (key: $0.key, count: $0.value) } }
    }
}
