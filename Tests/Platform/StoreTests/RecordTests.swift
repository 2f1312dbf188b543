import Findings
import Store
import Testing

@Suite struct RecordTests {
    @Test(arguments: Database.available)
    func theAuditChainShowsWhatWasChanged(_ database: Database) async throws {
        try await database.withStore { store in
            for number in 1...5 {
                try await store.write {
                    try $0.audit("waiver.approve", target: "w\(number)", by: "ada", at: number, detail: "{}")
                }
            }
            guard case .whole(let entries, _) = try await store.read({ try $0.verifyAudit() }) else {
                Issue.record("the chain is whole")
                return
            }
            #expect(entries == 5)
            try await store.write { db in
                _ = try db.run("UPDATE audit SET actor = ? WHERE seq = ?", ["eve", 3])
            }
            #expect(try await store.read { try $0.verifyAudit() } == .broken(at: 3))
            try await store.write { db in
                _ = try db.run("UPDATE audit SET actor = ? WHERE seq = ?", ["ada", 3])
                _ = try db.run("DELETE FROM audit WHERE seq = ?", [5])
            }
            #expect(try await store.read { try $0.verifyAudit() } == .broken(at: 5), "an end that was cut off shows")
        }
    }

    @Test(arguments: Database.available)
    func aDeliveryIsTakenByOneAndComesBackWhenHeDies(_ database: Database) async throws {
        try await database.withStore { store in
            let delivery = DeliveryRow(
                cluster: "prod", id: "1", notifier: "pager", alert: "a", dedup: "a", content: "{}", dueAt: 100,
                createdAt: 100)
            try await store.write { try $0.add([delivery]) }
            #expect(try await store.write { try $0.takeDeliveries(at: 99, lease: 50) }.isEmpty)
            #expect(try await store.write { try $0.takeDeliveries(at: 100, lease: 50) }.map(\.attempts) == [1])
            #expect(try await store.write { try $0.takeDeliveries(at: 120, lease: 50) }.isEmpty)
            let again = try await store.write { try $0.takeDeliveries(at: 151, lease: 50) }
            #expect(again.map(\.attempts) == [2])
            try await store.write { try $0.finish(again[0], .sent, error: "", dueAt: 0, at: 160) }
            let missing1 = try await store.read { try $0.nextDelivery() }
            #expect(missing1 == nil)
            #expect(try await store.read { try $0.deliveries().map(\.state) } == [.sent])
        }
    }

    @Test(arguments: Database.available)
    func aLeaseHasOneHolder(_ database: Database) async throws {
        try await database.withStore { store in
            func take(_ holder: String, _ now: Int) async throws -> Bool {
                try await store.write { try $0.takeLease("watch/prod", holder: holder, until: now + 10, now: now) }
            }
            var taken: [Bool] = []
            for (holder, now) in [("a", 0), ("b", 5), ("a", 8), ("b", 17), ("b", 19), ("a", 20)] {
                taken.append(try await take(holder, now))
            }
            #expect(taken == [true, false, true, false, true, false])
        }
    }

    @Test(arguments: Database.available)
    func namesOfUsersAreTakenOnce(_ database: Database) async throws {
        try await database.withStore { store in
            try await store.write { db in
                try db.add(UserRow(id: "1", name: "ada", password: "x", createdAt: 1))
                try db.setGrants([GrantRow(role: "admin")], of: "1")
                try db.add(
                    SessionRow(
                        digest: [1, 2], holder: "1", createdAt: 1, expiresAt: 9, address: "::1", agent: "curl"))
            }
            await #expect(throws: StoreError.self) {
                try await store.write { try $0.add(UserRow(id: "2", name: "ada", password: "y", createdAt: 1)) }
            }
            #expect(try await store.read { try $0.session([1, 2])?.holder } == "1")
            try await store.write { try $0.setDisabled(true, user: "1") }
            let missing2 = try await store.read { try $0.session([1, 2]) }
            #expect(missing2 == nil, "who is shut out is out at once")
            #expect(try await store.read { try $0.grants(of: "1") } == [GrantRow(role: "admin")])
        }
    }

    @Test(arguments: Database.available)
    func everyRecordComesBackAsItWasWritten(_ database: Database) async throws {
        try await database.withStore { store in
            let waiver = WaiverRow(
                cluster: "", id: "w", rule: "pod/*", namespace: "shop", owner: "ada", reason: "until spring",
                expires: "2027-03-31", requestedBy: "bob", requestedAt: 5)
            let event = EventRow(
                cluster: "prod", id: "e", at: 7, source: "falco", severity: .critical, rule: "shell",
                namespace: "shop", subject: "pod", message: "ein Ö 'x' \u{1F426}", content: #"{"a":1}"#)
            let alert = AlertRow(
                cluster: "prod", id: "a", rule: "worst", groupKey: "shop", severity: .high, title: "t", content: "[]",
                namespace: "shop", total: 2, startedAt: 9)
            let object = ObjectRow(
                cluster: "prod", group: "apps", kind: "Deployment", namespace: "shop", name: "cart", runsPods: true,
                labels: ["app=cart"], images: ["cart:1", "proxy:2"], serviceAccount: "cart", origin: "Helm cart",
                objectVersion: "77", worst: .high, failing: 3, seenAt: 8)
            try await store.write { db in
                try db.addCluster(ClusterRow(id: "prod", name: "prod", source: "files", addedAt: 1))
                try db.add(waiver)
                try db.add([event, event])
                try db.write(alert)
                try db.write([object], gone: [], of: "prod")
                try db.write(ScoreRow(cluster: "prod", day: "2026-11-23", score: 0.5, high: 3))
                try db.setPackages(["pkg:deb/debian/bash@5", "pkg:deb/debian/bash@5"], of: "sha256:1")
            }
            let bank = AccessScope([.init(namespace: "bank")])
            #expect(try await store.read { try $0.waivers(cluster: "prod") } == [waiver])
            #expect(try await store.read { try $0.events(in: .everything) } == [event])
            #expect(try await store.write { try $0.firing(rule: "worst", group: "shop", of: "prod") } == alert)
            #expect(try await store.read { try $0.objects(ObjectQuery(scope: .everything)) } == [object])
            #expect(try await store.read { try $0.objectDigests(of: "prod") } == [object.key: object.digest])
            #expect(try await store.read { try $0.scores(of: "prod", since: "2026-01-01").map(\.high) } == [3])
            #expect(try await store.read { try $0.packages(of: "sha256:1") } == ["pkg:deb/debian/bash@5"])
            #expect(try await store.read { try $0.alerts(in: bank) }.isEmpty)
            let decided = try await store.write {
                try $0.decide(waiver: "w", .approved, from: [.requested], by: "eve", at: 6)
            }
            #expect(decided)
            #expect(try await store.read { try $0.waiver("w")?.decidedBy } == "eve")
            let again = try await store.write {
                try $0.decide(waiver: "w", .approved, from: [.requested], by: "eve", at: 6)
            }
            #expect(!again)
        }
    }

    @Test(arguments: Database.available)
    func whatFailsLeavesNothing(_ database: Database) async throws {
        try await database.withStore { store in
            await #expect(throws: StoreError.self) {
                try await store.write { db in
                    try db.set("a", "1")
                    _ = try db.run("INSERT INTO nothing VALUES (1)")
                }
            }
            let missing3 = try await store.read { try $0.setting("a") }
            #expect(missing3 == nil)
        }
    }
}
