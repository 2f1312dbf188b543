import Foundation
import Images
import TestSupport
import Testing

@testable import ContainerImages

@Suite struct LocalSourceTests {
    private static func inspect(
        _ text: String, platform: Platform? = nil
    ) async throws -> (image: ResolvedImage, members: [[String]], notes: [String]) {
        let client = try RegistryClient()
        let source: any ImageSource
        do {
            source = try ImageLocation(text).source(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        let image = try await source.resolve(platform: platform)
        var members: [[String]] = []
        var notes = image.notes.map(\.code)
        for layer in image.layers {
            let (reading, visitor) = try await source.read(layer, Recorder(), limits: LayerLimits())
            members.append(visitor.members.map(\.path))
            notes += reading.notes.map(\.code)
        }
        return (image, members, notes)
    }

    private static let expected = [["etc", "etc/os-release"], ["app", "etc/.wh.os-release"]]

    @Test(arguments: [true, false])
    func aLayoutIsRead(gzip: Bool) async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple(gzip: gzip)
        try image.writeLayout(folder.path)
        for text in [
            folder.path, "oci:\(folder.path)", "\(folder.path):latest", "oci:\(folder.path):\(image.manifestDigest)",
        ] {
            let found = try await Self.inspect(text)
            #expect(found.members == Self.expected)
            #expect(found.notes.isEmpty)
            #expect(found.image.digest?.description == image.manifestDigest)
            #expect(found.image.configuration.user == "app")
            #expect(found.image.configuration.layerSteps.map(\.createdBy) == ["ADD", "RUN"])
        }
        await #expect { try await Self.inspect("\(folder.path):other") } throws: {
            ($0 as? ImageError)?.code == .notFound
        }
    }

    @Test func archivesOfDockerAndOfLayoutsAreReadPackedOrNot() async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        try image.writeLayout("\(folder.path)/layout")
        let layout = try await Command.run("tar", ["-C", "\(folder.path)/layout", "-cf", "-", "."])
        let docker = image.dockerArchive
        let packed = try await Command.run("gzip", ["-c"], docker)
        for (name, bytes) in [("layout.tar", layout), ("docker.tar", docker), ("docker.tar.gz", packed)] {
            let path = "\(folder.path)/\(name)"
            try Data(bytes).write(to: URL(filePath: path))
            let found = try await Self.inspect(path)
            #expect(found.members == Self.expected, "\(name)")
            #expect(found.notes.isEmpty, "\(name)")
        }
        #expect(
            try await Self.inspect("docker-archive:\(folder.path)/docker.tar:example/app:1").members == Self.expected)
    }

    @Test func aFolderIsReadWithoutFollowingLinks() async throws {
        let folder = try TestFolder()
        let files = FileManager.default
        try files.createDirectory(atPath: "\(folder.path)/etc/deep", withIntermediateDirectories: true)
        try Data("secret".utf8).write(to: URL(filePath: "\(folder.path)/etc/deep/file"))
        try files.createSymbolicLink(atPath: "\(folder.path)/out", withDestinationPath: "/etc")
        try files.createSymbolicLink(atPath: "\(folder.path)/loop", withDestinationPath: "loop")
        #expect(mkfifo("\(folder.path)/fifo", 0o600) == 0)
        let found = try await Self.inspect("dir:\(folder.path)")
        #expect(found.members == [["etc", "etc/deep", "etc/deep/file", "fifo", "loop", "out"]])
    }

    @Test func aLayerThatIsNotWhatItsDigestSaysIsRefused() async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        try image.writeLayout(folder.path)
        let path = "\(folder.path)/blobs/sha256/\(SHA256Text.text(image.layers[0]).dropFirst(7))"
        try Data(image.layers[1]).write(to: URL(filePath: path))
        await #expect { try await Self.inspect(folder.path) } throws: { ($0 as? ImageError)?.code == .wrongDigest }
    }

    @Test func aConfigurationThatNamesOtherLayersIsTakenAndTold() async throws {
        let folder = try TestFolder()
        var writer = TarWriter()
        writer.add(LayerMember(path: "a", kind: .file))
        let image = TestImage([writer.whole], diffIDs: ["sha256:" + String(repeating: "0", count: 64)])
        try image.writeLayout(folder.path)
        #expect(try await Self.inspect(folder.path).notes == ["diff-id-mismatch"])
    }

    @Test(arguments: [
        "{\"schemaVersion\":1,\"fsLayers\":[]}", "<html>", "{}", "[]", "{\"manifests\":[]}",
        "{\"manifests\":[{\"digest\":\"sha256:../../../etc/passwd\"}]}",
        "{\"manifests\":[{\"digest\":\"md5:00\"}]}",
    ])
    func anIndexThatIsNoneIsAnError(text: String) async throws {
        let folder = try TestFolder()
        try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/index.json"))
        await #expect(throws: ImageError.self) { try await Self.inspect("oci:\(folder.path)") }
    }

    @Test func thePlatformOfAnIndexIsChosenAndSaid() throws {
        func entry(_ text: String, _ digit: String) throws -> Descriptor {
            var descriptor = Descriptor(
                mediaType: "", digest: try ContentDigest("sha256:" + String(repeating: digit, count: 64)))
            descriptor.platform = try Platform(text)
            return descriptor
        }
        let entries = [
            try entry("unknown/unknown", "0"), try entry("linux/arm/v6", "1"), try entry("linux/arm/v7", "2"),
            try entry("linux/s390x", "3"),
        ]
        #expect(try PlatformChoice(entries, wanted: Platform("linux/arm/v7"), of: "x").chosen == entries[2])
        #expect(try PlatformChoice(entries, wanted: Platform("linux/arm"), of: "x").chosen == entries[1])
        #expect(throws: ImageError.self) { try PlatformChoice(entries, wanted: Platform("windows/amd64"), of: "x") }
        let other = try PlatformChoice(entries, wanted: nil, of: "x")
        #expect(other.chosen == entries[1])
        #expect(other.note?.code == "other-platform")
    }

    @Test func containerdsStoreIsReadByDigestOfManifestOrConfiguration() async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        try image.writeLayout("\(folder.path)/io.containerd.content.v1.content")
        for digest in [image.manifestDigest, "example/app@\(image.configurationDigest)"] {
            let source = try ContainerdSource(digest, root: folder.path)
            let found = try await source.resolve(platform: nil)
            #expect(found.layers.count == 2)
            #expect(try await source.read(found.layers[0], Recorder(), limits: LayerLimits()).reading.isComplete)
        }
        #expect(throws: ImageError.self) { try ContainerdSource("example/app:1", root: folder.path) }
    }

    @Test(arguments: ["docker.io/library/app:1", "app:1"])
    func containerdsNamesAreReadFromItsDatabase(name: String) async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        try image.writeLayout("\(folder.path)/io.containerd.content.v1.content")
        let place = "\(folder.path)/io.containerd.metadata.v1.bolt"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let file = BoltWriter.file(namespace: "k8s.io", image: "docker.io/library/app:1", digest: image.manifestDigest)
        try Data(file).write(to: URL(filePath: "\(place)/meta.db"))
        let source = try ContainerdSource(name, root: folder.path)
        #expect(try await source.resolve(platform: nil).digest?.description == image.manifestDigest)
        #expect {
            try ContainerdSource("app:2", root: folder.path)
        } throws: {
            ($0 as? ImageError)?.code == .notFound
        }
    }

    /// A store of podman's as skopeo writes it; nil where it cannot be written here.
    private static func store(_ driver: String, _ folder: TestFolder, _ image: TestImage) async throws -> String? {
        guard TestMachine.program("skopeo") != nil, geteuid() == 0 else { return nil }
        try image.writeLayout("\(folder.path)/layout")
        let root = "\(folder.path)/store"
        let place = "containers-storage:[\(driver)@\(root)+\(folder.path)/run]"
        do {
            _ = try await Command.run(
                "skopeo", ["copy", "--quiet", "oci:\(folder.path)/layout:latest", "\(place)localhost/team/app:1"])
            return root
        } catch {
            return nil
        }
    }

    @Test(arguments: ["overlay", "vfs"])
    func podmansStoreIsReadByNameIdAndDigest(driver: String) async throws {
        let folder = try TestFolder()
        let image = try await TestImage.simple()
        guard let root = try await Self.store(driver, folder, image) else {
            return print("skipped: skopeo cannot write a store of the form \(driver) here")
        }
        defer { if driver == "overlay" { umount2("\(root)/overlay", 0) } }
        let id = String(image.configurationDigest.dropFirst(7))
        for name in [
            "localhost/team/app:1", "team/app:1", id, String(id.prefix(12)), image.manifestDigest,
            "elsewhere.test/team/app@\(image.manifestDigest)",
        ] {
            let source = ContainersStorageSource(name, root: root)
            let found = try await source.resolve(platform: nil)
            #expect(found.configurationDigest?.description == image.configurationDigest)
            #expect(found.configuration.user == "app")
            var members: [[String]] = []
            for layer in found.layers {
                members.append(
                    try await source.read(layer, Recorder(), limits: LayerLimits()).visitor.members.map(\.path))
            }
            if driver == "overlay" {
                #expect(members.count == 2)
                #expect(members.first?.contains("etc/os-release") == true)
                #expect(members.last?.contains("etc/.wh.os-release") == true)
            } else {
                #expect(members.count == 1)
                #expect(members.first?.contains("app") == true)
                #expect(members.first?.contains("etc/os-release") == false)
                #expect(found.notes.map(\.code) == ["layers-merged"])
            }
        }
        for name in ["team/app:2", "app:1", "team/app@sha256:\(String(repeating: "0", count: 64))"] {
            await #expect {
                try await ContainersStorageSource(name, root: root).resolve(platform: nil)
            } throws: {
                ($0 as? ImageError)?.code == .notFound
            }
        }
    }

    @Test(arguments: [
        ("[]", "[]", ImageError.Code.notFound), ("<html>", "[]", .damaged),
        (#"[{"id":"ID","names":["localhost/a:1"],"layer":"x"}]"#, "[]", .damaged),
        (#"[{"id":"ID","names":["localhost/a:1"],"layer":"x"}]"#, #"[{"id":"x","parent":"x"}]"#, .damaged),
        (#"[{"id":"ID","names":["localhost/a:1"],"layer":"../x"}]"#, #"[{"id":"../x"}]"#, .damaged),
        (#"[{"id":"../../etc","names":["localhost/a:1"],"layer":"x"}]"#, #"[{"id":"x"}]"#, .badName),
    ])
    func aStoreOfPodmanThatIsDamagedIsAnError(images: String, layers: String, code: ImageError.Code) async throws {
        let folder = try TestFolder()
        let configuration = Array(#"{"rootfs":{"diff_ids":[]}}"#.utf8)
        let id = String(SHA256Text.text(configuration).dropFirst(7))
        let place = "\(folder.path)/overlay-images/\(id)"
        for path in [place, "\(folder.path)/overlay-layers"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let name = Data("sha256:\(id)".utf8).base64EncodedString()
        try Data(configuration).write(to: URL(filePath: "\(place)/=\(name)"))
        try Data(images.replacing("ID", with: id).utf8).write(
            to: URL(filePath: "\(folder.path)/overlay-images/images.json"))
        try Data(layers.utf8).write(to: URL(filePath: "\(folder.path)/overlay-layers/layers.json"))
        await #expect {
            try await ContainersStorageSource("a:1", root: folder.path).resolve(platform: nil)
        } throws: {
            ($0 as? ImageError)?.code == code
        }
        await #expect(throws: ImageError.self) {
            try await ContainersStorageSource("a:1", root: "\(folder.path)/none").resolve(platform: nil)
        }
    }

    @Test func linksOfAnArchiveThatLeadInACircleAreNoLayer() async throws {
        let folder = try TestFolder()
        var writer = TarWriter()
        let list = Array(#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["a/layer.tar"]}]"#.utf8)
        let configuration = Array(#"{"rootfs":{"diff_ids":[]}}"#.utf8)
        writer.add(LayerMember(path: "manifest.json", kind: .file, size: list.count), list)
        writer.add(LayerMember(path: "c.json", kind: .file, size: configuration.count), configuration)
        writer.add(LayerMember(path: "a/layer.tar", kind: .symbolicLink(to: "../b/layer.tar")))
        writer.add(LayerMember(path: "b/layer.tar", kind: .symbolicLink(to: "../a/layer.tar")))
        try Data(writer.whole).write(to: URL(filePath: "\(folder.path)/circle.tar"))
        await #expect { try await Self.inspect("\(folder.path)/circle.tar") } throws: {
            ($0 as? ImageError)?.code == .notFound
        }
    }

    @Test func aDamagedDatabaseOfContainerdIsAnErrorAndNoTrap() throws {
        let digest = "sha256:" + String(repeating: "1", count: 64)
        let whole = BoltWriter.file(namespace: "default", image: "r.test/a:1", digest: digest)
        var random = Seeded(5)
        for round in 0..<400 {
            var bad = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                // The sum guards the first two pages; what lies behind them is not guarded.
                let start = round % 4 == 0 ? 0 : 8192
                bad[Int.random(in: start..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if round % 5 == 0 { bad.removeLast(Int.random(in: 1..<bad.count, using: &random)) }
            guard let file = try? BoltFile(bad) else { continue }
            _ = try? file.bucket(["v1", "default", "images", "r.test/a:1", "target"])
        }
        #expect(throws: ImageError.self) { try BoltFile([]) }
        #expect(throws: ImageError.self) { try BoltFile([UInt8](repeating: 0, count: 8192)) }
    }
}
