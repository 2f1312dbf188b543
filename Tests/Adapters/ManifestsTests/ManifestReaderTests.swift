import Documents
import Foundation
import Manifests
import TestSupport
import Testing

/// A folder that lives as long as the test.
final class TemporaryFolder {
    let url: URL
    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}

/// Either of the programs that build overlays.
private let hasKustomize = ["kubectl", "kustomize"].contains { TestMachine.program($0) != nil }

@Suite struct ManifestReaderTests {
    private static let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"

    @Test func aFolderIsWalkedInOrderAndForeignFilesAreOnlyCounted() async throws {
        let folder = try TemporaryFolder()
        try folder.write("b/pod.yml", Self.pod)
        try folder.write("a.yaml", Self.pod)
        try folder.write("values.yaml", "replicas: 3\n")
        try folder.write("package.json", #"{"name": "x"}"#)
        try folder.write("notes.txt", "not read")
        try folder.write("node_modules/x.yaml", "not: [read")
        let set = await ManifestReader().read([folder.path])
        #expect(set.objects.map(\.file) == ["\(folder.path)/a.yaml", "\(folder.path)/b/pod.yml"])
        #expect(set.problems.isEmpty)
        #expect(set.foreignFiles.count == 2)
        #expect(set.files == 4)
    }

    @Test func aNamedFileThatIsNoManifestIsAnError() async throws {
        let folder = try TemporaryFolder()
        let values = try folder.write("values.yaml", "replicas: 3\n")
        let empty = try folder.write("empty.yaml", "# nothing\n")
        let set = await ManifestReader().read([values, empty, "\(folder.path)/absent.yaml"])
        #expect(set.problems.map(\.code) == [.unreadable, .notAnObject, .notAnObject])
    }

    @Test func oneBrokenFileHidesNoOther() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", Self.pod)
        try folder.write("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n---\n" + Self.pod)
        try folder.write("binary.yaml", "apiVersion: v1\nkind: \u{0}\u{1}\n")
        let set = await ManifestReader().read([folder.path])
        #expect(set.objects.count == 2)
        #expect(set.problems.map(\.code) == [.binary, .syntax])
        #expect(set.problems.last?.location.line == 4)
    }

    @Test(arguments: [("*.yaml", ["a.yaml"]), ("**/*.yaml", ["a.yaml", "b/c/d.yaml"]), ("b/?/d.*", ["b/c/d.yaml"])])
    func patternsAreExpanded(_ pattern: String, _ expected: [String]) async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", Self.pod)
        try folder.write("b/c/d.yaml", Self.pod)
        let set = await ManifestReader().read(["\(folder.path)/\(pattern)"])
        #expect(set.objects.map(\.file) == expected.map { "\(folder.path)/\($0)" })
    }

    @Test func linksInACircleEnd() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a/pod.yaml", Self.pod)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/a/loop", withDestinationPath: folder.path)
        let set = await ManifestReader().read([folder.path])
        #expect(set.objects.count == 1)
    }

    @Test func aTemplateIsNamedAsWhatItIs() async throws {
        let folder = try TemporaryFolder()
        try folder.write("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-web\n")
        let set = await ManifestReader().read([folder.path])
        #expect(set.problems.map(\.code) == [.helmTemplate])
    }

    @Test func aChartWithoutHelmIsSaidNotSkipped() async throws {
        let folder = try TemporaryFolder()
        try folder.write("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
        try folder.write("chart/templates/pod.yaml", "metadata:\n  name: {{ .Release.Name }}\n")
        let set = await ManifestReader(options: .init(render: false)).read([folder.path])
        #expect(set.notes.map(\.code) == [.helmTemplate])
        #expect(set.problems.isEmpty)
    }

    @Test(.enabled(if: hasKustomize, "skipped: kustomize not found"))
    func anOverlayIsBuilt() async throws {
        let folder = try TemporaryFolder()
        try folder.write("kustomization.yaml", "namePrefix: prod-\nresources: [pod.yaml]\n")
        try folder.write("pod.yaml", Self.pod + "spec: {containers: [{name: a, image: b}]}\n")
        let set = await ManifestReader().read([folder.path])
        #expect(set.objects.map(\.name) == ["prod-a"])
        // Places inside the built text are no places in a file.
        #expect(set.objects.first?.node["kind"].location?.line == 1)
    }

    @Test(.enabled(if: hasKustomize, "skipped: kustomize not found"))
    func anOverlayThatCannotBeBuiltSaysWhy() async throws {
        let folder = try TemporaryFolder()
        try folder.write("kustomization.yaml", "resources: [absent.yaml]\n")
        let set = await ManifestReader().read([folder.path])
        #expect(set.problems.count == 1)
        #expect(set.problems.first?.message.contains("could not be built") == true)
    }

    @Test func listsBecomeTheirItems() {
        let text = """
            {"apiVersion": "v1", "kind": "List", "items": [
              {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "x"}}]},
              {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "y"}}]}
            """
        let set = ManifestReader.parse(Array(text.utf8), named: "dump.json", explicit: true)
        #expect(set.objects.map(\.reference.description) == ["Pod x", "Deployment y"])
        #expect(set.objects.map(\.item) == [0, 1])
    }
}
