/// How many letters differ between two names: added, left out, or another.
///
/// Names are short; what is longer than 64 bytes is compared by its beginning.
package enum EditDistance {
    package static func between(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(64))
        let b = Array(right.utf8.prefix(64))
        var row = Array(0...b.count)
        for (i, one) in a.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let cost = min(row[j + 1] + 1, row[j] + 1, previous + (one == other ? 0 : 1))
                previous = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }

    /// The one of `all` whose name differs in the fewest letters from `name`, and in no more than `limit`; of several that
    /// are as near, the first by its name.
    package static func nearest<All: Sequence>(
        to name: String, in all: All, within limit: Int, by nameOf: (All.Element) -> String
    ) -> All.Element? {
        let near = all.compactMap { one -> (one: All.Element, name: String, distance: Int)? in
            let its = nameOf(one)
            let distance = between(its, name)
            return distance <= limit ? (one, its, distance) : nil
        }
        return near.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.one
    }
}
