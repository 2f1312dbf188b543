import Findings
import Foundation
import Store
import TestSupport
import Testing

/// The databases that every test of the store runs on.
enum Database: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case sqlite, postgres

    var testDescription: String { rawValue }

    /// Runs with an empty store, which is gone afterwards.
    func withStore<R>(_ body: (Store) async throws -> R) async throws -> R {
        switch self {
        case .sqlite:
            let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let store = try await Store(SQLiteBackend(path: folder.appending(path: "hub.sqlite").path))
            let result = try await body(store)
            try await store.close()
            return result
        case .postgres:
            let server = try #require(PostgresServer.shared, "PostgreSQL did not start")
            let store = try await Store(PostgresBackend(try server.newDatabase(), connections: 3))
            let result = try await body(store)
            try await store.close()
            return result
        }
    }

    /// Those that can run here.
    static var available: [Database] {
        guard PostgresServer.isAvailable else {
            print("skipped: PostgreSQL 15 not found")
            return [.sqlite]
        }
        return allCases
    }
}

extension FindingRow {
    static func example(
        _ number: Int, cluster: String = "prod", rule: String = "pod/host-port", severity: Severity = .medium,
        status: FindingStatus = .failing, namespace: String = "shop", message: String = "a port on the node",
        isSystem: Bool = false
    ) -> FindingRow {
        let digits = String(number, radix: 16)
        return FindingRow(
            cluster: cluster, fingerprint: String(repeating: "0", count: 16 - digits.count) + digits, rule: rule,
            severity: severity, status: status, group: "apps", kind: "Deployment", namespace: namespace,
            name: "app-\(number)", isSystem: isSystem, title: "A container asks for a port", message: message)
    }
}
