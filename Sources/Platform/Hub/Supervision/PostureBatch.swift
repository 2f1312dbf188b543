package import Store

/// One step of a cluster's results: what is different from before, with all that the store keeps beside it.
///
/// The same whether a worker of the hub writes it or an agent sends it.
package struct PostureBatch: Sendable, Hashable {
    /// Where an evaluation stands when all of it has been told.
    package struct End: Sendable, Hashable {
        package var counts: ClusterRow.Counts
        package var score: Double?
        /// The first change in the cluster that led to this.
        package var eventAt: Milliseconds?
        package var lag: Int?

        package init(counts: ClusterRow.Counts, score: Double?, eventAt: Milliseconds?, lag: Int?) {
            self.counts = counts
            self.score = score
            self.eventAt = eventAt
            self.lag = lag
        }
    }

    package var at: Milliseconds
    package var present: [FindingRow]
    package var gone: [String]
    package var objects: [ObjectRow]
    package var goneObjects: [ObjectRow.Key]
    /// Every image of the cluster; nil when they are the same as before.
    package var images: [ImageRow]?
    /// Nil in all but the last part of an evaluation that was told in parts.
    package var end: End?

    package init(
        at: Milliseconds, present: [FindingRow] = [], gone: [String] = [], objects: [ObjectRow] = [],
        goneObjects: [ObjectRow.Key] = [], images: [ImageRow]? = nil, end: End? = nil
    ) {
        self.at = at
        self.present = present
        self.gone = gone
        self.objects = objects
        self.goneObjects = goneObjects
        self.images = images
        self.end = end
    }

    /// The same in parts of at most so many rows; only the last says where the evaluation stands.
    package func parts(of most: Int) -> [PostureBatch] {
        let total = present.count + gone.count + objects.count + goneObjects.count
        guard total > most else { return [self] }
        var out: [PostureBatch] = []
        func add<Row>(_ rows: [Row], _ put: (inout PostureBatch, [Row]) -> Void) {
            for start in stride(from: 0, to: rows.count, by: most) {
                var part = PostureBatch(at: at)
                put(&part, Array(rows[start..<min(start + most, rows.count)]))
                out.append(part)
            }
        }
        add(present) { $0.present = $1 }
        add(gone) { $0.gone = $1 }
        add(objects) { $0.objects = $1 }
        add(goneObjects) { $0.goneObjects = $1 }
        out.append(PostureBatch(at: at, images: images, end: end))
        return out
    }
}
