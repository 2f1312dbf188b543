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
}
