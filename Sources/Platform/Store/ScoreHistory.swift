/// How a cluster stood on a day: the last word of it.
package struct ScoreRow: Sendable, Hashable {
    package var cluster: String
    /// `2026-11-23`.
    package var day: String
    package var score: Double?
    package var critical: Int
    package var high: Int
    package var medium: Int
    package var low: Int
    package var info: Int
    package var waived: Int
    package var objects: Int

    package init(
        cluster: String, day: String, score: Double?, critical: Int = 0, high: Int = 0, medium: Int = 0, low: Int = 0,
        info: Int = 0, waived: Int = 0, objects: Int = 0
    ) {
        self.cluster = cluster
        self.day = day
        self.score = score
        self.critical = critical
        self.high = high
        self.medium = medium
        self.low = low
        self.info = info
        self.waived = waived
        self.objects = objects
    }
}

extension SQLConnection {
    /// Writes the score of a day from the counters.
    package func noteScore(of cluster: String, day: String) throws(StoreError) {
        guard let row = try self.cluster(cluster) else { return }
        var score = ScoreRow(cluster: cluster, day: day, score: row.score, objects: row.counts.objects)
        for counter in try rollups(.cluster, cluster: cluster) {
            switch (counter.status, counter.severity) {
            case (.failing, .critical): score.critical += counter.total
            case (.failing, .high): score.high += counter.total
            case (.failing, .medium): score.medium += counter.total
            case (.failing, .low): score.low += counter.total
            case (.failing, .info): score.info += counter.total
            case (.waived, _): score.waived += counter.total
            default: break
            }
        }
        try write(score)
    }

    package func write(_ score: ScoreRow) throws(StoreError) {
        let columns = ["cluster", "day", "score", "critical", "high", "medium", "low", "info", "waived", "objects"]
        let updates = columns.dropFirst(2).map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        try insert(
            into: "score_history", columns,
            [
                [
                    .text(score.cluster), .text(score.day), SQLValue(score.score), .int(score.critical),
                    .int(score.high), .int(score.medium), .int(score.low), .int(score.info), .int(score.waived),
                    .int(score.objects),
                ]
            ], conflict: "ON CONFLICT (cluster, day) DO UPDATE SET \(updates)")
    }

    /// Scores from a day on, oldest first.
    package func scores(of cluster: String, since day: String) throws(StoreError) -> [ScoreRow] {
        let sql = """
            SELECT cluster, day, score, critical, high, medium, low, info, waived, objects FROM score_history
            WHERE cluster = ? AND day >= ? ORDER BY day
            """
        var out: [ScoreRow] = []
        for row in try rows(sql, [.text(cluster), .text(day)]) {
            out.append(
                ScoreRow(
                    cluster: try row.text(0), day: try row.text(1), score: try row.optionalDouble(2),
                    critical: try row.int(3), high: try row.int(4), medium: try row.int(5), low: try row.int(6),
                    info: try row.int(7), waived: try row.int(8), objects: try row.int(9)))
        }
        return out
    }
}
