import Documents
import Findings
import Store

/// Findings of a cluster as PolicyReport objects, bounded: etcd is no place for a history.
enum PolicyReport {
    /// Results of one report, the worst first; the summary counts all.
    static let mostResults = 500

    static func all(_ rows: [FindingRow], now: Milliseconds, into json: inout JSONWriter) {
        let groups = Dictionary(grouping: rows, by: \.namespace).sorted { $0.key < $1.key }
        for (namespace, rows) in groups {
            json.object { write(rows.sorted(by: isBefore), namespace, now, into: &$0) }
        }
    }

    private static func isBefore(_ a: FindingRow, _ b: FindingRow) -> Bool {
        (a.severity.storedRank, a.fingerprint) < (b.severity.storedRank, b.fingerprint)
    }

    private static func write(
        _ rows: [FindingRow], _ namespace: String, _ now: Milliseconds, into json: inout JSONWriter
    ) {
        json.member("apiVersion", "wgpolicyk8s.io/v1alpha2")
        json.member("kind", namespace.isEmpty ? "ClusterPolicyReport" : "PolicyReport")
        json.member(
            "metadata",
            object: { json in
                json.member("name", "martlet")
                if !namespace.isEmpty { json.member("namespace", namespace) }
                json.member("labels", object: { $0.member("app.kubernetes.io/managed-by", "martlet") })
            })
        json.member(
            "summary",
            object: { json in
                json.member("pass", 0)
                json.member("fail", rows.count { $0.status == .failing })
                json.member("warn", rows.count { $0.status == .waived })
                json.member("error", rows.count { $0.status == .unobservable })
                json.member("skip", 0)
            })
        json.member(
            "results",
            array: { json in
                for row in rows.prefix(mostResults) { json.object { result(row, now, into: &$0) } }
            })
    }

    private static func result(_ row: FindingRow, _ now: Milliseconds, into json: inout JSONWriter) {
        let word =
            switch row.status {
            case .failing: "fail"
            case .waived: "warn"
            case .unobservable: "error"
            case .fixed: "pass"
            }
        json.member("source", row.source)
        json.member("policy", row.rule)
        json.member("rule", row.rule)
        json.member("severity", row.severity.rawValue)
        json.member("result", word)
        json.member("scored", row.status == .failing)
        json.member("message", String(row.message.prefix(500)))
        json.member(
            "timestamp",
            object: { json in
                json.member("seconds", row.changedAt / 1000)
                json.member("nanos", 0)
            })
        json.member(
            "resources",
            array: { json in
                json.object { json in
                    json.member("kind", row.kind)
                    if !row.namespace.isEmpty { json.member("namespace", row.namespace) }
                    json.member("name", row.name)
                }
            })
    }
}

/// What was decided about vulnerabilities, as CycloneDX 1.6 VEX.
///
/// A waiver is a risk somebody takes, so that a vulnerability that is waived stays exploitable and will not be fixed;
/// only a reason that begins with "not affected" says that it is none here.
enum VEXWriter {
    static func write(_ rows: [FindingRow], now: Milliseconds, version: String, into json: inout JSONWriter) {
        json.member("bomFormat", "CycloneDX")
        json.member("specVersion", "1.6")
        json.member("version", 1)
        json.member(
            "metadata",
            object: { json in
                json.member("timestamp", time: now)
                json.member(
                    "tools",
                    object: { json in
                        json.member(
                            "components",
                            array: { json in
                                json.object { json in
                                    json.member("type", "application")
                                    json.member("name", "martlet")
                                    json.member("version", version)
                                }
                            })
                    })
            })
        let known = rows.compactMap { row in identifier(row.rule + " " + row.message).map { ($0, row) } }
        json.member(
            "vulnerabilities",
            array: { json in
                for (id, rows) in Dictionary(grouping: known, by: \.0).sorted(by: { $0.key < $1.key }) {
                    for (_, row) in rows { json.object { vulnerability(id, row, into: &$0) } }
                }
            })
    }

    private static func vulnerability(_ id: String, _ row: FindingRow, into json: inout JSONWriter) {
        let decision = row.waiver ?? ""
        let reason = decision.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? decision
        let isNone = reason.lowercased().hasPrefix("not affected")
        json.member("id", id)
        json.member(
            "ratings", array: { json in json.object { $0.member("severity", row.severity.rawValue) } })
        json.member(
            "analysis",
            object: { json in
                json.member("state", isNone ? "not_affected" : "exploitable")
                if !isNone { json.member("response", ["will_not_fix"]) }
                json.member("detail", decision)
            })
        json.member(
            "affects", array: { json in json.object { $0.member("ref", "\(row.cluster)/\(row.kind)/\(row.name)") } })
    }

    /// The first CVE or GHSA in a text.
    static func identifier(_ text: String) -> String? {
        text.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init).first { word in
            let upper = word.uppercased()
            return upper.hasPrefix("CVE-") && upper.split(separator: "-").count == 3 || upper.hasPrefix("GHSA-")
        }
    }
}
