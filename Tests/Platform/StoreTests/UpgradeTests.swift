import Foundation
import Testing

@testable import Store

@Suite struct UpgradeTests {
    /// A database as an earlier program left it.
    private static func withOld<R>(_ version: Int, _ body: (String) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "hub.sqlite").path
        let backend = try SQLiteBackend(path: path, readers: 1)
        try await backend.write { db in
            try db.run("CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)")
            for (index, step) in Schema.steps.prefix(version).enumerated() {
                for statement in step { try db.run(db.dialect.schema(statement)) }
                try db.run("INSERT INTO schema_version (version) VALUES (?)", [.int(index + 1)])
            }
            try db.addCluster(ClusterRow(id: "prod", name: "prod", source: "agent", addedAt: 1))
            // As the first schema had it: today's code writes tables that came later.
            try db.run(
                """
                INSERT INTO findings (cluster, fingerprint, rule, rank, status, api_group, kind, namespace, name, file,
                  system, title, message, evidence, origin, source, digest, first_seen, changed_at, reopened,
                  object_version, actor)
                VALUES ('prod', 'f', 'pod/host-port', 2, 0, 'apps', 'Deployment', 'shop', 'cart', '', 0, 't', 'm', '[]',
                  '', 'martlet', 'd', 1, 1, 0, '', '')
                """)
        }
        try await backend.close()
        return try await body(path)
    }

    @Test(arguments: 1...Schema.steps.count)
    func everyEarlierSchemaIsBroughtUpToDate(_ version: Int) async throws {
        try await Self.withOld(version) { path in
            let from = try await SQLiteBackend.rehearseUpgrade(path)
            #expect(from == (version == Schema.steps.count ? nil : version))
            #expect(FileManager.default.fileExists(atPath: "\(path).schema-\(version)") == (from != nil))
            let store = try await Store(SQLiteBackend(path: path))
            let (found, agents) = try await store.read { db in (try db.digests(of: "prod"), try db.agents().count) }
            #expect(found == ["f": "d"] && agents == 0)
            try await store.close()
        }
    }

    @Test func aStepThatFailsLeavesTheDatabaseAsItWas() async throws {
        try await Self.withOld(1) { path in
            let backend = try SQLiteBackend(path: path, readers: 1)
            // A column that the next step adds is there already.
            _ = try await backend.write { try $0.run("ALTER TABLE agents ADD COLUMN stream TEXT") }
            try await backend.close()
            await #expect(throws: StoreError.self) { try await SQLiteBackend.rehearseUpgrade(path) }
            let again = try SQLiteBackend(path: path, readers: 1)
            #expect(try await again.read { try Schema.version(of: $0) } == 1)
            try await again.close()
        }
    }
}
