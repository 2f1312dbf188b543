import FoundationEssentials
import Store

/// Copies of what a hub keeps, and whether it is whole.
package enum HubBackup {
    package struct Content: Sendable, Hashable {
        package var clusters: Int
        package var findings: Int

        package init(clusters: Int, findings: Int) {
            self.clusters = clusters
            self.findings = findings
        }
    }

    /// Writes database and key into a new folder.
    package static func write(_ folder: String, to target: String) async throws -> Content {
        guard FileManager.default.fileExists(atPath: "\(folder)/hub.sqlite") else {
            throw StoreError(.unavailable, "there is no database in \(folder)")
        }
        guard !FileManager.default.fileExists(atPath: target) else {
            throw StoreError(.taken, "\(target) is there already; name a new folder")
        }
        try FileManager.default.createDirectory(
            atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let backend = try SQLiteBackend(path: "\(folder)/hub.sqlite", readers: 1)
        try await backend.backup(to: "\(target)/hub.sqlite")
        try await backend.close()
        for name in ["key", "tls.crt", "tls.key"] where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(target)/\(name)")
        }
        return try await content(target)
    }

    /// Puts a copy in place; it is opened and brought to this program's schema on a copy of its own first.
    package static func restore(_ copy: String, to folder: String) async throws -> Content {
        let trial = "\(folder).restoring"
        try? FileManager.default.removeItem(atPath: trial)
        try FileManager.default.createDirectory(
            atPath: trial, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in ["hub.sqlite", "key", "tls.crt", "tls.key"]
        where FileManager.default.fileExists(atPath: "\(copy)/\(name)") {
            try FileManager.default.copyItem(atPath: "\(copy)/\(name)", toPath: "\(trial)/\(name)")
        }
        let content = try await content(trial)
        if FileManager.default.fileExists(atPath: folder) {
            // What an earlier restore put aside stays where it is.
            var before = "\(folder).before"
            var round = 2
            while FileManager.default.fileExists(atPath: before) {
                before = "\(folder).before-\(round)"
                round += 1
            }
            try FileManager.default.moveItem(atPath: folder, toPath: before)
        }
        try FileManager.default.moveItem(atPath: trial, toPath: folder)
        return content
    }

    private static func content(_ folder: String) async throws -> Content {
        let store = try await Store(SQLiteBackend(path: "\(folder)/hub.sqlite", readers: 1))
        let content = try await store.read { db in
            Content(
                clusters: try db.row("SELECT COUNT(*) FROM clusters")?.int(0) ?? 0,
                findings: try db.row("SELECT COUNT(*) FROM findings")?.int(0) ?? 0)
        }
        try await store.close()
        return content
    }

    package struct Verdict: Sendable {
        package var isWhole: Bool
        package var text: String
    }

    /// Counts findings against their counters and walks the audit chain.
    package static func check(_ folder: String) async throws -> Verdict {
        let store = try await Store(SQLiteBackend(path: "\(folder)/hub.sqlite", readers: 1))
        let (kept, counted, chain) = try await store.read { db in
            (try db.rollups(.namespace), try db.countedRollups(), try db.verifyAudit())
        }
        try await store.close()
        var lines = [kept == counted ? "the counters fit the findings" : "the counters do not fit the findings"]
        var isWhole = kept == counted
        switch chain {
        case .whole(let entries, _): lines.append("the audit chain is whole, \(entries) entries")
        case .broken(let seq):
            lines.append("the audit chain is broken at entry \(seq)")
            isWhole = false
        }
        return Verdict(isWhole: isWhole, text: lines.joined(separator: "\n"))
    }
}
