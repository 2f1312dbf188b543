import Documents
import Findings
import Kubernetes
import Store

/// Findings as they are stored, as a report that every output format of the scan can write.
struct StoredReport: Sendable {
    /// Most findings of one export; a question for more is to be narrowed.
    static let most = 20_000

    let report: Report

    init(_ rows: [FindingRow], target: String, now: Milliseconds, version: String, rules: [String: Rule]) {
        var made: [String: Rule] = [:]
        let findings = rows.map { row -> Finding in
            let rule = rules[row.rule] ?? made[row.rule] ?? Self.rule(row)
            made[row.rule] = rule
            return Self.finding(row, rule)
        }
        report = Report(
            target: target, isCluster: true, generatedAt: TimeText.rfc3339(now), version: version, findings: findings,
            rules: made.values.sorted { $0.id < $1.id })
    }

    /// What another scanner found has a rule that only its report knows.
    private static func rule(_ row: FindingRow) -> Rule {
        Rule(row.rule, row.severity, title: row.title, why: row.title, remedy: "See what \(row.source) says of it.")
    }

    private static func finding(_ row: FindingRow, _ rule: Rule) -> Finding {
        let outcome: Outcome =
            switch row.status {
            case .failing: .fail
            case .waived: .waived
            case .unobservable: .notObservable
            case .fixed: .pass
            }
        let subject = ObjectReference(group: row.group, kind: row.kind, namespace: row.namespace, name: row.name)
        var finding = Finding(
            rule: rule, severity: row.severity, outcome: outcome, subject: subject, file: row.file,
            evidence: evidence(row), cluster: row.cluster, isSystem: row.isSystem)
        if let waiver = row.waiver { finding.waiver = Self.waiver(waiver, row) }
        return finding
    }

    /// Places without their values: a node that is not there still knows its path.
    private static func evidence(_ row: FindingRow) -> [Evidence] {
        guard let empty = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array("{}".utf8))) else { return [] }
        guard let places = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(row.evidence.utf8))) else {
            return []
        }
        return places.elements.compactMap { place in
            guard let text = place["path"].string else { return nil }
            var node = empty
            for element in FieldPath(parsing: text).elements {
                switch element {
                case .key(let key): node = node[key]
                case .index(let index): node = node[index]
                }
            }
            return Evidence(
                node: node, message: place["message"].string ?? row.message,
                provenance: place["provenance"].string)
        }
    }

    /// `owner: reason (until day)`, as the store keeps it.
    private static func waiver(_ text: String, _ row: FindingRow) -> Waiver {
        let sides = text.split(separator: ": ", maxSplits: 1).map(String.init)
        let rest = sides.count == 2 ? sides[1] : ""
        let parts = rest.split(separator: " (until ").map(String.init)
        return Waiver(
            owner: sides.first ?? "", reason: parts.dropLast().joined(separator: " (until "),
            expires: String((parts.last ?? "").dropLast()), scope: Waiver.Scope(check: row.rule), place: "the hub")
    }
}
