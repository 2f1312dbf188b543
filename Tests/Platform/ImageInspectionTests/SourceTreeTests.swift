import Foundation
import Testing
import Vulnerabilities

@testable import ImageInspection

/// Folders: source trees, and root file systems.
@Suite struct SourceTreeTests {
    private static let lock = """
        {"name": "web", "version": "1.0.0", "lockfileVersion": 3, "packages": {
          "": {"name": "web", "version": "1.0.0"}, "node_modules/lodash": {"version": "4.17.15"}}}
        """

    private static func inspect(_ files: [String: String]) async throws -> ImageResult {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-tree-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (path, text) in files {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let inspection = try ImageInspection()
        let result = await inspection.inspect(folder.path)
        await inspection.close()
        return result
    }

    @Test func aSourceTreeIsWhatItsLockFilesDeclare() async throws {
        let result = try await Self.inspect([
            "web/package-lock.json": Self.lock, "api/requirements.txt": "django==3.2.1\n",
            "api/go.mod": "module example.com/api\n\ngo 1.20\n\nrequire golang.org/x/net v0.5.0\n",
        ])
        let names = Set(result.packages.map { "\($0.type) \($0.name) \($0.version)" })
        #expect(names.isSuperset(of: ["npm lodash 4.17.15", "pypi django 3.2.1", "golang golang.org/x/net v0.5.0"]))
        #expect(result.notes.map(\.code) == ["declared-counted"])
        #expect(result.isComplete)
    }

    @Test func inARootFileSystemOnlyWhatIsInstalledCounts() async throws {
        let result = try await Self.inspect([
            "etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n", "srv/web/package-lock.json": Self.lock,
            "var/lib/dpkg/status":
                "Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2\nArchitecture: amd64\n",
        ])
        #expect(result.packages.map(\.name) == ["bash"])
        #expect(result.notes.isEmpty)
    }

    @Test func aFolderThatTellsOfNoPackageIsNotWhole() async throws {
        let result = try await Self.inspect(["README": "hello\n"])
        #expect(result.packages.isEmpty)
        #expect(!result.isComplete)
        #expect(result.notes.contains { $0.code == "no-packages" })
    }
}
