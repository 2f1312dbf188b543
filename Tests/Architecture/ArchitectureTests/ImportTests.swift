import Foundation
import Testing

/// The direction of the arrows, read from the sources themselves: the build lets a target import whatever its
/// dependencies reach, this does not.
@Suite struct ImportTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Modules of the toolchain that are pure: no files, no network, no clock of their own.
    private static let pure: Set<String> = ["Synchronization", "FoundationEssentials", "Foundation", "RegexBuilder"]

    /// What each room of Core may name.
    private static let core: [String: Set<String>] = [
        // The C library's `memcpy` and no more.
        "YAMLEvents": ["CYaml", "Glibc", "Musl", "Darwin"],
        "Encodings": [],
        "Documents": ["YAMLEvents"],
        "Kubernetes": ["Documents", "HashTreeCollections"],
        "Findings": ["Encodings", "Documents", "Kubernetes"],
        "Images": ["Documents"],
    ]

    private struct Import {
        var file: String
        var room: String
        var module: String
    }

    private static func imports(in layer: String) throws -> [Import] {
        let folder = root.appending(path: "Sources/\(layer)")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var found: [Import] = []
        while let url = files?.nextObject() as? URL {
            guard url.pathExtension == "swift" else { continue }
            let relative = url.path.dropFirst(folder.path.count + 1)
            let room = String(relative.prefix { $0 != "/" })
            for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let position = words.firstIndex(of: "import"), position < 3, position + 1 < words.count,
                    words[..<position].allSatisfy({
                        ["package", "public", "internal", "private", "@testable"].contains($0)
                    })
                else { continue }
                found.append(Import(file: String(relative), room: room, module: String(words[position + 1])))
            }
        }
        try #require(!found.isEmpty, "no imports found under Sources/\(layer)")
        return found
    }

    @Test func coreRoomsNameOnlyTheRoomsBelowThem() throws {
        for entry in try Self.imports(in: "Core") {
            let allowed = Self.pure.union(Self.core[entry.room] ?? [])
            #expect(allowed.contains(entry.module), "\(entry.file) imports \(entry.module)")
        }
    }

    @Test func enginesNameCoreAndNothingOfEachOther() throws {
        let allowed = Self.pure.union(Self.core.keys).subtracting(["YAMLEvents"]).union([
            "HashTreeCollections", "BitCollections",
        ])
        for entry in try Self.imports(in: "Engines") {
            #expect(allowed.contains(entry.module), "\(entry.file) imports \(entry.module)")
        }
    }

    @Test func adaptersKnowNothingOfChecks() throws {
        let engines = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Sources/Engines").path)
        let refused = Set(engines).union(["Findings", "Posture"])
        for entry in try Self.imports(in: "Adapters")
        where entry.room != "KubernetesClient" || entry.module != "Findings" {
            #expect(!refused.contains(entry.module), "\(entry.file) imports \(entry.module)")
        }
    }

    @Test func noRoomIsCalledAfterNothing() throws {
        let names = FileManager.default.enumerator(atPath: Self.root.appending(path: "Sources").path)
        while let name = names?.nextObject() as? String {
            let last = name.split(separator: "/").last.map(String.init) ?? ""
            // A secret manager is what the field calls Vault and its like.
            let field = ["SecretManagers", "SecretsManager", "ManagerEvidence"]
            if field.contains(where: last.contains) { continue }
            for word in ["Utils", "Helpers", "Manager", "Common"] { #expect(!last.contains(word), "\(name)") }
        }
    }
}
