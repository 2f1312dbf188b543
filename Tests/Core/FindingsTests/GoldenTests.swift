import Findings
import Foundation
import Testing

/// What people and machines read, kept as files beside the tests. `MARTLET_UPDATE_GOLDEN=1` writes them anew; people
/// read the difference.
@Suite struct GoldenTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    static func expectGolden(_ text: String, _ name: String) throws {
        let file = folder.appending(path: name)
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let golden = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(text == golden, "\(name) differs; MARTLET_UPDATE_GOLDEN=1 writes it anew")
    }

    @Test(arguments: ReportFormat.allCases)
    func `Every format of a folder of manifests is as agreed`(format: ReportFormat) throws {
        try Self.expectGolden(format.render(Sample.files()), "files-\(format.rawValue).\(format.fileExtension)")
    }

    @Test(arguments: ReportFormat.allCases)
    func `Every format of a live cluster is as agreed`(format: ReportFormat) throws {
        try Self.expectGolden(format.render(Sample.cluster()), "cluster-\(format.rawValue).\(format.fileExtension)")
    }

    @Test(arguments: [
        ("table-colour.txt", RenderOptions(colour: true)),
        ("table-ascii.txt", RenderOptions(unicode: false)),
        ("table-narrow.txt", RenderOptions(width: 48)),
        ("table-by-check.txt", RenderOptions(groupBy: .check)),
        ("table-all-places.txt", RenderOptions(places: 100, hints: false)),
    ])
    func `The table follows the terminal and the user's wishes`(name: String, options: RenderOptions) throws {
        try Self.expectGolden(ReportFormat.table.render(Sample.files(), options: options), name)
    }

    @Test func `A big cluster is gathered by check`() throws {
        let options = RenderOptions(groupBy: .check, limit: 4)
        try Self.expectGolden(ReportFormat.table.render(Sample.cluster(), options: options), "cluster-by-check.txt")
    }
}
