import ContainerImages
import FoundationEssentials
import Images
import Posture
import Secrets
import SourceTrees
import Testing

@testable import SecretSearch

/// An image as `docker save` writes it, searched whole.
@Suite("Search of images")
struct ImageSearchTests {
    private static let value = "kV9x2mQp7LzT"

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

    private static func layer(_ files: [(String, String)]) -> [UInt8] {
        tar(files.map { (name: $0.0, bytes: Array($0.1.utf8)) })
    }

    /// Three layers: one brings files, one deletes and replaces some, one empties a folder.
    private static let layers = [
        layer([
            ("app/.env", "DB_PASSWORD=\(value)\n"), ("app/settings.py", "password = \"\(value)\"\n"),
            ("app/kept.conf", "password: \(value)\n"), ("old/a.env", "SMTP_PASSWORD=\(value)\n"),
        ]),
        layer([("app/.wh..env", ""), ("app/settings.py", "password = environ['P']\n")]),
        layer([("old/.wh..wh..opq", "")]),
    ]

    private static let configuration = """
        {"architecture": "amd64", "os": "linux",
         "config": {"Env": ["PATH=/bin", "API_PASSWORD=\(value)"],
                    "Entrypoint": ["mysql", "-uroot", "-p\(value)"], "Labels": {"note": "plain"}},
         "history": [{"created_by": "COPY . /app"},
                     {"created_by": "RUN |1 NPM_PASSWORD=\(value) /bin/sh -c npm ci # buildkit"},
                     {"created_by": "RUN rm -rf /old/*"}],
         "rootfs": {"type": "layers", "diff_ids": []}}
        """

    private func archive() throws -> String {
        let names = Self.layers.indices.map { "layer\($0).tar" }
        let manifest =
            #"[{"Config": "config.json", "RepoTags": ["shop/api:1"], "Layers": ["#
            + names.map { "\"\($0)\"" }.joined(separator: ",") + "]}]"
        let bytes = Self.tar(
            [(name: "manifest.json", bytes: Array(manifest.utf8)), ("config.json", Array(Self.configuration.utf8))]
                + zip(names, Self.layers).map { (name: $0, bytes: $1) })
        let path = FileManager.default.temporaryDirectory.path + "/martlet-image-\(UInt64.random(in: 0 ... .max)).tar"
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    private func search(_ path: String) async throws -> SearchResult {
        let target = try SearchTarget(path)
        guard case .image(let location) = target else {
            Issue.record("the archive is known as an image")
            return SearchResult()
        }
        let client = try RegistryClient(RegistryOptions())
        let result = try await ImageSearch(seal: SecretSeal(key: [1, 2, 3])).search(location, client)
        await client.close()
        return result
    }

    @Test("files of every layer are read, and those that an upper layer took away are told as such")
    func layers() async throws {
        let path = try archive()
        let result = try await search(path)
        let found = result.secrets.filter { !$0.layer.isEmpty }
            .map { "\($0.file.dropFirst(path.count)):\($0.line) \($0.layer); \($0.removedBy)" }.sorted()
        #expect(
            found == [
                "!/app/.env:1 layer 1 of 3; deleted by layer 2",
                "!/app/kept.conf:1 layer 1 of 3; ",
                "!/app/settings.py:1 layer 1 of 3; replaced by layer 2",
                "!/old/a.env:1 layer 1 of 3; deleted by layer 3",
            ])
        #expect(result.gaps.isEmpty, "\(result.gaps)")
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("what the image says of itself is read: variables, entrypoint, history")
    func settings() async throws {
        let path = try archive()
        let result = try await search(path)
        let found = Set(result.secrets.filter { $0.layer.isEmpty }.map(\.path))
        #expect(found == ["config.Env.API_PASSWORD", "config.Entrypoint and Cmd, word 3", "history[1]"])
        let report = SecretScanReport(secrets: result.secrets, gaps: [], scanned: 1, version: "0")
        for format in SecretScanReport.Format.allCases { #expect(!report.render(format).contains(Self.value)) }
        #expect(report.render(.table).contains("deleted by layer 2, and still in the image"))
        try FileManager.default.removeItem(atPath: path)
    }

    @Test(
        "a word of the command line is files or an image",
        arguments: [
            ("nginx:1.27", true), ("ghcr.io/team/app", true), ("localhost/app", true), ("docker://nginx", true),
            ("app@sha256:\(String(repeating: "a", count: 64))", true), ("registry.example:5000/app:1", true),
            ("deplooy", false), ("./missing", false), ("/missing/x:1", false), ("src/app", false), ("..", false),
        ])
    func targets(_ word: String, isImage: Bool) throws {
        let target = try SearchTarget(word)
        if case .image = target { #expect(isImage, "\(word)") } else { #expect(!isImage, "\(word)") }
    }

    @Test("what a layer does to those below it")
    func traces() {
        var trace = LayerTrace()
        trace.note(LayerMember(path: "etc/.wh.passwd", kind: .file))
        trace.note(LayerMember(path: "srv/.wh..wh..opq", kind: .file))
        trace.note(LayerMember(path: "home", kind: .symbolicLink(to: "/srv")))
        trace.note(LayerMember(path: "opt", kind: .directory))
        #expect(trace.change(of: "etc/passwd") == "deleted")
        #expect(trace.change(of: "srv/a/b") == "deleted")
        #expect(trace.change(of: "home/a") == "deleted")
        #expect(trace.change(of: "home") == "replaced")
        #expect(trace.change(of: "opt/a") == nil)
        #expect(trace.change(of: "etc/passwd-") == nil)
    }

    @Test("an archive in a ConfigMap is opened")
    func configMap() throws {
        let tar = Self.layer([("app.env", "DB_PASSWORD=\(Self.value)\n")])
        let text = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: files, namespace: shop}
            binaryData: {app.tar: \(Data(tar).base64EncodedString())}
            """
        var search = SecretSearch(seal: SecretSeal(key: [1]))
        let result = search.search(SourceItem(path: "cm.yaml", bytes: Array(text.utf8)))
        #expect(result.secrets.contains { $0.object == "ConfigMap shop/files" && $0.secret.layers.contains("base64") })
    }
}
