import Images
import Testing
import Vulnerabilities

private func image(_ path: String, _ bytes: [UInt8]) -> ImageCatalogue {
    ImageCatalogue(layers: [layer([(path, bytes)])])
}

private func little(_ value: Int, _ width: Int = 4) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

private func big(_ value: Int) -> [UInt8] { little(value).reversed() }

/// Files that are small and would cost without end: each is a problem that is told, never an empty list.
@Suite struct HostileFileTests {
    /// A zip archive whose entries all stand for the same bytes.
    private static func zip(_ names: [String], stored: [UInt8], name: String = "x") -> [UInt8] {
        var out = Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 22)
        out += little(name.utf8.count, 2) + little(0, 2) + Array(name.utf8) + stored
        let start = out.count
        for name in names {
            out += Array("PK\u{1}\u{2}".utf8) + [UInt8](repeating: 0, count: 16) + little(stored.count)
            out += little(stored.count) + little(name.utf8.count, 2) + [UInt8](repeating: 0, count: 16)
            out += Array(name.utf8)
        }
        let size = out.count - start
        out += Array("PK\u{5}\u{6}".utf8) + little(0) + little(names.count, 2) + little(names.count, 2)
        return out + little(size) + little(start) + little(0, 2)
    }

    /// A database in rpm's own form; `slots` of its first page all name the one blob.
    private static func database(slots: Int, _ blob: [UInt8]) -> [UInt8] {
        var out = Array("RpmP".utf8) + little(0) + little(1) + little(1) + [UInt8](repeating: 0, count: 16)
        for slot in 2..<256 {
            let isUsed = slot < 2 + slots
            out += Array("Slot".utf8) + little(isUsed ? 1 : 0) + little(isUsed ? 256 : 0) + little(0)
        }
        return out + Array("BlbS".utf8) + little(1) + little(1) + little(blob.count) + blob
    }

    /// An rpm header: name, version, and files in one folder.
    private static func header(folder: String, files: Int) -> [UInt8] {
        var data: [UInt8] = []
        var index: [UInt8] = []
        func add(_ tag: Int, _ type: Int, _ count: Int, _ bytes: [UInt8]) {
            index += big(tag) + big(type) + big(data.count) + big(count)
            data += bytes
        }
        add(1000, 6, 1, Array("endless\u{0}".utf8))
        add(1001, 6, 1, Array("1.0\u{0}".utf8))
        add(1116, 4, files, [UInt8](repeating: 0, count: 4 * files))
        add(1117, 8, files, (0..<files).flatMap { _ in Array("a\u{0}".utf8) })
        add(1118, 8, 1, Array(folder.utf8) + [0])
        return big(index.count / 16) + big(data.count) + index + data
    }

    @Test func `entries of a jar that lie over each other are read only so long`() {
        let names = (0..<400).map { "META-INF/maven/g/a\($0)/pom.xml" }
        let bomb = image("opt/app.jar", Self.zip(names, stored: [UInt8](repeating: 0, count: 1 << 20)))
        #expect(bomb.problems.map(\.path) == ["/opt/app.jar"])
        let small = image("opt/app-1.0.jar", Self.zip(["META-INF/MANIFEST.MF"], stored: Array("A: b\n".utf8)))
        #expect(small.problems == [] && small.lines == ["maven app:app 1.0"])
    }

    @Test func `entries of a wheel that lie over each other are read only so long`() {
        let names = (0..<400).map { "a-\($0).dist-info/METADATA" }
        let bomb = image("a-1-py3-none-any.whl", Self.zip(names, stored: [UInt8](repeating: 0, count: 1 << 20)))
        #expect(bomb.problems.map(\.path) == ["/a-1-py3-none-any.whl"])
    }

    @Test func `an archive that is in itself is not opened for ever`() {
        var inner = Array("no archive".utf8)
        for _ in 0..<10 { inner = Self.zip(["a.jar"], stored: inner) }
        #expect(image("opt/app.jar", inner).problems.first?.message.contains("too deep") == true)
    }

    @Test(arguments: [1, 200])
    func `an rpm database that names one package again and again is damaged`(slots: Int) {
        let header = Self.header(folder: "/usr/bin/", files: 3)
        let image = image(
            "var/lib/rpm/Packages.db", Self.database(slots: slots, header + [UInt8](repeating: 0, count: 4096)))
        #expect(image.problems.isEmpty == (slots == 1))
        #expect(image.lines == (slots == 1 ? ["rpm endless 1.0"] : []))
    }

    @Test(arguments: [(10, true), (20_000, false)])
    func `a short header cannot tell of endless paths`(files: Int, isSound: Bool) {
        let folder = "/" + String(repeating: "a", count: 4000) + "/"
        let image = image("var/lib/rpm/Packages.db", Self.database(slots: 1, Self.header(folder: folder, files: files)))
        #expect(image.problems.isEmpty == isSound)
        #expect(image.lines == ["rpm endless 1.0"])
    }

    @Test(arguments: [
        ("-X main.version=1.4.2", "v1.4.2"), ("-s -X example.com/app/internal.Version=v2.0.1-rc.1", "v2.0.1-rc.1"),
        ("-X other.org/lib.Version=v9.9.9", "(devel)"), ("-X main.version=abc", "(devel)"),
        ("-X main.commit=1.2.3", "(devel)"), ("\"-X=main.gitVersion=v3.1.0\"", "v3.1.0"), ("", "(devel)"),
    ])
    func `a program's version is what its builder told the linker`(flags: String, expected: String) throws {
        var bytes = try fixture("go-inline.elf")
        let old = Array("build\tvcs.revision=0123456789abcdef0123\nbuild\tvcs.time=2024-05-06T07:08:09Z".utf8)
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
        var line = Array("build\t-ldflags=\(flags)".utf8)
        line += [UInt8](repeating: 0x20, count: old.count - line.count)
        bytes.replaceSubrange(start..<start + old.count, with: line)
        let image = ImageCatalogue(layers: [layer([("usr/bin/app", bytes)], mode: 0o755)])
        #expect(image.package("example.com/app")?.package.version == expected)
    }
}
