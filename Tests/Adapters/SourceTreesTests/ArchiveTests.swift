import Compression
import FoundationEssentials
import Subprocess
import Testing

@testable import SourceTrees

/// Archives made by the programs that make them, opened and damaged.
@Suite("Archives")
struct ArchiveTests {
    /// What a reading tells: texts by name, and gaps.
    private func read(
        _ path: String, _ bytes: [UInt8], limits: ArchiveReader.Limits = .init()
    ) -> (texts: [String: String], gaps: [String]) {
        var reader = ArchiveReader(limits: limits)
        var texts: [String: String] = [:]
        let gaps = reader.read(SourceItem(path: path, bytes: bytes)) {
            texts[$0.path] = String(decoding: $0.bytes, as: UTF8.self)
        }
        return (texts, gaps.map { "\($0.path): \($0.reason)" })
    }

    private static let text = "db_password = not-a-real-one\n"

    /// A zip of stored members, written by hand.
    static func zip(_ members: [(name: String, bytes: [UInt8])], method: Int = 0, flags: Int = 0) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
        var out: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let name = Array(member.name.utf8)
            let common =
                little(20, 2) + little(flags, 2) + little(method, 2) + little(0, 8) + little(member.bytes.count, 4)
                + little(member.bytes.count, 4) + little(name.count, 2) + little(0, 2)
            directory +=
                [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 2) + little(0, 8) + little(out.count, 4) + name
            out += [0x50, 0x4B, 3, 4] + common + name + member.bytes
        }
        let start = out.count
        return out + directory + [0x50, 0x4B, 5, 6] + little(0, 4) + little(members.count, 2) + little(members.count, 2)
            + little(directory.count, 4) + little(start, 4) + little(0, 2)
    }

    static func tar(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var out: [UInt8] = []
        for member in members {
            var block = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ at: Int) { for (i, byte) in text.utf8.enumerated() { block[at + i] = byte } }
            put(member.name, 0)
            put("0000644\0", 100)
            put("0000000\0", 108)
            put("0000000\0", 116)
            let size = String(member.bytes.count, radix: 8)
            put(String(repeating: "0", count: 11 - size.utf8.count) + size, 124)
            put("00000000000", 136)
            put("        ", 148)
            put("0", 156)
            put("ustar\u{0}00", 257)
            let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
            put(String(repeating: "0", count: 6 - sum.utf8.count) + sum + "\0 ", 148)
            out += block + member.bytes + [UInt8](repeating: 0, count: (512 - member.bytes.count % 512) % 512)
        }
        return out + [UInt8](repeating: 0, count: 1024)
    }

    /// What a program of the machine makes of bytes; nil where there is no such program.
    static func piped(_ program: String, _ arguments: [String], _ input: [UInt8]) async throws -> [UInt8]? {
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments), input: .array(input), output: .bytes(limit: 1 << 26),
                error: .discarded)
            return result.terminationStatus.isSuccess ? result.standardOutput : nil
        } catch {
            // Not installed.
            return nil
        }
    }

    @Test("what is no archive is handed over as it is")
    func plain() {
        let (texts, gaps) = read("a.txt", Array(Self.text.utf8))
        #expect(texts == ["a.txt": Self.text] && gaps.isEmpty)
    }

    @Test("a tar and a zip tell their members, and archives inside them theirs")
    func nested() {
        let inner = Self.zip([("conf/app.env", Array(Self.text.utf8)), ("empty/", [])])
        let (texts, gaps) = read("a.tar", Self.tar([("lib/x.jar", inner), ("readme", Array("hello".utf8))]))
        #expect(texts == ["a.tar!/lib/x.jar!/conf/app.env": Self.text, "a.tar!/readme": "hello"])
        #expect(gaps.isEmpty)
    }

    @Test(
        "a text or a tar is read whatever it is packed with",
        arguments: [("gzip", "gz"), ("xz", "xz"), ("bzip2", "bz2"), ("zstd", "zst")])
    func packed(_ program: String, _ ending: String) async throws {
        guard let packed = try await Self.piped(program, ["-c"], Array(Self.text.utf8)),
            let tar = try await Self.piped(program, ["-c"], Self.tar([("a/b.env", Array(Self.text.utf8))]))
        else { return }
        let one = read("deploy/values.yaml.\(ending)", packed)
        #expect(one.texts == ["deploy/values.yaml.\(ending)!/values.yaml": Self.text] && one.gaps.isEmpty)
        let many = read("a.tar.\(ending)", tar)
        #expect(many.texts == ["a.tar.\(ending)!/a/b.env": Self.text] && many.gaps.isEmpty)
        // Cut off: what came out before is read, and the rest is told.
        let cut = read("a.tar.\(ending)", Array(tar.dropLast(tar.count / 2)))
        #expect(!cut.gaps.isEmpty)
    }

    @Test("a Debian package is opened down to its files")
    func ar() async throws {
        guard let data = try await Self.piped("xz", ["-c"], Self.tar([("etc/app.conf", Array(Self.text.utf8))])) else {
            return
        }
        func member(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
            func field(_ text: String, _ width: Int) -> String {
                text + String(repeating: " ", count: width - text.utf8.count)
            }
            let head =
                field(name, 16) + field("0", 12) + field("0", 6) + field("0", 6) + field("100644", 8)
                + field("\(bytes.count)", 10) + "`\n"
            return Array(head.utf8) + bytes + (bytes.count % 2 == 1 ? [0x0A] : [])
        }
        let package =
            Array("!<arch>\n".utf8) + member("debian-binary", Array("2.0\n".utf8)) + member("data.tar.xz", data)
        let (texts, gaps) = read("x.deb", package)
        #expect(texts["x.deb!/data.tar.xz!/etc/app.conf"] == Self.text && gaps.isEmpty)
    }

    @Test("what stays shut is told: encrypted members, unknown ways of packing, kinds that are not read")
    func shut() {
        let encrypted = read("a.zip", Self.zip([("x", [1, 2, 3])], flags: 1))
        #expect(encrypted.gaps == ["a.zip!/x: encrypted"])
        let odd = read("a.zip", Self.zip([("x", [1, 2, 3])], method: 97))
        #expect(odd.gaps == ["a.zip!/x: packed in a way that is not read (method 97)"])
        let seven = read("a.7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4])
        #expect(seven.gaps == ["a.7z: a 7z archive, a kind that is not read"] && seven.texts.isEmpty)
        let cut = read("a.zip", Array(Self.zip([("x", [1, 2, 3])]).dropLast(30)))
        #expect(cut.gaps == ["a.zip: a zip without its directory; it was cut off"])
    }

    @Test("bounds hold: depth, bytes, members")
    func bounds() {
        var deep = Array(Self.text.utf8)
        for level in 0..<9 { deep = Self.zip([("level\(level)", deep)]) }
        #expect(read("deep.zip", deep).gaps.contains { $0.hasSuffix("nested deeper than 6 times") })
        var limits = ArchiveReader.Limits()
        limits.total = 100
        let large = read(
            "a.tar", Self.tar([("a", [UInt8](repeating: 65, count: 90)), ("b", [65, 65])]), limits: limits)
        #expect(large.texts.count == 2 && large.gaps.isEmpty)
        let larger = read(
            "a.tar", Self.tar([("a", [UInt8](repeating: 65, count: 90)), ("b", [UInt8](repeating: 65, count: 20))]),
            limits: limits)
        #expect(larger.texts.count == 1 && larger.gaps.count == 1)
        limits = ArchiveReader.Limits()
        limits.members = 3
        let many = read("a.tar", Self.tar((0..<5).map { ("f\($0)", [65]) }), limits: limits)
        #expect(many.texts.count == 3 && many.gaps == ["a.tar: it holds more than 3 members"])
        limits = ArchiveReader.Limits()
        limits.member = 8
        let long = read("a.zip", Self.zip([("x", [UInt8](repeating: 65, count: 9)), ("y", [65])]), limits: limits)
        #expect(long.texts == ["a.zip!/y": "A"] && long.gaps.count == 1)
    }

    @Test("damaged archives are read to their end", arguments: 0..<60)
    func damaged(_ seed: Int) {
        var state = UInt64(seed + 1) &* 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let members = [("a/b.txt", Array(Self.text.utf8)), ("c.zip", Self.zip([("d", [1, 2, 3])]))]
        var bytes = seed % 2 == 0 ? Self.zip(members) : Self.tar(members)
        for _ in 0..<next(12) + 1 { bytes[next(bytes.count)] = UInt8(next(256)) }
        if next(3) == 0 { bytes = Array(bytes.prefix(next(bytes.count))) }
        let (texts, _) = read("x", bytes)
        #expect(texts.values.allSatisfy { $0.utf8.count <= 1 << 20 })
    }
}

@Suite("Files of a tree")
struct SourceFilesTests {
    private func folder(_ files: [String: String]) throws -> String {
        let root = FileManager.default.temporaryDirectory.path + "/martlet-tree-\(UInt64.random(in: 0 ... .max))"
        for (name, text) in files {
            let path = root + "/" + name
            let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        return root
    }

    private func git(_ root: String, _ arguments: [String]) async throws -> Bool {
        try await ArchiveTests.piped("git", ["-C", root] + arguments, []) != nil
    }

    @Test("what git ignores is passed over and counted, but not what is tracked all the same")
    func ignored() async throws {
        let root = try folder([
            ".gitignore": "build/\n*.log\n!keep.log\n", "a.txt": "a", "build/x": "x", "sub/b.log": "b",
            "sub/keep.log": "k", "tracked.log": "t",
        ])
        guard try await git(root, ["init", "-q"]), try await git(root, ["add", "-f", "tracked.log"]) else { return }
        var files = SourceFiles()
        files.visit(root, ignoring: await IgnoredPaths(of: root))
        #expect(
            files.paths.map { String($0.dropFirst(root.count + 1)) } == [
                ".gitignore", "a.txt", "sub/keep.log", "tracked.log",
            ])
        #expect(files.ignored == 2)
        var all = SourceFiles()
        all.visit(root)
        #expect(all.paths.count == 6 && all.ignored == 0)
        // Named itself, a folder below the root is asked about from there.
        var below = SourceFiles()
        below.visit(root + "/sub", ignoring: await IgnoredPaths(of: root + "/sub"))
        #expect(below.paths == [root + "/sub/keep.log"] && below.ignored == 1)
        try FileManager.default.removeItem(atPath: root)
    }

    @Test("a folder in no repository is read whole")
    func noRepository() async throws {
        let root = try folder([".gitignore": "*.log\n", "b.log": "b"])
        var files = SourceFiles()
        files.visit(root, ignoring: await IgnoredPaths(of: root))
        #expect(files.paths.count == 2)
        try FileManager.default.removeItem(atPath: root)
    }
}
