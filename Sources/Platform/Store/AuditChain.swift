import Crypto
import Encodings

/// One administrative action, linked to the one before it.
package struct AuditRow: Sendable, Hashable {
    package var seq: Int
    package var at: Milliseconds
    package var actor: String
    /// `waiver.approve`, `user.add`.
    package var action: String
    package var target: String
    /// More, as JSON; never a password or token.
    package var detail: String
    package var previous: String
    package var hash: String

    /// SHA-256 over the hash before it and everything it says, each part with its length before it.
    static func hash(
        seq: Int, at: Milliseconds, actor: String, action: String, target: String, detail: String, previous: String
    ) -> String {
        var sha = SHA256()
        for part in [previous, String(seq), String(at), actor, action, target, detail] {
            let bytes = Array(part.utf8)
            sha.update(data: Array("\(bytes.count):".utf8))
            sha.update(data: bytes)
        }
        return Hexadecimal.text(sha.finalize())
    }
}

/// Whether the chain is whole.
package enum AuditVerdict: Sendable, Hashable {
    case whole(entries: Int, head: String)
    /// The first entry that was changed, or that follows one that is gone.
    case broken(at: Int)
}

extension SQLConnection {
    /// Adds an entry behind the last one.
    package func audit(
        _ action: String, target: String, by actor: String, at time: Milliseconds, detail: String = "{}"
    ) throws(StoreError) {
        // The head is a row of its own, so that writers on several replicas queue up at it; and a chain cut at its end
        // no longer fits its head.
        let start = String(repeating: "0", count: 64)
        try run(
            "INSERT INTO settings (name, value) VALUES ('audit.head', ?) ON CONFLICT (name) DO NOTHING",
            [.text("0 \(start)")])
        let head = try row("SELECT value FROM settings WHERE name = 'audit.head'\(dialect.lock)")?.text(0) ?? ""
        let parts = head.split(separator: " ")
        let seq = (parts.first.flatMap { Int($0) } ?? 0) + 1
        let previous = parts.count == 2 ? String(parts[1]) : start
        let hash = AuditRow.hash(
            seq: seq, at: time, actor: actor, action: action, target: target, detail: detail, previous: previous)
        try insert(
            into: "audit", ["seq", "at", "actor", "action", "target", "detail", "previous", "hash"],
            [
                [
                    .int(seq), .int(time), .text(actor), .text(action), .text(target), .text(detail), .text(previous),
                    .text(hash),
                ]
            ])
        try run("UPDATE settings SET value = ? WHERE name = 'audit.head'", [.text("\(seq) \(hash)")])
    }

    /// One page of the chain, newest first.
    package func auditEntries(before seq: Int? = nil, limit: Int = 50) throws(StoreError) -> [AuditRow] {
        let sql = """
            SELECT seq, at, actor, action, target, detail, previous, hash FROM audit WHERE seq < ?
            ORDER BY seq DESC LIMIT ?
            """
        return try entries(sql, [.int(seq ?? Int.max), .int(limit)])
    }

    /// Walks the chain and computes every link again.
    package func verifyAudit() throws(StoreError) -> AuditVerdict {
        var previous = String(repeating: "0", count: 64)
        var count = 0
        while true {
            let page = try entries(
                """
                SELECT seq, at, actor, action, target, detail, previous, hash FROM audit WHERE seq > ?
                ORDER BY seq LIMIT 1000
                """, [.int(count)])
            if page.isEmpty { break }
            for entry in page {
                let hash = AuditRow.hash(
                    seq: entry.seq, at: entry.at, actor: entry.actor, action: entry.action, target: entry.target,
                    detail: entry.detail, previous: previous)
                guard entry.seq == count + 1, entry.previous == previous, entry.hash == hash else {
                    return .broken(at: count + 1)
                }
                previous = hash
                count += 1
            }
        }
        let head = try row("SELECT value FROM settings WHERE name = 'audit.head'")?.text(0)
        if let head, head != "\(count) \(previous)" { return .broken(at: count + 1) }
        return .whole(entries: count, head: previous)
    }

    private func entries(_ sql: String, _ values: [SQLValue]) throws(StoreError) -> [AuditRow] {
        var out: [AuditRow] = []
        for row in try rows(sql, values) {
            out.append(
                AuditRow(
                    seq: try row.int(0), at: try row.int(1), actor: try row.text(2), action: try row.text(3),
                    target: try row.text(4), detail: try row.text(5), previous: try row.text(6),
                    hash: try row.text(7)))
        }
        return out
    }
}
