import ContainerImages
import Foundation
import Images
import Testing
import Vulnerabilities

@testable import ImageInspection

@Suite struct CacheTests {
    private static func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-cache-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private static func entry() -> LayerCache.Entry {
        var builder = LayerFactsBuilder()
        let release = Array("ID=debian\nVERSION_ID=\"12\"\n".utf8)
        builder.take(LayerMember(path: "etc/os-release", kind: .file, size: release.count), contents: release)
        return LayerCache.Entry(
            facts: builder.finish(), unpackedSize: 10, members: 1, notes: [ImageNote(.remark, "no-trailer", "as it is")]
        )
    }

    @Test func whatIsKeptComesBackAsItWas() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = LayerCache(folder)
        let diffID = try ContentDigest("sha256:" + String(repeating: "a", count: 64))
        guard case .unknown = cache.entry(diffID) else { return #expect(Bool(false), "nothing was kept yet") }
        try cache.store(Self.entry(), as: diffID)
        guard case .known(let entry) = cache.entry(diffID) else { return #expect(Bool(false), "it was kept") }
        #expect(entry.facts == Self.entry().facts)
        #expect(entry.notes == Self.entry().notes)
        #expect(entry.unpackedSize == 10)
    }

    @Test func aDamagedEntryIsThrownAwayAndSaid() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = LayerCache(folder)
        let diffID = try ContentDigest("sha256:" + String(repeating: "b", count: 64))
        try cache.store(Self.entry(), as: diffID)
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let path = try #require(files.first { $0.hasSuffix("bbb") }.map { "\(folder)/\($0)" })
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        guard case .damaged = cache.entry(diffID) else { return #expect(Bool(false), "it must not be believed") }
        guard case .unknown = cache.entry(diffID) else { return #expect(Bool(false), "it must be gone") }
    }

    @Test func noCutOfAnEntryIsBelieved() {
        let whole = LayerCache.encoded(Self.entry())
        for count in whole.indices { #expect(LayerCache.decoded(Array(whole[..<count])) == nil) }
    }
}
