import Foundation
import Testing
import Vulnerabilities

@testable import AdvisoryStore

/// A folder with two small feeds, gone when the test is.
final class FeedFolder: Sendable {
    let path = "\(NSTemporaryDirectory())martlet-advisories-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try write("osv-pypa.jsonl", Self.record("PYSEC-1", "jinja2", fixed: "3.1.3"))
        try write("osv-go-vulndb.jsonl", Self.record("GO-1", "golang.org/x/net", ecosystem: "Go", fixed: "0.17.0"))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func record(_ id: String, _ name: String, ecosystem: String = "PyPI", fixed: String) -> String {
        """
        {"id":"\(id)","modified":"2026-01-02T00:00:00Z","affected":[{"package":{"ecosystem":"\(ecosystem)","name":"\(name)"},\
        "ranges":[{"type":"\(ecosystem == "Go" ? "SEMVER" : "ECOSYSTEM")","events":[{"introduced":"0"},{"fixed":"\(fixed)"}]}]}]}
        """
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func built(_ day: String = "2026-11-23") throws -> [UInt8] {
        try AdvisoryStore.build(AdvisoryStore.feeds(in: path), built: CivilDate(day))
    }

    /// Builds a database, signed when a key is given, and says where it is.
    func database(_ day: String = "2026-11-23", key: [UInt8]? = nil) throws -> String {
        var bytes = try built(day)
        if let key { try AdvisoryStore.sign(&bytes, privateKey: key) }
        let place = "\(path)/advisories.db"
        try AdvisoryStore.write(bytes, to: place)
        return place
    }
}

@Suite struct AdvisoryStoreTests {
    private func ids(_ database: AdvisoryDatabase) -> [String] {
        ["PYSEC-1", "PYSEC-2", "GO-1"].filter { !database.advisories(naming: $0).isEmpty }
    }

    @Test func theSameFeedsOfTheSameDayGiveTheSameBytes() throws {
        let folder = try FeedFolder()
        let first = try folder.built()
        #expect(try folder.built() == first)
        #expect(try folder.built("2026-11-24") != first)
    }

    @Test func anUpdateReadsOneFeedAnewAndKeepsTheRest() throws {
        let folder = try FeedFolder()
        let older = try AdvisoryStore.open(folder.database())
        #expect(ids(older) == ["PYSEC-1", "GO-1"])
        try folder.write("osv-pypa.jsonl", FeedFolder.record("PYSEC-2", "jinja2", fixed: "3.1.4"))
        let feed = try #require(AdvisoryStore.feeds(in: folder.path).first { $0.path.hasSuffix("osv-pypa.jsonl") })
        let bytes = try AdvisoryStore.build([feed], updating: older, built: CivilDate("2026-11-24"))
        try AdvisoryStore.write(bytes, to: "\(folder.path)/new.db")
        let newer = try AdvisoryStore.open("\(folder.path)/new.db")
        #expect(ids(newer) == ["PYSEC-2", "GO-1"])
        #expect(newer.built?.text == "2026-11-24")
        // What was not read again is the very same part.
        let kept = { (database: AdvisoryDatabase) in database.feeds.first { $0.description.name.contains("go") }?.digest
        }
        #expect(kept(newer) == kept(older) && kept(older) != nil)
    }

    @Test func aSignatureHoldsForItsKeyOnly() throws {
        let folder = try FeedFolder()
        let (privateKey, publicKey) = AdvisoryStore.newPrivateKey()
        let signed = try AdvisoryStore.open(folder.database(key: privateKey))
        try AdvisoryStore.verify(signed)
        try AdvisoryStore.verify(signed, key: publicKey)
        let other = AdvisoryStore.newPrivateKey().publicKey
        #expect(throws: DatabaseError.self) { try AdvisoryStore.verify(signed, key: other) }
        let unsigned = try AdvisoryStore.open(folder.database())
        try AdvisoryStore.verify(unsigned)
        #expect(throws: DatabaseError.self) { try AdvisoryStore.verify(unsigned, key: publicKey) }
    }

    @Test func noByteOfADatabaseCanBeChangedUnseen() throws {
        let folder = try FeedFolder()
        let place = try folder.database(key: AdvisoryStore.newPrivateKey().privateKey)
        let bytes = try Array(Data(contentsOf: URL(filePath: place)))
        var unseen: [Int] = []
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x55
            try AdvisoryStore.write(changed, to: place)
            let isRefused: Bool
            do {
                let database = try AdvisoryStore.open(place)
                do {
                    try AdvisoryStore.verify(database)
                    isRefused = !database.isSigned
                } catch { isRefused = true }
            } catch { isRefused = true }
            if !isRefused { unseen.append(index) }
        }
        // Only what fills up to the next multiple of 8 between parts says nothing.
        #expect(unseen.allSatisfy { bytes[$0] == 0 } && unseen.count < 16, "\(unseen)")
    }

    @Test func aDatabaseWhoseAnswersCountIsOpenedWholeOrNotAtAll() throws {
        let folder = try FeedFolder()
        let place = try folder.database()
        #expect(try AdvisoryStore.openWhole(place).feeds.count == 2)
        var bytes = try Array(Data(contentsOf: URL(filePath: place)))
        let feed = try AdvisoryStore.open(place).feeds[1]
        bytes[feed.range.lowerBound + feed.range.count / 2] ^= 1
        try AdvisoryStore.write(bytes, to: place)
        // Its head is sound, and says what is in it.
        #expect(try AdvisoryStore.open(place).feeds.count == 2)
        #expect {
            try AdvisoryStore.openWhole(place)
        } throws: { ($0 as? DatabaseError)?.code == .badDigest }
    }

    @Test func aDatabaseCutAnywhereIsRefused() throws {
        let folder = try FeedFolder()
        let place = try folder.database()
        let bytes = try Array(Data(contentsOf: URL(filePath: place)))
        for count in stride(from: 0, to: bytes.count, by: 7) {
            try AdvisoryStore.write(Array(bytes.prefix(count)), to: place)
            #expect(throws: (any Error).self, "cut at \(count)") {
                try AdvisoryStore.verify(AdvisoryStore.open(place))
            }
        }
    }
}
