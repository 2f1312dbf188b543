import Foundation
import Images
import Subprocess
import Testing

@testable import ContainerImages

@Suite struct TarReaderTests {
    /// Reads in pieces of random length.
    private static func read(
        _ bytes: [UInt8], seed: UInt64 = 1, _ wanted: MemberInterest = .contents(atMost: 1 << 22)
    ) throws(TarError) -> (Recorder, TarReader) {
        var random = Seeded(seed)
        var recorder = Recorder()
        recorder.wanted = wanted
        var reader = TarReader()
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...3000, using: &random))
            try reader.take(bytes.span.extracting(start..<end), &recorder)
            start = end
        }
        try reader.finish()
        return (recorder, reader)
    }

    /// Members with long and short names, of every kind, with contents round the size of a block.
    private static func members(_ seed: UInt64) -> [(LayerMember, [UInt8])] {
        var random = Seeded(seed)
        let parts = ["a", "usr", "lib", "ünï", String(repeating: "long", count: 30), "x.so", ".hidden", "b c"]
        return (0..<Int.random(in: 1...40, using: &random)).map { index in
            let depth = Int.random(in: 1...6, using: &random)
            let path = (0..<depth).map { _ in parts.randomElement(using: &random) ?? "a" }.joined(separator: "/")
            let kind: LayerMember.Kind =
                switch Int.random(in: 0...5, using: &random) {
                case 0: .directory
                case 1: .symbolicLink(to: "../" + path)
                case 2: .hardLink(to: path)
                default: .file
                }
            let sizes = [0, 1, 511, 512, 513, 5000]
            let size = kind == .file ? sizes.randomElement(using: &random) ?? 0 : 0
            let contents = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            let member = LayerMember(
                path: "\(index)/\(path)", kind: kind, mode: UInt16.random(in: 0...0o7777, using: &random), size: size,
                user: Int.random(in: 0...3_000_000, using: &random), group: 5, modified: 1_600_000_000 + Int64(index))
            return (member, contents)
        }
    }

    @Test(arguments: TarWriter.Form.allCases, 1...40)
    func whatWasWrittenIsReadInPiecesOfAnyLength(form: TarWriter.Form, seed: Int) throws {
        let members = Self.members(UInt64(seed))
        var writer = TarWriter(form)
        for (member, contents) in members { writer.add(member, contents) }
        let (recorder, reader) = try Self.read(writer.whole, seed: UInt64(seed))
        #expect(recorder.members == members.map(\.0))
        for (member, contents) in members where member.kind == .file {
            #expect(recorder.contents[member.path] == contents)
        }
        #expect(reader.hasTrailer)
    }

    @Test(arguments: 1...60)
    func noCutArchiveIsTakenForAWholeOne(seed: Int) throws {
        var random = Seeded(UInt64(seed) + 1000)
        var writer = TarWriter(.pax)
        writer.add(LayerMember(path: "a", kind: .file, size: 700), [UInt8](repeating: 7, count: 700))
        writer.add(LayerMember(path: "b", kind: .file, size: 700), [UInt8](repeating: 8, count: 700))
        let whole = writer.bytes
        let cut = Array(whole[..<Int.random(in: 1..<whole.count - 400, using: &random)])
        let sound = try? Self.read(cut, seed: UInt64(seed))
        // Only between members an archive may end, and then it lacks its trailer.
        if let sound { #expect(sound.0.members.count < 2 && !sound.1.hasTrailer) }
    }

    @Test func onlyWhatIsWantedIsHandedOver() throws {
        var writer = TarWriter()
        writer.add(LayerMember(path: "elf", kind: .file, size: 600), [0x7F, 0x45] + [UInt8](repeating: 1, count: 598))
        writer.add(LayerMember(path: "text", kind: .file, size: 600), [UInt8](repeating: 2, count: 600))
        writer.add(LayerMember(path: "tiny", kind: .file, size: 1), [0x7F])
        let interest = MemberInterest.contentsBeginning(with: [[0x7F, 0x45]], atMost: 1000)
        #expect(try Set(Self.read(writer.whole, interest).0.contents.keys) == ["elf"])
        let small = MemberInterest.contentsBeginning(with: [[0x7F, 0x45]], atMost: 100)
        #expect(try Self.read(writer.whole, small).0.tooLarge == ["elf"])
        #expect(try Self.read(writer.whole, .contents(atMost: 599)).0.tooLarge == ["elf", "text"])
        #expect(try Self.read(writer.whole, .none).0.contents.isEmpty)
        let digests = try Self.read(writer.whole, .digest).0.contents
        #expect(digests["text"] == Array(SHA256Text.digest([UInt8](repeating: 2, count: 600))))
    }

    @Test func pathsStayBelowTheRoot() throws {
        var writer = TarWriter()
        for name in ["../../etc/passwd", "/abs/file", "./a//b/./c", "x/../../y", "ok/../fine"] {
            writer.header(name: name, type: UInt8(ascii: "0"))
        }
        let (recorder, reader) = try Self.read(writer.whole)
        #expect(recorder.members.map(\.path) == ["etc/passwd", "abs/file", "a/b/c", "y", "fine"])
        #expect(reader.escapes == ["etc/passwd", "y"])
    }

    @Test func aMissingTrailerIsTakenAndTold() throws {
        var writer = TarWriter()
        writer.add(LayerMember(path: "a", kind: .file, size: 3), [1, 2, 3])
        let (recorder, reader) = try Self.read(writer.bytes)
        #expect(recorder.contents["a"] == [1, 2, 3])
        #expect(!reader.hasTrailer)
    }

    @Test func largeAndNegativeNumbersInBase256AreRead() throws {
        var writer = TarWriter(.gnu)
        writer.header(name: "old", type: UInt8(ascii: "5"), user: 1 << 40, modified: -86_400)
        let member = try #require(try Self.read(writer.whole).0.members.first)
        #expect(member.user == 1 << 40)
        #expect(member.modified == -86_400)
    }

    @Test(arguments: [
        "size": [124, 0x39], "checksum": [148, 0x39], "mode": [100, 0x41],
    ])
    func aHeaderThatIsNoneEndsTheArchive(field: String, change: [Int]) {
        var writer = TarWriter()
        writer.header(name: "a", type: UInt8(ascii: "0"), size: 10)
        var block = Array(writer.bytes)
        block[change[0]] = UInt8(change[1])
        var again = TarWriter()
        if field == "checksum" { again.append(block) } else { again.add(block) }
        #expect(throws: TarError.self, "\(field)") { try Self.read(again.whole) }
    }

    @Test func aNegativeSizeIsNoSize() {
        var writer = TarWriter(.gnu)
        writer.header(name: "a", type: UInt8(ascii: "0"), size: -1)
        #expect { try Self.read(writer.whole) } throws: { ($0 as? TarError)?.code == .damaged }
    }

    @Test func moreMembersThanAllowedAreRefused() {
        var writer = TarWriter()
        for index in 0..<11 { writer.header(name: "f\(index)", type: UInt8(ascii: "0")) }
        var limits = TarReader.Limits()
        limits.members = 10
        var recorder = Recorder()
        #expect { try TarReader.read(writer.whole, limits: limits, &recorder) } throws: {
            ($0 as? TarError)?.code == .tooMany
        }
        #expect(recorder.members.count == 10)
    }

    @Test(arguments: [
        "GNU.sparse.map=5,-1", "GNU.sparse.map=0,10,5,10", "GNU.sparse.map=0,999999999", "path=\u{0}", "broken",
    ])
    func aDamagedExtendedHeaderIsToldAndNotGuessedAt(record: String) {
        let parts = record.split(separator: "=", maxSplits: 1).map(String.init)
        var writer = TarWriter(.ustar)
        if parts.count == 2 {
            writer.extended("x", [(parts[0], parts[1]), ("GNU.sparse.size", "100")])
        } else {
            writer.header(name: "x", type: UInt8(ascii: "x"), size: 6)
            writer.body(Array("broken".utf8))
        }
        writer.header(name: "a", type: UInt8(ascii: "0"), size: 20)
        writer.body([UInt8](repeating: 1, count: 20))
        #expect(throws: TarError.self) { try Self.read(writer.whole) }
    }

    @Test func aHoleOfExabytesCostsNothing() throws {
        var writer = TarWriter(.pax)
        writer.extended("x", [("GNU.sparse.map", "9000000000000000000,5"), ("GNU.sparse.size", "9000000000000000005")])
        writer.header(name: "a", type: UInt8(ascii: "0"), size: 5)
        writer.body([1, 2, 3, 4, 5])
        for interest in [
            MemberInterest.contents(atMost: 1 << 20), .digest, .contentsBeginning(with: [[0, 0]], atMost: 1 << 20),
        ] {
            #expect(try Self.read(writer.whole, interest).0.tooLarge == ["a"])
        }
    }

    /// The three forms as GNU tar itself writes them.
    @Test(arguments: [
        ["--format=gnu"], ["--format=posix", "--sparse-version=0.0"], ["--format=posix", "--sparse-version=0.1"],
        ["--format=posix", "--sparse-version=1.0"],
    ])
    func sparseFilesOfGNUTarAreUnfolded(options: [String]) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-tar-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Data, a hole, data, many times over, so that the map needs more than the header's four entries; a hole ends it.
        let path = "\(folder)/holes"
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        for index in 0..<30 {
            try file.seek(toOffset: UInt64(index) * 65_536)
            try file.write(contentsOf: Data("part \(index)".utf8))
        }
        try file.truncate(atOffset: 2_000_000)
        try file.close()
        let name = String(repeating: "deep/", count: 30) + "holes"
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(name.dropLast(6))", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: path, toPath: "\(folder)/\(name)")
        let result = try await Subprocess.run(
            .name("tar"), arguments: Arguments(options + ["--sparse", "-C", folder, "-cf", "-", name]),
            output: .bytes(limit: 64 << 20))
        let archive = result.standardOutput
        #expect(archive.count < 1_500_000, "tar found no holes here")
        let (recorder, _) = try Self.read(archive)
        let wanted = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
        #expect(recorder.contents[name] == wanted)
        #expect(recorder.members.first?.size == 2_000_000)
    }
}
