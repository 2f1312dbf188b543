import Foundation
import Images
import Subprocess

/// A small image that tests write in each form, with a layer packed as each tool packs it.
struct TestImage {
    /// Packed layers.
    var layers: [[UInt8]]
    var configuration: [UInt8]
    var manifest: [UInt8]

    static let mediaType = "application/vnd.oci.image.manifest.v1+json"

    var configurationDigest: String { SHA256Text.text(configuration) }
    var manifestDigest: String { SHA256Text.text(manifest) }

    /// - Parameters:
    ///   - archives: unpacked layers.
    ///   - packed: the same, packed.
    ///   - diffIDs: what the configuration claims; by default the truth.
    init(
        _ archives: [[UInt8]], packed: [[UInt8]]? = nil, diffIDs: [String]? = nil, architecture: String = "amd64",
        layerType: String = "application/vnd.oci.image.layer.v1.tar+gzip"
    ) {
        layers = packed ?? archives
        let ids = (diffIDs ?? archives.map(SHA256Text.text)).map { "\"\($0)\"" }.joined(separator: ",")
        configuration = Array(
            """
            {"architecture":"\(architecture)","os":"linux","config":{"User":"app","Env":["PATH=/bin"]},\
            "rootfs":{"type":"layers","diff_ids":[\(ids)]},\
            "history":[{"created_by":"ADD"},{"created_by":"ENV","empty_layer":true},{"created_by":"RUN"}]}
            """.utf8)
        let descriptors = layers.map {
            "{\"mediaType\":\"\(layerType)\",\"digest\":\"\(SHA256Text.text($0))\",\"size\":\($0.count)}"
        }.joined(separator: ",")
        manifest = Array(
            """
            {"schemaVersion":2,"mediaType":"\(Self.mediaType)",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json",\
            "digest":"\(SHA256Text.text(configuration))","size":\(configuration.count)},"layers":[\(descriptors)]}
            """.utf8)
    }

    /// One with files that tell of where they are.
    static func simple(_ form: TarWriter.Form = .ustar, gzip: Bool = true) async throws -> TestImage {
        var first = TarWriter(form)
        first.add(LayerMember(path: "etc", kind: .directory, mode: 0o755))
        first.add(LayerMember(path: "etc/os-release", kind: .file, size: 10), Array("ID=debian\n".utf8))
        var second = TarWriter(form)
        second.add(LayerMember(path: "app", kind: .file, mode: 0o755, size: 3000), [UInt8](repeating: 65, count: 3000))
        second.add(LayerMember(path: "etc/.wh.os-release", kind: .file))
        let archives = [first.whole, second.whole]
        var packed: [[UInt8]] = []
        for archive in archives { packed.append(gzip ? try await Command.run("gzip", ["-c"], archive) : archive) }
        return TestImage(archives, packed: packed)
    }

    func writeLayout(_ folder: String, name: String? = "latest") throws {
        let blobs = "\(folder)/blobs/sha256"
        try FileManager.default.createDirectory(atPath: blobs, withIntermediateDirectories: true)
        for blob in layers + [configuration, manifest] {
            try Data(blob).write(to: URL(filePath: "\(blobs)/\(SHA256Text.text(blob).dropFirst(7))"))
        }
        try Data("{\"imageLayoutVersion\":\"1.0.0\"}".utf8).write(to: URL(filePath: "\(folder)/oci-layout"))
        let annotation = name.map { ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"\($0)\"}" } ?? ""
        let index = """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(Self.mediaType)","digest":"\(manifestDigest)",\
            "size":\(manifest.count)\(annotation)}]}
            """
        try Data(index.utf8).write(to: URL(filePath: "\(folder)/index.json"))
    }

    /// What `docker save` writes, with links as its older versions used them.
    var dockerArchive: [UInt8] {
        var writer = TarWriter()
        let name = "\(configurationDigest.dropFirst(7)).json"
        writer.add(LayerMember(path: name, kind: .file, size: configuration.count), configuration)
        var names: [String] = []
        for (index, layer) in layers.enumerated() {
            writer.add(LayerMember(path: "\(index)/real.tar", kind: .file, size: layer.count), layer)
            writer.add(LayerMember(path: "link\(index)/layer.tar", kind: .symbolicLink(to: "../\(index)/real.tar")))
            names.append("\"link\(index)/layer.tar\"")
        }
        let list = Array(
            "[{\"Config\":\"\(name)\",\"RepoTags\":[\"example/app:1\"],\"Layers\":[\(names.joined(separator: ","))]}]"
                .utf8)
        writer.add(LayerMember(path: "manifest.json", kind: .file, size: list.count), list)
        return writer.whole
    }
}

enum Command {
    static func run(_ name: String, _ arguments: [String], _ input: [UInt8] = []) async throws -> [UInt8] {
        let result = try await Subprocess.run(
            .name(name), arguments: Arguments(arguments), input: .array(input), output: .bytes(limit: 1 << 30))
        guard result.terminationStatus == .exited(0) else { throw CocoaError(.executableLoad) }
        return result.standardOutput
    }
}

/// A folder that is gone when the test is over.
final class TestFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
