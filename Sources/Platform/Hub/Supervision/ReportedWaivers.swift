import Findings
import Store

/// Waivers of what other tools' reports found. What Martlet finds itself is waived by the worker of its cluster.
enum ReportedWaivers {
    /// Most findings that one waiver is held against at a time.
    private static let most = 100_000

    /// Rows of a report with the state that the waivers of their cluster give them; what the report itself put aside
    /// stays so.
    static func applied(_ waivers: [WaiverRow], to rows: [FindingRow], today: CalendarDate) -> [FindingRow] {
        let holding = waivers.filter { $0.state == .approved && CalendarDate($0.expires).map { $0 >= today } ?? false }
        return rows.map { row in
            guard row.status == .failing, let waiver = holding.first(where: { covers($0, row) }) else { return row }
            var row = row
            row.status = .waived
            row.waiver = "\(waiver.owner): \(waiver.reason) (until \(waiver.expires))"
            return row
        }
    }

    /// Holds everything that a waiver reaches against all waivers again, after it was decided over or has ended.
    static func reconsider(
        _ waiver: WaiverRow, in db: any SQLConnection, at now: Milliseconds
    ) throws -> [FindingChange] {
        func whole(_ text: String?) -> String? { text.flatMap { $0.contains("*") ? nil : $0 } }
        let query = FindingQuery(
            scope: .everything, cluster: waiver.cluster.isEmpty ? nil : waiver.cluster, rule: whole(waiver.rule),
            kind: whole(waiver.kind), name: whole(waiver.name), statuses: [.failing, .waived], limit: most)
        // A pattern over the whole fleet has no index: whoever asks for one names a rule or a name.
        guard !query.isOfFleet else { return [] }
        let today = CalendarDate.of(now)
        var changes: [FindingChange] = []
        let rows = try db.findings(query).filter { $0.source != "martlet" && !isPutAside($0) && covers(waiver, $0) }
        for (cluster, rows) in Dictionary(grouping: rows, by: \.cluster).sorted(by: { $0.key < $1.key }) {
            let bare = rows.map { row in
                var row = row
                row.status = .failing
                row.waiver = nil
                return row
            }
            let present = applied(try db.waivers(cluster: cluster, state: .approved), to: bare, today: today)
            changes += try db.apply(FindingDelta(cluster: cluster, at: now, present: present))
        }
        return changes
    }

    /// What the report said itself of a finding it does not count: a VEX statement, a list of what to pass over.
    static func aside(_ tool: String) -> String { "\(asideMark) by \(tool)'s report (VEX or its own list)" }

    private static let asideMark = "put aside"

    private static func isPutAside(_ row: FindingRow) -> Bool {
        row.status == .waived && row.waiver?.hasPrefix(asideMark) == true
    }

    private static func covers(_ waiver: WaiverRow, _ row: FindingRow) -> Bool {
        func fits(_ pattern: String?, _ text: String) -> Bool { pattern.map { Glob($0).matches(text) } ?? true }
        return (waiver.cluster.isEmpty || waiver.cluster == row.cluster) && Glob(waiver.rule).matches(row.rule)
            && fits(waiver.kind, row.kind) && fits(waiver.namespace, row.namespace) && fits(waiver.name, row.name)
            && waiver.path == nil
    }
}
