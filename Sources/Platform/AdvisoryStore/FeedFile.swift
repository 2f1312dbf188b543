import Compression
import Foundation
package import Vulnerabilities

/// A file or folder of a feed on disk.
package struct FeedFile: Sendable {
    package var path: String
    package var format: FeedFormat
    package var release: String?

    package init(path: String, format: FeedFormat, release: String? = nil) {
        self.path = path
        self.format = format
        self.release = release
    }

    /// The file's name without what says how it is packed: `osv-pypa` of `osv-pypa.jsonl.zst`.
    package var name: String {
        var name = URL(filePath: path).lastPathComponent
        for ending in [".zst", ".jsonl", ".json", ".csv"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
        return name
    }

    /// The day in the file's name, `…-2024-02` or `…-2024-02-15`; a month means its last day that can be meant: its first.
    package var date: CivilDate? {
        let parts = name.split(separator: "-")
        guard let year = parts.lastIndex(where: { $0.count == 4 && Int($0).map { $0 > 1990 } == true }),
            year + 1 < parts.count
        else { return nil }
        let day = year + 2 < parts.count ? String(parts[year + 2]) : "01"
        return CivilDate("\(parts[year])-\(parts[year + 1])-\(day)")
    }

    /// The bytes of every file, unpacked.
    func contents() throws -> [(name: String, bytes: [UInt8])] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CocoaError(.fileReadNoSuchFile, userInfo: [NSFilePathErrorKey: path])
        }
        let paths: [String]
        if isFolder.boolValue {
            let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
            paths = names.filter { name in
                [".json", ".jsonl", ".zst", ".csv"].contains { name.hasSuffix($0) }
            }.sorted().map { "\(path)/\($0)" }
        } else {
            paths = [path]
        }
        return try paths.map { path in
            let bytes = Array(try Data(contentsOf: URL(filePath: path), options: .alwaysMapped))
            let name = URL(filePath: path).lastPathComponent
            return (name, Zstandard.isCompressed(bytes) ? try Zstandard.decompressed(bytes) : bytes)
        }
    }
}
