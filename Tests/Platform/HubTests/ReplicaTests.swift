import AsyncHTTPClient
import Foundation
import Hub
import Store
import TestSupport
import Testing

/// Two hubs on one PostgreSQL.
@Suite(.enabled(if: PostgresServer.isAvailable, "PostgreSQL 15 not found"))
struct ReplicaTests {
    private static func withTwo(
        _ body: @escaping @Sendable (HubFixture, HubFixture, HubFixture.Caller) async throws -> Void
    ) async throws {
        let server = try #require(PostgresServer.shared, "PostgreSQL did not start")
        let address = try server.newDatabase()
        try await HubFixture.with({ $0.postgres = address }) { first in
            let key = first.hub.settings.dataFolder + "/key"
            try await HubFixture.with(
                password: first.password,
                {
                    $0.postgres = address
                    $0.keyFile = key
                }
            ) { second in
                try await body(first, second, try await first.logIn())
            }
        }
    }

    /// Until somebody hears it: a hub that has only just begun may not listen yet.
    private static func send(_ hub: HubFixture, _ admin: HubFixture.Caller, cluster: String) async throws {
        let id = UUID().uuidString
        let body = """
            {"output":"a shell","priority":"Warning","rule":"Terminal","time":"2026-11-24T10:00:00Z",
            "output_fields":{"k8s.ns.name":"shop"},"uuid":"\(id)"}
            """
        let answer = try await hub.send("POST", "/api/v1/ingest/events?cluster=\(cluster)", body, as: admin)
        #expect(answer.status < 300, "\(answer.text)")
    }

    @Test(.timeLimit(.minutes(3)))
    func aChangeOnOneHubReachesTheStreamsOfTheOther() async throws {
        try await Self.withTwo { first, second, admin in
            var request = HTTPClientRequest(url: second.base + "/api/v1/stream?cluster=demo")
            request.headers.add(name: "cookie", value: admin.cookie ?? "")
            let response = try await second.client.execute(request, timeout: .seconds(120))
            #expect(response.status == .ok)
            let teller = Task {
                while !Task.isCancelled {
                    try await Self.send(first, admin, cluster: "demo")
                    try? await Task.sleep(for: .milliseconds(300))
                }
            }
            defer { teller.cancel() }
            var heard = ""
            for try await part in response.body {
                heard += String(buffer: part)
                if heard.contains("event: event.new"), heard.contains("Terminal") { break }
            }
            #expect(heard.contains("event: event.new") && heard.contains("a shell"))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatIsToldIsHeardOnceAndALostConnectionIsAGap() async throws {
        let server = try #require(PostgresServer.shared, "PostgreSQL did not start")
        let store = try await Store(PostgresBackend(try server.newDatabase(), connections: 2))
        let messages = try #require(store.replicaMessages())
        let teller = Task {
            var number = 0
            while !Task.isCancelled {
                try await store.tellReplicas("\(number)")
                number += 1
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        var numbers: [Int] = []
        var isCut = false
        for await message in messages {
            switch message {
            case .text(let text):
                numbers.append(Int(text) ?? -1)
                if numbers.count == 20 {
                    #expect(numbers == Array(numbers[0]..<numbers[0] + 20))
                    try await store.write { db in
                        _ = try db.rows(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND query LIKE 'LISTEN%'
                            """)
                    }
                }
            case .gap: isCut = true
            }
            if isCut, numbers.count > 25 { break }
        }
        teller.cancel()
        _ = try? await teller.value
        #expect(isCut)
        try await store.close()
    }
}
